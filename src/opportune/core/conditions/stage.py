"""Where they are in their life with the shop: `the stage is loyal`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opportune.core.conditions.base import Check, Condition, Needs, Readers
from opportune.core.conditions.not_ import Not
from opportune.core.finding import Finding
from opportune.core.language.phrases.wording import join_words, misread, nearest, squeezed, unquote
from opportune.core.language.spoken import at_of
from opportune.core.language.words import Words

if TYPE_CHECKING:
    from lark import Token  # only the grammar loads Lark

    from opportune.core.language.vocabulary import Vocabulary
    from opportune.core.situation import Situation

SIGNAL = "stage"


class Stage(Condition, frozen=True, kw_only=True, tag="stage"):
    """One of the stages of `stages.yaml`."""

    stages: tuple[str, ...]

    meaning = "The stage they are in, by the ordered list in `stages.yaml`."
    grammar = """
        stage_statement: "the stage|stage" "is|is one of|=" stage ((COMMA | LIST_OR) stage)* -> stage
            | "the stage|stage" "is not|is not one of|isn't" stage ((COMMA | LIST_OR) stage)* -> stage_not
        stage_predicate: "is in the stage|is in stage|are in the stage" stage ((COMMA | LIST_OR) stage)* -> stage
        ?stage: STAGE | QUOTED
    """
    examples = (
        "the stage is loyal",
        "the stage is not loyal",
        "the stage is loyal or at risk",
    )
    synonyms = (
        "stage is loyal",
        "is in the stage loyal",
    )

    @classmethod
    def readers(cls) -> Readers:
        return {"stage": _read, "stage_not": lambda words, *stages: Not(condition=_read(words, *stages))}

    def __post_init__(self) -> None:
        if not self.stages:
            msg = "`stages` names at least one"
            raise ValueError(msg)

    def compile(self, vocabulary: Vocabulary) -> Check:  # noqa: ARG002 - the same in every vocabulary
        wanted = frozenset(self.stages)

        def check(situation: Situation) -> Finding:
            stage = situation.read(SIGNAL).value
            held = isinstance(stage, str) and stage in wanted
            return Finding(held, (stage,), 1.0 if held else 0.0)

        return check

    def clause(self, words: Words) -> str:
        return f"the stage is {self._listed(words)}"

    def clause_not(self, words: Words) -> str | None:
        return f"the stage is not {self._listed(words)}"

    def _listed(self, words: Words) -> str:
        return join_words([words.says_name(stage, words.stages) for stage in self.stages])

    def is_said_of_visitor(self, words: Words) -> bool:  # noqa: ARG002 - the same in every vocabulary
        return False

    def explain(self, finding: Finding, vocabulary: Vocabulary, now: int) -> str:  # noqa: ARG002 - told without a time
        return f"the stage is {finding.facts[0] or 'not known'}"

    def needs(self, vocabulary: Vocabulary) -> Needs:  # noqa: ARG002 - the same in every vocabulary
        return Needs(signals=frozenset({SIGNAL}), window_days=None)

    def problems(self, vocabulary: Vocabulary) -> list[str]:
        known = vocabulary.stages
        listed = f"there are {join_words(known, 'and')}" if known else "declare it in stages.yaml"
        return [f'no stage is called "{stage}"; {listed}' for stage in self.stages if stage not in known]


def _read(words: Words, *parts: Token) -> Stage:
    return Stage(
        stages=tuple(_read_stage(part, words) for part in parts if part.type not in ("COMMA", "LIST_OR"))
    )


def _read_stage(token: Token, words: Words) -> str:
    said = unquote(token) if token.type == "QUOTED" else str(token)
    known = words.vocabulary.stages
    for stage in (*known, *known):
        if said == stage or squeezed(said) == squeezed(stage):
            return stage
    raise misread("", at_of(token), f"no stage is called “{said}”", nearest(said, known) or known)

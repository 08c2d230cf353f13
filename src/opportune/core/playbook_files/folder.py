"""A playbook from its files: a mapping of paths to texts becomes one checked `Playbook`, or all problems at once.

Reading folders is `services/publishing.py`'s work; what each kind of file may hold stands in `team_file.py`,
`plan_file.py`, `stages_file.py`, `slot_file.py` and `rule_file.py`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from hashlib import sha256

import msgspec

from opportune.core.conditions.base import Condition
from opportune.core.language.vocabulary import Vocabulary
from opportune.core.playbook import Playbook
from opportune.core.playbook_files.check import check_playbook
from opportune.core.playbook_files.form import Form
from opportune.core.playbook_files.listing import with_listed
from opportune.core.playbook_files.plan import PlanFile, read_plan
from opportune.core.playbook_files.rule import Book, RuleDraft, Sentences, name_in, read_rule
from opportune.core.playbook_files.slot import SlotDraft, check_texts, in_order, read_slot
from opportune.core.playbook_files.stages import open_stages, read_stages
from opportune.core.playbook_files.team import open_team, read_measures, read_team, words_of, zone_of
from opportune.core.playbook_files.yaml_text import Items, Node, read_documents
from opportune.core.problem import Problem
from opportune.core.rule import Rule
from opportune.core.signals import SIGNALS
from opportune.core.signals.stage import stage_signal
from opportune.core.slot import Slot
from opportune.core.stage import Stage
from opportune.core.team import Team
from opportune.errors import PlaybookError

TEAM, PLAN, STAGES = "team.yaml", "plan.yaml", "stages.yaml"
SINGLE_FILES = (TEAM, PLAN, STAGES)
FOLDERS = ("slots", "rules")
MOST_FILES = 2_000


class Checked(msgspec.Struct, frozen=True):
    """What came of checking: the playbook unless something blocks it, and every problem and warning."""

    playbook: Playbook | None
    problems: tuple[Problem, ...]
    sentences: Mapping[str, Condition] = msgspec.field(default_factory=dict)
    """Every sentence that was understood, so that the next reading of the same files need not parse it."""
    written: Mapping[str, str] = msgspec.field(default_factory=dict)
    """The condition's sentence of every rule as somebody wrote it, by the rule's name."""

    @property
    def warnings(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.is_warning)


def read_playbook(files: Mapping[str, str], now: int | None = None) -> Playbook:
    """The playbook; raises PlaybookError with all problems when something blocks it."""
    checked = check_files(files, now)
    if checked.playbook is None:
        raise PlaybookError([problem for problem in checked.problems if not problem.is_warning])
    return checked.playbook


def check_files(
    files: Mapping[str, str], now: int | None = None, sentences: Mapping[str, Condition] | None = None
) -> Checked:
    """Reads and checks everything. With `now`, days that are over are warned about.

    `sentences` are those of an earlier reading of the very same files.
    """
    reading = _Reading(files, now, sentences)
    playbook = reading.read()
    problems = tuple(sorted(set(reading.problems)))
    is_blocked = any(not problem.is_warning for problem in problems)
    return Checked(None if is_blocked else playbook, problems, reading.sentences, reading.written)


def playbook_files(files: Mapping[str, str]) -> dict[str, str]:
    """Only the files a playbook is made of, by path in order, with line ends and line tails made alike."""
    return {path: _canonical(files[path]) for path in sorted(files) if is_playbook_file(path)}


def is_playbook_file(path: str) -> bool:
    """Whether a path inside the folder is read; a README and drawings beside them are not."""
    folder = path.split("/", 1)[0]
    return path in SINGLE_FILES or (path.endswith(".yaml") and "/" in path and folder in FOLDERS)


def revision_of(files: Mapping[str, str]) -> str:
    """12 hex digits of SHA-256 over the canonical files."""
    content = msgspec.json.encode(sorted(playbook_files(files).items()))
    return sha256(content).hexdigest()[:12]


def _canonical(text: str) -> str:
    lines = [line.rstrip() for line in text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")]
    return "\n".join(lines).rstrip("\n") + "\n"


class _Reading:
    """One reading of all files, in the order in which they need each other."""

    def __init__(
        self, files: Mapping[str, str], now: int | None, sentences: Mapping[str, Condition] | None
    ) -> None:
        self.now = now
        self.known = sentences
        self.sentences: Mapping[str, Condition] = {}
        self.written: Mapping[str, str] = {}
        self.rule_names: set[str] = set()
        self.problems: list[Problem] = []
        self.files = playbook_files(files) if self._is_readable(files) else {}
        self.documents = {path: self._parse(path, text) for path, text in self.files.items()}

    def _is_readable(self, files: Mapping[str, str]) -> bool:
        if len(files) > MOST_FILES:
            wrong = f"{len(files):,} files"
            self.problems.append(
                Problem(".", 0, "", wrong, f"at most {MOST_FILES:,}; is this the right folder?")
            )
            return False
        for path in sorted(files):
            if path.endswith((".yaml", ".yml")) and not is_playbook_file(path):
                self.problems.append(Problem(path, 0, "", "this file is not read", _right_place(path)))
        if not any(is_playbook_file(path) for path in files):
            right = "team.yaml, plan.yaml, stages.yaml, slots/*.yaml and rules/*.yaml are read"
            self.problems.append(Problem(".", 0, "", "no playbook file is in here", right))
        return True

    def _parse(self, path: str, text: str) -> list[Node]:
        documents, problems = read_documents(path, text)
        self.problems += problems
        return documents

    def read(self) -> Playbook:
        team_form = open_team(self._single(TEAM), TEAM, self.problems)
        team = read_team(team_form)
        plan_file = read_plan(self._single(PLAN), PLAN, team.currency, self.problems)
        slots = self._slots()
        stage_forms = open_stages(self._single(STAGES), STAGES, self.problems)
        vocabulary = _vocabulary(team, plan_file, slots, stage_forms)
        for draft in slots:
            check_texts(draft, vocabulary)
        sentences = Sentences(vocabulary, self.known)
        stages = read_stages(stage_forms, sentences)
        by_name = {draft.slot.name: draft.slot for draft in slots}
        team = read_measures(team, team_form, words_of(team, vocabulary, by_name.values()))
        rules = self._rules(Book(team, vocabulary, sentences, by_name, self.now))
        playbook = _assembled(
            files=self.files,
            team=team,
            vocabulary=vocabulary,
            slots=by_name,
            drafts=rules,
            stages=tuple(draft.stage for draft in stages),
        )
        self.problems += check_playbook(playbook, rules, slots, stages, frozenset(self.rule_names))
        self.sentences = sentences.read
        self.written = {draft.rule.name: draft.written for draft in rules}
        return playbook

    def _single(self, path: str) -> Node | None:
        documents = self.documents.get(path, [])
        if len(documents) > 1:
            line = documents[1].line
            self.problems.append(
                Problem(path, line, "", "a second document", "only rules may stand several in a file")
            )
        return documents[0] if documents else None

    def _in(self, folder: str) -> Iterable[tuple[str, Node]]:
        for path, documents in self.documents.items():
            if path.startswith(f"{folder}/"):
                for document in documents:
                    yield from (
                        ((path, item) for item in document.items)
                        if isinstance(document, Items)
                        else [(path, document)]
                    )

    def _slots(self) -> list[SlotDraft]:
        found: dict[str, SlotDraft] = {}
        for path, node in self._in("slots"):
            draft = read_slot(node, path, self.problems)
            if draft is None:
                continue
            other = found.setdefault(draft.slot.name, draft)
            if other is not draft:
                wrong = f'the place "{other.slot.title}" has the same name on the wire ({other.slot.name})'
                draft.form.wrong(
                    "slot", wrong, f"rename it; the first is in {other.form.file}:{other.form.line}"
                )
        return list(found.values())

    def _rules(self, book: Book) -> list[RuleDraft]:
        found: dict[str, RuleDraft] = {}
        for path, node in self._in("rules"):
            self.rule_names.add(name_in(node))
            draft = read_rule(node, path, book, self.problems)
            if draft is None:
                continue
            other = found.setdefault(draft.rule.name.casefold(), draft)
            if other is not draft:
                wrong = f'another rule is called "{other.rule.name}"'
                draft.form.wrong(
                    "rule", wrong, f"rename it; the first is in {other.form.file}:{other.form.line}"
                )
        return list(found.values())


def _right_place(path: str) -> str:
    if path.endswith(".yml"):
        return f"rename it to {path.removesuffix('.yml')}.yaml"
    return "rules stand in rules/, places in slots/; beside them team.yaml, plan.yaml and stages.yaml"


def _vocabulary(team: Team, plan_file: PlanFile, slots: list[SlotDraft], stages: list[Form]) -> Vocabulary:
    """The words of this playbook; equal words are one value, as what is made of them is remembered by identity."""
    tags = {tag for draft in slots for tag in draft.slot.tags}
    tags |= {tag for draft in slots for variant in draft.slot.variants for tag in variant.tags}
    vocabulary = Vocabulary(
        plan=plan_file.plan,
        signals=_SIGNALS,
        attributes=plan_file.attributes,
        stages=tuple(form.text("stage") for form in stages),
        slots=tuple(draft.slot.title for draft in slots),
        tags=tuple(sorted(tags)),
        zone=zone_of(team),
    )
    return next((known for known in _latest if known == vocabulary), None) or _remembered(vocabulary)


def _remembered(vocabulary: Vocabulary) -> Vocabulary:
    _latest.append(vocabulary)
    return vocabulary


_SIGNALS = {signal.name: signal for signal in (*SIGNALS, stage_signal([]))}
_latest: deque[Vocabulary] = deque(maxlen=4)


def _assembled(
    *,
    files: Mapping[str, str],
    team: Team,
    vocabulary: Vocabulary,
    slots: Mapping[str, Slot],
    drafts: list[RuleDraft],
    stages: tuple[Stage, ...],
) -> Playbook:
    rules = {draft.rule.name: draft.rule for draft in drafts}
    showing = {name: rule.slots() for name, rule in rules.items()}
    ordered = {
        name: msgspec.structs.replace(slot, rules=in_order(slot, showing))
        for name, slot in with_listed(slots, rules.values()).items()
    }
    return Playbook(
        revision=revision_of(files),
        team=team,
        plan=vocabulary.plan,
        vocabulary=vocabulary,
        slots=ordered,
        rules=rules,
        stages=stages,
        behaviours={name: behaviour_of(rule, ordered, stages, vocabulary) for name, rule in rules.items()},
    )


def behaviour_of(
    rule: Rule, slots: Mapping[str, Slot], stages: tuple[Stage, ...], vocabulary: Vocabulary
) -> str:
    """12 hex digits over all that changes what a visitor gets from a rule: not its purpose, people or dates."""
    needs = rule.when.needs(vocabulary)
    if rule.not_if is not None:
        needs = needs.union(rule.not_if.needs(vocabulary))
    shown = [
        (show.slot, variant.name, variant.value, variant.intensity, sorted(variant.tags))
        for show in rule.show
        for variant in slots[show.slot].variants
        if variant.name == show.variant
    ]
    content = msgspec.json.encode(
        {
            "when": rule.when,
            "not_if": rule.not_if,
            "stages": stages if "stage" in needs.signals else (),
            "show": shown,
            "hide": rule.hide,
            "test": _asked(rule),
            "limits": rule.limits,
            "lasts_ms": rule.lasts_ms,
            "always": rule.always,
        }
    )
    return sha256(content).hexdigest()[:12]


def _asked(rule: Rule) -> dict[str, object] | None:
    """A test with what the rule itself says of it; what is the team's may change for tests to come."""
    test = rule.test
    if test is None:
        return None
    asked: dict[str, object] = {"arms": test.arms, "metric": test.metric, "days": test.days}
    if test.smallest_gain is not None:
        asked["smallest_gain"] = test.smallest_gain
    if rule.design is not None and rule.design.limits and "safety limit" not in rule.inherited:
        asked["limits"] = [limit.words for limit in rule.design.limits]
    return asked

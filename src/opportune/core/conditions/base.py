"""What a condition is: a frozen value that can check itself, read itself aloud, and be read back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, ClassVar

import msgspec

from opportune.core.finding import Finding
from opportune.core.language.words import Words, words_of
from opportune.core.situation import Situation

if TYPE_CHECKING:
    from opportune.core.language.vocabulary import Vocabulary

Check = Callable[[Situation], Finding]
Readers = Mapping[str, Callable[..., object]]
"""By production of the grammar: what makes a value of its parts; the first argument is the vocabulary's words."""

NOTHING_FOUND = Finding(held=False)
SUBJECT = "a visitor"


class Needs(msgspec.Struct, frozen=True):
    """What a condition depends on: plan events, signals, and how far back it looks (days; None: any age).

    `page_types` are the kinds of pages that change it by being looked at; `*` for any page.
    """

    events: frozenset[str] = frozenset()
    signals: frozenset[str] = frozenset()
    window_days: float | None = 0
    page_types: frozenset[str] = frozenset()

    def union(self, other: Needs) -> Needs:
        windows = (self.window_days, other.window_days)
        return Needs(
            self.events | other.events,
            self.signals | other.signals,
            None if None in windows else max(window for window in windows if window is not None),
            self.page_types | other.page_types,
        )


class Condition(msgspec.Struct, frozen=True, tag_field="kind"):
    """One member of the family, one file each; members are listed in `conditions/__init__.py`.

    A member is also the structured form of itself: `{"kind": "count", ...}` decodes to it.
    """

    meaning: ClassVar[str] = ""
    """What it means, in one or two sentences, for the reference."""
    grammar: ClassVar[str] = ""
    """Lark productions this member adds; see `grammar.py` for the names it may use."""
    examples: ClassVar[tuple[str, ...]] = ()
    """Canonical sentences, each parsed and read back in the tests and shown in the reference."""

    synonyms: ClassVar[tuple[str, ...]] = ()
    """Some of the other ways of saying it that are understood; each is read back in the canonical form."""

    @classmethod
    def readers(cls) -> Readers:
        """What makes a value of each production of `grammar`."""
        return {}

    def compile(self, vocabulary: Vocabulary) -> Check:
        """A closure that checks one situation; everything that can be worked out once is."""
        raise NotImplementedError

    def compile_whole(self, vocabulary: Vocabulary) -> Check:
        """The same truth, but every part is checked even when the truth is settled: for explaining near misses."""
        return self.compile(vocabulary)

    def clause(self, words: Words) -> str:
        """The canonical words without a subject, as they stand inside a longer sentence."""
        raise NotImplementedError

    def clause_not(self, words: Words) -> str | None:  # noqa: ARG002 - members that have words for it use them
        """The canonical words for the opposite, where there are better ones than `not (...)`."""
        return None

    def is_said_of_visitor(self, words: Words) -> bool:  # noqa: ARG002 - most members always are
        """Whether the clause follows "a visitor"; otherwise it has a subject of its own."""
        return True

    def describe(self, vocabulary: Vocabulary) -> str:
        """The canonical sentence; `parse(describe(c)) == c`."""
        words = words_of(vocabulary)
        clause = self.clause(words)
        return f"{SUBJECT} {clause}" if self.is_said_of_visitor(words) else clause

    def explain(self, finding: Finding, vocabulary: Vocabulary, now: int) -> str:
        """The finding's facts in words: `Product Viewed, shoes, 2 times, last 14:02`."""
        raise NotImplementedError

    def needs(self, vocabulary: Vocabulary) -> Needs:
        """What it depends on."""
        raise NotImplementedError

    def problems(self, vocabulary: Vocabulary) -> list[str]:  # noqa: ARG002 - most members can always be answered
        """What in it no decision can answer, each with what would be right."""
        return []

    def doubts(self, vocabulary: Vocabulary) -> list[str]:  # noqa: ARG002 - most members leave none
        """What in it can be answered and is probably not meant, each with what would be."""
        return []

    def equality(self) -> tuple[str, str] | None:
        """A (signal, value in lower case) without which it cannot hold; None when there is no such one."""
        return None

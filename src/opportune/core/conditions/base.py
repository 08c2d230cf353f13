"""What a condition is: a frozen value that can check itself, read itself aloud, and be read back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

import msgspec

from opportune.core.finding import Finding
from opportune.core.situation import Situation

if TYPE_CHECKING:
    from opportune.core.vocabulary import Vocabulary

Check = Callable[[Situation], Finding]


class Needs(msgspec.Struct, frozen=True):
    """What a condition depends on: plan events, signals, and how far back it looks (days; None: any age)."""

    events: frozenset[str] = frozenset()
    signals: frozenset[str] = frozenset()
    window_days: float | None = 0

    def union(self, other: Needs) -> Needs:
        windows = (self.window_days, other.window_days)
        return Needs(
            self.events | other.events,
            self.signals | other.signals,
            None if None in windows else max(window for window in windows if window is not None),
        )


class Condition(msgspec.Struct, frozen=True, tag_field="kind"):
    """One member of the family, one file each; members are listed in `conditions/__init__.py`.

    A member is also the structured form of itself: `{"kind": "count", ...}` decodes to it.
    """

    grammar: ClassVar[str]
    """Lark productions this member adds; see `sentence.py` for the names it may use."""
    examples: ClassVar[tuple[str, ...]]
    """Canonical sentences, each parsed and read back in the tests and shown in the reference."""

    def compile(self, vocabulary: Vocabulary) -> Check:
        """A closure that checks one situation; everything that can be worked out once is."""
        raise NotImplementedError

    def describe(self, vocabulary: Vocabulary) -> str:
        """The canonical sentence; `parse(describe(c)) == c`."""
        raise NotImplementedError

    def explain(self, finding: Finding, vocabulary: Vocabulary, now: int) -> str:
        """The finding's facts in words: `Product Viewed, shoes, 2 times, last 14:02`."""
        raise NotImplementedError

    def needs(self, vocabulary: Vocabulary) -> Needs:
        """What it depends on."""
        raise NotImplementedError

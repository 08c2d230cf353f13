"""What every sign does: look at what is known of a rule, and say what it sees, or nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Protocol

from opportune.core.experiments.watched import Sighting, Watched


class Sign(Protocol):
    """One sign that a rule does harm, or that somebody should look. Pure, and never raises."""

    name: ClassVar[str]
    meaning: ClassVar[str]
    """In a sentence for a marketer, with its threshold."""
    is_harm: ClassVar[bool]
    """Whether it switches off, or only says what it sees."""

    def look(self, watched: Watched) -> Iterator[Sighting]: ...


def counted(count: float, noun: str, nouns: str = "") -> str:
    """`1 visit`, `1,200 visits`."""
    number = f"{round(count):,}"
    return f"{number} {noun}" if number == "1" else f"{number} {nouns or noun + 's'}"


def of_hundred(part: float, whole: float) -> str:
    """`61`, `0.4`: how many of 100."""
    share = 100 * part / whole if whole else 0.0
    return f"{share:.0f}" if share >= 10 else f"{share:.1f}".removesuffix(".0")

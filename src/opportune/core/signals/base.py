"""What a signal is: a named question about the visitor with a typed answer that knows where it came from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, Literal

import msgspec

if TYPE_CHECKING:
    from opportune.core.situation import Situation

SignalType = Literal["text", "number", "money", "yes/no", "list", "duration", "moment"]
Source = Literal["session", "event", "profile"]
Confidence = Literal["high", "medium", "low"]
SignalValue = str | int | float | bool | list[str] | None
"""None is "not known". Money is integer minor units, durations and moments integer milliseconds."""


class Reading(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A signal's answer: value, where it came from, how sure we are, and since when it is known (ms)."""

    value: SignalValue
    source: Source
    confidence: Confidence
    at: int | None = None


class Signal(ABC):
    """One question. `name` is the words used in sentences and in `{name}` placeholders."""

    name: ClassVar[str]
    type: ClassVar[SignalType]
    source: ClassVar[Source]
    confidence: ClassVar[Confidence]
    meaning: ClassVar[str]
    events: ClassVar[tuple[str, ...]] = ()
    """Names of the plan's events this signal needs; a rule that uses it waits until they were seen."""

    @abstractmethod
    def read(self, situation: Situation) -> Reading:
        """The answer for this visitor now; a value of None when nothing is known."""

"""What a signal is: a named question about the visitor with a typed answer that knows where it came from.

Fast truth: what the request says (`session`) outranks what was captured (`event`), which outranks what a
profile says (`profile`). How sure an answer is follows from its age, by the three functions below.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, ClassVar, Literal

import msgspec

from opportune.core.history.plan import Plan
from opportune.core.history.timeline import FactValue, TimelineEvent
from opportune.core.history.values import to_minor_units
from opportune.core.moment import DAY, MINUTE

if TYPE_CHECKING:
    from opportune.core.situation import Context, Situation

SignalType = Literal["text", "number", "money", "yes/no", "list", "duration", "moment"]
Source = Literal["session", "event", "profile", "catalogue"]
Confidence = Literal["high", "medium", "low"]
SignalValue = str | int | float | bool | list[str] | None
"""None is "not known". Money is integer minor units, durations and moments integer milliseconds."""

RECENT_MS = 7 * DAY
FRESH_TRAIT_MS = 30 * DAY


class Reading(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A signal's answer: value, where it came from, how sure we are, and since when it is known (ms)."""

    value: SignalValue
    source: Source
    confidence: Confidence
    at: int | None = None


NOTHING = Reading(None, "profile", "low", None)
"""Nothing is known."""


class Signal(ABC):
    """One question. `name` is the words used in sentences and in `{name}` placeholders."""

    name: ClassVar[str]
    type: ClassVar[SignalType]
    source: ClassVar[Source]
    """Where its best answer comes from; a reading says where its own did."""
    confidence: ClassVar[Confidence]
    """The best it can be; a reading may be less sure."""
    meaning: ClassVar[str]
    events: ClassVar[tuple[str, ...]] = ()
    """Names of the plan's events this signal needs; a rule that uses it waits until one of them was seen."""
    aliases: ClassVar[tuple[str, ...]] = ()
    """Other names under which it may be read."""
    is_spoken: ClassVar[bool] = True
    """Whether sentences name it without quotes; its first word cannot be a bare value then."""
    values: ClassVar[tuple[str, ...]] = ()
    """Every text it can be, where that is a closed set; a request may still state something else."""
    meant: ClassVar[Mapping[str, str]] = {}
    """What people say instead, in lower case, with the value they mean: `mobile` for a phone."""

    page_types: ClassVar[frozenset[str]] = frozenset()
    """Kinds of pages that change it by being looked at; `*` for any page."""

    field: ClassVar[str] = ""
    """The field of the request's context that says it, where there is one; what the field says stands."""

    def __init__(self, plan: Plan | None = None) -> None:
        """With a plan, events are found under their former names as well."""
        self.plan = plan
        self.is_unstated = frozenset(spellings(self.name)).isdisjoint
        """Whether none of these attribute names is a spelling of this signal's name."""
        self.said_by: Callable[[Context], SignalValue] = (
            attrgetter(self.field) if self.field else _nothing_said
        )

    def answer(self, situation: Situation) -> Reading:
        """What the request says of it, else what is known."""
        told = self.told(situation)
        if told is not None:
            return Reading(told, "session", "high", situation.now)
        return self.read(situation)

    def told(self, situation: Situation) -> SignalValue:
        """What the request itself says, under this very name where it fits the type, or in its field; None: nothing."""
        context = situation.context
        if self.is_unstated(context.attributes):
            return self.said_by(context) or None
        types = _STATED_TYPES[self.type]
        for spelling in spellings(self.name):
            value = context.attributes.get(spelling)
            if type(value) in types and (stated := self._worth(value)) is not None:
                return stated
        return self.said_by(context) or None

    def _worth(self, stated: SignalValue) -> SignalValue:
        """A stated value of a fitting type as the signal has it; money comes in whole units. None: nothing said."""
        if self.type == "money":
            return to_minor_units(stated, self.plan.currency if self.plan else "EUR")
        return stated if stated != "" else None

    def can_be(self, text: str) -> bool:
        """Whether it ever is this text (case is the same) without a request stating it so."""
        return not self.values or text.casefold() in {value.casefold() for value in self.values}

    @abstractmethod
    def read(self, situation: Situation) -> Reading:
        """The answer for this visitor now; a value of None when nothing is known."""

    def changes_at(self, reading: Reading, now: int) -> int | None:  # noqa: ARG002 - most answers stand still
        """The earliest moment (ms) at which time alone could change the answer; None: it does not."""
        return None

    def named(self, *names: str) -> tuple[str, ...]:
        """The names under which events of these kinds may stand on a timeline."""
        if self.plan is None:
            return names
        return tuple(every for name in names for every in self.plan.names_of(name))


def _nothing_said(_: Context) -> SignalValue:
    return None


_STATED_TYPES: Mapping[SignalType, frozenset[type]] = {
    "text": frozenset({str}),
    "number": frozenset({int, float}),
    "money": frozenset({int, float}),
    "yes/no": frozenset({bool}),
    "list": frozenset({list}),
    "duration": frozenset(),
    "moment": frozenset(),
}
"""What a request may state for a signal, by the signal's type."""


@lru_cache(maxsize=4_096)
def spellings(name: str) -> tuple[str, ...]:
    """How a name in words may be written where it comes from: `loyalty tier`, `loyalty_tier`, `loyaltyTier` ..."""
    words = name.split()
    camel = "".join([words[0], *(word[:1].upper() + word[1:] for word in words[1:])]) if words else name
    return tuple(dict.fromkeys((name, "_".join(words), camel, "-".join(words))))


def next_whole_day(reading: Reading, now: int) -> int | None:
    """When whole days since the reading's own moment become one more."""
    return None if reading.at is None else now + DAY - (now - reading.at) % DAY


def visit_start(situation: Situation) -> int:
    """When the visit that is going on began; half an hour ago where nobody said (ms)."""
    visit = situation.visit
    return visit.began_at if visit is not None else situation.now - 30 * MINUTE


def visit_events(situation: Situation) -> Sequence[TimelineEvent]:
    """The visit's events, newest first."""
    return situation.visit.events if situation.visit is not None else ()


def sureness(situation: Situation, at: int) -> Confidence:
    """Of what an event showed: high within this visit, medium for seven days, then low."""
    if at >= visit_start(situation):
        return "high"
    return "medium" if situation.now - at < RECENT_MS else "low"


def trait_sureness(now: int, at: int) -> Confidence:
    """Of a profile trait: medium while younger than thirty days, low when stale."""
    return "medium" if now - at < FRESH_TRAIT_MS else "low"


def read_trait(situation: Situation, *names: str) -> Reading:
    """The first of these traits that is known, as plain value with its age."""
    traits = situation.traits
    if traits:
        for name in names:
            trait = traits.get(name)
            if trait is not None and trait.value is not None:
                return Reading(trait.value, "profile", trait_sureness(situation.now, trait.at), trait.at)
    return NOTHING


def read_text_trait(situation: Situation, *names: str) -> Reading:
    """The same, for traits that must be a text."""
    reading = read_trait(situation, *names)
    return reading if isinstance(reading.value, str) and reading.value else NOTHING


def from_request(situation: Situation, value: SignalValue) -> Reading:
    """What the request itself said, or nothing when it said nothing (None or empty text)."""
    if value is None or value == "":
        return NOTHING
    return Reading(value, "session", "high", situation.now)


def text_of(fact: FactValue) -> str:
    """A fact as one text, empty when it is none; of several the first."""
    if isinstance(fact, str):
        return fact
    if isinstance(fact, list):
        return next((each for each in fact if isinstance(each, str)), "")
    return ""


def texts_of(fact: FactValue) -> list[str]:
    """A fact as a list of texts."""
    if isinstance(fact, str):
        return [fact] if fact else []
    if isinstance(fact, list):
        return [each for each in fact if isinstance(each, str) and each]
    return []


def money_of(fact: FactValue) -> int:
    """A fact as money in minor units, 0 when it is none."""
    return fact if isinstance(fact, int) and not isinstance(fact, bool) else 0

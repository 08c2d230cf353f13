"""A situation: all that one decision may look at, read lazily and each thing once.

Services fill it from a request and one storage read; conditions, signals and gates only read it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from opportune.core.catalogue import EMPTY_CATALOGUE, Catalogue
from opportune.core.finding import Finding
from opportune.core.history.timeline import FactValue, Timeline
from opportune.core.history.visit import Visit
from opportune.core.recommending.shelf import Shelf
from opportune.core.recommending.wish import Given
from opportune.core.signals.base import NOTHING, Reading, SignalValue, spellings, trait_sureness
from opportune.core.team import Team

UTC_ZONE = ZoneInfo("UTC")


class Trait(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One profile fact, with where it came from and when it was last asserted (ms)."""

    value: FactValue
    source: str
    at: int


class Unit(msgspec.Struct, frozen=True, gc=False):
    """The visitor in a test: the key first exposed, and the id text that allocation hashes."""

    key: int
    id: str


class Assignment(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The arm a unit was given once in an experiment; kept whatever the hash says later."""

    experiment: str
    arm: str
    phase: int
    unit: int
    place_in_share: int = -1
    """The unit's bucket where a launch to a share asks for one; -1 while it was not worked out."""


class PastExposure(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An exposure as limits need it; `session` is the visit's id, that is, when it began (ms)."""

    subject: str
    slot: str
    rule: str
    rule_hash: str
    arm: str
    session: int
    first_at: int
    shown_at: int | None = None
    count: int = 0


class Context(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the request itself said. `attributes` holds everything else the caller sent, by name.

    Empty text means "not said". `page_*`, `referrer` and `campaign` describe the page being rendered.
    """

    page_url: str = ""
    page_path: str = ""
    page_title: str = ""
    page_type: str = ""
    page_category: str = ""
    page_product: str = ""
    referrer: str = ""
    campaign: Mapping[str, str] = msgspec.field(default_factory=dict)
    user_agent: str = ""
    device_type: str = ""
    """Stated by the caller; empty: read from the user agent."""
    language: str = ""
    country: str = ""
    search: str = ""
    scroll_depth: float | None = None
    exit_intent: bool = False
    time_on_page_seconds: float | None = None
    purposes: frozenset[str] | None = None
    """Consent this request states (`measure`, `personalize`, `message`, `ads`); None: nothing said."""
    is_preview: bool = False
    is_machine: bool = False
    attributes: Mapping[str, SignalValue] = msgspec.field(default_factory=dict)


NO_SHELF = Shelf()
NO_EVENTS = Timeline()
NOTHING_SAID = Context()
NO_TEAM = Team()


class Situation(msgspec.Struct, kw_only=True):
    """One visitor at one moment. Signals are read at most once; answers are remembered for the receipt."""

    now: int
    readers: Mapping[str, Callable[[Situation], Reading]]
    timeline: Timeline = NO_EVENTS
    context: Context = NOTHING_SAID
    traits: Mapping[str, Trait] = msgspec.field(default_factory=dict)
    visit: Visit | None = None
    unit: Unit | None = None
    """None for a request without any id: it is decided on context alone and never exposed."""
    user: str = ""
    """The proven user's id, where the request named one."""
    assignments: Mapping[str, Assignment] = msgspec.field(default_factory=dict)
    exposures: Sequence[PastExposure] = ()
    opportunities: frozenset[str] = frozenset()
    """Slots already asked for in this visit."""
    seq: int = 0
    """The newest commit this situation has seen."""
    zone: ZoneInfo = UTC_ZONE
    catalogue: Catalogue = EMPTY_CATALOGUE
    team: Team = NO_TEAM
    is_known: bool = True
    """False while the key was minted just now: its exposures are held until it is seen again."""
    readings: dict[str, Reading] = msgspec.field(default_factory=dict)
    shelf: Shelf = NO_SHELF
    """What all visitors did with products, and what is for sale."""
    lists: dict[str, tuple[Given, ...]] = msgspec.field(default_factory=dict)
    """Products given, by slot, version and field; each list is made once, and kept in receipts."""
    shown: set[str] = msgspec.field(default_factory=set)
    """Products that slots of this answer already show."""
    findings: dict[str, Finding] = msgspec.field(default_factory=dict)
    """What rules and gates found, by name; shared by all slots of a request and kept in receipts."""

    def read(self, name: str) -> Reading:
        """A signal's answer; an unknown name, or nothing known, gives a value of None."""
        reading = self.readings.get(name)
        if reading is None:
            reader = self.readers.get(name)
            reading = reader(self) if reader is not None else self._read_open(name)
            self.readings[name] = reading
        return reading

    def _read_open(self, name: str) -> Reading:
        """Signals that no list can name: any attribute of the context, else any trait, in any usual spelling."""
        attributes, traits = self.context.attributes, self.traits
        for spelling in spellings(name):
            value = attributes.get(spelling)
            if value is not None:
                return Reading(value, "session", "high", self.now)
        for spelling in spellings(name):
            trait = traits.get(spelling)
            if trait is not None:
                return Reading(trait.value, "profile", trait_sureness(self.now, trait.at), trait.at)
        return NOTHING

    def value(self, name: str) -> Any:
        """A signal's bare value."""
        return self.read(name).value


__all__ = [
    "UTC_ZONE",
    "Assignment",
    "Context",
    "PastExposure",
    "Situation",
    "Trait",
    "Unit",
    "Visit",
]

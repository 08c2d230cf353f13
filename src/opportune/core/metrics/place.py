"""What visitors do with the place a rule shows something in: `clicks on the place`, `dismissals of the place`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, Literal, Self

import msgspec

from opportune.core.history.plan import Plan
from opportune.core.history.timeline import TimelineEvent
from opportune.core.language.phrases.wording import QUOTED, squeezed, unquote
from opportune.core.metrics.base import Metric, MetricUnit, Value, Words, all_names, within
from opportune.core.moment import DAY

Act = Literal["clicks", "dismissals"]
EVENTS: Mapping[Act, str] = {"clicks": "Slot Clicked", "dismissals": "Slot Dismissed"}
_DID: Mapping[Act, str] = {"clicks": "clicked", "dismissals": "closed it"}
_SAID = re.compile(r"(clicks|dismissals)(?:\s+(?:on|of|in)\s+(.+))?", re.IGNORECASE)
THE_PLACE = frozenset({"", "the place", "the places", "its place", "place"})


class PlaceActs(Metric, frozen=True, kw_only=True, omit_defaults=True, tag="place"):
    """The share of visitors who clicked, or closed, what stands in some places.

    `title` is the place as it was named, empty for those of the rule itself.
    """

    act: Act
    places: tuple[str, ...] = ()
    title: str = ""
    names: tuple[str, ...] = ()

    meaning: ClassVar[str] = (
        "The share of visitors who clicked (or closed) what stood in the rule's own places, whichever version it was, "
        "or in the place that is named. The page script tells of both."
    )
    examples: ClassVar[tuple[str, ...]] = (
        "clicks on the place within 1 day",
        "dismissals of the place within 7 days",
        "clicks on home hero within 1 day",
    )
    synonyms: ClassVar[tuple[str, ...]] = ("clicks", "dismissals within 2 days", 'clicks on "offer bar"')
    unit: ClassVar[MetricUnit] = "share"
    usual_ms: ClassVar[int] = DAY

    @classmethod
    def read(cls, phrase: str, window_ms: int | None, words: Words) -> Metric | None:
        found = _SAID.fullmatch(phrase.strip())
        if found is None:
            return None
        title, places = _place(found[2] or "", words)
        if places is None:
            return None
        act: Act = "clicks" if found[1].casefold() == "clicks" else "dismissals"
        return cls(act=act, places=places, title=title, window_ms=window_ms or cls.usual_ms).bound(words.plan)

    @classmethod
    def phrases(cls, words: Words) -> Iterator[str]:
        yield from ("clicks on the place", "dismissals of the place")
        yield from (f"clicks on {title}" for title in words.titles.values())

    @property
    def phrase(self) -> str:
        return f"{self.act} {'on' if self.act == 'clicks' else 'of'} {self.title or 'the place'}"

    @property
    def did(self) -> str:
        return _DID[self.act]

    @property
    def more_is_better(self) -> bool:
        return self.act == "clicks"

    def stored(self) -> tuple[str, ...]:
        return self.names or (EVENTS[self.act],)

    def bound(self, plan: Plan, margins: Mapping[str, int] | None = None) -> Self:  # noqa: ARG002 - no product in it
        return msgspec.structs.replace(self, names=all_names(plan, EVENTS[self.act]))

    @property
    def lacks_place(self) -> bool:
        return not self.places

    def in_places(self, places: tuple[str, ...]) -> Self:
        return self if self.title else msgspec.structs.replace(self, places=places)

    def between(self, happened: Sequence[TimelineEvent], since_at: int, until_at: int) -> Value:
        acts = within(happened, self.stored(), since_at, until_at)
        return int(any(event.facts.get("slot") in self.places for event in acts)), 1


def _place(said: str, words: Words) -> tuple[str, tuple[str, ...] | None]:
    """A place's title and its name on the wire; without a title the rule's own; None for one nobody knows."""
    text = unquote(said) if re.fullmatch(QUOTED, said) else said
    if squeezed(text) in THE_PLACE:
        return "", words.places
    wanted = squeezed(text)
    known = ((name, title) for name, title in words.titles.items() if wanted in (squeezed(title), name))
    name, title = next(known, ("", ""))
    return title, (name,) if name else None

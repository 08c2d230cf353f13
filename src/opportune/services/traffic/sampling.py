"""Sampling: visits of recorded visitors, moment by moment, each with what was known then, to be decided for again.

A moment is either an opportunity, read as of its very `seq`, or a page view, of which only the time is known. Visitors
are taken lane by lane: a lane is 1 of 256 of them, picked by a hash, so that some lanes are a fair sample of all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any

import msgspec

from opportune.core.history.key import LANES
from opportune.core.history.plan import Plan
from opportune.core.history.timeline import TimelineEvent
from opportune.core.history.visit import IDLE_MS, SOURCES, Visit, visits
from opportune.core.moment import SECOND
from opportune.core.programme import Programme
from opportune.core.receipt import context_from
from opportune.core.recommending.shelf import Shelf
from opportune.core.situation import NO_SHELF, Context, Situation, Unit
from opportune.core.visitor.context import from_request, on_path
from opportune.services.deciding import Question, situate
from opportune.services.explaining import up_to
from opportune.services.lane_events import events_of_lane
from opportune.services.reading import Sent
from opportune.storage.base import (
    FIRST_ASKED,
    Opportunity,
    Recollection,
    Storage,
)

LANE_ORDER: tuple[int, ...] = tuple((number * 167 + 41) % LANES for number in range(LANES))
"""Every lane once; the first few lie far apart."""
PAGE_ROWS = 5_000
MOST_MOMENTS = 6
"""Page views of a visit that are decided for; the newest, as most is known then."""
SAME_VIEW_MS = 3 * SECOND
"""A page and the product on it are told apart by two events, which are one view."""
PAGE_EVENTS = ("Page Viewed", "Product Viewed")
STATED = ("page_type", "category", "product_id", "path", "url", "referrer")
"""What of an event's properties a page would have said of itself."""

_decode = msgspec.json.Decoder(Sent).decode


class Moment(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One visitor at one moment, and which places are to be decided. `logged`: what was recorded of it."""

    key: int
    at: int
    slots: tuple[str, ...]
    context: Context
    logged: Opportunity | None = None


class Stay(msgspec.Struct, frozen=True, gc=False):
    """A visit with its moments, oldest first; `places` were asked for in it, or would have been."""

    key: int
    id: int
    moments: Sequence[Moment]

    @property
    def places(self) -> frozenset[str]:
        return frozenset(slot for moment in self.moments for slot in moment.slots)


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which moments: places that pages ask for, and others that are imagined on every page."""

    asked: tuple[str, ...] = ()
    imagined: tuple[str, ...] = ()
    since_at: int = 0
    knows_device: bool = True
    """Device and campaign are looked up where places are imagined; else only what is known of each page."""


class Past:
    """What was known at a moment, as a situation; keeps what it read of the visitor it was asked about last."""

    def __init__(self, storage: Storage, now: int, shelf: Shelf = NO_SHELF) -> None:
        self._storage = storage
        self._now = now
        self._shelf = shelf
        self._key: int | None = None
        self._whole: tuple[int, Recollection] | None = None
        self._question = Question()
        self._then: tuple[tuple[int, int, int], Recollection] | None = None

    def situation(self, moment: Moment, programme: Programme, *, is_named: bool = True) -> Situation:
        """As of its commit for what was recorded; up to its time for the rest.

        Without a name it is for conditions alone; deciding needs one, see `name`.
        """
        asked = Question(context=moment.context)
        if is_named:
            asked = msgspec.structs.replace(self._question_of(moment.key), context=moment.context)
        logged = moment.logged
        if logged is None:
            then, latest = up_to(moment.at, self.whole(moment.key)), None
        else:
            then = self._as_of(logged)
            latest = (logged.session, logged.at)
        return situate(programme, asked, (moment.key,), then, now=moment.at, latest=latest, shelf=self._shelf)

    def _as_of(self, logged: Opportunity) -> Recollection:
        """As of its commit; places that were asked for together are read once."""
        mark = (logged.key, logged.at, logged.seq)
        if self._then is None or self._then[0] != mark:
            found = self._storage.recall([logged.key], now=logged.at, as_of=logged.seq)
            self._then = mark, found
        return self._then[1]

    def name(self, situation: Situation, key: int) -> None:
        """Gives a situation its unit."""
        asked = self._question_of(key)
        identifier = asked.anonymous_id or asked.user_id
        situation.unit = Unit(key, identifier) if identifier else None
        situation.user = asked.user_id or ""

    def whole(self, key: int) -> Recollection:
        """All that is known of a visitor today."""
        if self._whole is None or self._whole[0] != key:
            self._whole = key, self._storage.recall([key], now=self._now)
        return self._whole[1]

    def _question_of(self, key: int) -> Question:
        """Who asks, by the id behind the key."""
        if key != self._key:
            self._key = key
            namespace, identifier = self._storage.find_key_id(key) or ("", "")
            self._question = Question(
                user_id=identifier if namespace == "user" else None,
                anonymous_id=identifier if identifier and namespace != "user" else None,
            )
        return self._question


def stays_of(storage: Storage, lane: int, wanted: Wanted, plan: Plan) -> Iterator[Stay]:
    """A lane's visits in which a place was asked for; where places are imagined, all in which a page was seen."""
    asked = _by_key(_opportunities(storage, lane, wanted)) if wanted.asked else {}
    seen = _views(storage, lane, wanted, plan)
    for key in sorted(asked.keys() | seen.keys()):
        yield from _stays(storage, key, asked.get(key, []), seen.get(key, []), wanted)


def _opportunities(storage: Storage, lane: int, wanted: Wanted) -> Iterator[Opportunity]:
    after = FIRST_ASKED
    while page := storage.list_lane_opportunities(lane, wanted.asked, wanted.since_at, after, PAGE_ROWS):
        yield from page
        after = (page[-1].key, page[-1].session, page[-1].slot)


def _by_key(found: Iterator[Opportunity]) -> dict[int, list[Opportunity]]:
    return {key: list(rows) for key, rows in groupby(found, key=attrgetter("key"))}


def _views(storage: Storage, lane: int, wanted: Wanted, plan: Plan) -> dict[int, list[TimelineEvent]]:
    """Pages seen, by visitor, oldest first."""
    names = [each for name in PAGE_EVENTS for each in plan.names_of(name)]
    found: dict[int, list[TimelineEvent]] = {}
    for key, event in events_of_lane(storage, lane, names, wanted.since_at):
        if event.source in SOURCES:
            _add_view(found.setdefault(key, []), event)
    return found


def _add_view(views: list[TimelineEvent], event: TimelineEvent) -> None:
    last = views[-1] if views else None
    if last is not None and event.occurred_at - last.occurred_at <= SAME_VIEW_MS and _is_same(last, event):
        views[-1] = msgspec.structs.replace(event, facts={**last.facts, **event.facts})
    else:
        views.append(event)


def _is_same(one: TimelineEvent, other: TimelineEvent) -> bool:
    return one.name != other.name and one.facts.get("path") == other.facts.get("path")


def _stays(
    storage: Storage,
    key: int,
    asked: Sequence[Opportunity],
    seen: Sequence[TimelineEvent],
    wanted: Wanted,
) -> Iterator[Stay]:
    sessions: dict[int, list[Opportunity]] = {}
    for each in sorted(asked, key=attrgetter("at")):
        sessions.setdefault(each.session, []).append(each)
    for chain in reversed(visits(seen[::-1])):
        session = next((each for each, rows in sessions.items() if _overlaps(chain, rows)), None)
        if session is None:
            if wanted.imagined:
                moments = _later(key, chain, (), wanted.imagined, _first_context(storage, chain, wanted))
                yield Stay(key, chain.id, moments)
            continue
        rows = sessions.pop(session)
        first = _exact(rows)
        moments = _later(key, chain, rows, wanted.imagined, first[0].context)
        yield Stay(key, session, sorted((*first, *moments), key=attrgetter("at")))
    for session, rows in sessions.items():
        yield Stay(key, session, _exact(rows))


def _overlaps(chain: Visit, rows: Sequence[Opportunity]) -> bool:
    return any(chain.id - IDLE_MS <= each.at <= chain.last_at + IDLE_MS for each in rows)


def _exact(rows: Sequence[Opportunity]) -> list[Moment]:
    return [
        Moment(
            key=each.key,
            at=each.at,
            slots=(each.slot,),
            context=context_from(msgspec.json.decode(each.context)),
            logged=each,
        )
        for each in rows
    ]


def _later(
    key: int,
    chain: Visit,
    rows: Sequence[Opportunity],
    imagined: tuple[str, ...],
    known: Context,
) -> list[Moment]:
    """Pages of the visit at which a place is asked for once more, which is not recorded, or would have been."""
    found = []
    for view in chain.events[:MOST_MOMENTS]:
        again = tuple(each.slot for each in rows if each.at < view.occurred_at and each.outcome != "bot")
        if again or imagined:
            context = _seen_in(view, known)
            found.append(Moment(key=key, at=view.occurred_at, slots=(*again, *imagined), context=context))
    return found[::-1]


def _seen_in(view: TimelineEvent, known: Context) -> Context:
    """The visitor of that context looking at the page of that event."""
    facts = view.facts
    there = on_path(known, _text(facts.get("path")))
    return msgspec.structs.replace(
        there,
        page_type=_text(facts.get("page_type")) or there.page_type,
        page_category=_text(facts.get("category")),
        page_product=_text(facts.get("product")),
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _first_context(storage: Storage, chain: Visit, wanted: Wanted) -> Context:
    """What the visit's first event tells of the device and of where the visitor came from."""
    body = storage.get_body(chain.events[-1].seq) if wanted.knows_device else None
    return context_of(body) if body is not None else Context()


def context_of(body: bytes) -> Context:
    """What a page would have said of itself and its visitor, as far as a stored event tells."""
    return from_request(_stated(body), headless_is_machine=False)


def _stated(body: bytes) -> Mapping[str, Any]:
    sent = _decode(body)
    context = sent.context if isinstance(sent.context, dict) else {}
    said = sent.properties if isinstance(sent.properties, dict) else {}
    about = {name: value for name, value in said.items() if name in STATED}
    return {
        **about,
        **{name: context[name] for name in ("page", "campaign", "userAgent") if context.get(name)},
    }

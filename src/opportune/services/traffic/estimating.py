"""Estimating: how many people a day a recipe would reach, decided for recent visitors of this very installation.

The real deciding code runs over a bounded sample: some visitors of the newest events, each at some moments of
theirs, with what was known of them at that moment. It runs in the reading process and changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from opportune.core.decision import decide
from opportune.core.history.visit import SOURCES
from opportune.core.moment import DAY
from opportune.core.playbook import Playbook
from opportune.core.programme import Programme
from opportune.core.rule import RunState
from opportune.core.situation import Situation
from opportune.core.statistics.power import days_to_an_answer
from opportune.core.traffic.scaled import Scaled, scale
from opportune.recipes import RECIPES
from opportune.services.traffic.advising import ReadyRule, all_recipes, list_ready_rules, title_of
from opportune.services.traffic.sampling import Moment, Past, context_of
from opportune.storage.base import EventQuery, Storage, StoredEvent

PAGE_EVENTS = 1_000
MOST_PAGES = 6
MOST_EVENTS = 4_000
"""Browser events looked at; history that was just imported is passed over, a few pages of it."""
MOST_VISITORS = 800
MOST_MOMENTS = 6
"""Of each visitor, the newest."""
LONGEST_DAYS = 7
FEWEST_FOR_A_BASELINE = 300
"""With fewer people a share of theirs says little: a typical shop's stands in for it."""

STEPS: Mapping[str, tuple[str, float]] = {
    "orders": ("Order Completed", 0.02),
    "added to cart": ("Product Added", 0.12),
}
"""What recipes count: the event, and how many of a typical small shop's visitors come that far."""


class Reach(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a recipe would do here. Everything is estimated; None where nobody came, or its events did not."""

    recipe: ReadyRule
    people_a_day: float | None = None
    between: Scaled | None = None
    """The same with its interval, as only some visitors were looked at."""
    share: float | None = None
    days: int | None = None
    """Until a test of it finds a fifth more; None where it needs no test, or would never end."""
    is_typical: bool = False
    """The share of people who come as far as what is counted is a typical shop's, not this one's."""


class Estimate(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """All recipes with their reach, and how many visitors that was looked up for."""

    reaches: tuple[Reach, ...]
    visitors: int = 0
    days: float = 0.0
    looked_at: int = 0

    @property
    def span(self) -> str:
        days = round(self.days)
        return "last day" if days <= 1 else f"last {days} days"


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """The newest browser events by visitor, newest first, and the days they span."""

    visitors: Mapping[int, Sequence[StoredEvent]]
    days: float

    def share_that(self, event: str) -> float:
        did = sum(any(row.name == event for row in rows) for rows in self.visitors.values())
        return did / len(self.visitors) if self.visitors else 0.0


def estimate_recipes(storage: Storage, now: int) -> Estimate:
    """For the reading process: every recipe with its reach among the visitors of the last days."""
    stored = storage.find_playbook()
    own = stored.files if stored is not None else {}
    seen = frozenset(storage.list_seen_events())
    sample = sample_of(storage, now)
    playbook = all_recipes(own)
    programmes = {recipe.name: _launched(playbook, title_of(recipe), seen) for recipe in RECIPES}
    looked_at, reached = _count(storage, sample, programmes, now)
    reaches = []
    for ready in list_ready_rules(own, seen):
        share = reached[ready.name] / looked_at if looked_at and not ready.missing else None
        a_day = share * len(sample.visitors) / sample.days if share is not None else None
        baseline, is_typical = _baseline(sample, ready.counts)
        reaches.append(
            Reach(
                recipe=ready,
                people_a_day=a_day,
                between=_between(reached[ready.name], looked_at, sample) if share is not None else None,
                share=share,
                days=days_to_an_answer(a_day or 0.0, baseline) if ready.counts else None,
                is_typical=is_typical,
            )
        )
    return Estimate(
        reaches=tuple(reaches), visitors=len(sample.visitors), days=sample.days, looked_at=looked_at
    )


def _between(reached: int, looked_at: int, sample: Sample) -> Scaled:
    return scale(reached, reached, looked_at / len(sample.visitors)).per(sample.days)


def sample_of(storage: Storage, now: int) -> Sample:
    """Visitors of the newest browser events of a week, as far back as a few bounded pages reach."""
    found: dict[int, list[StoredEvent]] = {}
    count, before, oldest = 0, None, now
    for _ in range(MOST_PAGES):
        page = storage.list_events(
            EventQuery(since_at=now - LONGEST_DAYS * DAY, before_seq=before, limit=PAGE_EVENTS)
        )
        for row in page:
            if row.source in SOURCES:
                found.setdefault(row.key, []).append(row)
                oldest = min(oldest, row.occurred_at)
                count += 1
        if len(page) < PAGE_EVENTS or count >= MOST_EVENTS:
            break
        before = page[-1].seq
    return Sample(visitors=found, days=max(1.0, (now - oldest) / DAY))


def _launched(playbook: Playbook, rule: str, seen: frozenset[str]) -> Programme:
    """One recipe alone; the others of the playbook are drafts."""
    return Programme(playbook, {rule: RunState(rule=rule)}, seen)


def _count(
    storage: Storage, sample: Sample, programmes: Mapping[str, Programme], now: int
) -> tuple[int, dict[str, int]]:
    """How many visitors were looked at, and how many of them each recipe would have acted for."""
    reached = dict.fromkeys(programmes, 0)
    keys = sorted(sample.visitors)[:: max(1, len(sample.visitors) // MOST_VISITORS)][:MOST_VISITORS]
    for key in keys:
        for name in _reaching(storage, key, sample.visitors[key], programmes, now):
            reached[name] += 1
    return len(keys), reached


def _reaching(
    storage: Storage,
    key: int,
    rows: Sequence[StoredEvent],
    programmes: Mapping[str, Programme],
    now: int,
) -> Iterator[str]:
    """The recipes that would have acted for one visitor, each once."""
    waiting = dict(programmes)
    past = Past(storage, now)
    for row in _moments(rows):
        context = msgspec.structs.replace(context_of(row.body), is_preview=True)
        moment = Moment(key=key, at=row.occurred_at, slots=(), context=context)
        situation = past.situation(moment, next(iter(programmes.values())))
        for name, programme in list(waiting.items()):
            if _acts(programme, situation):
                del waiting[name]
                yield name


def _acts(programme: Programme, situation: Situation) -> bool:
    return any(
        decide(place, situation, programme).rule
        for place in programme.places.values()
        if place.is_personalized
    )


def _moments(rows: Sequence[StoredEvent]) -> list[StoredEvent]:
    """The visitor's newest page views, else whatever came of them."""
    pages = [row for row in rows if row.name in ("Page Viewed", "Product Viewed")]
    return list(pages or rows)[:MOST_MOMENTS]


def _baseline(sample: Sample, counts: str) -> tuple[float, bool]:
    event, typical = STEPS.get(counts, ("", 0.0))
    share = sample.share_that(event) if event else 0.0
    is_typical = bool(event) and (len(sample.visitors) < FEWEST_FOR_A_BASELINE or not 0 < share < 1)
    return (typical, True) if is_typical else (share, False)

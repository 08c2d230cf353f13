"""Matching: weeks before a rule against weeks after, where nobody was left out, beside how weeks differ anyway."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import msgspec

from opportune.core.conclusion.reading import Change
from opportune.core.moment import SECOND
from opportune.core.moved import change_words, percent_words
from opportune.core.playbook import Playbook
from opportune.core.report.parts import Directional, Point
from opportune.core.report.plain import date_words
from opportune.core.statistics.placebo import PlaceboBand, matched_changes, placebo_band
from opportune.storage.base import Storage

WEEK_DAYS = 7
MOST_WEEKS = 4
"""On each side: the same weekdays, near enough in time to be alike."""
HISTORY_WEEKS = 56
ORDER, PAGE = "Order Completed", "Page Viewed"
METRIC = "orders of 1,000 pages viewed"


class Matched(msgspec.Struct, frozen=True, kw_only=True):
    """The comparison, and what a conclusion is made from; `change` is None before the first whole week."""

    directional: Directional | None = None
    change: Change | None = None
    weeks: int = 0
    orders: int = 0
    until: str = ""
    """The last day that is compared."""


class _Week(msgspec.Struct, frozen=True):
    first: date
    orders: int
    pages: int

    @property
    def rate(self) -> float | None:
        return self.orders * 1_000 / self.pages if self.pages else None


def match_weeks(storage: Storage, playbook: Playbook, since_at: int, now: int) -> Matched:
    """Whole weeks on both sides of a moment, of the same weekdays, up to four; days in UTC, as totals are kept."""
    began = datetime.fromtimestamp(since_at / SECOND, UTC).date() + timedelta(days=1)
    today = datetime.fromtimestamp(now / SECOND, UTC).date()
    count = min(MOST_WEEKS, max(0, (today - began).days // WEEK_DAYS))
    if not count:
        return Matched()
    weeks = _weeks(storage, playbook, began, count)
    after = weeks[-count:]
    history = [week.rate for week in weeks[:-count]]
    first_known = next((at for at, rate in enumerate(history) if rate is not None), len(history))
    known = history[first_known:]
    before = weeks[-2 * count : -count]
    changes = matched_changes([week.rate for week in (*before, *after)], before=count, after=count)
    change = changes[0] if changes else None
    band = placebo_band(matched_changes(known, before=count, after=count))
    return Matched(
        directional=_told(before, after, change, band),
        change=None
        if change is None
        else Change(relative=change, compared_with=_before_words(count), band=band),
        weeks=count,
        until=(after[-1].first + timedelta(days=WEEK_DAYS - 1)).isoformat(),
        orders=sum(week.orders for week in after),
    )


def _weeks(storage: Storage, playbook: Playbook, began: date, count: int) -> list[_Week]:
    first = began - timedelta(weeks=HISTORY_WEEKS)
    last = began + timedelta(weeks=count) - timedelta(days=1)
    orders, pages = (set(playbook.plan.names_of(name)) for name in (ORDER, PAGE))
    counts: dict[tuple[date, bool], int] = defaultdict(int)
    for day, name, number, _ in storage.list_totals(first.isoformat(), last.isoformat()):
        if name in orders or name in pages:
            week = (date.fromisoformat(day) - first).days // WEEK_DAYS
            counts[first + timedelta(weeks=week), name in orders] += number
    starts = [first + timedelta(weeks=number) for number in range(HISTORY_WEEKS + count)]
    return [_Week(start, counts[start, True], counts[start, False]) for start in starts]


def _before_words(count: int) -> str:
    return "the week before" if count == 1 else f"the {count} weeks before"


def _told(
    before: Sequence[_Week], after: Sequence[_Week], change: float | None, band: PlaceboBand | None
) -> Directional:
    is_beyond = band is not None and change is not None and not band.holds(change)
    return Directional(
        metric=METRIC,
        before=_span(before),
        after=_span(after),
        change=change,
        band=band.reach if band else None,
        is_beyond=is_beyond,
        words=_change_words(change, band, len(after)),
        weeks=tuple(
            Point(day=week.first.isoformat(), people=week.pages, value=week.rate)
            for week in (*before, *after)
        ),
    )


def _span(weeks: Sequence[_Week]) -> str:
    last = weeks[-1].first + timedelta(days=WEEK_DAYS - 1)
    return f"{date_words(weeks[0].first)} to {date_words(last)}"


def _change_words(change: float | None, band: PlaceboBand | None, count: int) -> str:
    if change is None:
        return "There are no pages or orders in the weeks before, so there is nothing to compare with."
    told = f"{METRIC[:1].upper()}{METRIC[1:]}: {change_words(change)} than in {_before_words(count)}"
    if abs(change) < 0.0005:
        told = f"{METRIC[:1].upper()}{METRIC[1:]}: as in {_before_words(count)}"
    if band is None:
        return f"{told}. There is too little history to say how much weeks differ anyway."
    usual = f"In your own history 9 in 10 such comparisons moved by up to {percent_words(band.reach)} by themselves"
    return (
        f"{told}. {usual}{', and this is more.' if not band.holds(change) else ', so this may be nothing.'}"
    )

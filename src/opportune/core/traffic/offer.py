"""An offer: one question that a test could answer at this traffic, by when, and what it would notice going wrong.

Everything is worked out from how many new people come a day and what such people did: their share or mean, and how
much that varies. The arithmetic is `core/statistics/power.py`'s.
"""

from __future__ import annotations

from datetime import date, timedelta
from math import ceil
from typing import Literal

import msgspec

from opportune.core.metrics import Metric
from opportune.core.moment import DAY
from opportune.core.moved import percent_words
from opportune.core.report.plain import date_words
from opportune.core.statistics.power import (
    DAYS_A_WEEK,
    LIFT,
    Spread,
    smallest_gain,
    spread_of_share,
    units_needed,
    units_to_catch_harm,
    weeks_needed,
)
from opportune.core.traffic.scaled import Scaled

Kind = Literal["same against same", "the whole programme", "nearest step", "orders", "as planned"]
Whose = Literal["these people", "all visitors", "a typical shop"]
LONG_WEEKS = 40
"""A test of so many weeks or more is said to be too long: the shop, its season and its prices change meanwhile."""
USUAL_WEEKS = 8
LONGEST_WEEKS = 156
SMALL_HARM, LARGE_HARM = 0.2, 0.5
FEWEST_UNITS = 300
"""With fewer people their share says little: a typical shop's stands in for it."""
TYPICAL = {"Order Completed": 0.02, "Product Added": 0.12, "Signed Up": 0.02, "Slot Clicked": 0.05}
"""How many of a typical small shop's visitors do it within a week."""
TYPICAL_OTHER = 0.05


class Outcome(msgspec.Struct):
    """What people did by a metric after the moment from which they would have been in a test; it adds up."""

    units: int = 0
    total: int = 0
    squares: int = 0

    def add(self, value: int) -> None:
        self.units += 1
        self.total += value
        self.squares += value * value

    def join(self, other: Outcome) -> None:
        self.units += other.units
        self.total += other.total
        self.squares += other.squares


NOBODY = Outcome()


class Offer(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One test that could be run. `weeks` is None where it would never come to an end."""

    kind: Kind
    rule: str = ""
    metric: str
    reach: Scaled | None = None
    """For how many people a day the rule acts, as its backtest says it; None for the whole programme."""
    people_a_day: float
    """New ones: whoever comes again is in the test already."""
    baseline: float
    """What a person in it does now: a share, or a mean in the metric's unit (money: minor units)."""
    of: Whose
    """Whose that is: too few people, and it is taken from all visitors, or from a typical shop."""
    gain: float
    weeks: int | None
    shows_by: date | None
    is_too_long: bool
    gain_in_8_weeks: float | None
    """The smallest relative gain that 8 weeks would show."""
    days_to_catch: dict[str, int | None]
    """By harm (`20%`, `50%`): days until a limit that is looked at all the time has caught it, about."""
    sentence: str
    harm: str
    how: str = ""
    """What to write, or to do, to begin it."""
    now: str = ""
    """That it runs already, and until when; or what became of it."""


def spread_from(outcome: Outcome, everybody: Outcome, metric: Metric) -> tuple[Spread, Whose]:
    """What planning needs: of the people themselves, of all visitors where those are few, or of a typical shop."""
    for whose, seen in (("these people", outcome), ("all visitors", everybody)):
        found = _spread_of(seen, metric)
        if found is not None:
            return found, whose  # type: ignore[return-value]  # one of its words
    typical = next((TYPICAL[event] for event in metric.stored() if event in TYPICAL), TYPICAL_OTHER)
    return spread_of_share(typical), "a typical shop"


def _spread_of(outcome: Outcome, metric: Metric) -> Spread | None:
    if outcome.units < FEWEST_UNITS or outcome.total <= 0:
        return None
    mean = outcome.total / outcome.units
    if metric.unit == "share":
        return spread_of_share(mean) if mean < 1 else None
    variance = (outcome.squares - outcome.total * mean) / (outcome.units - 1)
    return Spread(mean, variance) if variance > 0 else None


def offer_of(
    kind: Kind,
    metric: Metric,
    outcome: Outcome,
    people_a_day: float,
    today: date,
    *,
    rule: str = "",
    reach: Scaled | None = None,
    gain: float = LIFT,
    treated_share: float = 0.5,
    everybody: Outcome = NOBODY,
    how: str = "",
    now: str = "",
) -> Offer:
    """What a test by that metric could answer, from today on."""
    spread, of = spread_from(outcome, everybody, metric)
    window_days = metric.window_ms / DAY
    people = units_needed(spread, gain * spread.value, treated_share=treated_share)
    weeks = weeks_needed(people, people_a_day, window_days=window_days)
    weeks = weeks if weeks is not None and weeks <= LONGEST_WEEKS else None
    shows_by = today + timedelta(weeks=weeks) if weeks is not None else None
    usual = smallest_gain(
        spread,
        people_a_day * max(1.0, USUAL_WEEKS * DAYS_A_WEEK - window_days),
        treated_share=treated_share,
    )
    caught = {
        percent_words(harm): _days(
            units_to_catch_harm(spread, harm, planned=people or 1, treated_share=treated_share), people_a_day
        )
        for harm in (SMALL_HARM, LARGE_HARM)
    }
    is_too_long = weeks is None or weeks >= LONG_WEEKS
    relative = usual / spread.value if usual is not None else None
    return Offer(
        kind=kind,
        rule=rule,
        metric=metric.describe(),
        reach=reach,
        people_a_day=people_a_day,
        baseline=spread.value,
        of=of,
        gain=gain,
        weeks=weeks,
        shows_by=shows_by,
        is_too_long=is_too_long,
        gain_in_8_weeks=relative,
        days_to_catch=caught,
        sentence=_sentence(gain, weeks, shows_by, relative),
        harm=_harm(caught, today),
        how=how,
        now=now,
    )


def _days(people: int | None, people_a_day: float) -> int | None:
    if people is None or people_a_day <= 0:
        return None
    days = ceil(people / people_a_day)
    return days if days <= LONGEST_WEEKS * DAYS_A_WEEK else None


def _sentence(gain: float, weeks: int | None, shows_by: date | None, relative: float | None) -> str:
    sought = f"A gain of {percent_words(gain)}"
    instead = f" In {USUAL_WEEKS} weeks only a gain of {percent_words(relative)} would." if relative else ""
    if weeks is None or shows_by is None:
        return f"{sought} would not show here within three years.{instead}"
    if weeks >= LONG_WEEKS:
        return f"{sought} would show by {date_words(shows_by)}: {weeks} weeks, too long to trust.{instead}"
    return f"{sought} would show by {date_words(shows_by)} ({weeks} {'week' if weeks == 1 else 'weeks'})."


def _harm(caught: dict[str, int | None], today: date) -> str:
    said = []
    for harm, days in caught.items():
        if days is None:
            said.append(f"a harm of {harm} would not be caught by counting")
        else:
            when = date_words(today + timedelta(days=days))
            said.append(f"a harm of {harm} after about {days:,} {'day' if days == 1 else 'days'} ({when})")
    return (
        f"Its safety limit would catch {' and '.join(said)}."
        if None not in caught.values()
        else (f"Its safety limit: {'; '.join(said)}.")
    )

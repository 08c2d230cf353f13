"""Ranking: which rule is worth taking on next, of the ready rules and of the playbook's own drafts.

By people times money over time: for how many people a day it would act, what such people spend, and how soon a test
would say whether it brings anything. What only hides needs no answer and costs nothing, so a week stands for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Literal

import msgspec

from opportune.core.language.sentence import describe
from opportune.core.metrics import Metric
from opportune.core.metrics.reading import parse_metric
from opportune.core.moment import SECOND
from opportune.core.playbook_files.rule_text import does_of
from opportune.core.programme import ACTING
from opportune.core.report.plain import date_words, money_words
from opportune.core.rule import Rule
from opportune.core.statistics.power import LIFT
from opportune.core.traffic.offer import NOBODY, Outcome, offer_of
from opportune.core.traffic.scaled import Scaled, people_a_day_words
from opportune.services.house import House
from opportune.services.standing import reading_house
from opportune.services.traffic.concluding import conclude
from opportune.services.traffic.estimating import Reach, estimate_recipes
from opportune.services.traffic.planning import Ground, everybody_here, tried, words_for
from opportune.storage.base import Storage

REVENUE = "revenue a visitor within 7 days"
STEP = "added to cart within 7 days"
HIDING_DAYS = 7
MOST_DAYS = 3 * 365
MOST_DRAFTS = 8
MONTH_DAYS = 30
FEWEST = 100
"""With fewer people what they spend says little: that of all visitors stands in."""

Origin = Literal["recipe", "draft"]


class NextRule(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One candidate with its reason. `score` is money a day over days to an answer; only its order means anything."""

    origin: Origin
    name: str
    rule: str
    sentence: str
    does: str
    reach: Scaled
    """For how many people a day it would act; of a draft as its backtest says it."""
    people_a_day: float
    """New ones, as a test counts them."""
    money_a_month: int
    """What a fifth more of what these people spend would be, in minor units; 0 where nobody spent anything yet."""
    days: int | None
    """Until a test would show a gain of 20%; None where it needs none."""
    shows_by: date | None
    score: float
    reason: str
    how: str


class Ranked(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Candidates, the best first; and those that cannot be begun yet, each with why."""

    candidates: tuple[NextRule, ...]
    waiting: tuple[str, ...]
    spent: float
    """What a visitor spends in the week after the first page, in minor units."""
    currency: str


def rank(storage: Storage, now: int) -> Ranked:
    """For the reading process."""
    house = reading_house(storage, now)
    programme = house.programme
    today = datetime.fromtimestamp(now / SECOND, UTC).astimezone(programme.playbook.vocabulary.zone).date()
    known = programme.playbook.plan
    metrics = [parse_metric(text, words_for(programme)).bound(known) for text in (REVENUE, STEP)]
    people, outcomes, days = everybody_here(storage, house, now, metrics)
    ground = Ground(storage, house, now, today, people / days, outcomes)
    revenue = outcomes.get(metrics[0].describe(), NOBODY)
    spent = revenue.total / revenue.units if revenue.units else 0.0
    reaches = estimate_recipes(storage, now).reaches
    found = [*_recipes(ground, reaches, spent), *_drafts(ground, spent, metrics)]
    return Ranked(
        candidates=tuple(sorted(found, key=lambda each: (-each.score, each.name))),
        waiting=tuple(_waiting(reaches)),
        spent=spent,
        currency=programme.team.currency,
    )


def _waiting(reaches: tuple[Reach, ...]) -> Iterator[str]:
    for reach in reaches:
        if reach.recipe.missing and not reach.recipe.is_added:
            yield f"{reach.recipe.name} waits for {' and '.join(reach.recipe.missing)}, never seen here."


# -- candidates -------------------------------------------------------------------------------------


def _recipes(ground: Ground, reaches: tuple[Reach, ...], spent: float) -> Iterator[NextRule]:
    """Those that no rule of the playbook says and does already, under whatever name."""
    playbook = ground.house.programme.playbook
    ours = {
        (describe(rule.when, playbook.vocabulary), does_of(rule, playbook))
        for rule in playbook.rules.values()
    }
    for reach in reaches:
        recipe = reach.recipe
        if recipe.is_added or recipe.missing or not reach.people_a_day or (recipe.when, recipe.does) in ours:
            continue
        yield _candidate(
            ground,
            "recipe",
            name=recipe.name,
            rule=recipe.title,
            sentence=recipe.when,
            does=recipe.does,
            reach=reach.between or Scaled(reach.people_a_day, reach.people_a_day, reach.people_a_day),
            people_a_day=reach.people_a_day,
            spent=spent,
            days=reach.days if recipe.counts else None,
            needs_test=bool(recipe.counts),
            counts=recipe.counts,
            how=f"opportune recipes add {recipe.name}",
        )


def _drafts(ground: Ground, spent: float, metrics: Sequence[Metric]) -> Iterator[NextRule]:
    """Rules of the playbook that do not act: drafts, in preview, or paused; none that ever switched itself off."""
    house = ground.house
    harmed = {each.rule for each in ground.storage.list_experiments() if each.ended_as == "rolled back"}
    drafts = [
        rule
        for rule in house.programme.playbook.rules.values()
        if _is_draft(rule, house) and rule.name not in harmed
    ]
    for rule in drafts[:MOST_DRAFTS]:
        trial, tally = tried(ground, rule, metrics)
        if trial.waits_for:
            continue
        found = conclude(trial, tally)
        a_day = found.people.value / found.days
        if not a_day:
            continue
        revenue = tally.outcomes.get(metrics[0].describe(), NOBODY)
        theirs = revenue.total / revenue.units if revenue.units >= FEWEST and revenue.total else spent
        needs_test = bool(rule.show)
        everybody = ground.everybody.get(metrics[1].describe(), NOBODY)
        step: Outcome = tally.outcomes.get(metrics[1].describe(), NOBODY)
        offer = offer_of("nearest step", metrics[1], step, a_day, ground.today, everybody=everybody)
        yield _candidate(
            ground,
            "draft",
            name=rule.name,
            rule=rule.name,
            sentence=describe(rule.when, house.programme.playbook.vocabulary),
            does=does_of(rule, house.programme.playbook),
            reach=found.people_a_day,
            people_a_day=a_day,
            spent=theirs,
            days=offer.weeks * 7 if offer.weeks is not None and needs_test else None,
            needs_test=needs_test,
            counts="added to cart",
            how=f'opportune rule "{rule.name}" live',
        )


def _is_draft(rule: Rule, house: House) -> bool:
    state = house.programme.run_states.get(rule.name)
    return (
        state is not None
        and (state.state not in ACTING or state.state == "preview")
        and (state.state != "rolled back")
    )


def _candidate(
    ground: Ground,
    origin: Origin,
    *,
    name: str,
    rule: str,
    sentence: str,
    does: str,
    reach: Scaled,
    people_a_day: float,
    spent: float,
    days: int | None,
    needs_test: bool,
    counts: str,
    how: str,
) -> NextRule:
    is_endless = needs_test and (days is None or days > MOST_DAYS)
    gained = people_a_day * spent * LIFT
    wait = HIDING_DAYS if not needs_test else MOST_DAYS if is_endless else max(days or 1, 1)
    shows_by = ground.today + timedelta(days=wait) if needs_test and not is_endless else None
    worth = _about(gained * MONTH_DAYS)
    return NextRule(
        origin=origin,
        name=name,
        rule=rule,
        sentence=sentence,
        does=does,
        reach=reach,
        people_a_day=people_a_day,
        money_a_month=worth,
        days=wait if shows_by is not None else None,
        shows_by=shows_by,
        score=(gained or people_a_day) / wait,
        reason=_reason(ground, reach, worth, shows_by, needs_test=needs_test, counts=counts),
        how=how,
    )


def _about(amount: float) -> int:
    """To two figures: more would promise what an estimate does not know."""
    return int(float(f"{amount:.1e}"))


def _reason(
    ground: Ground, reach: Scaled, worth: int, shows_by: date | None, *, needs_test: bool, counts: str
) -> str:
    """One sentence."""
    currency = ground.house.programme.team.currency
    people = people_a_day_words(reach)
    people = f"{people[:1].upper()}{people[1:]}"
    money = (
        f"; a fifth more of what they spend is about {money_words(worth, currency)} a month" if worth else ""
    )
    if not needs_test:
        return f"{people}; it shows nothing new, so it costs nothing and needs no test."
    if shows_by is None:
        return f"{people}{money}, but no test of its own would show it within three years."
    return f"{people}{money}, and a fifth more {counts} would show by {date_words(shows_by)}."

"""Planning: which tests can come to an answer at this traffic, and by when; the first that can be begun comes first.

First, where none ever ran, the same against the same; then the whole programme half and half, each rule on its
nearest step, and each rule on orders. How many people a rule has, and what such people do, is asked of the log.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from time import perf_counter
from typing import NamedTuple, TypeGuard
from zoneinfo import ZoneInfo

import msgspec
import yaml

from opportune.core.experiments.experiment import Experiment
from opportune.core.history.key import LANES
from opportune.core.metrics import Metric
from opportune.core.metrics.base import Words
from opportune.core.metrics.reading import parse_metric
from opportune.core.moment import DAY, SECOND
from opportune.core.programme import ACTING, Programme
from opportune.core.report.asking import answer_at
from opportune.core.report.plain import date_words, day_words
from opportune.core.rule import Rule
from opportune.core.slot import Slot
from opportune.core.statistics.power import LIFT
from opportune.core.traffic.offer import NOBODY, Kind, Offer, Outcome, offer_of
from opportune.core.traffic.tally import Tally
from opportune.services.house import House
from opportune.services.standing import reading_house
from opportune.services.traffic.backtesting import count_sample
from opportune.services.traffic.concluding import conclude
from opportune.services.traffic.deciding_again import count_outcomes
from opportune.services.traffic.sampling import LANE_ORDER, Past, Wanted, stays_of
from opportune.services.traffic.trying import DAYS, Asked, Trial
from opportune.storage.base import Storage

STEPS = ("clicks on the place", "added to cart within 7 days", "sign-ups within 7 days")
ORDERS = "orders within 7 days"
EVERYBODY = "every visitor"
MOST_RULES = 12
SAMPLE_PEOPLE = 1_500
PROGRAMME_SECONDS, RULE_SECONDS = 1.5, 1.0
"""Samples end by number; after so long they end all the same."""
HALF = 5_000
SAME_WEEKS = 2
FEW_LANES, MOST_ASKED = 8, 200


class Planned(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What can be asked here. Everything is estimated from a sample of the last days."""

    today: date
    days: float
    visitors_a_day: float
    """Different people in these days, divided by the days."""
    goal: str
    """What decides the whole programme."""
    offers: tuple[Offer, ...]
    not_offered: tuple[Offer, ...]
    """Tests that would not come to an end within three years."""
    left_out: tuple[str, ...] = ()
    """Rules beyond those looked at."""
    notes: tuple[str, ...] = ()


class Ground(NamedTuple):
    """What every offer is made on."""

    storage: Storage
    house: House
    now: int
    today: date
    a_day: float
    """New people."""
    everybody: Mapping[str, Outcome]
    """By metric, what all visitors did."""


def plan(storage: Storage, now: int) -> Planned:
    """For the reading process: every test that could be begun today."""
    house = reading_house(storage, now)
    programme = house.programme
    today = datetime.fromtimestamp(now / SECOND, UTC).astimezone(_zone(programme)).date()
    goal = goal_of(programme)
    known = programme.playbook.plan
    counted = [parse_metric(text, words_for(programme)).bound(known) for text in (*STEPS[1:], ORDERS)]
    rules = _rules(programme)
    own = [metric for rule in rules if (metric := _planned_metric(rule, programme)) is not None]
    people, outcomes, days = everybody_here(storage, house, now, _each_once([goal, *counted, *own]))
    a_day = people / days
    ground = Ground(storage, house, now, today, a_day, outcomes)
    offers = [*_same_against_same(ground), _programme_offer(ground, goal)]
    found = [_rule_offers(ground, rule) for rule in rules[:MOST_RULES]]
    offers += sorted((step for steps, _ in found for step in steps), key=_by_date)
    offers += sorted((orders for _, orders in found if orders is not None), key=_by_date)
    return Planned(
        today=today,
        days=days,
        visitors_a_day=a_day,
        goal=goal.describe(),
        offers=tuple(offer for offer in offers if offer.shows_by is not None),
        not_offered=tuple(offer for offer in offers if offer.shows_by is None),
        left_out=tuple(rule.name for rule in rules[MOST_RULES:]),
        notes=tuple(_notes(programme, a_day)),
    )


def _by_date(offer: Offer) -> int:
    return offer.weeks if offer.weeks is not None else sys.maxsize


def _each_once(metrics: Sequence[Metric]) -> list[Metric]:
    return list({metric.describe(): metric for metric in metrics}.values())


def _zone(programme: Programme) -> ZoneInfo:
    return programme.playbook.vocabulary.zone


def words_for(programme: Programme, places: tuple[str, ...] = ()) -> Words:
    playbook = programme.playbook
    return Words(plan=playbook.plan, zone=playbook.team.time_zone, places=places)


def goal_of(programme: Programme) -> Metric:
    """What the team chose for the quarter; orders where it chose nothing, or a ratio no plan can be made for."""
    goal = programme.team.goal or programme.team.metric
    if goal is None or goal.is_ratio:
        goal = parse_metric(ORDERS, words_for(programme))
    return goal.bound(programme.playbook.plan)


def _rules(programme: Programme) -> list[Rule]:
    """Those that a test could be of: whoever acts for decency's sake is not held back for a number."""
    return [rule for rule in programme.playbook.rules.values() if not rule.always]


# -- everybody --------------------------------------------------------------------------------------


def everybody_here(
    storage: Storage, house: House, now: int, metrics: Sequence[Metric]
) -> tuple[float, dict[str, Outcome], float]:
    """How many different people came, what they did from their first page on, and in how many days."""
    until = perf_counter() + PROGRAMME_SECONDS
    wanted = Wanted(imagined=(EVERYBODY,), since_at=now - DAYS * DAY, knows_device=False)
    past, outcomes = Past(storage, now), dict[str, Outcome]()
    people, lanes, oldest = 0, 0, now
    for lane in LANE_ORDER:
        firsts: dict[int, int] = {}
        for stay in stays_of(storage, lane, wanted, house.programme.playbook.plan):
            firsts.setdefault(stay.key, stay.moments[0].at)
        for key, first_at in firsts.items():
            count_outcomes(metrics, past, key, outcomes, first_at=first_at, now=now)
            oldest = min(oldest, first_at)
        people, lanes = people + len(firsts), lanes + 1
        if people >= SAMPLE_PEOPLE or perf_counter() > until:
            break
    return people * LANES / lanes, outcomes, max(1.0, (now - oldest) / DAY)


# -- rules ------------------------------------------------------------------------------------------


def _rule_offers(ground: Ground, rule: Rule) -> tuple[list[Offer], Offer | None]:
    """The offer on its nearest step, with the one it is planned with where that is another; and on orders."""
    programme, everybody = ground.house.programme, ground.everybody
    words, known = words_for(programme, rule.slots()), programme.playbook.plan
    orders = parse_metric(ORDERS, words).bound(known)
    texts = STEPS if rule.slots() else STEPS[1:]
    steps: list[Metric] = [parse_metric(text, words).bound(known) for text in texts]
    steps = [step for step in steps if programme.seen_events & step.events(known)]
    own = _planned_metric(rule, programme)
    metrics = _each_once([*steps, orders, *([own] if own is not None else [])])
    trial, tally = tried(ground, rule, metrics)
    if trial.waits_for:
        return [], None
    found = conclude(trial, tally)
    a_day = found.people.value / found.days
    now, how = ("", "") if rule.test is None else _how_to_begin(ground, rule)

    def offered(kind: Kind, metric: Metric) -> Offer:
        gain = rule.design.smallest_gain if rule.design is not None and kind == "as planned" else LIFT
        name = metric.describe()
        is_planned = own is not None and name == own.describe()
        return offer_of(
            kind,
            metric,
            tally.outcomes.get(name, NOBODY),
            a_day,
            ground.today,
            rule=rule.name,
            reach=found.people_a_day,
            gain=gain,
            everybody=everybody.get(name, NOBODY),
            how=how if is_planned else f"in the rule's file: `test: half and half, on {name}`",
            now=now if is_planned else "",
        )

    nearest = max(steps, key=lambda step: _share(tally, step), default=None)
    steps_offered = (
        [] if nearest is None or _is_in_place_of(own, nearest) else [offered("nearest step", nearest)]
    )
    if _is_in_place_of(own, orders):
        return steps_offered, offered("as planned", own)
    if own is not None and own.describe() not in {orders.describe(), nearest.describe() if nearest else ""}:
        steps_offered.append(offered("as planned", own))
    return steps_offered, offered("orders", orders)


def _is_in_place_of(own: Metric | None, other: Metric) -> TypeGuard[Metric]:
    """What the file plans asks the same, and gives it another time."""
    return own is not None and own.phrase == other.phrase and own.describe() != other.describe()


def _planned_metric(rule: Rule, programme: Programme) -> Metric | None:
    """What its file lets decide, where a plan can be made for it."""
    if rule.design is None or rule.design.metric.is_ratio:
        return None
    return rule.design.metric.bound(programme.playbook.plan)


def _how_to_begin(ground: Ground, rule: Rule) -> tuple[str, str]:
    """Of the test that its file plans: what it does now, and how to begin it where it does not run."""
    state = ground.house.programme.run_states.get(rule.name)
    tests = [each for each in ground.storage.list_experiments() if each.rule == rule.name]
    running = next((each for each in tests if each.is_open), None)
    if running is not None:
        return _runs_until(ground, running), ""
    if state is not None and state.state == "rolled back":
        return "It switched itself off.", f'opportune rule "{rule.name}" live --reason "what was put right"'
    if tests and state is not None and state.state in ACTING:
        return f'Its test is over: opportune report "{rule.name}"', ""
    return "", f'opportune rule "{rule.name}" live'


def _runs_until(ground: Ground, experiment: Experiment) -> str:
    zone = _zone(ground.house.programme)
    return f"It runs: the answer comes on {day_words(answer_at(experiment, ground.now, zone), zone)}."


def _share(tally: Tally, metric: Metric) -> float:
    outcome = tally.outcomes.get(metric.describe(), NOBODY)
    return outcome.total / outcome.units if outcome.units else 0.0


def tried(ground: Ground, rule: Rule, metrics: Sequence[Metric]) -> tuple[Trial, Tally]:
    until = perf_counter() + RULE_SECONDS
    trial = Trial(ground.storage, ground.now, Asked(rule=rule.name), house=ground.house, metrics=metrics)
    return trial, count_sample(trial.only_reach(), until - perf_counter())


# -- what else is offered ---------------------------------------------------------------------------


def _programme_offer(ground: Ground, goal: Metric) -> Offer:
    """Everything against nothing. Half and half, as it answers twice to nine times as soon as a small control group."""
    is_half = ground.house.programme.team.holdout == HALF
    running = (
        each for each in ground.storage.list_experiments() if each.subject == "programme" and each.is_open
    )
    experiment = next(running, None) if is_half else None
    return offer_of(
        "the whole programme",
        goal,
        ground.everybody.get(goal.describe(), NOBODY),
        ground.a_day,
        ground.today,
        how="" if is_half else "in team.yaml: `control group: 50%`",
        now=_runs_until(ground, experiment) if experiment is not None else "",
    )


def _same_against_same(ground: Ground) -> Iterator[Offer]:
    """A test of nothing, where none ever ended: should it find something, splitting or counting is wrong."""
    programme = ground.house.programme
    places = [slot for slot in programme.playbook.slots.values() if _is_plain(slot)]
    if any(not each.is_open for each in ground.storage.list_experiments()) or not places:
        return
    place = max(places, key=lambda slot: _asked_for(ground, slot.name))
    metric = parse_metric(STEPS[1], words_for(programme)).bound(programme.playbook.plan)
    planned = offer_of(
        "same against same", metric, NOBODY, ground.a_day, ground.today, how=_same_files(place)
    )
    by = ground.today + timedelta(weeks=SAME_WEEKS)
    yield msgspec.structs.replace(
        planned,
        weeks=SAME_WEEKS,
        shows_by=by,
        is_too_long=False,
        sentence=(
            f"By {date_words(by)} you know whether halves are even and nothing is counted twice: both see the same, "
            "so a difference means that something is wrong."
        ),
        harm="Nobody sees anything new.",
    )


def _asked_for(ground: Ground, slot: str) -> int:
    """How often lately, in a few lanes."""
    return sum(
        len(ground.storage.list_lane_opportunities(lane, (slot,), ground.now - DAYS * DAY, limit=MOST_ASKED))
        for lane in LANE_ORDER[:FEW_LANES]
    )


def _is_plain(slot: Slot) -> bool:
    """Whether its normal content can stand again as a version."""
    return slot.fallback is not None and slot.type != "list"


def _same_files(slot: Slot) -> str:
    """What to add to the place's file, and a rule of its own."""
    title = slot.title or slot.name
    version = yaml.safe_dump(
        {"variants": {"Same as now": slot.fallback}}, sort_keys=False, allow_unicode=True
    )
    rule = {
        "rule": "Same against same",
        "when": "everyone",
        "show": {title: "Same as now"},
        "test": "half and half, on added to cart, for 2 weeks",
        "purpose": "To see that halves are even and nothing is counted twice",
    }
    text = yaml.safe_dump(rule, sort_keys=False, allow_unicode=True)
    return f"# in the file of the place {title}\n{version}\n# rules/same-against-same.yaml\n{text}".rstrip()


def _notes(programme: Programme, a_day: float) -> Iterator[str]:
    acting = [
        rule.name
        for rule in _rules(programme)
        if (state := programme.run_states.get(rule.name)) is not None and state.state in ACTING
    ]
    if not a_day:
        yield "Nobody came in the last days: dates follow once there are visitors."
    if len(acting) > 1:
        together = "The whole programme half and half asks one question of all of them together."
        yield f"{len(acting)} rules act now. {together}"

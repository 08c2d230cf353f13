"""Gathering: what is known of every running rule at a moment, for the signs to look at.

Reads only sums, so that it may be done every minute beside deciding.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import msgspec

from opportune.core.catalogue import Catalogue
from opportune.core.experiments.experiment import Experiment
from opportune.core.experiments.watched import (
    ASKED,
    HAPPENED,
    REACHED,
    SET_ASIDE,
    TROUBLE,
    Broken,
    Expected,
    Named,
    Silence,
    Watched,
)
from opportune.core.history.facts import path_of
from opportune.core.history.plan import Plan
from opportune.core.moment import DAY, HOUR, SECOND
from opportune.core.product import Product
from opportune.core.rule import Rule, RunState
from opportune.core.traffic.bounced import Bounced
from opportune.services.house import House

RUNNING = frozenset({"live", "share"})
USUAL_DAYS = 28
KEPT_MS = 70 * DAY
"""Counts are kept so long: a run's four weeks, the four before it, and some room."""
WEEKS = 4
WEEK = 7 * DAY
LONGEST_SILENCE = WEEK
EXPECTED = "expected "
"""A setting's name begins so: in which share of visits the run of a rule was to act."""
PRODUCT_FIELDS = frozenset({"product", "product_id", "product id", "sku"})

Rows = list[tuple[str, str, str, int]]


class Gathering:
    """One look at a house."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.now = house.clock()
        self.programme = house.programme
        self.storage = house.storage
        self.bounced: Mapping[str, Bounced] = {}
        """By rule, where it was counted for this look."""
        self._usual: dict[int, Rows] = {}

    # -- rules ----------------------------------------------------------------------------------

    def running(self) -> list[tuple[Rule, RunState]]:
        """Rules that act for visitors now."""
        states = self.programme.run_states
        return [
            (rule, states[name])
            for name, rule in self.programme.playbook.rules.items()
            if name in states and states[name].state in RUNNING
        ]

    def watched(self, rule: Rule, state: RunState) -> Watched:
        """Everything about one rule."""
        seed = state.seed
        counts: dict[str, dict[str, int]] = defaultdict(dict)
        beside: dict[str, int] = defaultdict(int)
        for of, slot, what, count in self._lately:
            if of == seed:
                counts[slot][what] = count
        for of, slot, what, count in self._lately:
            if of not in ("", seed) and slot in counts:
                beside[what] += count
        experiment, expected = self._open.get(rule.name), self.expected_of(state)
        return Watched(
            now=self.now,
            rule=rule.name,
            run=seed,
            launched_at=state.since_at,
            share=state.share,
            needs=self._needs(rule),
            counts=counts,
            today=self._today(seed, _counted_from(state, expected)),
            usual=self._usually(seed, state.since_at),
            beside=beside,
            expected=expected,
            bounced=self.bounced.get(rule.name),
            not_put=self._not_put(frozenset(rule.slots()), state.since_at),
            products=tuple(self._products(rule)),
            silences=self.silences,
            broken=self._broken_since(max(state.since_at, self.now - DAY)),
            experiment=experiment,
            measured=self.storage.find_measured(experiment.id) if experiment is not None else None,
            until_day=self._yesterday,
            waits_for=next((each.events for each in self.programme.waiting if each.rule == rule.name), ()),
        )

    def nobodys(self) -> Watched:
        """What concerns no single rule."""
        return Watched(now=self.now, silences=self.silences, broken=self._broken_since(self.now - DAY))

    def programmes(self) -> Watched | None:
        """The whole programme against its control group."""
        experiment = self._open.get("")
        if experiment is None:
            return None
        measured = self.storage.find_measured(experiment.id)
        return Watched(
            now=self.now,
            run=experiment.id,
            experiment=experiment,
            measured=measured,
            until_day=self._yesterday,
        )

    def expected_of(self, state: RunState) -> Expected | None:
        """Nothing for some minutes after a rule was changed while live, until that is asked of the log, too."""
        found = self.find_expected(state.seed)
        return None if found is None or is_of_another(found, state) else found

    def find_expected(self, seed: str) -> Expected | None:
        text = self.storage.find_setting(f"{EXPECTED}{seed}")
        return msgspec.json.decode(text, type=Expected | None) if text else None

    @cached_property
    def _open(self) -> Mapping[str, Experiment]:
        """By rule; the whole programme's under no name."""
        return {
            "" if each.subject == "programme" else each.rule: each
            for each in self.storage.list_experiments(open_only=True)
        }

    @cached_property
    def _yesterday(self) -> str:
        zone = self.programme.playbook.vocabulary.zone
        today = datetime.fromtimestamp(self.now / SECOND, UTC).astimezone(zone).date()
        return (today - timedelta(days=1)).isoformat()

    def _needs(self, rule: Rule) -> frozenset[str]:
        vocabulary = self.programme.playbook.vocabulary
        needs = [each.needs(vocabulary).events for each in (rule.when, rule.not_if) if each is not None]
        return frozenset().union(*needs)

    # -- counts ---------------------------------------------------------------------------------

    @cached_property
    def _lately(self) -> Rows:
        return self._rows(self.now - USUAL_DAYS * DAY, self.now + HOUR)

    def _rows(self, since_at: int, until_at: int) -> Rows:
        return self.storage.list_rule_counts(since_at // HOUR * HOUR, until_at // HOUR * HOUR)

    def _today(self, seed: str, launched_at: int) -> dict[str, int]:
        """Visits: in whatever place it reached most of, of those asked for most."""
        found = {REACHED: 0, ASKED: 0}
        for of, _, what, count in self._counts_since(max(launched_at, self.now - DAY)):
            if (of, what) in ((seed, REACHED), ("", ASKED)):
                found[what] = max(found[what], count)
        return found

    def _not_put(self, slots: frozenset[str], launched_at: int) -> tuple[int, int]:
        since = max(launched_at, self.now - DAY) // HOUR * HOUR
        before = launched_at // HOUR * HOUR
        spans = (self._counts_since(since), self._rows(before - (self.now - since), before))
        now, then = (
            sum(count for of, slot, what, count in rows if not of and what == TROUBLE and slot in slots)
            for rows in spans
        )
        return now, then

    def _counts_since(self, since_at: int) -> Rows:
        hour = since_at // HOUR * HOUR
        if hour not in self._since:
            self._since[hour] = self._rows(hour, self.now + HOUR)
        return self._since[hour]

    @cached_property
    def _since(self) -> dict[int, Rows]:
        return {}

    def _usually(self, seed: str, launched_at: int) -> dict[str, int]:
        """Of all other rules, in the four weeks before it was launched."""
        hour = launched_at // HOUR * HOUR
        if hour not in self._usual:
            self._usual[hour] = self._rows(hour - USUAL_DAYS * DAY, hour)
        found: dict[str, int] = defaultdict(int)
        for of, _, what, count in self._usual[hour]:
            if of not in ("", seed):
                found[what] += count
        return found

    def orders_share(self) -> float:
        """Orders a visit, of the last four weeks."""
        asked = max((count for of, _, what, count in self._lately if not of and what == ASKED), default=0)
        orders = sum(
            count
            for of, name, what, count in self._lately
            if not of and what == HAPPENED and name == "Order Completed"
        )
        return orders / asked if asked else 0.0

    # -- events ---------------------------------------------------------------------------------

    @property
    def _plan(self) -> Plan:
        return self.programme.playbook.plan

    def _broken_since(self, since_at: int) -> tuple[Broken, ...]:
        came: dict[str, int] = defaultdict(int)
        aside: dict[str, int] = defaultdict(int)
        for of, name, what, count in self._counts_since(since_at):
            if not of and what in (HAPPENED, SET_ASIDE):
                (came if what == HAPPENED else aside)[name] += count
        return tuple(
            Broken(event=name, came=came[name], set_aside=count) for name, count in sorted(aside.items())
        )

    @cached_property
    def silences(self) -> tuple[Silence, ...]:
        """Key events that came before and do not now, while other things go on being counted."""
        seen = self.storage.list_seen_events()
        found = []
        for event in self._plan.events.values():
            if not event.is_key_event:
                continue
            moments = [seen[name][1] for name in self._plan.names_of(event.name) if name in seen]
            if moments and (silence := self._silence(event.name, max(moments))) is not None:
                found.append(silence)
        return tuple(found)

    def _silence(self, event: str, last_at: int) -> Silence | None:
        """Only hours in which anything at all was counted are silent: else the server was not asked."""
        until = self.now // HOUR * HOUR
        since = max((last_at // HOUR + 1) * HOUR, until - LONGEST_SILENCE)
        if until - since < HOUR:
            return None
        hours = [hour for hour, _ in self.storage.list_hours("", "", since, until)]
        known = dict(self.storage.list_hours(event, HAPPENED, since - WEEKS * WEEK, until))
        if any(since <= hour for hour in known):
            return None
        past = [sum(known.get(hour - week * WEEK, 0) for hour in hours) for week in range(1, WEEKS + 1)]
        while past and not past[-1]:
            past.pop()
        if not hours or not past:
            return None
        return Silence(
            event=event,
            words=self._plan.events[event].things + "s" if self._plan.events[event].things else event,
            since_at=last_at,
            hours=len(hours),
            expected=sum(past) / len(past),
            weeks=len(past),
        )

    # -- products -------------------------------------------------------------------------------

    def _products(self, rule: Rule) -> Iterator[Named]:
        catalogue, team = self.house.catalogue, self.programme.team
        for action in rule.show:
            slot = self.programme.playbook.slots.get(action.slot)
            variant = slot.find_variant(action.variant) if slot is not None else None
            if variant is None:
                continue
            for product in _named_in(variant.value, catalogue):
                if self.now - catalogue.known_at(product) <= team.facts_last:
                    is_there = product.in_stock and product.stock != 0
                    yield Named(variant.name, product.name or product.id, is_there)


def _counted_from(state: RunState, expected: Expected | None) -> int:
    """Since its launch, or since the first whole hour of what it does now: counts are by the hour."""
    if expected is None or expected.since_at <= state.since_at:
        return state.since_at
    return -(-expected.since_at // HOUR) * HOUR


def is_of_another(expected: Expected, state: RunState) -> bool:
    """Whether it was asked for what the rule did before it was changed."""
    return expected.behaviour not in ("", state.behaviour)


def _named_in(value: Any, catalogue: Catalogue) -> Collection[Product]:
    """Products that a content names by a field of its own or by a link to their page, each once."""
    found: dict[str, Product] = {}
    for text, field in _texts(value, ""):
        product = catalogue.find(text) if field.casefold() in PRODUCT_FIELDS else None
        if product is None and text.startswith(("/", "http://", "https://")) and path_of(text) != "/":
            product = catalogue.find_on_page(path_of(text))
        if product is not None:
            found[product.id] = product
    return found.values()


def _texts(value: Any, field: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield value, field
    elif isinstance(value, Mapping):
        for name, each in value.items():
            yield from _texts(each, str(name))
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each, field)


Ask = Callable[..., Any]
"""Where a long read is done: `ask(function, *arguments)` calls `function(storage, *arguments)`."""

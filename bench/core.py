"""One decision in process, against three flag libraries fed the same rule; and conditions over a stored timeline."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path

import msgspec

from bench import shop
from bench.interleaving import interleave
from bench.peers import UNIT, list_peers
from bench.table import Section
from opportune.app.house import build_house
from opportune.app.storing import open_storage
from opportune.core.allocation import BUCKETS, bucket_of
from opportune.core.conditions.all import All
from opportune.core.conditions.signal import SignalTest
from opportune.core.decision import decide
from opportune.core.history.key import key_of
from opportune.core.playbook import Playbook
from opportune.core.programme import Programme
from opportune.core.rule import Rule, RunState, Show, Test
from opportune.core.situation import Context, Situation, Unit, Visit
from opportune.core.slot import Slot, Variant
from opportune.process.place import Place
from opportune.services.deciding import Question, recollect
from opportune.services.house import House

NOW = 1_800_000_000_000
THREE = All(
    conditions=(
        SignalTest(signal="device type", test="is", values=("mobile",)),
        SignalTest(signal="country", test="is", values=("DE", "NL")),
        SignalTest(signal="visits", test="at least", values=(2,)),
    )
)
HERO = Slot(
    name="hero",
    fallback={"headline": "Welcome"},
    tags=frozenset({"promo"}),
    variants=(Variant(name="Shoes", value={"headline": "Shoes for you"}),),
)
VISITORS = 2_000


def measure() -> Section:
    section = Section("core", "One decision, in process", ("us", "x the first peer"))
    _measure_decision(section)
    _measure_timelines(section)
    return section


def _measure_decision(section: Section) -> None:
    ours = {
        "ours": deciding(holdout=0),
        "ours, with a control group of 10%": deciding(holdout=1_000),
    }
    peers = list_peers()
    found = interleave({**peers, **ours})
    base = next(iter(peers), "")
    for name, timed in found.items():
        is_target = name == "ours" and base.startswith("eppo")
        section.add(
            name,
            f"{timed.us:.2f}",
            f"{timed.ratio:.2f}",
            target="< 1.00 (2.5 us)" if is_target else "",
            is_met=timed.ratio < 1 if is_target else None,
        )
    section.note(
        "Device is mobile, country one of two, at least 2 visits; half and half. The context is built, every gate is "
        "passed, arm and exposure are worked out with SHA-256, findings are kept for the receipt, whose words are "
        "made when somebody asks. The peers get the same attributes, work offline and log to nowhere."
    )


def programme_of(*rules: Rule, slots: tuple[Slot, ...] = (HERO,), holdout: int = 0) -> Programme:
    empty = shop.playbook_of({"team.yaml": shop.TEAM})
    playbook = Playbook(
        revision="0123456789ab",
        team=msgspec.structs.replace(empty.team, holdout=holdout),
        plan=empty.plan,
        vocabulary=empty.vocabulary,
        slots={slot.name: slot for slot in slots},
        rules={rule.name: rule for rule in rules},
        behaviours={rule.name: "0123456789abcdef" for rule in rules},
    )
    states = {rule.name: _treating(RunState(rule=rule.name, may_act_unseen=True)) for rule in rules}
    return Programme(playbook, states)


def _treating(state: RunState) -> RunState:
    """The same with the first number of its test that puts our unit into the treatment."""
    runs = (msgspec.structs.replace(state, run=run) for run in range(1, 100))
    return next(run for run in runs if bucket_of(run.seed, UNIT) >= BUCKETS / 2)


def deciding(*, holdout: int) -> Callable[[], object]:
    """One whole decision for somebody in the treatment of a test."""
    rule = Rule(name="On the go", when=THREE, show=(Show(slot="hero", variant="Shoes"),), test=Test())
    programme = programme_of(rule, holdout=holdout)
    place, readers, visit = programme.places["hero"], programme.readers, Visit(NOW - 1_000, NOW)

    def ask() -> object:
        situation = Situation(
            now=NOW,
            readers=readers,
            context=Context(attributes={"device type": "mobile", "country": "DE", "visits": 3}),
            unit=Unit(1, UNIT),
            visit=visit,
        )
        return decide(place, situation, programme)

    decision = ask()
    assert (decision.variant, decision.reason) == ("Shoes", "SPLIT"), decision  # type: ignore[attr-defined]
    return ask


def _measure_timelines(section: Section) -> None:
    for events, visitors, target in ((50, VISITORS, 60), (500, VISITORS // 5, 450)):
        with _stored(visitors, events) as (house, questions):
            found = interleave(_reading(house, questions), calls=200, rounds=40)
        section.add(f"{events} events: SQLite read, visit, situation", f"{found['read'].us:.0f}")
        us = found["decide"].us
        section.add(
            f"{events} events: the same and ten conditions in two tested rules",
            f"{us:.0f}",
            target=f"<= {target} us",
            is_met=us <= target,
        )
    section.note(
        f"Timelines: real-sized events, {VISITORS:,} visitors with 50 or {VISITORS // 5} with 500, in turn."
    )


def _reading(house: House, questions: list[Question]) -> dict[str, Callable[[], object]]:
    programme, turn = house.programme, cycle(questions)
    places = [programme.places[name] for name in ("home-hero", "offer-bar")]

    def read() -> object:
        return recollect(house, next(turn), programme)

    def read_and_decide() -> object:
        situation = recollect(house, next(turn), programme)
        return [decide(place, situation, programme) for place in places]

    return {"read": read, "decide": read_and_decide}


@contextmanager
def _stored(visitors: int, events: int) -> Iterator[tuple[House, list[Question]]]:
    with tempfile.TemporaryDirectory() as folder:
        shop.fill(Path(folder), visitors, events)
        storage = open_storage(Place(Path(folder)))
        house = build_house(storage)
        playbook = shop.playbook_of(shop.TEN_CONDITIONS)
        states = {name: RunState(rule=name, may_act_unseen=True) for name in playbook.rules}
        house.programme = Programme(playbook, states)
        questions = [Question(anonymous_id=shop.visitor_id(number)) for number in range(visitors)]
        keys = [key_of("anonymous", shop.visitor_id(number)) for number in range(visitors)]
        now = int(time.time() * 1_000)
        assert sum(map(len, storage.recall(keys[:1], now=now).events.values())) == events
        try:
            yield house, questions
        finally:
            storage.close()

"""Measuring through capture and decide: whoever is exposed counts once, with what their person did in the window."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tests.building import NOW, decided, programme, rule
from tests.stores import settle

from opportune.core.allocation import arm_of
from opportune.core.experiments.experiment import Experiment, Phase
from opportune.core.experiments.measured import (
    CLICKED,
    CROSSED,
    SHOWN,
    UNASSIGNED,
    UNKNOWN_ARM,
    WITHOUT_ARM,
    Adding,
    CellSums,
    Measured,
    Unit,
    together,
)
from opportune.core.history.key import LANES, key_of
from opportune.core.history.timeline import TimelineEvent
from opportune.core.metrics import Words
from opportune.core.metrics.reading import parse_metric
from opportune.core.moment import DAY, HOUR, MINUTE, to_iso
from opportune.core.rule import CONTROL, TREATMENT, RunState, Test
from opportune.core.situation import Assignment, Context
from opportune.core.team import Team
from opportune.services.capturing import CaptureResult, CaptureSource, capture
from opportune.services.deciding import Question
from opportune.services.experiments import measuring
from opportune.services.experiments.keeping_measured import (
    ANYWAY_SECONDS,
    ROUND_SECONDS,
    Rounds,
    keep_measured,
    list_unfrozen,
    terms_of,
)
from opportune.services.experiments.measuring import LATE_MS, measure, measure_all, stretch_of
from opportune.services.house import House
from opportune.services.people.erasing import erase
from opportune.services.people.identifying import find_people
from opportune.services.retiring import retire
from opportune.storage.base import Exposure, Storage

BROWSER, SERVER = CaptureSource(name="site"), CaptureSource(name="backend", is_secret=True)
ORDERS, REVENUE, CARTS = (
    parse_metric(text, Words())
    for text in ("orders within 3 days", "revenue a visitor within 3 days", "added to cart within 3 days")
)
SEED = "Keen/1"
ARMS = ((CONTROL, 5_000), (TREATMENT, 5_000))


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def house(storage: Storage) -> House:
    return House(
        storage=storage,
        clock=Clock(),
        secret=b"s" * 32,
        programme=programme(rule("Keen", test=Test())),
        deadline_seconds=30,
    )


def started(house: House, **other: Any) -> Experiment:
    experiment = Experiment(
        **{
            "id": SEED,
            "subject": "rule",
            "rule": "Keen",
            "arms": ARMS,
            "metric": ORDERS,
            "others": (REVENUE,),
            "started_at": NOW,
            "planned_end_at": NOW + 14 * DAY,
            "caps": {REVENUE.name: 10_000},
            **other,
        }
    )
    house.storage.write(lambda transaction: transaction.put_experiment(experiment)).result()
    return experiment


def visitor(arm: str, number: int = 0) -> str:
    """A device that the test's hash puts into an arm."""
    found = (f"v-{n}" for n in range(10_000) if arm_of(SEED, f"v-{n}", ARMS) == arm)
    return [next(found) for _ in range(number + 1)][-1]


def move(house: House, ms: int) -> None:
    assert isinstance(house.clock, Clock)
    house.clock.now += ms


def expose(house: House, device: str, **looked: Any) -> None:
    context = Context(attributes={"keen": True}, **looked)
    question = Question(anonymous_id=device, slots=("hero",), context=context)
    for _ in range(2):  # whoever asks for the first time is held until they come again
        decided(house, question)
    settle(house.storage)


def send(house: House, source: CaptureSource, *messages: dict[str, Any]) -> CaptureResult:
    stamped = [{"timestamp": to_iso(house.clock()), **message} for message in messages]
    return capture(house, source, stamped).result()


def order(number: str = "1", revenue: float = 50, **who: Any) -> dict[str, Any]:
    properties = {"order_id": number, "revenue": revenue}
    return {"type": "track", "event": "Order Completed", "properties": properties, **who}


def refund(number: str = "1", revenue: float = 20, **who: Any) -> dict[str, Any]:
    properties = {"refund_id": f"r-{number}", "order_id": number, "revenue": revenue}
    return {"type": "track", "event": "Order Refunded", "properties": properties, **who}


def identify(user: str, device: str) -> dict[str, Any]:
    return {"type": "identify", "userId": user, "anonymousId": device}


def measured(house: House, experiment: Experiment) -> Measured:
    return measure(house.storage, experiment, terms_of(house), house.clock())


def bought(sums: CellSums) -> tuple[int, int, int]:
    """Units, buyers, and their revenue (raw)."""
    orders, revenue = sums.by_metric.get(ORDERS.name), sums.raw.get(REVENUE.name)
    return sums.units, int(orders.y) if orders else 0, int(revenue.y) if revenue else 0


def result(
    house: House, experiment: Experiment, arm: str = TREATMENT, part: str = ""
) -> tuple[int, int, int]:
    return bought(measured(house, experiment).total(arm, part=part))


def test_visitors_of_both_arms_are_counted_with_what_they_bought(house: House) -> None:
    experiment = started(house)
    for number in range(3):
        expose(house, visitor(CONTROL, number))
        expose(house, visitor(TREATMENT, number))
    move(house, HOUR)
    send(
        house,
        BROWSER,
        order("1", anonymousId=visitor(TREATMENT)),
        order("2", 30, anonymousId=visitor(CONTROL)),
    )
    found = measured(house, experiment)
    assert bought(found.total(TREATMENT)) == (3, 1, 5_000)
    assert bought(found.total(CONTROL)) == (3, 1, 3_000)
    assert found.not_counted == {}
    assert {(cell.phase, cell.day) for cell in found.cells} == {(1, "2027-01-15")}


def test_only_what_happens_inside_the_window_counts_whenever_it_arrives(house: House) -> None:
    experiment = started(house)
    device = visitor(TREATMENT)
    expose(house, device)
    move(house, 9 * DAY)
    before, inside, after = (to_iso(NOW + offset) for offset in (-1_000, 3 * DAY - 1_000, 3 * DAY))
    send(house, BROWSER, order("a", timestamp=after, anonymousId=device))
    assert result(house, experiment) == (1, 0, 0)
    send(house, BROWSER, order("b", timestamp=before, anonymousId=device))
    assert result(house, experiment) == (1, 0, 0)
    assert measured(house, experiment).total(TREATMENT).by_metric[ORDERS.name].x == 1
    send(house, BROWSER, order("c", timestamp=inside, anonymousId=device))
    assert result(house, experiment) == (1, 1, 5_000)


def test_two_exposed_devices_of_one_person_count_once_from_the_first(house: House) -> None:
    experiment = started(house)
    first, second = visitor(TREATMENT, 0), visitor(TREATMENT, 1)
    expose(house, first)
    move(house, 2 * DAY)
    expose(house, second)
    move(house, 2 * DAY)
    send(house, BROWSER, order("late", anonymousId=second))
    assert result(house, experiment) == (2, 1, 5_000)
    send(house, SERVER, identify("anna", first), identify("anna", second))
    assert result(house, experiment) == (1, 0, 0), "four days after the first exposure"
    send(house, SERVER, order("early", 20, userId="anna", timestamp=to_iso(NOW + DAY)))
    assert result(house, experiment) == (1, 1, 2_000)
    assert result(house, experiment, part=CROSSED)[0] == 0


def test_a_person_seen_in_both_arms_counts_as_first_assigned_and_apart_too(house: House) -> None:
    experiment = started(house)
    first, second = visitor(CONTROL), visitor(TREATMENT)
    expose(house, first)
    expose(house, visitor(CONTROL, 1))
    move(house, HOUR)
    expose(house, second)
    send(house, SERVER, identify("anna", first), identify("anna", second), order(userId="anna"))
    assert result(house, experiment, CONTROL) == (2, 1, 5_000)
    assert result(house, experiment, CONTROL, CROSSED) == (1, 1, 5_000)
    assert result(house, experiment, TREATMENT) == (0, 0, 0)


def test_later_keys_inherit_and_a_second_user_of_a_device_is_nobody_of_the_test(house: House) -> None:
    experiment = started(house)
    device, phone = visitor(TREATMENT), "phone-of-anna"
    expose(house, device)
    send(house, SERVER, identify("anna", device), identify("anna", phone))
    expose(house, phone)
    send(house, BROWSER, order("1", anonymousId=phone))
    send(house, SERVER, identify("bert", device))
    send(house, BROWSER, order("2", anonymousId=device))
    assert result(house, experiment) == (1, 1, 5_000)


def test_a_refund_in_the_window_is_taken_off(house: House) -> None:
    experiment = started(house)
    device = visitor(TREATMENT)
    expose(house, device)
    send(house, BROWSER, order(anonymousId=device))
    send(house, SERVER, identify("anna", device), refund(userId="anna"))
    assert result(house, experiment) == (1, 1, 3_000)


def test_a_verified_order_replaces_the_browsers(house: House) -> None:
    experiment = started(house)
    device = visitor(TREATMENT)
    expose(house, device)
    send(house, BROWSER, order(revenue=50, anonymousId=device))
    move(house, 4 * DAY)
    send(house, SERVER, identify("anna", device), order(revenue=60, userId="anna"))
    assert result(house, experiment) == (1, 1, 6_000), "the earliest time stands"
    send(house, SERVER, order(revenue=60, userId="anna"))
    assert result(house, experiment) == (1, 1, 6_000)


def test_absurd_revenue_is_capped_beside_the_raw_sum(house: House) -> None:
    experiment = started(house)
    device = visitor(TREATMENT)
    expose(house, device)
    send(house, BROWSER, order(revenue=10**9, anonymousId=device))
    sums = measured(house, experiment).total(TREATMENT)
    assert (sums.by_metric[REVENUE.name].y, sums.raw[REVENUE.name].y) == (10_000, 10**11)
    assert sums.raw[REVENUE.name].yy == 10**22
    assert sums.largest[REVENUE.name] == 10**11


def test_who_had_it_on_screen_and_who_clicked_are_parts(house: House) -> None:
    experiment = started(house, metric=CARTS)
    seen, clicked = visitor(TREATMENT, 0), visitor(TREATMENT, 1)
    expose(house, seen)
    expose(house, clicked)
    [given] = house.storage.list_exposures([key_of("anonymous", seen)])
    house.storage.write(lambda transaction: transaction.mark_shown(given, NOW)).result()
    click = {"type": "track", "event": "Slot Clicked", "properties": {"slot": "hero", "rule": "Keen"}}
    other = {"type": "track", "event": "Slot Clicked", "properties": {"slot": "hero", "rule": "Another"}}
    send(house, BROWSER, {**click, "anonymousId": clicked}, {**other, "anonymousId": seen})
    found = measured(house, experiment)
    assert found.total(TREATMENT).units == 2
    assert found.total(TREATMENT, part=SHOWN).units == 1
    assert found.total(TREATMENT, part=CLICKED).units == 1


IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.0 Mobile/15E148 Safari/604.1"
)


def test_what_visitors_looked_with_are_parts_also_of_those_erased(house: House) -> None:
    experiment = started(house)
    first, second, third = (visitor(TREATMENT, number) for number in range(3))
    expose(house, first, user_agent=IPHONE)
    expose(house, second, device_type="desktop", user_agent="Something/1.0")
    expose(house, third)
    send(house, SERVER, identify("anna", first), order(userId="anna"))
    before = measured(house, experiment)
    assert result(house, experiment, part="device phone") == (1, 1, 5_000)
    assert result(house, experiment, part="browser Safari") == (1, 1, 5_000)
    assert result(house, experiment, part="device desktop") == (1, 0, 0)
    assert result(house, experiment) == (3, 1, 5_000)
    erase(house, find_people(house.storage, "anna"))
    assert measured(house, experiment).cells == before.cells


def test_of_very_many_visitors_nobody_asks_what_they_looked_with(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = started(house)
    expose(house, visitor(TREATMENT), user_agent=IPHONE)
    erased = next(
        device for device in (f"e-{n}" for n in range(99)) if arm_of(SEED, device, ARMS) == TREATMENT
    )
    expose(house, erased, user_agent=IPHONE)
    erase(house, find_people(house.storage, erased))
    monkeypatch.setattr(measuring, "FEW_UNITS", -1)
    found = measured(house, experiment)
    assert {cell.part for cell in found.cells} == {""}
    assert found.total(TREATMENT).units == 2


def test_a_phase_keeps_its_own_visitors(house: House) -> None:
    experiment = started(house, phases=(Phase(number=1, since_at=NOW, arms=ARMS),))
    expose(house, visitor(TREATMENT, 0))
    state = RunState(rule="Keen", phase=2)
    house.programme = programme(rule("Keen", test=Test()), states={"Keen": state})
    expose(house, visitor(TREATMENT, 0))
    expose(house, visitor(TREATMENT, 1))
    found = measured(house, experiment)
    assert [found.total(TREATMENT, phase=number).units for number in (1, 2)] == [1, 1]


def test_whoever_is_exposed_before_the_start_or_after_the_end_does_not_count(house: House) -> None:
    experiment = started(house, started_at=NOW + DAY, planned_end_at=NOW + 3 * DAY, ended_at=NOW + 2 * DAY)
    expose(house, visitor(TREATMENT, 0))
    move(house, DAY)
    expose(house, visitor(TREATMENT, 1))
    move(house, DAY)
    expose(house, visitor(TREATMENT, 2))
    assert measured(house, experiment).total(TREATMENT).units == 1


def test_a_clock_that_jumped_back_leaves_no_visitor_twice(house: House) -> None:
    experiment = started(house)
    device = visitor(TREATMENT)
    move(house, DAY)
    expose(house, device)
    move(house, -3 * DAY)
    expose(house, device)
    move(house, 4 * DAY)
    expose(house, device)
    assert measured(house, experiment).total(TREATMENT).units == 1


def test_what_cannot_be_counted_is_told_by_its_reason(house: House) -> None:
    experiment = started(house)

    def put(unit: int, arm: str, assigned: str | None) -> None:
        exposure = Exposure(
            subject="rule", unit=unit, slot="hero", rule="Keen", rule_hash="h", arm=arm, session=1, at=NOW + 1
        )

        def job(transaction: Any) -> None:
            transaction.add_exposures([exposure])
            if assigned is not None:
                transaction.add_assignments(unit, [Assignment(SEED, assigned, 1, unit)])

        house.storage.write(job).result()

    put(1, "", TREATMENT)
    put(2, TREATMENT, None)
    put(3, "unheard of", "unheard of")
    put(4, "unheard of", TREATMENT)
    put(5, CONTROL, TREATMENT)
    found = measured(house, experiment)
    assert found.not_counted == {WITHOUT_ARM: 1, UNASSIGNED: 1, UNKNOWN_ARM: 2}
    assert found.total(TREATMENT).units == found.total(TREATMENT, part=CROSSED).units == 1


def test_the_programme_is_measured_like_a_rule(house: House) -> None:
    house.programme = programme(rule("Keen"), team=Team(holdout=5_000))
    seed = house.programme.team.holdout_seed
    experiment = started(house, id=seed, subject="programme", rule="", arms=(("out", 5_000), ("in", 5_000)))
    devices = [f"p-{number}" for number in range(20)]
    for device in devices:
        expose(house, device)
    send(house, BROWSER, *(order(device, 10, anonymousId=device) for device in devices))
    found = measured(house, experiment)
    inside = sum(arm_of(seed, device, experiment.arms) == "in" for device in devices)
    assert bought(found.total("in")) == (inside, inside, inside * 1_000)
    assert bought(found.total("out")) == (20 - inside, 20 - inside, (20 - inside) * 1_000)


# -- kept sums --------------------------------------------------------------------------------------


def test_an_erased_visitor_stays_in_the_sums(house: House) -> None:
    experiment = started(house)
    device, other = visitor(TREATMENT, 0), visitor(TREATMENT, 1)
    for each in (device, other):
        expose(house, each)
        send(house, BROWSER, order(each, anonymousId=each))
    send(house, SERVER, identify("anna", device), order("more", 7, userId="anna"))
    [kept] = keep_measured(house)
    erase(house, find_people(house.storage, device))
    assert not house.storage.list_exposures([key_of("anonymous", device)])
    assert measured(house, experiment).cells == kept.cells
    [again] = keep_measured(house)
    assert again.cells == kept.cells == found_cells(house)
    assert again.not_counted == {}


def found_cells(house: House) -> object:
    found = house.storage.find_measured(SEED)
    assert found is not None
    return found.cells


def test_an_erasing_that_was_broken_off_adds_nothing_twice(house: House) -> None:
    experiment = started(house)
    device = visitor(TREATMENT)
    expose(house, device)
    send(house, BROWSER, *(order(str(number), 1, anonymousId=device) for number in range(9)))
    before = measured(house, experiment).cells
    write, left = house.storage.write, [1]

    def broken(*arguments: Any, **named: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return write(*arguments, **named)

    people = find_people(house.storage, device)
    house.storage.write = broken  # type: ignore[method-assign]  # the store itself does what it always does
    with pytest.raises(KeyboardInterrupt):
        erase(house, people, step=2)
    house.storage.write = write  # type: ignore[method-assign]  # and back
    erase(house, find_people(house.storage, device), step=2)
    assert measured(house, experiment).cells == before


def test_who_is_erased_while_a_round_goes_on_counts_once_and_freezes_nothing(house: House) -> None:
    started(house)
    device = visitor(TREATMENT)
    expose(house, device)
    send(house, BROWSER, order(anonymousId=device))
    [before] = keep_measured(house)
    move(house, 14 * DAY + 3 * DAY + LATE_MS)
    list_exposed, is_erased = house.storage.list_exposed, []

    def then_erased(*arguments: Any) -> Any:
        found = list_exposed(*arguments)
        if arguments[1][1] == LANES and not is_erased:
            is_erased.append(True)
            erase(house, find_people(house.storage, device))
        return found

    house.storage.list_exposed = then_erased  # type: ignore[method-assign]  # the store does what it always does
    [torn] = keep_measured(house)
    assert torn.cells == before.cells
    assert is_erased
    assert not torn.is_frozen
    [whole] = keep_measured(house)
    assert whole.cells == before.cells
    assert whole.is_frozen


def test_a_frozen_experiment_keeps_its_sums(house: House) -> None:
    started(house)
    device = visitor(TREATMENT)
    expose(house, device)
    send(house, BROWSER, order(anonymousId=device))
    move(house, 14 * DAY + 3 * DAY + LATE_MS - 1)
    [kept] = keep_measured(house)
    assert not kept.is_frozen
    move(house, 1)
    [kept] = keep_measured(house)
    assert kept.is_frozen
    assert keep_measured(house) == []
    assert list_unfrozen(house.storage) == []
    erase(house, find_people(house.storage, device))
    assert found_cells(house) == kept.cells
    assert house.storage.find_erased_sums(SEED) == {}


def test_days_whose_events_have_left_stay_as_they_were(house: House) -> None:
    experiment = started(house, metric=CARTS, planned_end_at=None)
    add = {"type": "track", "event": "Product Added", "properties": {"product_id": "p"}}
    expose(house, visitor(TREATMENT, 0))
    send(house, BROWSER, {**add, "anonymousId": visitor(TREATMENT, 0)})
    move(house, 90 * DAY)
    expose(house, visitor(TREATMENT, 1))
    send(house, BROWSER, {**add, "anonymousId": visitor(TREATMENT, 1)})
    [kept] = keep_measured(house)
    assert kept.total(TREATMENT).by_metric[CARTS.name].y == 2
    retire(house, 2, may_go_on=lambda: True)
    assert measured(house, experiment).cells == kept.cells
    send(house, BROWSER, {**add, "anonymousId": visitor(TREATMENT, 0), "timestamp": to_iso(NOW + HOUR)})
    expose(house, visitor(TREATMENT, 2))
    assert measured(house, experiment).total(TREATMENT).units == 3


def test_rounds_rest_while_nothing_happens(house: House) -> None:
    now = [0.0]
    rounds = Rounds(lambda: now[0])
    started(house)
    assert rounds.is_due
    assert [each.experiment for each in rounds.make(house)] == [SEED]
    assert not rounds.is_due
    now[0] += ROUND_SECONDS
    assert rounds.is_due
    assert rounds.make(house), "what was being committed meanwhile is in it"
    assert rounds.make(house) == []
    expose(house, visitor(TREATMENT))
    [found] = rounds.make(house)
    assert found.total(TREATMENT).units == 1
    rounds.make(house)
    started(house, id="Keen/2")
    assert [each.experiment for each in rounds.make(house)] == [SEED, "Keen/2"]
    rounds.make(house)
    assert rounds.make(house) == []
    now[0] += ANYWAY_SECONDS
    assert rounds.make(house)


def test_a_long_round_makes_a_long_pause(house: House) -> None:
    now = [0.0]
    rounds = Rounds(lambda: now[0])
    started(house)

    def slow(*_: Any) -> tuple[list[Measured], float]:
        now[0] += 11
        return [], 10.0

    rounds.make(house, slow)
    now[0] = 210.0
    assert not rounds.is_due
    now[0] = 211.0
    assert rounds.is_due


# -- the pure part ----------------------------------------------------------------------------------


def unit(key: int = 1, **other: Any) -> Unit:
    return Unit(**{"key": key, "phase": 1, "arm": CONTROL, "first_at": NOW, "seq": key, **other})


def test_of_several_units_of_a_person_the_first_counts() -> None:
    found = together([unit(2, first_at=NOW + 1, is_shown=True), unit(1)])
    assert (found.key, found.is_shown, found.is_crossed) == (1, True, False)
    assert together([unit(1), unit(2, arm=TREATMENT)]).is_crossed


def test_quiet_visitors_count_like_those_with_events_that_do_not_matter() -> None:
    event = TimelineEvent(NOW - 40 * DAY, 1, "Order Completed", "browser", {"value": 1})
    one, other = (Adding([ORDERS, REVENUE], {REVENUE.name: 9}) for _ in range(2))
    for _ in range(4):
        one.add(unit(), "2027-01-15", [event])
    other.add_quiet(unit(), "2027-01-15", 4)
    assert one.cells() == other.cells() == other.cells()


def test_days_begin_where_the_zone_says() -> None:
    assert stretch_of(ZoneInfo("Europe/Berlin"), NOW, NOW + 365 * DAY) == HOUR
    assert stretch_of(ZoneInfo("Asia/Kathmandu"), NOW, NOW + DAY) == 15 * MINUTE


def test_measured_side_by_side_each_comes_out_as_measured_alone(house: House) -> None:
    """They read one log together, though each wants other events of another stretch of it."""
    first = started(house)
    later = started(house, id="Keen/2", metric=CARTS, others=(), started_at=NOW + DAY, caps={})
    for number in range(3):
        device = visitor(TREATMENT, number)
        expose(house, device)
        bought = order(str(number), anonymousId=device)
        added = {**bought, "event": "Product Added", "properties": {"product_id": "p"}}
        send(house, SERVER, bought, added)
        move(house, DAY)
    terms, now = terms_of(house), house.clock()
    found = measure_all(house.storage, [first, later], terms, now)
    assert found == [measure(house.storage, each, terms, now) for each in (first, later)]
    assert found[0].total(TREATMENT).by_metric[ORDERS.name].y == 3
    assert found[1].not_counted == {UNASSIGNED: 2}

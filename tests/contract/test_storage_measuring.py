"""Measuring on a store: who was exposed, what they did, whose keys are whose, and sums that stay as they were put."""

from __future__ import annotations

import msgspec
from tests.contract.stored import (
    DAY,
    DEVICE,
    HOUR,
    NOW,
    PHONE,
    USER,
    append,
    event,
    exposure,
    opportunity,
    written,
)

from opportune.core.experiments.measured import Cell, CellSums, Measured
from opportune.core.history.key import LANES, lane_of
from opportune.core.history.link import FOREVER, Link
from opportune.core.situation import Assignment
from opportune.core.statistics.moments import Moments
from opportune.storage.base import Exposure, Storage
from opportune.storage.measurements import (
    ALL_LANES,
    Exposed,
    ExposedGroup,
    ExposedQuery,
)
from opportune.storage.personal import Share

SEED = "Category returner/1"
QUERY = ExposedQuery(
    experiment=SEED, rule="Category returner", since_at=NOW - DAY, until_at=NOW + DAY, stretch_ms=HOUR
)
STRETCH = NOW // HOUR
FIRST = Cell(1, "control", "2026-11-22")


def expose(storage: Storage, *exposures: Exposure) -> None:
    written(storage, lambda transaction: transaction.add_exposures(exposures))


def assign(
    storage: Storage, unit: int, arm: str = "treatment", phase: int = 1, experiment: str = SEED
) -> None:
    given = [Assignment(experiment, arm, phase, unit)]
    written(storage, lambda transaction: transaction.add_assignments(unit, given))


def exposed(storage: Storage, *apart: int, lanes: tuple[int, int] = ALL_LANES) -> Exposed:
    found = storage.list_exposed(QUERY, lanes, set(apart))
    return Exposed(
        sorted(found.groups, key=lambda group: (group.arm, group.stretch)),
        sorted(found.units, key=lambda unit: unit.key),
    )


def test_nobody_is_exposed_in_an_empty_store(storage: Storage) -> None:
    assert exposed(storage, DEVICE) == Exposed([], [])
    assert storage.find_seq() == 0


def test_units_that_count_alike_are_counted_and_those_asked_for_come_one_by_one(storage: Storage) -> None:
    for unit in (DEVICE, PHONE, USER):
        assign(storage, unit)
    expose(storage, exposure(DEVICE), exposure(PHONE), exposure(USER))
    assert exposed(storage) == Exposed([ExposedGroup(1, "treatment", STRETCH, False, 3)], [])
    found = exposed(storage, PHONE, 4711)
    assert found.groups == [ExposedGroup(1, "treatment", STRETCH, False, 2)]
    [unit] = found.units
    assert (unit.key, unit.phase, unit.arm, unit.first_at) == (PHONE, 1, "treatment", NOW)
    assert unit.seq <= storage.find_seq()


def test_a_unit_counts_from_its_first_exposure_on_and_is_shown_once_any_was(storage: Storage) -> None:
    assign(storage, DEVICE)
    late = exposure(session=2, at=NOW + 2 * HOUR)
    expose(storage, late, exposure(session=1, at=NOW - HOUR), exposure(session=3, slot="banner", at=NOW))
    assert exposed(storage).groups == [ExposedGroup(1, "treatment", STRETCH - 1, False, 1)]
    written(storage, lambda transaction: transaction.mark_shown(late, NOW + 3 * HOUR))
    assert exposed(storage).groups == [ExposedGroup(1, "treatment", STRETCH - 1, True, 1)]


def test_only_the_rules_own_time_counts(storage: Storage) -> None:
    assign(storage, DEVICE)
    expose(
        storage,
        exposure(session=1, at=NOW - DAY - 1),
        exposure(session=2, at=NOW + DAY),
        exposure(session=3, rule="Another rule"),
        exposure(session=4, subject="programme", rule="", slot="", arm="in"),
    )
    assert exposed(storage, DEVICE) == Exposed([], [])
    expose(storage, exposure(session=5, at=NOW - DAY))
    assert [group.units for group in exposed(storage).groups] == [1]


def test_whoever_was_not_exposed_as_assigned_comes_one_by_one(storage: Storage) -> None:
    assign(storage, DEVICE, "control")
    assign(storage, PHONE, experiment="another/1")
    expose(storage, exposure(DEVICE), exposure(DEVICE, arm="control"), exposure(PHONE, arm=""))
    crossed, unassigned = exposed(storage).units
    assert (crossed.key, crossed.arm, crossed.first_arm, crossed.last_arm) == (
        DEVICE,
        "control",
        "control",
        "treatment",
    )
    assert (unassigned.key, unassigned.phase, unassigned.arm, unassigned.last_arm) == (PHONE, None, None, "")


def test_of_two_phases_the_first_one_stands(storage: Storage) -> None:
    assign(storage, DEVICE, "control", phase=2)
    assign(storage, DEVICE, "treatment", phase=1)
    assign(storage, PHONE, "treatment", phase=2)
    expose(storage, exposure(DEVICE), exposure(PHONE))
    assert exposed(storage).groups == [
        ExposedGroup(1, "treatment", STRETCH, False, 1),
        ExposedGroup(2, "treatment", STRETCH, False, 1),
    ]


def test_everybody_may_come_one_by_one(storage: Storage) -> None:
    for unit in (DEVICE, PHONE):
        assign(storage, unit)
    expose(storage, exposure(DEVICE), exposure(PHONE))
    found = storage.list_exposed(QUERY, ALL_LANES, None)
    assert (sorted(unit.key for unit in found.units), found.groups) == ([DEVICE, PHONE], [])


def test_the_context_of_whoever_comes_is_that_of_the_first_time(storage: Storage) -> None:
    asked = [
        opportunity(session=session, at=session, slot=slot)
        for session, slot in ((NOW - 2, "a"), (NOW + 2, "b"), (NOW + 1, "b"), (NOW + 1, "a"))
    ]
    contexts = [msgspec.json.encode({"page_path": f"/{number}"}) for number in range(4)]
    given = [
        msgspec.structs.replace(each, context=context) for each, context in zip(asked, contexts, strict=True)
    ]
    written(
        storage, lambda transaction: transaction.add_opportunities([*given, opportunity(PHONE, at=NOW - 1)])
    )
    assert storage.list_first_contexts({DEVICE, PHONE, USER}, NOW) == {DEVICE: contexts[3]}
    assert storage.list_first_contexts((), NOW) == {}


def test_only_the_lanes_asked_for_are_read(storage: Storage) -> None:
    for unit in (7, 8, 255):
        assign(storage, unit)
        expose(storage, exposure(unit))
    found = [exposed(storage, lanes=(lane, lane + 1)).groups for lane in range(LANES)]
    assert [lane for lane, groups in enumerate(found) if groups] == sorted(map(lane_of, (7, 8, 255)))


def test_key_events_come_with_facts_as_they_happened(storage: Storage) -> None:
    for number, at in enumerate((NOW, NOW - HOUR, NOW, NOW + HOUR)):
        row = event(
            DEVICE + number,
            at=at,
            name="Order Completed",
            event_class=0,
            message_id=f"m-{number}",
            revenue=number,
        )
        append(storage, row)
    append(storage, event(name="Order Completed", event_class=1, message_id="behaviour"))
    append(storage, event(name="Signed Up", event_class=0, message_id="other"))

    def page(after: tuple[int, int], limit: int = 10) -> list[tuple[int, object]]:
        found = storage.list_key_facts("Order Completed", after=after, until_at=NOW + HOUR, limit=limit)
        return [(key - DEVICE, seen.facts["revenue"]) for key, kind, seen in found if kind == 0]

    assert page((NOW - DAY, -1)) == [(1, 1), (0, 0), (2, 2)]
    [(_, _, first)] = storage.list_key_facts("Order Completed", after=(0, -1), until_at=NOW, limit=10)
    assert page(first.order, limit=1) == [(0, 0)]


def test_facts_of_a_few_keys(storage: Storage) -> None:
    append(storage, event(), event(USER, name="Order Completed", event_class=0, message_id="o", revenue=5))
    append(storage, event(PHONE, message_id="p"), event(name="Page Viewed", message_id="q"))
    found = storage.list_facts_of({DEVICE, USER}, {"Product Viewed", "Order Completed"})
    assert [(key, kind, seen.name) for key, kind, seen in found] == [
        (DEVICE, 1, "Product Viewed"),
        (USER, 0, "Order Completed"),
    ]


def test_links_are_listed_as_they_are_known_today(storage: Storage) -> None:
    open_link, closed = Link(DEVICE, USER, 0, FOREVER, 3), Link(PHONE, USER, 0, FOREVER, 3)
    written(storage, lambda transaction: [transaction.add_link(link) for link in (open_link, closed)])
    written(storage, lambda transaction: transaction.close_link(closed, 9))
    assert storage.list_links_in_force(ALL_LANES) == [open_link]
    lane = lane_of(DEVICE)
    assert storage.list_links_in_force((lane, lane + 1)) == [open_link]
    assert storage.list_links_in_force((lane + 1, LANES)) == []


def sums(units: int, money: int) -> CellSums:
    moments = Moments(n=units, y=money, yy=money * money)
    return CellSums(
        units=units, by_metric={"revenue": moments}, raw={"revenue": moments}, largest={"revenue": money}
    )


def measured() -> Measured:
    return Measured(
        experiment=SEED,
        made_at=NOW,
        seq=4,
        cells={FIRST: sums(3, 10**20), Cell(1, "treatment", "2026-11-22", "shown"): sums(1, 7)},
        not_counted={"without": 2},
    )


def test_sums_of_any_size_come_back_as_they_were_put(storage: Storage) -> None:
    assert storage.find_measured(SEED) is None
    first = measured()
    written(storage, lambda transaction: transaction.put_measured(first))
    assert storage.find_measured(SEED) == first
    assert storage.find_measured("another/1") is None
    second = Measured(experiment=SEED, made_at=NOW + 1, seq=5, cells={FIRST: sums(4, 2)}, is_frozen=True)
    written(storage, lambda transaction: transaction.put_measured(second))
    assert storage.find_measured(SEED) == second


def test_what_erased_visitors_had_added_adds_up(storage: Storage) -> None:
    assert storage.find_erased_sums(SEED) == {}
    for money in (10**20, 5):
        cells = {FIRST: sums(1, money)}
        written(storage, lambda transaction, cells=cells: transaction.add_erased_sums(SEED, cells))
    assert storage.find_erased_sums(SEED) == {FIRST: sums(1, 10**20) + sums(1, 5)}
    assert storage.find_erased_sums("another/1") == {}


def test_arms_leave_at_once_and_are_counted(storage: Storage) -> None:
    for number in range(300):
        assign(storage, DEVICE, experiment=f"rule/{number}")
    left = written(storage, lambda transaction: transaction.erase_assignments(Share(DEVICE)))
    assert left == 300
    assert sum(each.count for each in storage.list_erased_units()) == 300
    assert written(storage, lambda transaction: transaction.erase_assignments(Share(DEVICE))) == 0


def test_an_arm_may_be_named_with_any_signs(storage: Storage) -> None:
    named = {DEVICE: "10% off, today", PHONE: "2", USER: '5 ,"6'}
    for unit, arm in named.items():
        assign(storage, unit, arm=arm)
        expose(storage, exposure(unit, arm=arm))
    groups = {group.arm: group.units for group in exposed(storage).groups}
    assert groups == dict.fromkeys(named.values(), 1)

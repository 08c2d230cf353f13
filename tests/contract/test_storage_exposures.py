"""Records of tests: opportunities, exposures, assignments. Written once; the first stands."""

from __future__ import annotations

import msgspec
import pytest
from tests.contract.stored import DEVICE, HOUR, NOW, USER, append, event, exposure, opportunity, written

from opportune.core.history.link import FOREVER, Link
from opportune.core.situation import Assignment, PastExposure
from opportune.storage.base import EXPOSURE_BOUND, FIRST_ASKED, OPPORTUNITY_BOUND, Exposure, Storage


def expose(storage: Storage, *exposures: Exposure) -> None:
    written(storage, lambda transaction: transaction.add_exposures(exposures))


def test_an_exposure_is_remembered_for_limits(storage: Storage) -> None:
    expose(storage, exposure())
    known = storage.recall((DEVICE,), now=NOW)
    assert list(known.exposures) == [
        PastExposure("rule", "home hero", "Category returner", "h1", "treatment", NOW, NOW, None, 0)
    ]
    assert known.is_known


def test_the_same_exposure_again_changes_nothing(storage: Storage) -> None:
    expose(storage, exposure(receipt=b'{"first":true}'))
    before = storage.recall((DEVICE,), now=NOW)
    expose(storage, exposure(at=NOW + HOUR, receipt=b'{"first":false}'), exposure())
    assert storage.recall((DEVICE,), now=NOW, as_of=before.seq).exposures == before.exposures
    assert storage.recall((DEVICE,), now=NOW).exposures == before.exposures
    [kept] = storage.list_exposures((DEVICE,))
    assert (kept.at, kept.receipt) == (NOW, b'{"first":true}')


@pytest.mark.parametrize("field", ["subject", "slot", "rule", "rule_hash", "arm"])
def test_another_identity_is_another_exposure(storage: Storage, field: str) -> None:
    expose(storage, exposure(), exposure(**{field: "other"}), exposure(session=NOW + 1), exposure(USER))
    assert len(storage.list_exposures((DEVICE,))) == 3
    assert len(storage.list_exposures((DEVICE, USER, DEVICE))) == 4


def test_exposures_come_newest_session_first_and_bounded(storage: Storage) -> None:
    expose(storage, *(exposure(session=NOW + step) for step in range(EXPOSURE_BOUND + 5)))
    sessions = [item.session - NOW for item in storage.recall((DEVICE,), now=NOW).exposures]
    assert sessions == list(range(EXPOSURE_BOUND + 4, 4, -1))


def test_exposures_of_all_keys_of_a_person_are_together(storage: Storage) -> None:
    append(storage, event())
    expose(storage, exposure(DEVICE, session=1), exposure(USER, session=2), exposure(DEVICE, session=3))
    written(storage, lambda transaction: transaction.add_link(Link(DEVICE, USER, 0, FOREVER, 1)))
    assert [item.session for item in storage.recall((DEVICE,), now=NOW).exposures] == [3, 2, 1]


def test_views_are_counted_and_the_first_is_kept(storage: Storage) -> None:
    expose(storage, exposure())
    for at in (NOW + 5, NOW + 9):
        written(storage, lambda transaction, at=at: transaction.mark_shown(exposure(), at))
    [kept] = storage.list_exposures((DEVICE,))
    assert (kept.shown_at, kept.count) == (NOW + 5, 2)
    [known] = storage.recall((DEVICE,), now=NOW).exposures
    assert (known.first_at, known.shown_at, known.count) == (NOW, NOW + 5, 2)


def test_a_view_of_what_was_never_exposed_is_nothing(storage: Storage) -> None:
    written(storage, lambda transaction: transaction.mark_shown(exposure(), NOW))
    assert storage.list_exposures((DEVICE,)) == []


def test_as_of_a_commit_later_exposures_and_views_are_unknown(storage: Storage) -> None:
    expose(storage, exposure(session=1))
    before_view = storage.recall((DEVICE,), now=NOW).seq
    written(storage, lambda transaction: transaction.mark_shown(exposure(session=1), NOW + 1))
    after_view = storage.recall((DEVICE,), now=NOW).seq
    expose(storage, exposure(session=2))
    written(storage, lambda transaction: transaction.mark_shown(exposure(session=1), NOW + 2))
    [then] = storage.recall((DEVICE,), now=NOW, as_of=before_view).exposures
    assert (then.session, then.shown_at, then.count) == (1, None, 0)
    [shown] = storage.recall((DEVICE,), now=NOW, as_of=after_view).exposures
    assert (shown.session, shown.shown_at, shown.count) == (1, NOW + 1, 1)


def test_exposures_are_listed_newest_first_with_receipts(storage: Storage) -> None:
    receipts = [msgspec.json.encode({"reason": "because " * 40, "number": number}) for number in range(5)]
    expose(storage, *(exposure(session=5 - number, receipt=receipts[number]) for number in range(5)))
    listed = storage.list_exposures((DEVICE,), limit=3)
    assert [item.receipt for item in listed] == [receipts[4], receipts[3], receipts[2]]


def test_an_opportunity_counts_once_a_session(storage: Storage) -> None:
    asked = [
        opportunity(session=1),
        opportunity(session=2, slot="banner"),
        opportunity(session=2, at=NOW + 1),
        opportunity(session=1, at=NOW + 2),
    ]
    written(storage, lambda transaction: transaction.add_opportunities(asked))
    known = storage.recall((DEVICE,), now=NOW)
    assert list(known.opportunities) == [(2, "home hero", NOW + 1), (2, "banner", NOW), (1, "home hero", NOW)]
    assert storage.list_opportunities((DEVICE,)) == [asked[2], asked[1], asked[0]]
    assert storage.list_opportunities((DEVICE,), limit=1) == [asked[2]]


def test_opportunities_are_the_first_asked_keys_and_bounded(storage: Storage) -> None:
    asked = [opportunity(session=step) for step in range(OPPORTUNITY_BOUND + 3)]
    written(storage, lambda transaction: transaction.add_opportunities([*asked, opportunity(USER)]))
    known = storage.recall((DEVICE, USER), now=NOW)
    assert len(known.opportunities) == OPPORTUNITY_BOUND
    assert known.opportunities[0][0] == OPPORTUNITY_BOUND + 2
    assert storage.recall((USER,), now=NOW).opportunities == [(NOW, "home hero", NOW)]


def assign(storage: Storage, unit: int, experiment: str, arm: str, phase: int = 1) -> None:
    given = [Assignment(experiment, arm, phase, unit)]
    written(storage, lambda transaction: transaction.add_assignments(unit, given))


def test_the_first_assignment_stands(storage: Storage) -> None:
    assign(storage, DEVICE, "returner/1", "control")
    assign(storage, DEVICE, "returner/1", "treatment")
    assign(storage, DEVICE, "hero/1", "b")
    assert storage.recall((DEVICE,), now=NOW).assignments == {
        "returner/1": Assignment("returner/1", "control", 1, DEVICE),
        "hero/1": Assignment("hero/1", "b", 1, DEVICE),
    }


def test_a_persons_later_keys_inherit_the_first_assignment(storage: Storage) -> None:
    append(storage, event())
    assign(storage, USER, "returner/1", "control")
    assign(storage, DEVICE, "returner/1", "treatment")
    written(storage, lambda transaction: transaction.add_link(Link(DEVICE, USER, 0, FOREVER, 1)))
    for asked in (DEVICE, USER):
        kept = storage.recall((asked,), now=NOW).assignments["returner/1"]
        assert (kept.arm, kept.unit) == ("control", USER)


def test_of_several_phases_the_first_assignment_stands(storage: Storage) -> None:
    append(storage, event())
    assign(storage, USER, "returner/1", "control", phase=2)
    assign(storage, DEVICE, "returner/1", "treatment", phase=1)
    assign(storage, DEVICE, "returner/1", "treatment", phase=3)
    written(storage, lambda transaction: transaction.add_link(Link(DEVICE, USER, 0, FOREVER, 1)))
    for asked in (DEVICE, USER):
        kept = storage.recall((asked,), now=NOW).assignments["returner/1"]
        assert (kept.arm, kept.phase, kept.unit) == ("control", 2, USER)


def test_as_of_before_the_assignment_there_was_none(storage: Storage) -> None:
    append(storage, event())
    assign(storage, DEVICE, "returner/1", "control")
    assert storage.recall((DEVICE,), now=NOW, as_of=1).assignments == {}


def test_a_lane_lists_its_opportunities_of_some_slots_and_lately_page_by_page(storage: Storage) -> None:
    neighbour, stranger = DEVICE + 256, DEVICE + 1
    asked = [
        opportunity(session=1, at=NOW - HOUR),
        opportunity(session=2),
        opportunity(session=2, slot="banner"),
        opportunity(session=2, slot="footer"),
        opportunity(neighbour, session=3),
        opportunity(stranger, session=4),
    ]
    written(storage, lambda transaction: transaction.add_opportunities(asked))
    slots = ("home hero", "banner")
    found = storage.list_lane_opportunities(DEVICE % 256, slots, NOW)
    assert sorted(found, key=repr) == sorted([asked[1], asked[2], asked[4]], key=repr)
    assert [each.key for each in found] == [DEVICE, DEVICE, neighbour]
    after, pages = FIRST_ASKED, []
    while page := storage.list_lane_opportunities(DEVICE % 256, slots, NOW, after, 1):
        pages += page
        after = (page[-1].key, page[-1].session, page[-1].slot)
    assert pages == found


def test_what_rules_hid_is_counted_by_rule_and_place(storage: Storage) -> None:
    hid = {"subject": "hide", "rule": "Quiet", "arm": ""}
    expose(
        storage,
        exposure(**hid, slot="offer bar"),
        exposure(**hid, slot="offer bar", session=NOW + 1),
        exposure(USER, **hid, slot="offer bar"),
        exposure(**{**hid, "arm": "treatment"}, slot="cart upsell"),
        exposure(**{**hid, "arm": "control"}, slot="signup banner"),
        exposure(**hid, slot="too early", at=NOW - HOUR),
        exposure(slot="shown, not hidden"),
    )
    assert storage.list_hidden(NOW) == [("Quiet", "cart upsell", 1, 1), ("Quiet", "offer bar", 2, 3)]
    assert storage.list_hidden(NOW + HOUR) == []


def test_visits_in_which_a_rule_acted_are_listed_by_lane_with_their_first_moment(storage: Storage) -> None:
    expose(
        storage,
        exposure(subject="rule", rule="Returner", arm="", at=NOW + 5),
        exposure(subject="rule", rule="Returner", arm="", slot="second", at=NOW + 2),
        exposure(subject="hide", rule="Returner", arm="treatment", session=NOW + HOUR, at=NOW + HOUR),
        exposure(subject="rule", rule="Returner", arm="control", session=NOW + 9, at=NOW + 9),
        exposure(subject="rule", rule="Returner", arm="", session=NOW - HOUR, at=NOW - HOUR),
        exposure(subject="rule", rule="Another", arm=""),
        exposure(DEVICE + 256, subject="rule", rule="Returner", arm="", at=NOW + 9),
        exposure(DEVICE + 1, subject="rule", rule="Returner", arm=""),
    )
    lane = DEVICE % 256
    found = [
        ("Returner", DEVICE, NOW + 2),
        ("Returner", DEVICE, NOW + HOUR),
        ("Returner", DEVICE + 256, NOW + 9),
    ]
    assert storage.list_acted(["Returner"], NOW, (lane, lane + 1)) == found
    assert len(storage.list_acted(["Returner", "Another", "Nobody"], NOW, (0, 256))) == 5


def test_whom_rules_were_decided_for_is_listed_by_lane_and_once(storage: Storage) -> None:
    expose(
        storage,
        exposure(subject="rule", rule="Returner"),
        exposure(subject="rule", rule="Returner", session=NOW + HOUR),
        exposure(subject="hide", rule="Quiet", arm="control"),
        exposure(subject="rule", rule="Too early", at=NOW - HOUR),
        exposure(subject="programme", rule=""),
    )
    lane = DEVICE % 256
    assert storage.list_decided(lane, NOW) == [("Quiet", DEVICE), ("Returner", DEVICE)]
    assert storage.list_decided((lane + 1) % 256, NOW) == []

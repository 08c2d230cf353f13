"""Explaining a past decision: its own receipt or none, again to equal bytes, or derived from what was known then."""

from __future__ import annotations

from typing import Any

from tests.building import NOW, decided, programme, rule
from tests.stores import settle

from opportune.core.history.key import key_of
from opportune.core.moment import DAY, HOUR, MINUTE, to_iso
from opportune.core.rule import Limits, Rule, Test
from opportune.core.situation import Context
from opportune.core.team import Team
from opportune.services.capturing import CaptureSource, capture
from opportune.services.deciding import Answered, Question
from opportune.services.explaining import explain_person, explain_token, rebuild_token, replay_token
from opportune.services.house import House
from opportune.services.retiring import retire
from opportune.storage.base import AuditEntry, Storage

SERVER = CaptureSource(name="backend", is_secret=True)
KEEN = Context(attributes={"keen": True})


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        self.now += 1
        return self.now


def house_of(storage: Storage, *rules: Rule, **other: Any) -> House:
    return House(
        storage=storage,
        clock=Clock(),
        secret=b"a secret of thirty-two bytes.....",
        programme=programme(*rules, **other),
        deadline_seconds=30,
    )


def send(house: House, event: str, device: str | None = "v-1", user: str | None = None, **other: Any) -> None:
    message = {"type": "track", "event": event, "timestamp": to_iso(house.clock()), **other}
    message |= {"anonymousId": device} if device else {}
    message |= {"userId": user} if user else {}
    assert capture(house, SERVER, [message]).result().accepted == 1


def ask(house: House, context: Context = KEEN, device: str | None = "v-1", **other: Any) -> Answered:
    question = Question(anonymous_id=device, slots=("hero",), context=context, **other)
    answered = decided(house, question).decisions[0]
    settle(house.storage)
    return answered


def wait(house: House, span: int) -> None:
    house.clock.now += span  # type: ignore[attr-defined]  # the clock of these tests


def test_the_decision_with_an_exposure_has_its_receipt_and_is_decided_again(storage: Storage) -> None:
    house = house_of(storage, rule("A", test=Test()), team=Team(holdout=100))
    send(house, "keen")
    token = ask(house).token
    assert explain_token(house, token).origin == "stored"
    assert replay_token(house, token).is_equal


def test_another_decision_of_the_same_visit_is_not_told_by_the_first_ones_receipt(storage: Storage) -> None:
    house = house_of(storage, rule("A"), team=Team(holdout=1))
    send(house, "Page Viewed")
    first = ask(house, KEEN)
    wait(house, MINUTE)
    later = ask(house, Context())
    assert (first.decision.outcome, later.decision.outcome) == ("shown", "normal")
    told = explain_token(house, later.token)
    assert (told.origin, told.receipt.at > NOW + MINUTE) == ("derived", True)
    assert any("first asked" in note for note in told.notes)


def test_a_machines_decision_is_told_as_one(storage: Storage) -> None:
    house = house_of(storage, rule("A"))
    send(house, "keen")
    token = ask(house, Context(is_machine=True)).token
    assert explain_token(house, token).receipt.outcome == "bot"
    assert replay_token(house, token).is_equal


def test_what_arrives_later_does_not_change_what_was_known(storage: Storage) -> None:
    house = house_of(
        storage, rule("A", limits=Limits(at_most=1, at_most_days=7), test=Test()), rule("B", "rich")
    )
    send(house, "keen", user="u-1")
    first = ask(house)
    wait(house, DAY)
    second = ask(house)
    wait(house, DAY)
    send(house, "rich", user="u-1")
    send(house, "keen", device="v-2", user="u-1")
    capture(house, SERVER, [{"type": "identify", "anonymousId": "v-1", "userId": "u-2"}]).result()
    ask(house)
    for answered in (first, second):
        again = rebuild_token(house, answered.token)
        assert (again.is_equal, again.differences, again.missing) == (True, (), ())


def test_a_proven_user_on_a_device_not_linked_yet_is_rebuilt_as_that_user(storage: Storage) -> None:
    house = house_of(storage, rule("A"))
    send(house, "keen", device=None, user="u-1")
    token = ask(house, Context(), device="new", user_id="u-1").token
    again = rebuild_token(house, token)
    assert (again.is_equal, again.differences) == (True, ())


def test_a_device_that_never_sent_an_event_is_rebuilt_with_its_id(storage: Storage) -> None:
    house = house_of(storage, rule("A", test=Test()))
    ask(house)
    wait(house, HOUR)
    token = ask(house).token
    again = rebuild_token(house, token)
    assert storage.find_key_id(key_of("anonymous", "v-1")) is None
    assert (again.is_equal, again.differences) == (True, ())


def test_what_was_read_again_since_is_named(storage: Storage) -> None:
    house = house_of(storage, rule("A"))
    send(house, "keen")
    token = ask(house).token
    audit = AuditEntry(at=house.clock(), by="", act="back-fill complete", what="abc")
    storage.write(lambda transaction: transaction.add_audit(audit)).result()
    assert any("read again" in missing for missing in rebuild_token(house, token).missing)


def test_what_was_given_later_does_not_count_against_an_earlier_moment(storage: Storage) -> None:
    house = house_of(storage, rule("A", limits=Limits(at_most=1, at_most_days=7)))
    send(house, "keen")
    wait(house, DAY)
    before = house.clock()
    ask(house)
    wait(house, DAY)
    assert explain_person(house, "v-1", "hero").receipt.gate == "limits"
    assert explain_person(house, "v-1", "hero", at=before).receipt.outcome == "shown"


def test_a_decision_whose_events_have_left_says_so(storage: Storage) -> None:
    house = house_of(storage, rule("A"), team=Team(holdout=1))
    send(house, "keen")
    exposed, normal = ask(house, Context()).token, ask(house, Context(), device="v-2").token
    assert explain_token(house, exposed).origin == "stored"
    assert not any("have left" in note for note in explain_token(house, normal).notes)
    wait(house, 500 * DAY)
    assert retire(house, 13, may_go_on=lambda: True) == 1
    assert explain_token(house, exposed).receipt.outcome == "shown"
    assert replay_token(house, exposed).is_equal
    rebuilt = rebuild_token(house, exposed)
    assert not rebuilt.is_equal
    assert any("have left" in missing for missing in rebuilt.missing)
    assert any("have left" in note for note in explain_token(house, normal).notes)

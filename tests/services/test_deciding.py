"""Deciding for a request: one read, fast truth, nothing recorded that must not be, and never a fault on the page."""

from __future__ import annotations

from typing import Any

import pytest
from tests.building import NOW, Flag, decided, hiding, programme, rule, unit_in
from tests.stores import make_unreadable, settle

from opportune.core.history.key import key_of
from opportune.core.language.sentence import parse_condition
from opportune.core.moment import HOUR
from opportune.core.receipt import replay
from opportune.core.rule import TREATMENT, Rule, RunState, Test
from opportune.core.situation import Context
from opportune.core.team import Team
from opportune.services.deciding import Answered, Question
from opportune.services.house import House
from opportune.services.tokens import exposures_of, open_token, read_token
from opportune.storage.base import EventRow, Storage, StoredExposure

SEEN = frozenset({"Product Viewed", "Products Searched"})
SECRET = b"a secret of thirty-two bytes....."


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        return self.now


def house_of(storage: Storage, *rules: Rule, **other: Any) -> House:
    return House(
        storage=storage,
        clock=Clock(),
        secret=SECRET,
        programme=programme(*rules, **other),
        deadline_seconds=30,
    )


def see(storage: Storage, visitor: str, name: str = "keen", at: int = NOW - 1_000) -> None:
    """An event of that visitor, so that the store knows them."""
    key = key_of("anonymous", visitor)
    row = EventRow(
        key=key,
        event_class=1,
        occurred_at=at,
        name=name,
        source="browser",
        message=at,
        facts=b"{}",
        body=b"{}",
    )

    def job(transaction: Any) -> None:
        transaction.put_key(key, "anonymous", visitor)
        transaction.append_event(row)

    storage.write(job).result()


def ask(
    house: House, visitor: str | None = "v-1", *, attributes: dict[str, Any] | None = None, **other: Any
) -> Answered:
    context = other.pop("context", None) or Context(attributes=attributes or {})
    answer = decided(house, Question(anonymous_id=visitor, slots=("hero",), context=context, **other))
    return answer.decisions[0]


def exposures(storage: Storage, visitor: str = "v-1") -> list[tuple[str, str, str]]:
    return [(row.subject, row.rule, row.arm) for row in recorded(storage, visitor)]


def recorded(storage: Storage, visitor: str = "v-1") -> list[StoredExposure]:
    settle(storage)
    return storage.list_exposures([key_of("anonymous", visitor)])


def test_an_acknowledged_event_changes_the_very_next_decision(storage: Storage) -> None:
    house = house_of(storage, rule("A"))
    assert ask(house).decision.outcome == "normal"
    see(storage, "v-1")
    assert ask(house).decision.outcome == "shown"


def test_an_exposure_is_recorded_once_a_visit_with_its_receipt(storage: Storage) -> None:
    house = house_of(storage, rule("A"))
    see(storage, "v-1")
    for _ in range(3):
        ask(house)
    assert exposures(storage) == [("rule", "A", TREATMENT)]
    [row] = recorded(storage)
    assert b'"slot":"hero"' in row.receipt
    [asked] = storage.list_opportunities([key_of("anonymous", "v-1")])
    assert (asked.slot, asked.outcome) == ("hero", "shown")


def test_a_visitor_without_an_id_leaves_no_trace(storage: Storage) -> None:
    house = house_of(storage, rule("A"))
    assert ask(house, None, attributes={"keen": 1}).decision.outcome == "shown"
    assert not house.held
    assert not house.recorded


def test_an_id_seen_only_once_never_becomes_a_visitor(storage: Storage) -> None:
    house = house_of(storage, rule("A"))
    ask(house, attributes={"keen": 1})
    assert exposures(storage) == []
    ask(house, attributes={"keen": 1})
    assert exposures(storage) == [("rule", "A", TREATMENT)]
    assert {row.session for row in recorded(storage)} == {NOW}


def test_a_proven_user_is_no_cookieless_bot(storage: Storage) -> None:
    house = house_of(storage, rule("A"))
    decided(house, Question(user_id="u-1", slots=("hero",), context=Context(attributes={"keen": 1})))
    settle(storage)
    assert [row.rule for row in storage.list_exposures([key_of("user", "u-1")])] == ["A"]


@pytest.mark.parametrize(
    "context",
    [
        Context(attributes={"keen": 1}, is_preview=True),
        Context(attributes={"keen": 1}, is_machine=True),
        Context(attributes={"keen": 1}, purposes=frozenset({"personalize"})),
    ],
)
def test_previewers_machines_and_the_unmeasured_are_never_exposed(storage: Storage, context: Context) -> None:
    house = house_of(storage, rule("A"))
    see(storage, "v-1")
    ask(house, context=context)
    assert exposures(storage) == []


def test_a_machine_gets_normal_content_and_is_counted_as_one(storage: Storage) -> None:
    house = house_of(storage, rule("A"))
    see(storage, "v-1")
    answer = ask(house, context=Context(attributes={"keen": 1}, is_machine=True))
    assert (answer.decision.outcome, answer.decision.value) == ("bot", {"headline": "Welcome"})


def test_an_answer_given_ahead_becomes_an_exposure_only_when_its_token_comes_back(
    storage: Storage,
) -> None:
    house = house_of(storage, rule("A"))
    see(storage, "v-1")
    answer = ask(house, is_ahead=True)
    assert exposures(storage) == []
    assert len(storage.list_opportunities([key_of("anonymous", "v-1")])) == 1
    token = read_token(house, answer.token)
    assert token is not None
    storage.write(lambda transaction: transaction.add_exposures(exposures_of(token, NOW))).result()
    assert exposures(storage) == [("rule", "A", TREATMENT)]


def test_a_token_that_was_changed_is_old_or_of_another_revision_is_not_verified(
    storage: Storage,
) -> None:
    house = house_of(storage, rule("A"))
    text = ask(house).token
    assert read_token(house, text) is not None
    assert read_token(house, "x" + text[1:]) is None
    assert open_token(b"another secret", text) is None
    house.clock.now += 25 * 3_600_000  # type: ignore[attr-defined]  # the clock of these tests
    assert read_token(house, text) is None


def test_the_arm_first_given_is_kept_and_later_keys_inherit_its_unit(storage: Storage) -> None:
    visitor = unit_in("A/1", control=False)
    house = house_of(storage, rule("A", test=Test()))
    see(storage, visitor)
    assert ask(house, visitor).decision.outcome == "shown"
    settle(storage)
    kept = storage.recall([key_of("anonymous", visitor)], now=NOW).assignments["A/1"]
    assert (kept.arm, kept.unit) == (TREATMENT, key_of("anonymous", visitor))


def test_a_store_that_cannot_be_read_gives_normal_content(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_unreadable(storage, monkeypatch)
    house = house_of(storage, rule("A"))
    answer = ask(house, attributes={"keen": 1})
    assert (answer.decision.reason, answer.decision.value) == ("ERROR", {"headline": "Welcome"})
    assert house.fallbacks == {"store": 1}


def test_a_broken_rule_gives_normal_content_in_its_place_only(storage: Storage) -> None:
    class Breaks(Flag, frozen=True, tag="breaks in tests"):
        def compile(self, vocabulary: Any) -> Any:
            def check(situation: Any) -> Any:
                raise ZeroDivisionError

            return check

    house = house_of(storage, Rule(name="A", when=Breaks("x"), show=rule("A").show))
    answer = ask(house)
    assert (answer.decision.reason, answer.decision.error_code) == ("ERROR", "GENERAL")
    assert answer.decision.value == {"headline": "Welcome"}


def test_a_missed_deadline_gives_normal_content_and_no_exposure(storage: Storage) -> None:
    house = house_of(storage, rule("A"))
    see(storage, "v-1")
    house.deadline_seconds = -1
    assert ask(house).decision.reason == "ERROR"
    assert exposures(storage) == []
    assert house.fallbacks == {"deadline": 1}


def test_an_unknown_slot_is_an_answer_of_its_own(storage: Storage) -> None:
    house = house_of(storage, rule("A"))
    answer = decided(house, Question(anonymous_id="v-1", slots=("hero", "nowhere")))
    assert [(found.decision.slot, found.decision.error_code) for found in answer.decisions] == [
        ("hero", ""),
        ("nowhere", "FLAG_NOT_FOUND"),
    ]


def test_receipts_say_why_and_why_not_in_the_rules_own_words(storage: Storage) -> None:
    states = {"C": RunState(rule="C", state="draft")}
    house = house_of(storage, rule("A"), rule("B", "rich"), rule("C"), hiding("No promo"), states=states)
    answer = ask(house, attributes={"keen": 1}, wants_receipts=True)
    assert answer.receipt is not None
    assert answer.why is not None
    assert answer.why.headline == "hero: shows “Shoes” by the rule “A”"
    assert answer.why.because == ("a visitor is keen: flag keen",)
    assert {found.rule: found.words for found in answer.why.why_not} == {
        "B": "a visitor is rich (now: flag rich)",
        "No promo": "a visitor is subscribed (now: flag subscribed)",
        "C": "it is not switched on (draft)",
    }


def test_a_rule_that_lasts_says_when_it_held_and_until_when(storage: Storage) -> None:
    made = programme()
    when = parse_condition("a visitor viewed in this visit", made.playbook.vocabulary)
    lasting = Rule(name="A", when=when, show=rule("A").show, lasts_ms=48 * HOUR)
    house = house_of(storage, lasting, seen_events=SEEN)
    see(storage, "v-1", "Product Viewed", at=NOW - 5 * HOUR)
    answer = ask(house, wants_receipts=True)
    assert answer.why is not None
    [because] = answer.why.because
    assert because.endswith("(at 03:00; it lasts until 17 Jan 03:00)")
    assert replay(answer.receipt, house.programme.playbook).to_json() == answer.receipt.to_json()  # type: ignore[union-attr,arg-type]  # asked for above


def test_a_near_miss_names_every_part_that_is_missing(storage: Storage) -> None:
    made = programme()
    sentence = "a visitor viewed at least 2 times in 7 days and searched at least 4 times in 7 days"
    when = parse_condition(sentence, made.playbook.vocabulary)
    house = house_of(storage, Rule(name="A", when=when, show=rule("A").show), seen_events=SEEN)
    see(storage, "v-1", "Product Viewed")
    answer = ask(house, wants_receipts=True)
    assert answer.why is not None
    [found] = answer.why.why_not
    assert found.missing == (
        "a visitor viewed at least 2 times in 7 days (now: Product Viewed, 1 of 2 times, last 07:59)",
        "a visitor searched at least 4 times in 7 days (now: no Products Searched)",
    )


def test_the_control_group_is_recorded_on_both_sides(storage: Storage) -> None:
    house = house_of(storage, rule("A"), team=Team(holdout=5_000))
    out, held_in = (unit_in("programme/1", control=side) for side in (True, False))
    for visitor in (out, held_in):
        see(storage, visitor)
        ask(house, visitor)
    assert exposures(storage, out) == [("programme", "", "out")]
    assert sorted(exposures(storage, held_in)) == [("programme", "", "in"), ("rule", "A", TREATMENT)]

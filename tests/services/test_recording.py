"""Recording: the last act of an answer, only what may be kept, and nothing a visitor could bend afterwards."""

from __future__ import annotations

from typing import Any

import pytest
from tests.building import NOW, Flag, decided, programme, rule, unit_in
from tests.stores import make_full, settle

from opportune.core.conditions.base import Check
from opportune.core.history.key import key_of
from opportune.core.language.vocabulary import Vocabulary
from opportune.core.moment import DAY, HOUR, to_iso
from opportune.core.rule import TREATMENT, Rule, RunState, Show, Test
from opportune.core.situation import Context, Situation
from opportune.core.team import Team
from opportune.services.capturing import CaptureSource, capture
from opportune.services.deciding import Answered, Question
from opportune.services.house import House
from opportune.services.tokens import open_token
from opportune.storage.base import Storage, StoredExposure

SECRET = b"a secret of thirty-two bytes....."
BROWSER = CaptureSource(name="site")


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


def send(house: House, event: str, device: str = "v-1", **properties: Any) -> None:
    at = properties.pop("at", house.clock())
    message = {
        "type": "track",
        "event": event,
        "anonymousId": device,
        "timestamp": to_iso(at),
        "properties": properties,
    }
    assert capture(house, BROWSER, [message]).result().accepted == 1


def ask(house: House, device: str | None = "v-1", context: Context | None = None, **other: Any) -> Answered:
    context = context or Context(attributes={"keen": 1})
    question = Question(anonymous_id=device, slots=("hero",), context=context, **other)
    return decided(house, question).decisions[0]


def exposures(house: House, device: str = "v-1") -> list[tuple[str, str, int]]:
    return [(row.rule, row.arm, row.at) for row in recorded(house.storage, device)]


def recorded(storage: Storage, device: str = "v-1") -> list[StoredExposure]:
    settle(storage)
    return storage.list_exposures([key_of("anonymous", device)])


class Noting(Flag, frozen=True, tag="noting in tests"):
    """Notes in a list that it was checked."""

    notes: list[str] = []  # noqa: RUF012 - one test's own list

    def compile(self, vocabulary: Vocabulary) -> Check:
        check = super().compile(vocabulary)

        def noting(situation: Situation) -> Any:
            self.notes.append(f"checked {self.name}")
            return check(situation)

        return noting


def test_nothing_is_worked_out_any_more_once_it_was_handed_to_the_writer(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes: list[str] = []
    write = storage.write

    def noting_write(*asked: Any) -> Any:
        notes.append("written")
        return write(*asked)

    monkeypatch.setattr(storage, "write", noting_write)

    def noting(name: str) -> Rule:
        shown = (Show(slot="hero", variant="Shoes"),)
        return Rule(name=name, when=Noting(name=name, notes=notes), show=shown)

    house = house_of(storage, noting("keen"), noting("rich"))
    send(house, "keen")
    notes.clear()
    ask(house, wants_receipts=True)
    assert (notes.index("written"), "checked rich" in notes) == (len(notes) - 1, True)


def test_a_token_exposes_nobody_who_did_not_let_us_measure(storage: Storage) -> None:
    house = house_of(storage, rule("A", test=Test()))
    send(house, "keen")
    answer = ask(house, context=Context(attributes={"keen": 1}, purposes=frozenset({"personalize"})))
    token = open_token(SECRET, answer.token)
    assert token is not None
    assert (token.exposures, token.assignments) == ((), ())
    send(house, "Slot Viewed", decision=answer.token)
    assert exposures(house) == []


def test_an_answer_given_ahead_is_decided_when_the_page_applies_it_and_shown_when_it_was_seen(
    storage: Storage,
) -> None:
    house = house_of(storage, rule("A"))
    send(house, "keen")
    answer = ask(house, is_ahead=True)
    assert recorded(storage) == []
    send(house, "Slot Applied", decision=answer.token)
    [row] = recorded(storage)
    assert row.shown_at is None
    send(house, "Slot Viewed", decision=answer.token)
    [row] = recorded(storage)
    assert row.shown_at == NOW


def test_a_view_is_never_dated_before_its_decision(storage: Storage) -> None:
    house = house_of(storage, rule("A"))
    send(house, "keen")
    answer = ask(house, is_ahead=True)
    send(house, "Slot Viewed", decision=answer.token, at=NOW - 300 * DAY)
    assert exposures(house) == [("A", TREATMENT, NOW)]
    [row] = recorded(storage)
    assert row.shown_at == NOW


def test_a_previewer_known_by_user_id_is_one_on_every_device(storage: Storage) -> None:
    house = house_of(storage, rule("A", test=Test()), team=Team(previewers=frozenset({"mia"})))
    send(house, "keen")
    key_user = CaptureSource(name="backend", is_secret=True)
    signed_in = {"type": "identify", "userId": "mia", "anonymousId": "v-2"}
    assert capture(house, key_user, [signed_in]).result().accepted == 1
    for answer in (ask(house, user_id="mia"), ask(house, "mia"), ask(house, "v-2")):
        assert answer.decision.steps == (("A", "shown", "preview"),)
        token = open_token(SECRET, answer.token)
        assert token is not None
        assert token.exposures == ()
    assert exposures(house) == []


def test_what_a_full_disk_refused_is_recorded_at_the_next_decision(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = house_of(storage, rule("A"))
    send(house, "keen")
    with monkeypatch.context() as patched:
        make_full(storage, patched)
        ask(house)
    assert exposures(house) == []
    ask(house)
    assert [row[0] for row in exposures(house)] == ["A"]


def test_what_is_not_held_any_more_is_recorded_when_the_key_comes_back(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("opportune.services.recording.HELD_KEYS", 2)
    house = house_of(storage, rule("A"))
    for device in ("v-1", "v-2", "v-3"):
        ask(house, device)
    ask(house, "v-1")
    ask(house, "v-1")
    assert [row[0] for row in exposures(house, "v-1")] == ["A"]


def test_a_visit_goes_on_while_its_first_answer_is_held(storage: Storage) -> None:
    house = house_of(storage, rule("A"))
    ask(house)
    house.clock.now += HOUR // 4  # type: ignore[attr-defined]  # the clock of these tests
    ask(house)
    assert {row.session for row in recorded(storage)} == {NOW}


def test_events_that_come_with_the_first_question_make_nobody_a_visitor(storage: Storage) -> None:
    house = house_of(storage, rule("A"))
    for asked in range(2):
        message = {"type": "track", "event": "keen", "anonymousId": "v-1"}
        result = capture(house, BROWSER, [message]).result()
        ask(house, own_since=result.outcomes[0].seq)
        assert [row[0] for row in exposures(house)] == ["A"] * asked


@pytest.mark.parametrize("is_ahead", [False, True])
def test_a_person_is_inside_or_outside_a_share_on_every_device_alike(
    storage: Storage, is_ahead: bool
) -> None:
    state = RunState(rule="A", state="share", share=5_000)
    house = house_of(storage, rule("A", test=Test()), states={"A": state})
    inside, outside = (unit_in("A/1/coverage", control=side) for side in (True, False))
    backend = CaptureSource(name="backend", is_secret=True)
    for device in (inside, outside):
        send(house, "Page Viewed", device)
    first = ask(house, inside, is_ahead=is_ahead)
    if is_ahead:
        send(house, "Slot Viewed", inside, decision=first.token)
    for device in (inside, outside):
        signed_in = {"type": "identify", "userId": "u-1", "anonymousId": device}
        assert capture(house, backend, [signed_in]).result().accepted == 1
    assert ask(house, outside).decision.steps == first.decision.steps

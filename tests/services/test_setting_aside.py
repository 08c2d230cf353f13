"""Set-aside events: replayed when they fit, corrected by hand, trusted as they came, or dropped."""

from __future__ import annotations

import msgspec
import pytest
from tests.building import NOW, programme

from opportune.core.history.key import Namespace, key_of
from opportune.core.history.plan import EventPlan, Plan, PropertyPlan
from opportune.core.moment import HOUR, to_iso
from opportune.core.programme import Programme
from opportune.errors import NotFoundError
from opportune.services.capturing import CaptureSource, capture
from opportune.services.house import House
from opportune.services.setting_aside import drop, merged, replay
from opportune.storage.base import Storage

STRICT = Plan(
    mode="strict",
    events={"Known": EventPlan(name="Known", properties=(PropertyPlan(name="size", type="number"),))},
)


@pytest.fixture
def house(storage: Storage) -> House:
    house = House(storage=storage, clock=lambda: NOW, secret=b"secret", programme=programme())
    use(house, STRICT)
    return house


def use(house: House, plan: Plan) -> None:
    house.programme = Programme(msgspec.structs.replace(house.programme.playbook, plan=plan))


def send(house: House, *, is_secret: bool = False, **message: object) -> int:
    fields = {"type": "track", "anonymousId": "a", "userId": "u", "messageId": "m", **message}
    result = capture(house, CaptureSource(is_secret=is_secret), [fields], to_iso(NOW - HOUR), NOW).result()
    assert result.set_aside == 1
    return house.storage.list_set_aside()[0].id


def test_an_event_that_fits_now_is_taken_with_its_old_time(house: House) -> None:
    number = send(house, event="Unknown", timestamp=to_iso(NOW - 2 * HOUR))
    assert replay(house, [number]).reasons == {
        number: "the plan does not declare the event 'Unknown' and is strict"
    }
    use(house, Plan(events=STRICT.events))
    result = replay(house, [number])
    assert (result.accepted, result.set_aside) == (1, 0)
    [event] = house.storage.recall([key_of("anonymous", "a")], now=NOW).events[key_of("anonymous", "a")]
    assert (event.name, event.occurred_at) == ("Unknown", NOW - HOUR)
    assert [row.state for row in house.storage.list_set_aside(state="replayed")] == ["replayed"]
    with pytest.raises(NotFoundError):
        replay(house, [number])


def test_a_correction_is_merged_in(house: House) -> None:
    number = send(house, event="Known", properties={"size": "large", "other": 1})
    assert replay(house, [number], {"properties": {"size": 42, "other": None}}).accepted == 1
    [event] = house.storage.recall([key_of("anonymous", "a")], now=NOW).events[key_of("anonymous", "a")]
    assert event.facts == {"size": 42}


@pytest.mark.parametrize(("is_secret", "owner"), [(True, ("user", "u")), (False, ("anonymous", "a"))])
def test_a_replay_trusts_neither_more_nor_less(
    house: House, is_secret: bool, owner: tuple[Namespace, str]
) -> None:
    number = send(house, is_secret=is_secret, event="Unknown")
    use(house, Plan())
    replay(house, [number])
    key = key_of(*owner)
    assert house.storage.find_key_id(key) == owner
    assert len(house.storage.recall([key], now=NOW).events[key]) == 1
    assert house.storage.list_person_keys(key_of("anonymous", "a"))[0] == key


def test_one_without_an_id_that_two_operators_replay_at_once_is_taken_once(house: House) -> None:
    number = send(house, event="Unknown", messageId=None)
    use(house, Plan())
    assert replay(house, [number]).accepted == 1
    house.storage.write(lambda transaction: transaction.close_set_aside(number, "open")).result()
    again = replay(house, [number])  # as the second one found it
    assert (again.accepted, again.duplicate) == (0, 1)


def test_one_taken_meanwhile_is_a_duplicate(house: House) -> None:
    number = send(house, event="Unknown")
    use(house, Plan())
    capture(
        house, CaptureSource(), [{"type": "track", "event": "Unknown", "anonymousId": "a", "messageId": "m"}]
    ).result()
    assert replay(house, [number]).duplicate == 1


def test_dropped_ones_stay_listed_as_dropped(house: House) -> None:
    number = send(house, event="Unknown")
    assert drop(house, [number]) == 1
    assert house.storage.list_set_aside() == []
    assert [row.id for row in house.storage.list_set_aside(state="dropped")] == [number]
    with pytest.raises(NotFoundError, match=f"number {number}"):
        drop(house, [number])


def test_merge_patches_replace_remove_and_go_inside() -> None:
    assert merged({"a": {"b": 1, "c": 2}, "d": [1]}, {"a": {"b": None, "e": 3}, "d": [2]}) == {
        "a": {"c": 2, "e": 3},
        "d": [2],
    }
    assert merged("text", {"a": 1}) == {"a": 1}

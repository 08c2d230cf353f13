"""Capture: once, as one event, by the right person, or set aside with the reason."""

from __future__ import annotations

from itertools import count
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.building import NOW, Flag, programme, rule
from tests.stores import examples_for

from opportune.core.decision import Exposed
from opportune.core.history.key import key_of
from opportune.core.history.plan import EventPlan, Plan, PropertyPlan
from opportune.core.history.timeline import TimelineEvent
from opportune.core.moment import DAY, HOUR, MINUTE, to_iso
from opportune.services.appending import MACHINE_EVENTS_A_DAY
from opportune.services.authorizing import user_token_of
from opportune.services.capturing import CaptureResult, CaptureSource, capture, prepare, store
from opportune.services.house import Held, House
from opportune.services.tokens import Token, sign
from opportune.storage.base import EventQuery, Exposure, Storage

BROWSER = CaptureSource(name="site")
SERVER = CaptureSource(name="backend", is_secret=True)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        return self.now


def house_of(storage: Storage, plan: Plan | None = None, *rules: Any) -> House:
    made = programme(*rules)
    if plan is not None:
        playbook = msgspec.structs.replace(made.playbook, plan=plan)
        made = type(made)(playbook, made.run_states)
    return House(storage=storage, clock=Clock(), secret=b"secret of the tests.............", programme=made)


@pytest.fixture
def house(storage: Storage) -> House:
    return house_of(storage)


def track(
    event: str = "Product Viewed", device: str | None = "a-1", user: str | None = None, **other: Any
) -> dict[str, Any]:
    message = {
        "type": "track",
        "event": event,
        "anonymousId": device,
        "userId": user,
        "timestamp": to_iso(NOW - MINUTE),
    }
    return message | other


def take(house: House, *messages: Any, source: CaptureSource = BROWSER, **other: Any) -> CaptureResult:
    return capture(house, source, messages, **other).result()


def timeline(
    house: House, device: str | None = None, user: str | None = None, **other: Any
) -> list[TimelineEvent]:
    keys = [key_of("anonymous", device)] if device else []
    keys += [key_of("user", user)] if user else []
    past = house.storage.recall(keys, now=house.clock(), **other)
    found = [event for events in past.events.values() for event in events]
    return sorted(found, key=lambda event: event.order)


def names(house: House, **who: Any) -> list[str]:
    return [event.name for event in timeline(house, **who)]


def set_aside(house: House) -> list[tuple[str, str]]:
    return [(row.code, row.reason) for row in house.storage.list_set_aside()]


# -- once -------------------------------------------------------------------------------------


def test_an_event_is_in_the_next_read(house: House) -> None:
    result = take(house, track(properties={"product_id": "s1", "category": "shoes", "price": 19.5}))
    assert (result.accepted, result.duplicate, result.set_aside) == (1, 0, 0)
    [event] = timeline(house, device="a-1")
    assert (event.name, event.source, event.occurred_at) == ("Product Viewed", "browser", NOW - MINUTE)
    assert event.facts == {"product": "s1", "category": "shoes", "value": 1950}


def test_the_same_message_twice_is_one_event_in_a_request_and_across(house: House) -> None:
    message = track(messageId="m-1")
    assert take(house, message, message).duplicate == 1
    house.clock.now += 20 * HOUR  # type: ignore[attr-defined]
    assert take(house, message).duplicate == 1
    assert names(house, device="a-1") == ["Product Viewed"]


def test_the_same_message_id_of_two_visitors_is_two_events(house: House) -> None:
    result = take(house, track(messageId="m"), track(messageId="m", device="a-2"))
    assert result.accepted == 2


def test_a_message_without_an_id_is_given_one_and_kept_whole(house: House) -> None:
    take(house, track(properties={"nested": {"deep": [1, {"a": None}]}}))
    [stored] = house.storage.list_events(EventQuery())
    body = msgspec.json.decode(stored.body)
    assert body["messageId"]
    assert body["properties"] == {"nested": {"deep": [1, {"a": None}]}}


def test_json_is_kept_byte_for_byte(house: House) -> None:
    raw = b'{"type":"track","event":"X","anonymousId":"a","messageId":"m","properties":{"b":1.50}}'
    take(house, msgspec.Raw(raw))
    [stored] = house.storage.list_events(EventQuery())
    assert stored.body == raw


def test_a_user_token_is_not_kept(house: House) -> None:
    token = user_token_of(house, "u-1")
    take(house, track(user="u-1", context={"userToken": token, "locale": "de"}))
    [stored] = house.storage.list_events(EventQuery())
    assert token.encode() not in stored.body
    assert msgspec.json.decode(stored.body)["context"] == {"locale": "de"}


def test_events_far_apart_in_one_request_find_their_own_duplicates(house: House) -> None:
    days = [track(messageId=f"m-{day}", timestamp=to_iso(NOW - day * DAY)) for day in range(0, 40, 4)]
    assert take(house, *days).accepted == 10
    again = take(house, *days, track(messageId="new", timestamp=to_iso(NOW - 9 * DAY)))
    assert (again.duplicate, again.accepted) == (10, 1)


def test_a_machine_is_set_aside_and_listed(house: House) -> None:
    burst = [track(messageId=str(number)) for number in range(MACHINE_EVENTS_A_DAY + 10)]
    result = take(house, *burst)
    assert (result.accepted, result.set_aside) == (MACHINE_EVENTS_A_DAY, 10)
    assert take(house, track(messageId="later")).set_aside == 1
    assert {code for code, _ in set_aside(house)} == {"machine"}
    assert take(house, track(device="a-2")).accepted == 1


def test_a_crawler_that_runs_the_pages_script_never_becomes_a_visitor(house: House) -> None:
    agent = {"userAgent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"}
    result = take(house, track(context=agent))
    assert (result.accepted, result.set_aside) == (0, 1)
    assert [row.code for row in house.storage.list_set_aside()] == ["machine"]
    reported = take(house, track(context=agent | {"library": {"name": "analytics-python"}}), source=SERVER)
    assert reported.accepted == 1


def test_a_busy_week_is_no_machine(house: House) -> None:
    for day in range(6, -1, -1):
        messages = [
            track(messageId=f"{day}/{number}", timestamp=to_iso(NOW - day * DAY)) for number in range(900)
        ]
        assert take(house, *messages).accepted == 900


def test_a_busy_keys_messages_are_known_too(house: House) -> None:
    days = [
        [track(messageId=f"{day}/{n}", timestamp=to_iso(NOW - day * DAY - n * MINUTE)) for n in range(1_400)]
        for day in (2, 1, 0)
    ]
    for messages in days:
        for start in range(0, len(messages), 200):
            assert take(house, *messages[start : start + 200]).accepted == 200
    for messages in days:
        assert take(house, *messages[::100]).duplicate == len(messages[::100])


# -- set aside --------------------------------------------------------------------------------

ODD: list[Any] = [
    "text",
    None,
    [],
    {},
    {"type": "dance", "userId": "u"},
    {"type": "track", "event": "X"},
    {"type": "track", "anonymousId": "a"},
    {"type": "track", "event": {"a": 1}, "anonymousId": "a"},
    {"type": "track", "event": "X", "userId": {"$ne": 1}},
    {"type": "track", "event": "X", "anonymousId": "x" * 201},
    {"type": "track", "event": "X" * 121, "anonymousId": "x"},
    {"type": "track", "event": "X", "anonymousId": "undefined"},
    {"type": "alias", "userId": "u"},
    msgspec.Raw(b'{"type": "track"'),
    msgspec.Raw(b'{"type":"track","event":"\xff","anonymousId":"a"}'),
    msgspec.Raw(
        b'{"type":"track","event":"X","anonymousId":"a","properties":' + b'{"a":' * 80 + b"1" + b"}" * 81
    ),
    {"type": "track", "event": "X", "anonymousId": "a", "properties": {"a": "x" * 33_000}},
]


@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
def test_what_cannot_be_taken_is_set_aside_and_its_neighbours_are_kept(house: House, odd: Any) -> None:
    result = take(house, track(messageId="before"), odd, track(messageId="after"))
    assert [outcome.state for outcome in result.outcomes] == ["accepted", "set aside", "accepted"]
    assert result.first_reason
    [row] = house.storage.list_set_aside()
    msgspec.json.decode(row.raw)


HOSTILE: list[bytes] = [
    b'{"type":"track","event":"a\\u0000b","anonymousId":"a\\u0000b","properties":{"x\\u0000":"\\u0000"}}',
    b'{"type":"track","event":"\\ud800","anonymousId":"\\udfff","messageId":"\\ud800"}',
    b'{"type":"track","event":"X","event":"Y","anonymousId":"a"}',
    b'{"type":"track","event":"X","anonymousId":"a","properties":{"price":1e400,"value":-1e308,'
    b'"quantity":' + b"9" * 400 + b"}}",
    (b'{"type":"track","event":"Product Viewed","anonymousId":1e30,"properties":{"price":1e308,'
    b'"product_id":12}}'),
    b'{"type":"track","event":12,"anonymousId":12345678901234567890}',
    (b'{"type":"track","event":"X","anonymousId":"a","timestamp":{"a":1},"sentAt":[],"context":7,'
    b'"properties":[1],"integrations":8}'),
    b'{"type":"track","event":"X","anonymousId":"a","timestamp":"99999-01-01T00:00:00Z","sentAt":1e400}',
    b'{"type":"track","event":"X","anonymousId":"a","timestamp":"-1","sentAt":"0001-01-01"}',
    (b'{"type":"page","anonymousId":"a","name":{"a":1},"category":[1],"context":{"page":{"url":7,"path":{},'
    b'"referrer":[],"search":{}},"campaign":{"name":{}}}}'),
    (b'{"type":"page","anonymousId":"a","context":{"page":{"url":"http://[::1","referrer":"http://]["},'
    b'"campaign":[1],"library":"x","device":3}}'),
    (b'{"type":"identify","anonymousId":"a","traits":{"a":{"b":{"c":1}},"n":1e400,"l":[[1],{"a":1},null,'
    b'true],"":1}}'),
    b'{"type":"identify","anonymousId":"a","traits":[1],"context":{"traits":"x"}}',
    b'{"type":"group","anonymousId":"a","groupId":{"a":1}}',
    (b'{"type":"Track","event":"Order Completed","anonymousId":"a","properties":{"order_id":{"a":1},'
    b'"products":"x","revenue":"NaN","currency":7}}'),
    (b'{"type":"track","event":"Order Completed","anonymousId":"a","properties":{"order_id":["o"],'
    b'"products":[1,null,{"product_id":null},{"product_id":[1,2]}]}}'),
    b'{"type":"track","event":"Slot Viewed","anonymousId":"a","properties":{"decision":"AAAA.BBBB","slot":9}}',
    b'{"type":"track","event":"Slot Viewed","anonymousId":"a","properties":{"decision":"\xc3\xa9.\xc3\xa9"}}',
]  # fmt: skip


@pytest.mark.parametrize("hostile", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_messages_are_taken_or_set_aside_never_an_error(house: House, hostile: bytes) -> None:
    for source in (BROWSER, SERVER):
        result = take(house, msgspec.Raw(hostile), source=source)
        assert len(result.outcomes) == 1
    for stored in house.storage.list_events(EventQuery()):
        msgspec.json.decode(stored.body)
        assert b"\\u0000" not in stored.body
    for row in house.storage.list_set_aside():
        msgspec.json.decode(row.raw)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
fields = st.sampled_from(
    ["type", "event", "userId", "anonymousId", "previousId", "messageId", "timestamp", "originalTimestamp", "sentAt",
     "properties", "traits", "context", "name", "category", "groupId"]
)  # fmt: skip


def test_no_message_whatever_raises(house: House) -> None:
    values = anything | st.sampled_from(["track", "identify", "alias", "page", "Order Completed"])

    @settings(max_examples=examples_for(house.storage))
    @given(st.dictionaries(fields, values))
    def send(message: dict[str, Any]) -> None:
        for source in (BROWSER, SERVER):
            assert len(take(house, message, source=source, sent_at=message.get("sentAt")).outcomes) == 1

    send()


def test_a_strict_plan_sets_unknown_events_aside_with_the_reason(storage: Storage) -> None:
    plan = Plan(
        mode="strict",
        events={"Known": EventPlan(name="Known", properties=(PropertyPlan(name="size", type="number"),))},
    )
    house = house_of(storage, plan)
    result = take(
        house,
        track("Known", properties={"size": 3}),
        track("Unknown"),
        track("Known", properties={"size": "large"}),
        {"type": "page", "anonymousId": "a-1"},
    )
    assert (result.accepted, result.set_aside) == (2, 2)
    assert [code for code, _ in set_aside(house)] == ["wrong_type", "undeclared"]
    assert "'Unknown'" in result.first_reason


def test_a_learning_plan_asks_only_for_what_is_declared_required(storage: Storage) -> None:
    wanted = PropertyPlan(name="order_id", is_required=True)
    plan = Plan(events={"Order Completed": EventPlan(name="Order Completed", properties=(wanted,))})
    house = house_of(storage, plan)
    result = take(
        house,
        track("Order Completed"),
        track("Anything"),
        track("Order Completed", properties={"order_id": 7}),
    )
    assert [outcome.state for outcome in result.outcomes] == ["set aside", "accepted", "accepted"]
    assert result.first_reason == "Order Completed lacks order_id, which the plan requires"


def test_a_former_name_is_todays_event(storage: Storage) -> None:
    plan = Plan(events={"Bag Filled": EventPlan(name="Bag Filled", was=("Product Added",))})
    house = house_of(storage, plan)
    take(house, track("Product Added"))
    assert names(house, device="a-1") == ["Bag Filled"]


def test_strangers_cannot_invent_names_without_end(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opportune.services.preparing.MAX_EVENT_NAMES", 2)
    take(house, track("A"), track("B"))
    result = take(house, track("C"), track("A"), track("Product Viewed"))
    assert [outcome.state for outcome in result.outcomes] == ["set aside", "accepted", "accepted"]


# -- versions of one order --------------------------------------------------------------------


def order(at: int = NOW - MINUTE, number: str = "o-1", **other: Any) -> dict[str, Any]:
    properties = {"order_id": number, "revenue": other.pop("revenue", 10)}
    return track("Order Completed", timestamp=to_iso(at), properties=properties, **other)


def test_browser_and_pixel_versions_are_one_order(house: House) -> None:
    assert take(house, order(messageId="browser")).accepted == 1
    assert take(house, order(messageId="pixel")).duplicate == 1
    assert names(house, device="a-1") == ["Order Completed"]


def test_a_verified_version_replaces_the_browsers_values_and_keeps_the_earliest_time(house: House) -> None:
    take(house, order(NOW - HOUR, revenue=1))
    result = take(house, order(NOW - MINUTE, user="u-1", revenue=99), source=SERVER)
    assert result.accepted == 1
    [event] = timeline(house, device="a-1", user="u-1")
    assert (event.occurred_at, event.facts["value"], event.source) == (NOW - HOUR, 9900, "server")
    assert take(house, order(revenue=5, messageId="late")).duplicate == 1


def test_a_browsers_version_after_the_verified_one_gives_only_its_earlier_time(house: House) -> None:
    take(house, order(NOW - MINUTE, user="u-1", revenue=99), source=SERVER)
    assert take(house, order(NOW - HOUR, revenue=1)).duplicate == 1
    [event] = timeline(house, device="a-1", user="u-1")
    assert (event.occurred_at, event.facts["value"], event.source) == (NOW - HOUR, 9900, "server")


def test_a_stranger_cannot_swallow_an_order_by_guessing_its_number(house: House) -> None:
    take(house, order(device="stranger", revenue=0))
    assert take(house, order()).accepted == 1
    assert names(house, device="a-1") == ["Order Completed"]
    take(house, order(user="u-1", revenue=99), source=SERVER)
    [event] = timeline(house, user="u-1")
    assert event.facts["value"] == 9900


def test_the_versions_of_an_order_give_the_same_event_in_any_order(house: House) -> None:
    numbers = count()

    @settings(max_examples=examples_for(house.storage))
    @given(st.permutations(["browser", "pixel", "webhook", "late"]), st.booleans())
    def arrive(arrival: list[str], at_once: bool) -> None:
        who = {"device": f"a-{(number := next(numbers))}", "number": f"o-{number}"}
        user = f"u-{number}"
        versions = {
            "browser": (BROWSER, order(NOW - 3 * MINUTE, revenue=1, messageId="browser", **who)),
            "pixel": (BROWSER, order(NOW - 2 * MINUTE, revenue=2, messageId="pixel", **who)),
            "webhook": (SERVER, order(NOW - MINUTE, user=user, revenue=99, messageId="webhook", **who)),
            "late": (SERVER, order(NOW, user=user, revenue=99, messageId="late", **who)),
        }
        take(house, identify(who["device"], user), source=SERVER)
        groups = [arrival] if at_once else [[name] for name in arrival]
        for group in groups:
            prepared = [
                one for name in group for one in prepare(house, versions[name][0], [versions[name][1]])
            ]
            store(house, prepared).result()
        [event] = [event for event in timeline(house, user=user) if event.name == "Order Completed"]
        assert (event.occurred_at, event.facts["value"], event.source) == (NOW - 3 * MINUTE, 9900, "server")
        assert count_orders(house) == number + 1

    arrive()


def count_orders(house: House) -> int:
    while house.storage.fold_totals():
        pass
    totals = house.storage.list_totals("2000-01-01", "2100-01-01")
    return sum(count for _, name, count, _ in totals if name == "Order Completed")


def test_duplicates_and_order_of_arrival_change_nothing(house: House) -> None:
    numbers = count()

    @settings(max_examples=examples_for(house.storage))
    @given(st.data())
    def arrive(data: st.DataObject) -> None:
        devices = [f"a-{next(numbers)}" for _ in range(2)]
        messages = [
            track(
                f"E{number % 3}",
                device=devices[number % 2],
                messageId=str(number),
                timestamp=to_iso(NOW - number * HOUR),
            )
            for number in range(8)
        ]
        more = st.lists(st.sampled_from(messages), max_size=6)
        arrival = data.draw(st.permutations(messages)) + data.draw(more)
        while arrival:
            size = data.draw(st.integers(1, len(arrival)))
            take(house, *arrival[:size])
            arrival = arrival[size:]
        for side, device in enumerate(devices):
            told = [(event.name, event.occurred_at) for event in timeline(house, device=device)]
            sent = [number for number in range(7, -1, -1) if number % 2 == side]
            assert told == [(f"E{number % 3}", NOW - number * HOUR) for number in sent]

    arrive()


# -- persons ----------------------------------------------------------------------------------


def identify(device: str = "a-1", user: str = "u-1", **other: Any) -> dict[str, Any]:
    return {"type": "identify", "anonymousId": device, "userId": user, **other}


def test_a_device_becomes_its_users_with_its_past(house: House) -> None:
    take(house, track(messageId="1"))
    take(house, identify(traits={"plan": "gold"}), source=SERVER)
    take(house, track("Product Added", messageId="2"))
    assert names(house, user="u-1") == ["Product Viewed", "Product Added"]
    assert names(house, device="a-1") == ["Product Viewed", "Product Added"]
    past = house.storage.recall([key_of("user", "u-1")], now=NOW)
    assert past.traits["plan"].value == "gold"


def test_an_unproven_user_id_links_and_reads_nothing(house: House) -> None:
    take(house, track(device=None, user="u-1"), source=SERVER)
    result = take(house, identify(device="stranger", traits={"email": "x@example.com"}))
    assert result.accepted == 1
    assert names(house, device="stranger") == []
    assert house.storage.list_person_keys(key_of("user", "u-1"))[1] == (key_of("user", "u-1"),)
    assert "email" not in house.storage.recall([key_of("user", "u-1")], now=NOW).traits


def test_a_claim_alone_is_kept_apart(house: House) -> None:
    take(house, track(device=None, user="u-1"))
    assert names(house, user="u-1") == []
    assert house.storage.find_key_id(key_of("claim", "u-1")) == ("claim", "u-1")


def test_a_user_token_proves_the_user(house: House) -> None:
    take(house, track(messageId="1"))
    take(house, identify(context={"userToken": user_token_of(house, "u-1")}))
    assert names(house, user="u-1") == ["Product Viewed"]
    take(house, identify(user="u-2", device="a-2", context={"userToken": user_token_of(house, "u-1")}))
    assert house.storage.list_person_keys(key_of("anonymous", "a-2"))[0] == key_of("anonymous", "a-2")


def test_a_shared_device_is_divided_where_the_next_user_identifies(house: House) -> None:
    take(house, track("A"), identify(), track("B"), source=SERVER)
    take(house, identify(user="u-2"), source=SERVER)
    take(house, track("C"))
    assert names(house, user="u-1") == ["A", "B"]
    assert names(house, user="u-2") == ["C"]


def test_a_kiosk_links_nothing_any_more(house: House) -> None:
    take(house, track("A"))
    for number in range(6):
        take(house, identify(user=f"u-{number}"), source=SERVER)
    assert names(house, user="u-0") == []
    take(house, identify(user="u-0"), source=SERVER)
    assert names(house, user="u-0") == []
    assert names(house, device="a-1") == ["A"]


def test_alias_from_a_secret_key_joins_two_users_and_their_devices(house: House) -> None:
    take(house, track("A"), identify(device="a-1", user="old"), source=SERVER)
    take(house, track("B", device="a-2"), identify(device="a-2", user="new"), source=SERVER)
    alias = {"type": "alias", "userId": "new", "previousId": "old"}
    take(house, alias)
    assert names(house, user="new") == ["B"]
    take(house, alias, source=SERVER)
    assert names(house, user="new") == names(house, user="old") == ["A", "B"]
    take(house, alias, {"type": "alias", "userId": "old", "previousId": "new"}, source=SERVER)
    assert names(house, user="new") == ["A", "B"]


def test_alias_of_a_device_and_alias_to_itself(house: House) -> None:
    take(house, track("A"))
    take(
        house,
        {"type": "alias", "userId": "u", "previousId": "a-1"},
        {"type": "alias", "userId": "u", "previousId": "u"},
        source=SERVER,
    )
    assert names(house, user="u") == ["A"]


def test_a_trait_set_to_null_is_taken_away(house: House) -> None:
    take(
        house,
        identify(traits={"plan": "gold", "address": {"city": "Oslo"}}, timestamp=to_iso(NOW - HOUR)),
        source=SERVER,
    )
    take(house, identify(context={"traits": {"plan": None}}), source=SERVER)
    traits = house.storage.recall([key_of("user", "u-1")], now=NOW).traits
    assert {name: trait.value for name, trait in traits.items()} == {"address.city": "Oslo"}


# -- what decides hears of it -----------------------------------------------------------------


def test_a_rule_that_waited_for_an_event_acts_after_it(storage: Storage) -> None:
    waiting = rule("Waits")
    waiting = msgspec.structs.replace(waiting, when=Flag("keen", events=frozenset({"Signed Up"})))
    house = house_of(storage, None, waiting)
    assert [waits.rule for waits in house.programme.waiting] == ["Waits"]
    take(house, track("Something"))
    assert house.programme.waiting
    take(house, track("Signed Up"))
    assert not house.programme.waiting
    assert house.seen_events == {"Something", "Signed Up"}


def test_a_slot_seen_with_its_token_is_shown(house: House) -> None:
    unit = key_of("anonymous", "a-1")
    exposed = Exposed("rule", "hero", "Keen", "hash", "treatment")
    token = Token("hero", NOW - MINUTE, 0, "abc", unit, NOW - HOUR, "Shoes", (exposed,), (unit,))
    text = sign(house.secret, token)
    take(house, track("Slot Viewed", device="stranger", properties={"decision": text}))
    assert house.storage.list_exposures([unit]) == []
    take(house, track("Slot Viewed", properties={"slot": "hero", "decision": text}, messageId="1"))
    take(house, track("Slot Viewed", properties={"slot": "hero", "decision": text}, messageId="1"))
    [shown] = house.storage.list_exposures([unit])
    assert (shown.rule, shown.arm, shown.shown_at, shown.count) == ("Keen", "treatment", NOW - MINUTE, 1)


def test_a_key_seen_again_releases_what_was_held_back(house: House) -> None:
    unit = key_of("anonymous", "a-1")
    exposure = Exposure(
        subject="rule", unit=unit, slot="hero", rule="Keen", rule_hash="h", arm="control", session=1, at=NOW
    )
    house.held[unit] = Held(NOW, lambda transaction: transaction.add_exposures([exposure]), frozenset({unit}))
    take(house, track())
    assert not house.held
    assert len(house.storage.list_exposures([unit])) == 1


def test_a_failing_store_comes_through_the_future(house: House) -> None:
    house.storage.close()
    with pytest.raises(Exception, match="cannot take more"):
        take(house, track())

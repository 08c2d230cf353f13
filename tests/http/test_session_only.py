"""Before a yes, and after a no: a visit is answered from what it did, and nothing of it is kept anywhere."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from tests.building import programme
from tests.http.shop import SECRET, WRITE
from tests.stores import ON_MEMORY, everything_in

from opportune.core.history.key import key_of
from opportune.core.language.sentence import parse_condition
from opportune.core.rule import Rule, Show, Test
from opportune.core.team import Team
from opportune.services.house import House
from opportune.services.noticing import take_notice
from opportune.services.people.tallying import tally_consents
from opportune.storage.base import EventQuery

pytestmark = pytest.mark.anyio

NO = {"consent": {"measure": False, "personalize": True}}
YES = {"consent": {"measure": True, "personalize": True}}
SEEN = frozenset({"Product Viewed", "Product Added", "Products Searched", "Order Completed", "Page Viewed"})


def act_by(house: House, sentence: str, *, needs_consent: bool = False, **other: Any) -> None:
    """One rule in force, which shows shoes when the sentence holds."""
    when = parse_condition(sentence, programme().playbook.vocabulary)
    rule = Rule(name="A", when=when, show=(Show(slot="hero", variant="Shoes"),), **other)
    house.programme = programme(rule, team=Team(needs_consent=needs_consent), seen_events=SEEN)


def track(event: str, number: int = 1, **more: Any) -> dict[str, Any]:
    return {"type": "track", "event": event, "messageId": f"{event} {number}", **more}


def view(number: int, category: str = "boots", **more: Any) -> dict[str, Any]:
    properties = {"product_id": f"b-{number}", "category": category}
    return track("Product Viewed", number, properties=properties, **more)


def said(measure: bool, number: int = 1, **more: Any) -> dict[str, Any]:
    return track("Consent Updated", number, properties={"measure": measure}, **more)


async def ask(client: httpx.AsyncClient, *, headers: dict[str, str] = WRITE, **body: Any) -> dict[str, Any]:
    answer = await client.post("/v1/decide", json={"slots": ["hero"], **body}, headers=headers)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def shown(client: httpx.AsyncClient, **body: Any) -> str:
    variant: str = (await ask(client, **body))["decisions"]["hero"]["variant"]
    return variant


def stored(house: House, visitor: str = "a") -> list[str]:
    query = EventQuery(keys=(key_of("anonymous", visitor),))
    return sorted(event.name for event in house.storage.list_events(query))


@pytest.mark.parametrize("ids", [{}, {"anonymousId": "a"}, {"anonymousId": "a", "userId": "u"}])
@pytest.mark.parametrize("needs_consent", [False, True])
async def test_a_visit_without_a_yes_is_answered_and_no_table_knows_of_it(
    client: httpx.AsyncClient, house: House, ids: dict[str, str], needs_consent: bool
) -> None:
    sentence = "a visitor viewed the same category at least 2 times in 7 days"
    act_by(house, sentence, needs_consent=needs_consent, test=Test())
    house.programme.team = Team(needs_consent=needs_consent, holdout=2_000)
    before = everything_in(house.storage)
    unfit = {"type": "track", "messageId": "unfit"}
    context = {} if needs_consent else NO
    for headers in (WRITE, SECRET):
        body = {**ids, "context": context, "events": [view(1), unfit, track("Order Completed", 7)]}
        for _ in range(3):
            answer = await ask(client, headers=headers, ahead=True, **body)
            answer = await ask(client, headers=headers, **body)
        assert answer["events"] == {"notKept": 3, "reason": "a track call needs the name of its event"}
    assert everything_in(house.storage) == before
    assert not house.visits
    assert not house.held
    assert not house.recorded
    assert "Product Viewed" not in house.seen_events


@ON_MEMORY
@pytest.mark.parametrize(
    ("sentence", "events", "context"),
    [
        (
            "a visitor viewed the same category at least 2 times in 7 days",
            [view(1), view(2)],
            {},
        ),
        ("a visitor added to cart in this visit", [track("Product Added", properties={"product_id": 1})], {}),
        (
            "a visitor searched for “boots” in this visit",
            [track("Products Searched", properties={"query": "boots"})],
            {},
        ),
        ("the campaign is autumn", [], {"page": {"url": "/?utm_campaign=autumn"}}),
        (
            "the campaign is autumn",
            [
                {
                    "type": "page",
                    "messageId": "p",
                    "properties": {"url": "https://s.example/?utm_campaign=autumn"},
                }
            ],
            {},
        ),
    ],
)
async def test_rules_about_this_visit_act(
    client: httpx.AsyncClient, house: House, sentence: str, events: list[dict[str, Any]], context: Any
) -> None:
    act_by(house, sentence)
    assert context or await shown(client, context=NO, events=[]) == "normal"
    assert await shown(client, context={**NO, **context}, events=events) == "Shoes"


@ON_MEMORY
async def test_they_are_read_as_kept_ones_would_be(client: httpx.AsyncClient, house: House) -> None:
    """Former names, the sender's clock, what came twice, versions of one order, and telemetry."""
    act_by(house, "a visitor viewed exactly 1 time in 1 hour and bought exactly 1 time in 1 hour")
    slow = {"timestamp": "2020-01-01T10:00:00Z"}
    events = [
        track("Viewed Product", 1, **slow),
        track("Viewed Product", 1, **slow),
        view(2, timestamp="2019-12-30T10:00:00Z"),
        *(track("Order Completed", number, properties={"order_id": "7"}, **slow) for number in (1, 2)),
        track("Scrolled", 1, **slow),
    ]
    assert await shown(client, context=NO, events=events, sentAt="2020-01-01T10:00:01Z") == "Shoes"


async def test_a_test_gives_no_arm_without_an_id_and_no_record_with_one(
    client: httpx.AsyncClient, house: House
) -> None:
    act_by(house, "a visitor viewed in this visit", test=Test())
    arms = {await shown(client, context=NO, events=[view(1)], anonymousId=f"v{n}") for n in range(12)}
    assert arms == {"Shoes", "normal"}
    assert not house.storage.list_exposures([key_of("anonymous", f"v{n}") for n in range(12)])


async def test_after_a_yes_the_visits_events_are_sent_once_and_kept(
    client: httpx.AsyncClient, house: House
) -> None:
    act_by(house, "a visitor viewed the same category at least 2 times in 7 days", needs_consent=True)
    assert await shown(client, events=[view(1), view(2)], context=NO) == "Shoes"
    answer = await ask(client, anonymousId="a", events=[view(1), view(2), said(True)])
    assert answer["events"] == {"accepted": 3}
    again = await ask(client, anonymousId="a", events=[view(1), view(3)])
    assert again["events"] == {"accepted": 1, "duplicate": 1}
    assert stored(house) == ["Consent Updated", *["Product Viewed"] * 3]


async def test_a_stated_yes_keeps_them_too(client: httpx.AsyncClient, house: House) -> None:
    act_by(house, "a visitor viewed in this visit", needs_consent=True)
    await ask(client, anonymousId="a", events=[view(1)], context=YES)
    assert stored(house) == ["Product Viewed"]
    batch = {"batch": [view(2, anonymousId="a")], "context": YES}
    assert "opportune-not-kept" not in (await client.post("/v1/batch", json=batch, headers=WRITE)).headers
    assert stored(house) == ["Product Viewed", "Product Viewed"]


@pytest.mark.parametrize("path", ["/v1/decide", "/v1/batch", "/v1/track"])
async def test_a_withdrawal_is_kept_and_nothing_after_it(
    client: httpx.AsyncClient, house: House, path: str
) -> None:
    act_by(house, "a visitor viewed at least 2 times in 7 days")
    batch = {"batch": [view(1, anonymousId="a"), said(True, anonymousId="a")]}
    assert (await client.post("/v1/batch", json=batch, headers=WRITE)).status_code == 200
    await client.post("/v1/track", json=said(False, 2, anonymousId="a"), headers=WRITE)
    kept = stored(house)
    assert kept == ["Consent Updated", "Consent Updated", "Product Viewed"]
    before = everything_in(house.storage)
    unfit = {"type": "track", "messageId": "unfit", "anonymousId": "a"}
    if path == "/v1/decide":
        answer = await ask(client, anonymousId="a", events=[view(2), unfit])
        assert answer["events"]["notKept"] == 2
        assert answer["decisions"]["hero"]["variant"] == "Shoes"
    elif path == "/v1/batch":
        sent = {"batch": [view(2, anonymousId="a"), unfit]}
        answered = await client.post(path, json=sent, headers=WRITE)
        assert answered.json() == {"success": True}
        assert answered.headers["opportune-not-kept"] == "2; measuring was not agreed to"
    else:
        await client.post(path, json=view(2, anonymousId="a"), headers=WRITE)
    assert everything_in(house.storage) == before
    await client.post("/v1/track", json=said(True, 3, anonymousId="a"), headers=WRITE)
    await client.post("/v1/track", json=view(4, anonymousId="a"), headers=WRITE)
    assert stored(house).count("Product Viewed") == 2


async def test_a_withdrawal_among_other_events_takes_them_along(
    client: httpx.AsyncClient, house: House
) -> None:
    act_by(house, "a visitor viewed in this visit")
    answer = await ask(client, anonymousId="a", events=[view(1), said(False)])
    assert answer["events"] == {"accepted": 1, "notKept": 1}
    assert stored(house) == ["Consent Updated"]


async def test_a_batch_that_states_a_refusal_leaves_nothing(client: httpx.AsyncClient, house: House) -> None:
    before = everything_in(house.storage)
    unfit = {"type": "track", "anonymousId": "a", "messageId": "unfit"}
    own = {"batch": [view(1, anonymousId="a", context=NO), {**unfit, "context": NO}]}
    whole = {"batch": [view(2, anonymousId="a"), unfit], "context": NO}
    for headers in (WRITE, SECRET):
        for batch in (own, whole):
            answer = await client.post("/v1/batch", json=batch, headers=headers)
            assert answer.headers["opportune-not-kept"].startswith("2;")
    assert everything_in(house.storage) == before


async def test_one_visitors_refusal_is_not_anothers(client: httpx.AsyncClient, house: House) -> None:
    await client.post("/v1/track", json=said(False, anonymousId="a"), headers=WRITE)
    batch = {"batch": [view(1, anonymousId="a"), view(2, anonymousId="b"), view(3, anonymousId="a")]}
    answer = await client.post("/v1/batch", json=batch, headers=WRITE)
    assert answer.headers["opportune-not-kept"].startswith("2;")
    assert (stored(house), stored(house, "b")) == (["Consent Updated"], ["Product Viewed"])


async def test_what_the_shops_own_server_reports_is_kept(client: httpx.AsyncClient, house: House) -> None:
    """An order is the shop's own record, whatever the visitor said about being measured."""
    await client.post("/v1/track", json=said(False, anonymousId="a"), headers=WRITE)
    order = track("Order Completed", anonymousId="a", properties={"order_id": "1"})
    answer = await client.post("/v1/track", json=order, headers=SECRET)
    assert "opportune-not-kept" not in answer.headers
    assert stored(house) == ["Consent Updated", "Order Completed"]


async def test_a_rule_that_waits_for_an_event_acts_from_the_first_visit_that_has_it(
    client: httpx.AsyncClient, house: House
) -> None:
    act_by(house, "a visitor started checkout in this visit")
    assert house.programme.waiting
    assert await shown(client, context=NO, events=[track("Checkout Started")]) == "Shoes"
    take_notice(house, {"Checkout Started"})  # a kept one later is still news
    assert "Checkout Started" in house.seen_events


async def test_a_visit_of_the_page_script_is_counted_once_and_by_its_answer_alone(
    client: httpx.AsyncClient, house: House
) -> None:
    act_by(house, "a visitor viewed in this visit")
    no = {"consent": {"banner": "cookiebot", "measure": False, "personalize": True}}
    yes = {"consent": {"banner": "cookiebot", "measure": True, "personalize": True}}
    await ask(client, context=no, events=[view(1)])
    await ask(client, context=no, events=[view(1), view(2)], before=False)
    await ask(client, context=yes, anonymousId="a", before=False)
    await ask(client, context=yes, anonymousId="a", before=True)
    await ask(client, context=no, headers={**WRITE, "Sec-GPC": "1"})
    await ask(client, context=NO)
    await ask(client, context=no, headers=SECRET)
    await ask(client, context={"consent": {"banner": {"a": 1}, "measure": False}})
    before = everything_in(house.storage)
    assert tally_consents(house) == 3
    after = everything_in(house.storage)
    assert [name for name in after if after[name] != before[name]] in (["consent_days"], ["consents"])
    counts = house.storage.list_consents("", "9")
    assert [(row.has_gpc, row.answer, row.visits) for row in counts] == [
        (False, "later yes", 1),
        (False, "no", 1),
        (True, "no", 1),
    ]


@ON_MEMORY
async def test_only_numbers_are_counted(client: httpx.AsyncClient, house: House) -> None:
    act_by(house, "a visitor viewed in this visit")
    await ask(client, context=NO, events=[view(1), view(2)])
    counts = (await client.get("/metrics", headers=SECRET)).text
    assert 'opportune_events_total{outcome="not kept"} 2.0' in counts
    assert "b-1" not in counts

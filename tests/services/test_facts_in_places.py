"""Facts of the page's product in a place: shown while they are true, the normal content once nobody knows."""

from __future__ import annotations

import pytest
from tests.building import decided

from opportune.app.house import build_house
from opportune.core.moment import DAY, HOUR
from opportune.core.situation import Context
from opportune.services.capturing import CaptureSource, capture
from opportune.services.catalogue.feeding import FEED, take_feed
from opportune.services.deciding import Question
from opportune.services.explaining import explain_token, rebuild_token, replay_token
from opportune.services.house import House
from opportune.services.publishing import publish
from opportune.storage.base import Storage

PLAYBOOK = {
    "team.yaml": "owner: Mia\nreviewer: Tom\npurpose: Help\nsafety limit: none\nrollback: by hand\n"
    "delivery days:\n  de: 1 to 2\n",
    "slots/note.yaml": "slot: note\ntype: text\nfallback: Welcome\n"
    'variants:\n  Reduced: "{sale price} instead of {price}, in {delivery days} days"\n',
    "rules/reduced.yaml": "rule: Reduced\nwhen: everyone\nshow:\n  note: Reduced\n",
}


class Clock:
    now = 1_795_355_000_000

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def house(storage: Storage) -> House:
    made = build_house(storage, clock=Clock())
    made.deadline_seconds = 10
    publish(made, PLAYBOOK)
    rows = [
        {"id": "1", "title": "Mug", "price": "12 EUR", "sale_price": "9.50 EUR"},
        {"id": "2", "title": "Pot", "price": "20 EUR"},
    ]
    take_feed(made, rows, FEED)
    return made


def note(house: House, product: str, country: str = "DE") -> str:
    context = Context(page_product=product, country=country)
    value: str = (
        decided(house, Question(anonymous_id="a", slots=("note",), context=context))
        .decisions[0]
        .decision.value
    )
    return value


def test_a_product_that_is_reduced_says_so_and_another_says_nothing(house: House) -> None:
    assert note(house, "1") == "€9.50 instead of €12, in 1 to 2 days"
    assert note(house, "2") == "Welcome"
    assert note(house, "nobody") == "Welcome"
    assert note(house, "1", country="FR") == "Welcome"


def test_a_feed_nobody_read_for_too_long_is_not_believed(house: House) -> None:
    assert isinstance(house.clock, Clock)
    house.clock.now += 2 * DAY + HOUR
    assert note(house, "1") == "Welcome"
    take_feed(house, [{"id": "1", "price": "12 EUR", "sale_price": "8 EUR"}], FEED)
    assert note(house, "1") == "€8 instead of €12, in 1 to 2 days"


def test_a_decision_is_replayed_with_the_facts_of_then(house: House) -> None:
    tested = PLAYBOOK["rules/reduced.yaml"] + "test: half and half, on added to cart, for 7 weeks\n"
    publish(house, PLAYBOOK | {"rules/reduced.yaml": tested})
    context = Context(page_product="1", country="DE")
    for number in range(20):
        view = {"type": "track", "event": "Product Viewed", "anonymousId": f"v-{number}", "properties": {}}
        capture(house, CaptureSource(name="site"), [view]).result()
        question = Question(anonymous_id=f"v-{number}", slots=("note",), context=context)
        answered = decided(house, question).decisions[0]
        if answered.decision.value != "Welcome":
            break
    house.storage.write(lambda _: None).result()
    take_feed(house, [{"id": "1", "price": "12 EUR", "sale_price": "8 EUR"}], FEED)
    assert explain_token(house, answered.token).origin == "stored"
    assert replay_token(house, answered.token).is_equal
    missing = rebuild_token(house, answered.token).missing
    assert "the catalogue as it was then: what it says of products today was read instead" in missing

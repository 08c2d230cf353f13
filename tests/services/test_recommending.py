"""Recommending end to end: events come in, are counted beside it, and a place shows the products, with a receipt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from msgspec import structs
from tests.building import NOW, decided
from tests.stores import ON_LASTING, ON_MEMORY, open_again, settle

from opportune.core.moment import DAY, HOUR, MINUTE, to_iso
from opportune.core.playbook_files.folder import read_playbook
from opportune.core.product import Product
from opportune.core.programme import Programme
from opportune.core.recommending.counting import Counted
from opportune.core.rule import RunState
from opportune.core.situation import Context
from opportune.errors import RecountGoesOnError
from opportune.services.capturing import CaptureSource, capture
from opportune.services.catalogue.cataloguing import put_products
from opportune.services.catalogue.recommending import (
    begin_counting,
    count_anew,
    count_products,
    is_recount_due,
    names_of,
    recount,
    refresh_counters,
)
from opportune.services.deciding import Answered, Question
from opportune.services.explaining import explain_token, rebuild_token, replay_token
from opportune.services.house import House
from opportune.storage.base import Storage

BROWSER = CaptureSource(name="shop")
SERVER = CaptureSource(name="backend", is_secret=True)
TEAM = "team: Shop\nowner: Ann\nreviewer: Bo\npurpose: more\nsafety limit: none\nrollback: off\ncontrol group: none\n"
FILES = {
    "team.yaml": TEAM,
    "slots/home.yaml": (
        "slot: home products\nfields: headline, products\n"
        "fallback:\n  headline: New\n  products: recently viewed\n"
    ),
    "slots/with.yaml": "slot: goes well with\ntype: list\nfallback: nothing\n",
    "rules/home.yaml": (
        "rule: Returner\nwhen: a visitor viewed at least 1 product in 7 days\nshow:\n"
        "  home products: best sellers in {category}, 4, in stock, not bought yet\n"
    ),
    "rules/with.yaml": (
        "rule: Companions\nwhen: a visitor viewed at least 1 product in 7 days\nshow:\n"
        "  goes well with: goes with {product}, 3, in stock, not shown already\n"
    ),
}
PRODUCTS = [
    Product(id="boot", name="Boot", url="/p/boot", image="/boot.jpg", price=18_900, category_path=("Shoes",)),
    Product(id="shoe", name="Shoe", url="/p/shoe", price=9_900, sale_price=7_900, category_path=("Shoes",)),
    Product(id="clog", name="Clog", url="/p/clog", stock=0, category_path=("Shoes",)),
    Product(id="sock", name="Sock", url="/p/sock", price=900, category_path=("Socks",)),
    Product(id="lamp", name="Lamp", url="/p/lamp", price=4_900, category_path=("Lamps",)),
]


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        self.now += 1
        return self.now


def house_of(storage: Storage, files: Mapping[str, str] = FILES) -> House:
    playbook = read_playbook(files)
    states = {name: RunState(rule=name, may_act_unseen=True) for name in playbook.rules}
    programme = Programme(playbook, states)
    return House(storage, Clock(), b"a secret of thirty-two bytes.....", programme, deadline_seconds=30)


def view(house: House, device: str, *products: str) -> None:
    for product in products:
        send(house, device, "Product Viewed", product_id=product, category=category_of(product))


def buy(house: House, device: str, order: str, *products: str, source: CaptureSource = SERVER) -> None:
    items = [{"product_id": product} for product in products]
    send(house, device, "Order Completed", source, order_id=order, products=items, revenue=10)


def send(
    house: House, device: str, event: str, source: CaptureSource = BROWSER, **properties: object
) -> None:
    at = to_iso(house.clock())
    message = {
        "type": "track",
        "event": event,
        "anonymousId": device,
        "timestamp": at,
        "properties": properties,
    }
    capture(house, source, [message]).result()


def category_of(product: str) -> str:
    return next((each.category for each in PRODUCTS if each.id == product), "")


def later(house: House, span: int = HOUR) -> None:
    house.clock.now += span  # type: ignore[attr-defined]  # the clock of these tests


def take_stock(house: House) -> None:
    while count_products(house):
        pass
    refresh_counters(house)


def busy_shop(house: House) -> None:
    """A catalogue, and enough visitors to know what goes with what."""
    put_products(house, PRODUCTS)
    for number in range(3):
        view(house, f"looker {number}", "boot", "shoe", "clog")
        buy(house, f"buyer {number}", f"order {number}", "boot", "sock")
        later(house)
    buy(house, "buyer 9", "order 9", "shoe")
    take_stock(house)


def ask(house: House, slot: str, device: str = "me", **context: Any) -> Answered:
    slots = (slot,) if slot else None
    question = Question(anonymous_id=device, slots=slots, context=Context(**context))
    answered = decided(house, question).decisions[-1]
    settle(house.storage)
    return answered


def ids(value: Any) -> list[str]:
    return [each["id"] for each in (value["products"] if isinstance(value, dict) else value)]


def test_a_rule_shows_the_best_sellers_of_the_visitors_category(storage: Storage) -> None:
    house = house_of(storage)
    busy_shop(house)
    view(house, "me", "clog")
    decision = ask(house, "home-products").decision
    assert decision.rule == "Returner"
    assert decision.value == {
        "headline": "New",
        "products": [
            {"id": "boot", "name": "Boot", "url": "/p/boot", "image": "/boot.jpg", "price": "€189"},
            {"id": "shoe", "name": "Shoe", "url": "/p/shoe", "price": "€79", "was": "€99"},
        ],
    }


def test_a_price_that_is_too_old_or_of_a_former_currency_is_left_out(storage: Storage) -> None:
    house = house_of(storage)
    busy_shop(house)
    boot, shoe, *_ = PRODUCTS
    read_at = house.clock()
    put_products(house, [structs.replace(boot, currency="GBP"), structs.replace(shoe, updated_at=read_at)])
    view(house, "me", "boot")

    def shown() -> dict[str, dict[str, str]]:
        products = {each["id"]: each for each in ask(house, "home-products").decision.value["products"]}
        return {
            name: {key: each[key] for key in ("price", "was") if key in each}
            for name, each in products.items()
        }

    assert shown() == {"boot": {}, "shoe": {"price": "€79", "was": "€99"}}
    later(house, 2 * DAY)
    view(house, "me", "boot")
    assert shown() == {"boot": {}, "shoe": {}}
    put_products(house, [structs.replace(boot, price=20_000, currency="EUR", updated_at=house.clock())])
    view(house, "me", "boot")
    assert shown() == {"boot": {"price": "€200"}, "shoe": {}}


def test_what_was_bought_a_moment_ago_is_not_shown_any_more(storage: Storage) -> None:
    house = house_of(storage)
    busy_shop(house)
    view(house, "me", "clog")
    buy(house, "me", "mine", "boot")
    assert ids(ask(house, "home-products").decision.value) == ["shoe"]


def test_with_no_product_left_the_version_is_passed_over_and_says_so(storage: Storage) -> None:
    house = house_of(storage)
    busy_shop(house)
    view(house, "me", "lamp")
    answered = ask(house, "home-products", page_product="lamp", page_category="Lamps")
    assert answered.decision.variant == "normal"
    assert answered.decision.value == {"headline": "New", "products": []}
    question = Question(
        anonymous_id="me",
        slots=("home-products",),
        context=Context(page_product="lamp"),
        wants_receipts=True,
    )
    why = decided(house, question).decisions[0].why
    assert why is not None
    words = "its list “best sellers in {category}, 4, in stock, not bought yet” has no products for this visitor now"
    assert [each.words for each in why.why_not] == [words]


def test_what_goes_with_a_product_is_what_is_bought_with_it(storage: Storage) -> None:
    house = house_of(storage)
    busy_shop(house)
    view(house, "me", "boot")
    assert ids(ask(house, "goes-well-with", page_product="boot").decision.value) == ["sock", "shoe"]


def test_a_product_shown_by_one_place_of_an_answer_is_not_shown_by_the_next(storage: Storage) -> None:
    house = house_of(storage)
    busy_shop(house)
    view(house, "me", "boot")
    question = Question(anonymous_id="me", context=Context(page_product="boot", page_category="shoes"))
    given = {each.decision.slot: ids(each.decision.value) for each in decided(house, question).decisions}
    assert given == {"home-products": ["shoe"], "goes-well-with": ["sock"]}


def test_the_receipt_names_the_list_and_replay_gives_the_same_bytes(storage: Storage) -> None:
    house = house_of(storage)
    busy_shop(house)
    view(house, "me", "clog")
    token = ask(house, "home-products").token
    explained = explain_token(house, token)
    [given] = explained.receipt.lists.values()
    reasons = {each.product["id"]: each.reason for each in given}
    assert reasons == {"boot": ("bought", "", 3), "shoe": ("bought", "", 1)}
    assert "gives Boot (bought 3 times), Shoe (bought once)" in explained.why.because
    buy(house, "somebody", "later", "shoe", "lamp")
    take_stock(house)
    put_products(house, [Product(id="boot", name="Boot, new", url="/p/boot")])
    assert replay_token(house, token).is_equal
    rebuilt = rebuild_token(house, token)
    assert any("lists of products" in each for each in rebuilt.missing)


def test_a_list_in_control_is_replayed_too(storage: Storage) -> None:
    files = {
        **FILES,
        "rules/home.yaml": FILES["rules/home.yaml"] + "test: half and half, on orders, for 2 weeks\n",
    }
    house = house_of(storage, files)
    busy_shop(house)
    arms = set()
    for number in range(8):
        view(house, f"unit {number}", "clog")
        answered = ask(house, "home-products", f"unit {number}")
        arms.add(answered.decision.variant)
        assert replay_token(house, answered.token).is_equal
    assert arms == {"normal", "best sellers in {category}, 4, in stock, not bought yet"}


def test_a_recount_finds_what_was_counted_as_it_came(storage: Storage) -> None:
    house = house_of(storage)
    busy_shop(house)
    before = storage.list_counts(0, storage.find_recount().version)
    found = recount(house)
    after = storage.list_counts(0, storage.find_recount().version)
    assert found.pairs == len(after.pairs)
    assert _rounded(after) == _rounded(before)
    view(house, "me", "clog")
    assert ids(ask(house, "home-products").decision.value) == ["boot", "shoe"]


def _rounded(counted: Counted) -> dict[tuple[str, ...], tuple[float, int]]:
    pairs = {
        (each.product, each.basis, each.other): (round(each.weight, 6), each.times) for each in counted.pairs
    }
    return pairs | {
        (each.product, each.basis): (round(each.weight, 6), each.times) for each in counted.products
    }


def test_a_recount_counts_nothing_twice_that_waits_to_be_counted(storage: Storage) -> None:
    house = house_of(storage)
    busy_shop(house)
    view(house, "late", "boot", "shoe")
    recount(house)
    expected = _rounded(storage.list_counts(0, storage.find_recount().version))
    take_stock(house)
    assert _rounded(storage.list_counts(0, storage.find_recount().version)) == expected
    view(house, "late", "lamp")
    take_stock(house)
    pairs = storage.list_counts(0, storage.find_recount().version).pairs
    assert {pair.product for pair in pairs if pair.other == "lamp"} == {"boot", "shoe"}


def test_a_recount_knows_how_soon_something_is_bought_again(storage: Storage) -> None:
    house = house_of(storage)
    for number in range(3):
        for buyer in ("ann", "bo"):
            buy(house, buyer, f"{buyer} {number}", "sock")
        later(house, 30 * DAY)
    recount(house)
    assert house.counters.usual_days("sock") == pytest.approx(30, abs=0.01)


def test_an_order_told_by_browser_and_webhook_is_counted_once(storage: Storage) -> None:
    house = house_of(storage)
    buy(house, "ann", "1", "boot", "sock", source=BROWSER)
    buy(house, "ann", "1", "boot", "sock", source=SERVER)
    buy(house, "ann", "1", "boot", "sock", source=SERVER)
    take_stock(house)
    assert house.counters.times("boot", "bought") == 1
    recount(house)
    assert house.counters.times("boot", "bought") == 1


def test_a_failed_recount_leaves_the_counts_and_says_who_is_at_it(storage: Storage) -> None:
    house = house_of(storage)
    busy_shop(house)
    before = _rounded(storage.list_counts(0, storage.find_recount().version))

    def broken(*_: object) -> Counted:
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="gone"):
        recount(house, broken)
    with pytest.raises(RecountGoesOnError):
        recount(house)
    assert _rounded(storage.list_counts(0, storage.find_recount().version)) == before
    view(house, "me", "lamp")
    assert count_products(house) == 0
    later(house)
    assert count_products(house) == 1


@ON_MEMORY
def test_a_recount_is_due_once_a_night_and_where_nothing_was_ever_counted(storage: Storage) -> None:
    house = house_of(storage)
    begin_counting(house)
    assert storage.find_recount().made_at
    assert not is_recount_due(house)
    hours = {}
    for _ in range(46):
        later(house)
        if is_recount_due(house):
            hours[house.clock() // HOUR % 24] = True
            recount(house)
    assert list(hours) == [3]
    later(house, 3 * DAY)
    assert is_recount_due(house)


@ON_MEMORY
def test_a_store_with_a_past_is_counted_at_once(storage: Storage) -> None:
    house = house_of(storage)
    view(house, "me", "boot")
    begin_counting(house)
    assert is_recount_due(house)
    recount(house)
    assert not is_recount_due(house)


@ON_LASTING
def test_two_processes_count_each_event_once_and_know_what_the_other_counted(storage: Storage) -> None:
    first, second = house_of(storage), house_of(open_again(storage))
    busy_shop(first)
    for number in range(2):
        view(second, f"other {number}", "lamp", "sock")
        later(second)
    take_stock(second)
    refresh_counters(first)
    second.storage.close()
    assert first.counters.times("lamp", "viewed") == 2
    assert [product for product, _ in first.counters.near("lamp", "viewed")] == ["sock"]
    counted = _rounded(storage.list_counts(0, storage.find_recount().version))
    assert counted == _rounded(count_anew(storage, names_of(first), 2**62, NOW + DAY))


@ON_MEMORY
def test_normal_content_that_lists_products_is_one_visitors_own(storage: Storage) -> None:
    house = house_of(storage, {path: text for path, text in FILES.items() if not path.startswith("rules/")})
    answers = [
        decided(house, Question(slots=(slot,))).is_personal for slot in ("home-products", "goes-well-with")
    ]
    assert answers == [True, False]


@ON_MEMORY
def test_without_a_catalogue_there_is_nothing_to_show(storage: Storage) -> None:
    house = house_of(storage)
    view(house, "me", "boot", "shoe")
    later(house, MINUTE)
    take_stock(house)
    assert ask(house, "home-products").decision.variant == "normal"

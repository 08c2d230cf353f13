"""What every recommender promises: words that read back, a meaning, a ranking without repetition, nothing raised."""

from __future__ import annotations

import pytest
from tests.building import NOW, programme, situation

from opportune.core.catalogue import Catalogue
from opportune.core.history.timeline import Timeline, TimelineEvent
from opportune.core.language.phrases.recommend import describe_wish, looks_like_wish, parse_wish
from opportune.core.moment import DAY, MINUTE
from opportune.core.product import Product
from opportune.core.recommending import RECOMMENDERS, Recommender, choose
from opportune.core.recommending.counters import Counters
from opportune.core.recommending.counting import Counted, PairCount, ProductCount
from opportune.core.recommending.reason import say_reason
from opportune.core.recommending.shelf import Shelf
from opportune.core.recommending.wish import Wish
from opportune.core.situation import Context, Situation

PRODUCTS = {
    name: Product(id=name, name=name.title(), url=f"/p/{name}", price=1_000, category_path=(shelf,))
    for name, shelf in [
        ("boot", "Shoes"),
        ("sock", "Socks"),
        ("lamp", "Lamps"),
        ("shoe", "Shoes"),
        ("soap", "Bath"),
    ]
}
COUNTED = Counted(
    [
        PairCount("boot", basis, other, weight, 3)
        for basis, other, weight in [
            ("viewed", "shoe", 3.0),
            ("carted", "lamp", 2.0),
            ("bought", "sock", 1.0),
        ]
    ],
    [
        ProductCount("boot", "viewed", 5.0, 5),
        ProductCount("shoe", "bought", 2.0, 2),
        ProductCount("sock", "bought", 1.0, 1),
        ProductCount("soap", "again", 30.0, 4),
    ],
)


def shelf() -> Shelf:
    counters = Counters()
    counters.take_over(COUNTED, 1)
    return Shelf(counters, Catalogue(PRODUCTS))


def somebody(*events: tuple[str, int, object], **context: object) -> Situation:
    rows = [
        TimelineEvent(NOW - ago, number, name, "browser", {"product": product, "order_id": str(number)})  # type: ignore[dict-item]  # facts as events have them
        for number, (name, ago, product) in enumerate(events, 1)
    ]
    rows.sort(key=lambda event: event.order, reverse=True)
    return situation(of=programme(), timeline=Timeline(rows), context=Context(**context))  # type: ignore[arg-type]  # keywords by name


def listed(kind: type[Recommender], *about: str, of: Situation, **wish: object) -> list[str]:
    wanted = Wish(kind=kind.name, **wish)  # type: ignore[arg-type]  # keywords by name
    return [product.id for product, _ in choose(wanted, kind(), about, of, shelf())]


def member(name: str) -> type[Recommender]:
    return next(each for each in RECOMMENDERS if each.name == name)


@pytest.mark.parametrize("kind", RECOMMENDERS, ids=lambda kind: kind.name)
def test_every_example_reads_back_to_the_same_words(kind: type[Recommender]) -> None:
    assert kind.meaning.endswith(".")
    for example in kind.examples:
        wish = parse_wish(example)
        assert wish.kind == kind.name
        assert describe_wish(wish) == example
        assert looks_like_wish(example)


@pytest.mark.parametrize("kind", RECOMMENDERS, ids=lambda kind: kind.name)
@pytest.mark.parametrize("about", [(), ("boot",), ("nobody", "Shoes"), ("",)])
def test_nothing_is_given_twice_and_nothing_raises(kind: type[Recommender], about: tuple[str, ...]) -> None:
    of = somebody(
        ("Product Viewed", MINUTE, "boot"),
        ("Product Viewed", 2 * MINUTE, ["lamp", "sock"]),
        ("Product Viewed", 3 * MINUTE, None),
        ("Order Completed", 31 * DAY, ["soap", "boot"]),
    )
    found = [product.id for product, _ in choose(Wish(kind=kind.name), kind(), about, of, shelf())]
    assert len(found) == len(set(found)) <= 4
    picks = list(kind().recommend(about, of, shelf()))
    assert all(say_reason(pick.reason) for pick in picks)
    assert list(kind().recommend(about, somebody(), Shelf())) == []


def test_best_sellers_of_the_shop_and_of_a_category() -> None:
    kind = member("best sellers")
    assert listed(kind, of=somebody()) == ["shoe", "sock", "boot"]
    assert listed(kind, "shoes", of=somebody()) == ["shoe", "boot"]
    assert listed(kind, "Hats", of=somebody()) == []


def test_goes_with_falls_back_from_bought_to_carted_to_viewed_to_the_category() -> None:
    kind = member("goes with")
    assert listed(kind, "boot", of=somebody()) == ["sock", "lamp", "shoe"]
    assert listed(kind, "shoe", of=somebody()) == ["boot"]


def test_also_viewed_reads_the_whole_visit_the_latest_first() -> None:
    kind = member("also viewed")
    assert listed(kind, "boot", of=somebody()) == ["shoe"]
    visit = somebody(("Product Viewed", MINUTE, "boot"), ("Product Viewed", 2 * MINUTE, "lamp"))
    assert listed(kind, "boot", of=visit) == ["shoe", "lamp"]
    assert listed(kind, "soap", of=visit) == ["shoe", "boot", "lamp"]


def test_recently_viewed_is_newest_first_without_this_page() -> None:
    kind = member("recently viewed")
    events = [
        ("Product Viewed", ago * DAY, product) for ago, product in [(1, "boot"), (2, "sock"), (3, "boot")]
    ]
    assert listed(kind, of=somebody(*events)) == ["boot", "sock"]
    assert listed(kind, of=somebody(*events, page_product="boot")) == ["sock"]


def test_refill_is_due_by_their_own_rhythm_or_by_everybodys() -> None:
    kind = member("refill due")
    assert listed(kind, of=somebody(("Order Completed", 10 * DAY, ["soap"]))) == []
    assert listed(kind, of=somebody(("Order Completed", 31 * DAY, ["soap"]))) == ["soap"]
    assert listed(kind, of=somebody(("Order Completed", 120 * DAY, ["soap"]))) == []
    own = [("Order Completed", ago * DAY, ["sock"]) for ago in (10, 20, 31)]
    assert listed(kind, of=somebody(*own)) == ["sock"]
    assert listed(kind, of=somebody(*own[:1])) == []


def test_a_cancelled_order_needs_no_refill() -> None:
    of = somebody(("Order Completed", 31 * DAY, ["soap"]))
    cancelled = TimelineEvent(NOW - DAY, 9, "Order Cancelled", "shop", {"order_id": "1"})
    of.timeline = Timeline([cancelled, *of.timeline.events])
    assert listed(member("refill due"), of=of) == []


def test_what_is_bought_shown_or_sold_out_is_left_out_when_the_words_say_so() -> None:
    kind = member("best sellers")
    buyer = somebody(("Order Completed", DAY, ["shoe"]))
    assert listed(kind, of=buyer) == ["shoe", "sock", "boot"]
    assert listed(kind, of=buyer, is_not_bought=True) == ["sock", "boot"]
    assert listed(kind, of=buyer, is_not_bought=True, count=1) == ["sock"]
    viewer = somebody(("Product Viewed", 9 * DAY, "sock"))
    assert listed(kind, of=viewer, is_not_viewed=True) == ["shoe", "boot"]
    page = somebody(attributes={"products shown": ["sock"]})
    page.shown.add("boot")
    assert listed(kind, of=page) == ["shoe", "sock", "boot"]
    assert listed(kind, of=page, is_not_shown=True) == ["shoe"]
    sold_out = Shelf(
        Counters(), Catalogue({"shoe": Product(id="shoe", name="Shoe", url="/s", in_stock=False)})
    )
    sold_out.counters.take_over(COUNTED, 1)
    for is_in_stock, expected in [(False, ["shoe"]), (True, [])]:
        wish = Wish(kind=kind.name, is_in_stock=is_in_stock)
        assert [product.id for product, _ in choose(wish, kind(), (), somebody(), sold_out)] == expected


def test_a_product_without_name_or_address_is_never_shown() -> None:
    bare = Shelf(
        Counters(), Catalogue({"shoe": Product(id="shoe", name="Shoe"), "boot": Product(id="boot", url="/b")})
    )
    bare.counters.take_over(COUNTED, 1)
    kind = member("best sellers")
    assert list(choose(Wish(kind=kind.name), kind(), (), somebody(), bare)) == []

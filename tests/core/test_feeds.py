"""Product feeds: rows become products, and what cannot be taken is kept aside with the reason."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opportune.core.feeds.offer import price_of, read_offer
from opportune.core.feeds.rows import read_feed
from opportune.core.feeds.taking import MOST_KEPT, Taking
from opportune.core.history.event import Unfit
from opportune.core.product import Product
from opportune.errors import BadRequestError

NOW = 1_795_355_000_000
RSS = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:g="http://base.google.com/ns/1.0"><channel><title>Shop</title>
<link>https://shop.example</link>
<item><g:id>101</g:id><title>Träil &amp; shoe</title><link>https://shop.example/p/trail</link>
<g:image_link>https://shop.example/i.jpg</g:image_link><g:price>129.00 EUR</g:price>
<g:sale_price>99.50 EUR</g:sale_price><g:availability>in_stock</g:availability>
<g:product_type><![CDATA[Shoes > Trail shoes]]></g:product_type><g:brand>Fjäll</g:brand>
<g:cost_of_goods_sold>50 EUR</g:cost_of_goods_sold><g:item_group_id>trail</g:item_group_id><g:mpn>TS-3</g:mpn>
<g:shipping><g:country>DE</g:country><g:price>4.90 EUR</g:price></g:shipping></item>
<item><g:id>102</g:id><title>Boot</title><g:price>150 EUR</g:price><g:availability>out of stock</g:availability></item>
</channel></rss>
"""
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom" xmlns:g="http://base.google.com/ns/1.0"><title>Shop</title>
<entry><g:id>7</g:id><title>Tent</title><link href="https://shop.example/tent"/><g:price>EUR 80</g:price></entry></feed>
"""
TABLE = (
    "id\ttitle\tlink\tprice\tavailability\tproduct type\trating\tquantity\n"
    "1\tMug\t/mug\t9,90 EUR\tin stock\tHome > Mugs\t4.6\t12\n\n"
)


def chunks(text: str, size: int = 7) -> Iterator[bytes]:
    data = text.encode()
    return (data[start : start + size] for start in range(0, len(data), size))


def products(text: str, *, currency: str = "EUR") -> tuple[list[Product], Taking]:
    taking = Taking(currency=currency, source="feed", at=NOW)
    return list(taking.take(read_feed(chunks(text), "The feed"))), taking


def test_an_rss_feed_gives_whole_products() -> None:
    [shoe, boot], taking = products(RSS)
    assert shoe == Product(
        id="101",
        name="Träil & shoe",
        url="https://shop.example/p/trail",
        image="https://shop.example/i.jpg",
        currency="EUR",
        price=12_900,
        sale_price=9_950,
        category_path=("Shoes", "Trail shoes"),
        brand="Fjäll",
        margin=4_950,
        codes=("trail", "TS-3"),
        updated_at=NOW,
        source="feed",
    )
    assert (boot.id, boot.price, boot.in_stock) == ("102", 15_000, False)
    assert (taking.rows, taking.result.problems) == (2, {})


def test_an_atom_feed_is_read_too() -> None:
    [tent], _ = products(ATOM)
    assert (tent.id, tent.price, tent.url) == ("7", 8_000, "https://shop.example/tent")


@pytest.mark.parametrize("delimiter", ["\t", ";", "|"])
def test_a_table_is_read_whatever_separates_its_columns(delimiter: str) -> None:
    [mug], _ = products("\ufeff" + TABLE.replace("\t", delimiter))
    assert (mug.price, mug.category_path, mug.rating, mug.stock) == (990, ("Home", "Mugs"), 4.6, 12)


def test_a_table_with_commas_may_quote_them() -> None:
    [mug], _ = products('id,title,price\n1,"Mug, blue","1,299.00 EUR"\n')
    assert (mug.name, mug.price) == ("Mug, blue", 129_900)


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ({"title": "x", "price": "1 EUR"}, "no id"),
        ({"id": "1" * 121, "price": "1 EUR"}, "bad id"),
        ({"id": "1"}, "no price"),
        ({"id": "1", "price": "0.00 EUR"}, "no price"),
        ({"id": "1", "price": "soon"}, "bad price"),
        ({"id": "1", "price": "-5 EUR"}, "bad price"),
        ({"id": "1", "price": "5 USD"}, "currency"),
        ({"id": "1", "price": "5 EUR", "sale_price": "4 USD"}, "currency"),
    ],
)
def test_a_row_that_cannot_be_taken_says_why(row: dict[str, str], code: str) -> None:
    read = read_offer(row, currency="EUR", source="feed", at=NOW)
    assert isinstance(read, Unfit)
    assert read.code == code
    assert read.reason


def test_another_currency_is_named_beside_the_reporting_one() -> None:
    read = read_offer({"id": "1", "price": "5 USD"}, currency="EUR", source="feed", at=NOW)
    assert isinstance(read, Unfit)
    assert read.reason == "its price is in USD; the reporting currency is EUR"


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("12.90 EUR", ("12.90", "EUR")),
        ("eur 12,90", ("12.90", "EUR")),
        ("1.299,00", ("1299.00", "")),
        ("1,299", ("1299", "")),
        ("1'299.50 CHF", ("1299.50", "CHF")),
        ("12.9000", ("12.9000", "")),
        ("a lot", None),
    ],
)
def test_prices_are_read_as_shops_write_them(said: str, read: tuple[str, str] | None) -> None:
    assert price_of(said) == read


@pytest.mark.parametrize(
    ("days", "sale"),
    [
        ("2026-11-01T00:00Z/2026-11-30T00:00Z", 500),
        ("2026-01-01T00:00Z/2026-02-01T00:00Z", None),
        ("2027-01-01T00:00Z/2027-02-01T00:00Z", None),
    ],
)
def test_a_sale_price_holds_on_its_days_only(days: str, sale: int | None) -> None:
    row = {"id": "1", "price": "9 EUR", "sale_price": "5 EUR", "sale_price_effective_date": days}
    read = read_offer(row, currency="EUR", source="feed", at=NOW)
    assert isinstance(read, Product)
    assert read.sale_price == sale


def test_a_sale_price_that_is_none_does_not_count() -> None:
    read = read_offer(
        {"id": "1", "price": "9 EUR", "sale_price": "9 EUR"}, currency="EUR", source="feed", at=NOW
    )
    assert isinstance(read, Product)
    assert read.sale_price is None


def test_of_two_rows_with_one_id_the_first_is_taken_and_the_other_kept_aside() -> None:
    found, taking = products("id,title,price\n1,a,1 EUR\n1,b,2 EUR\n2,c,\n")
    assert [product.name for product in found] == ["a"]
    assert taking.result.problems == {"duplicate": 1, "no price": 1}
    assert [(row.row, row.product) for row in taking.result.kept] == [(2, "1"), (3, "2")]


def test_all_broken_rows_are_counted_and_some_kept() -> None:
    rows = "".join(f"{number},x,\n" for number in range(MOST_KEPT + 5))
    _, taking = products("id,title,price\n" + rows)
    assert taking.result.problems == {"no price": MOST_KEPT + 5}
    assert len(taking.result.kept) == MOST_KEPT


ENTITY = '<!DOCTYPE rss [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f'<?xml version="1.0"?>{ENTITY}<rss><item><id>&b;</id></item></rss>', "has a DOCTYPE"),
        ('<!DOCTYPE rss SYSTEM "file:///etc/passwd"><rss/>', "has a DOCTYPE"),
        ("<rss><channel><item><id>1</id></channel></rss>", "no readable XML: line 1, mismatched tag"),
        ("<rss><channel><title>No items</title></channel></rss>", "holds no products"),
        ("<html><body>Please log in</body></html>" + " " * 99, "holds no products"),
        ("", "is empty"),
        ("sku,name\n1,x\n", "no column id and no column title and no column price; it has: sku, name"),
    ],
)
def test_what_is_no_feed_says_what_is_wrong(text: str, said: str) -> None:
    with pytest.raises(BadRequestError, match=said):
        products(text)


@given(st.binary(max_size=300))
def test_whatever_comes_is_read_or_refused(data: bytes) -> None:
    taking = Taking(currency="EUR", source="feed", at=NOW)
    for start in (data, b"<rss><item>" + data, b"id,title,price\n" + data):
        with suppress(BadRequestError):
            assert all(product.price for product in taking.take(read_feed(iter([start]), "The feed")))

"""True facts in content: of the product of the page, with their age, and never stale ones."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from tests.building import NOW

from opportune.core.catalogue import Catalogue, Sales
from opportune.core.content import compile_content
from opportune.core.history.standard_plan import STANDARD_PLAN
from opportune.core.language.vocabulary import Vocabulary
from opportune.core.moment import DAY, HOUR
from opportune.core.playbook_files.folder import check_files
from opportune.core.problem import Problem
from opportune.core.product import Product
from opportune.core.signals import FAMILY, readers
from opportune.core.situation import Context, Situation
from opportune.core.slot import UnfilledError
from opportune.core.team import Team

SHOE = Product(
    id="101",
    name="Trail shoe",
    url="https://shop.example/p/trail",
    price=12_900,
    sale_price=9_950,
    stock=3,
    rating=4.5,
    ratings=12,
    source="feed",
    updated_at=NOW - 9 * DAY,
)
BOOT = Product(id="102", price=15_000, in_stock=False, source="feed", ratings=0, rating=0.0)
SALES = Sales(NOW - HOUR, {"101": 27})
VOCABULARY = Vocabulary(plan=STANDARD_PLAN, signals=FAMILY)


def looking(product: str = "101", *, age: int = HOUR, team: Team | None = None, **context: Any) -> Situation:
    shop = Catalogue({"101": SHOE, "102": BOOT}, confirmed={"feed": NOW - age}, sales=SALES)
    return Situation(
        now=NOW,
        readers=readers(),
        context=Context(page_product=product, **context),
        catalogue=shop,
        team=team or Team(),
    )


def text(of: str, situation: Situation) -> str:
    filled: str = compile_content(of, VOCABULARY)(situation)
    return filled


def test_facts_of_the_pages_product_fill_a_text() -> None:
    written = "{product name}: {sale price} instead of {price}, {stock} left, {rating} of 5 by {ratings}"
    assert text(written, looking()) == "Trail shoe: €99.50 instead of €129, 3 left, 4.5 of 5 by 12"
    assert text("{sold this week} sold this week", looking()) == "27 sold this week"


def test_the_product_is_found_by_the_pages_address_too() -> None:
    assert text("{price}", looking("", page_path="/p/trail")) == "€129"


@pytest.mark.parametrize(
    "written", ["{sale price}", "{rating}", "{ratings}", "{sold this week}", "{product name}"]
)
def test_what_is_not_known_is_not_shown(written: str) -> None:
    with pytest.raises(UnfilledError):
        text(written, looking("102"))
    assert text(written.replace("}", "|our best}"), looking("102")) == "our best"


def test_nothing_is_known_of_a_page_without_a_product() -> None:
    with pytest.raises(UnfilledError):
        text("{price}", looking("", page_path="/"))


def test_a_product_out_of_stock_has_none_left() -> None:
    assert text("{stock}", looking("102")) == "0"


@pytest.mark.parametrize(("age", "is_shown"), [(2 * DAY, True), (2 * DAY + 1, False)])
def test_a_fact_from_a_feed_that_is_too_old_is_unknown(age: int, *, is_shown: bool) -> None:
    assert (looking(age=age).value("price") is not None) is is_shown


def test_the_team_says_how_long_facts_last() -> None:
    assert looking(age=20 * DAY, team=Team(facts_last=30 * DAY)).value("price") == 12_900


def test_a_fact_says_since_when_it_is_known() -> None:
    situation = looking(age=5 * HOUR)
    assert (situation.read("price").source, situation.read("price").at) == ("catalogue", NOW - 5 * HOUR)
    assert situation.read("sold this week").at == SALES.counted_at


def test_prices_read_in_a_former_reporting_currency_are_unknown() -> None:
    former = msgspec.structs.replace(SHOE, currency="EUR")
    situation = looking(team=Team(currency="USD"))
    situation.catalogue = Catalogue({"101": former}, confirmed={"feed": NOW}, sales=SALES)
    assert (situation.value("price"), situation.value("sale price")) == (None, None)
    assert situation.value("stock") == 3


def test_an_answer_with_facts_of_a_product_holds_on_its_page_only() -> None:
    facts = ("product name", "price", "sale price", "stock", "rating", "ratings", "sold this week")
    assert all(FAMILY[name].page_types == {"*"} for name in facts)
    assert not FAMILY["delivery days"].page_types


@pytest.mark.parametrize(("country", "days"), [("de", "1 to 2"), ("DE", "1 to 2"), ("fr", "5"), ("", None)])
def test_delivery_days_are_those_of_the_visitors_country(country: str, days: str | None) -> None:
    team = Team(delivery_days={"de": "1 to 2", "elsewhere": "5"})
    assert looking(team=team, country=country).value("delivery days") == days


def test_without_elsewhere_other_countries_hear_nothing() -> None:
    assert looking(team=Team(delivery_days={"de": "2"}), country="fr").value("delivery days") is None


TEAM = "owner: Mia\nreviewer: Tom\npurpose: Help\nsafety limit: none\nrollback: by hand\n"


def team_of(text: str) -> tuple[Team, list[Problem]]:
    checked = check_files({"team.yaml": TEAM + text}, NOW)
    return checked.playbook.team if checked.playbook else Team(), list(checked.problems)


def test_team_yaml_says_delivery_days_and_how_long_facts_last() -> None:
    team, problems = team_of(
        "product facts last: 3 days\ndelivery days:\n  DE, AT: 1-2\n  elsewhere: 5 days\n"
    )
    assert not problems
    assert team.facts_last == 3 * DAY
    assert team.delivery_days == {"de": "1 to 2", "at": "1 to 2", "elsewhere": "5"}


@pytest.mark.parametrize(
    ("written", "wrong"),
    [
        ("delivery days: 3\n", "countries with their days were expected"),
        ("delivery days:\n  Germany: 2\n", '"germany" is no country'),
        ("delivery days:\n  de: soon\n", 'the days for "de" are no number of days'),
        ("product facts last: a while\n", "is not a duration"),
    ],
)
def test_what_team_yaml_cannot_mean_is_said_with_its_line(written: str, wrong: str) -> None:
    _, problems = team_of(written)
    assert [problem for problem in problems if wrong in problem.wrong and problem.line >= 6]

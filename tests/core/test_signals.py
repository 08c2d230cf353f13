"""What we know about a visitor, one behaviour after the other."""

from __future__ import annotations

from typing import Any

import pytest

from opportune.core.finding import Finding
from opportune.core.history.plan import Plan
from opportune.core.history.timeline import Timeline, TimelineEvent
from opportune.core.history.visit import current_visit
from opportune.core.moment import DAY, HOUR, MINUTE
from opportune.core.signals import readers
from opportune.core.signals.base import Reading
from opportune.core.signals.stage import stage_signal
from opportune.core.situation import Context, Situation, Trait
from opportune.core.visitor.context import from_request

NOW = 1_800_000_000_000  # Friday, 15 January 2027, 08:00 UTC
KNOWN = readers()


def event(name: str, before: float, source: str = "browser", **facts: Any) -> TimelineEvent:
    """Something that happened so many milliseconds before now."""
    at = NOW - round(before)
    return TimelineEvent(at, at, name, source, facts)


def visitor(
    *events: TimelineEvent, context: Context | dict[str, Any] | None = None, **traits: Any
) -> Situation:
    newest_first = sorted(events, key=lambda each: each.order, reverse=True)
    known = {
        name: value if isinstance(value, Trait) else Trait(value, "crm", NOW - DAY)
        for name, value in traits.items()
    }
    return Situation(
        now=NOW,
        readers=KNOWN,
        timeline=Timeline(newest_first),
        context=context if isinstance(context, Context) else from_request(context),
        visit=current_visit(newest_first, NOW),
        traits=known,
    )


def added(product: str, before: float, **facts: Any) -> TimelineEvent:
    return event("Product Added", before, product=product, **facts)


def viewed(category: str, before: float, product: str = "p") -> TimelineEvent:
    return event("Product Viewed", before, category=category, product=product)


def bought(before: float, *products: str, order_id: str = "1", value: int = 5_000) -> TimelineEvent:
    return event("Order Completed", before, "server", product=list(products), order_id=order_id, value=value)


class TestPage:
    def test_the_page_is_what_the_request_says_never_an_older_page_view(self) -> None:
        someone = visitor(event("Page Viewed", MINUTE, path="/help", page_type="help"))
        assert someone.value("page type") is None
        shown = visitor(context={"page": {"url": "https://shop.example/help"}})
        assert shown.read("page type") == Reading("help", "session", "high", NOW)

    def test_behaviour_on_the_page_comes_with_the_request(self) -> None:
        someone = visitor(context={"scrollDepth": 80, "exitIntent": True, "timeOnPage": 42})
        assert someone.value("scroll depth") == 80
        assert someone.value("exit intent") is True
        assert someone.value("time on page") == 42_000


class TestArrival:
    def test_the_first_page_of_a_visit_tells_where_they_landed_and_came_from(self) -> None:
        someone = visitor(
            event("Page Viewed", 10 * MINUTE, path="/sale", referrer="google.com"),
            event("Page Viewed", 5 * MINUTE, path="/shoes"),
            context={"page": {"url": "https://shop.example/cart", "referrer": "https://shop.example/shoes"}},
        )
        assert someone.value("landing page") == "/sale"
        assert someone.value("referrer") == "google.com"
        assert someone.value("referrer kind") == "search"

    def test_a_campaign_holds_for_the_whole_visit_and_a_newer_one_replaces_it(self) -> None:
        first = event("Page Viewed", 20 * MINUTE, path="/", campaign="Spring", campaign_medium="email")
        assert visitor(first).value("campaign") == "Spring"
        assert visitor(first).value("referrer kind") == "e-mail"
        second = {"page": {"url": "https://shop.example/?utm_campaign=Sale&utm_medium=cpc"}}
        assert visitor(first, context=second).value("campaign") == "Sale"
        assert visitor(first, context=second).value("referrer kind") == "paid"

    def test_a_campaign_of_an_earlier_visit_is_forgotten(self) -> None:
        someone = visitor(event("Page Viewed", 2 * HOUR, campaign="Spring"), event("Page Viewed", MINUTE))
        assert someone.value("campaign") is None
        assert someone.value("referrer kind") == "direct"

    def test_how_they_came_is_unknown_where_nobody_told(self) -> None:
        assert visitor().value("referrer kind") is None

    def test_coming_back_from_the_payment_page_is_no_arrival(self) -> None:
        someone = visitor(
            event("Page Viewed", 10 * MINUTE, referrer="google.com"),
            context={"page": {"url": "https://shop.example/thanks", "referrer": "https://www.paypal.com/"}},
        )
        assert someone.value("referrer") == "google.com"


class TestVisits:
    def test_a_first_visit_is_new(self) -> None:
        someone = visitor(event("Page Viewed", MINUTE))
        assert someone.value("new") is True
        assert someone.value("returning") is False
        assert someone.value("visits") == 1
        assert someone.value("days since last visit") is None

    def test_who_was_here_before_this_visit_returns(self) -> None:
        someone = visitor(
            event("Page Viewed", 9 * DAY), event("Page Viewed", 3 * DAY + HOUR), event("Page Viewed", MINUTE)
        )
        assert someone.value("new") is False
        assert someone.value("returning") is True
        assert someone.value("visits") == 3
        assert someone.value("days since last visit") == 3

    def test_an_order_from_the_shops_server_is_no_visit(self) -> None:
        assert visitor(bought(9 * DAY, "p1"), event("Page Viewed", MINUTE)).value("returning") is False

    def test_pages_and_time_of_this_visit_are_counted(self) -> None:
        someone = visitor(
            event("Page Viewed", 12 * MINUTE), event("Page Viewed", MINUTE), event("Page Viewed", DAY)
        )
        assert someone.value("pages this visit") == 2
        assert someone.value("time this visit") == 12 * MINUTE


class TestInterest:
    def test_the_page_now_outranks_everything(self) -> None:
        someone = visitor(
            viewed("boots", MINUTE), context={"page": {"category": "shoes"}}, favourite_category="hats"
        )
        assert someone.read("category") == Reading("shoes", "session", "high", NOW)

    def test_this_visit_outranks_the_week_and_is_sure(self) -> None:
        someone = visitor(viewed("boots", 2 * DAY), viewed("boots", 2 * DAY), viewed("shoes", MINUTE))
        assert someone.read("category") == Reading("shoes", "event", "high", NOW - MINUTE)

    def test_the_week_outranks_the_profile_and_is_fairly_sure(self) -> None:
        someone = visitor(
            viewed("boots", 2 * DAY),
            viewed("boots", 3 * DAY),
            viewed("hats", DAY),
            favourite_category="coats",
        )
        assert someone.read("category") == Reading("boots", "event", "medium", NOW - 2 * DAY)

    def test_a_favourite_of_the_profile_is_a_weak_sign(self) -> None:
        someone = visitor(viewed("boots", 8 * DAY), favourite_category="hats")
        assert someone.read("category") == Reading("hats", "profile", "low", NOW - DAY)

    def test_of_equally_often_seen_categories_the_newer_wins(self) -> None:
        assert visitor(viewed("boots", 2 * MINUTE), viewed("shoes", MINUTE)).value("category") == "shoes"

    def test_it_may_be_called_by_its_long_name(self) -> None:
        assert visitor(viewed("boots", MINUTE)).value("category of interest") == "boots"

    def test_the_last_viewed_product_ages(self) -> None:
        assert visitor(viewed("c", MINUTE, "p1"), viewed("c", DAY, "p2")).read(
            "last viewed product"
        ) == Reading("p1", "event", "high", NOW - MINUTE)
        assert visitor(viewed("c", DAY, "p2")).read("last viewed product").confidence == "medium"
        assert visitor(viewed("c", 8 * DAY, "p2")).read("last viewed product").confidence == "low"

    def test_search_terms_of_the_page_outrank_an_older_search(self) -> None:
        older = event("Products Searched", MINUTE, query="boots")
        assert visitor(older).value("search terms") == "boots"
        assert (
            visitor(older, context={"page": {"url": "https://shop.example/?q=hats"}}).value("search terms")
            == "hats"
        )


class TestCart:
    def test_what_was_added_and_not_removed_is_in_the_cart(self) -> None:
        someone = visitor(
            added("p1", 5 * MINUTE, value=1_000, quantity=2),
            added("p2", 4 * MINUTE, value=500),
            added("p3", 3 * MINUTE, value=700),
            event("Product Removed", 2 * MINUTE, product="p3"),
            event("Product Removed", MINUTE, product="p1", quantity=1),
        )
        assert someone.value("cart items") == ["p1", "p2"]
        assert someone.value("cart count") == 2
        assert someone.value("cart value") == 1_500
        assert someone.value("cart changed") == NOW - MINUTE

    def test_an_order_empties_the_cart(self) -> None:
        someone = visitor(added("p1", HOUR, value=1_000), bought(30 * MINUTE, "p1"))
        assert someone.value("cart items") == []
        assert someone.value("cart value") == 0
        again = visitor(
            added("p1", HOUR, value=1_000), bought(30 * MINUTE, "p1"), added("p2", MINUTE, value=300)
        )
        assert again.value("cart items") == ["p2"]

    def test_a_look_into_the_cart_corrects_what_was_summed_up(self) -> None:
        someone = visitor(
            added("p1", 3 * MINUTE, value=1_000),
            added("p2", 2 * MINUTE, value=500),
            event("Cart Viewed", MINUTE, product=["p2", "p4"], value=1_300),
        )
        assert someone.value("cart items") == ["p2", "p4"]
        assert someone.value("cart value") == 1_300

    def test_a_look_that_shows_what_was_known_changes_nothing(self) -> None:
        someone = visitor(
            added("p1", 3 * MINUTE, value=1_000), event("Cart Viewed", MINUTE, product=["p1"], value=1_000)
        )
        assert someone.value("cart changed") == NOW - 3 * MINUTE

    def test_a_look_into_an_empty_cart_empties_it(self) -> None:
        someone = visitor(
            added("p1", 3 * MINUTE, value=1_000), event("Cart Viewed", MINUTE, product=[], value=0)
        )
        assert someone.value("cart items") == []
        assert someone.value("cart value") == 0

    def test_the_shops_own_word_about_the_cart_outranks_ours(self) -> None:
        someone = visitor(added("p1", MINUTE, value=1_000), context={"cartValue": 59.9, "cart items": ["p9"]})
        assert someone.read("cart value") == Reading(5_990, "session", "high", NOW)
        assert someone.value("cart items") == ["p9"]

    def test_an_old_cart_is_a_weak_sign(self) -> None:
        assert visitor(added("p1", 8 * DAY)).read("cart items").confidence == "low"
        assert visitor(added("p1", DAY)).read("cart items").confidence == "medium"
        assert visitor(added("p1", MINUTE)).read("cart items").confidence == "high"


class TestPurchases:
    def test_orders_are_counted_summed_and_dated(self) -> None:
        someone = visitor(
            bought(40 * DAY, "p1", "p2", order_id="1"), bought(3 * DAY, "p3", order_id="2", value=700)
        )
        assert someone.value("purchases") == 2
        assert someone.value("purchase value") == 5_700
        assert someone.value("last purchase value") == 700
        assert someone.value("last product bought") == "p3"
        assert someone.value("products bought") == ["p3", "p1", "p2"]
        assert someone.value("days since purchase") == 3
        assert someone.read("purchases").confidence == "high"

    def test_a_cancelled_order_was_none(self) -> None:
        someone = visitor(
            bought(9 * DAY, "p1", order_id="1"),
            bought(3 * DAY, "p2", order_id="2"),
            event("Order Cancelled", 2 * DAY, "server", order_id="2"),
        )
        assert someone.value("purchases") == 1
        assert someone.value("last product bought") == "p1"

    def test_a_refund_lowers_the_value_but_it_was_a_purchase(self) -> None:
        part = visitor(
            bought(9 * DAY, "p1"), event("Order Refunded", DAY, "server", order_id="1", value=2_000)
        )
        assert (part.value("purchases"), part.value("purchase value")) == (1, 3_000)
        whole = visitor(bought(9 * DAY, "p1"), event("Order Refunded", DAY, "server", order_id="1"))
        assert whole.value("purchase value") == 0

    def test_who_never_bought_has_no_last_purchase(self) -> None:
        someone = visitor()
        assert someone.value("purchases") == 0
        assert someone.value("days since purchase") is None


class TestPeople:
    def test_a_sign_up_outranks_what_the_profile_says(self) -> None:
        someone = visitor(event("Subscribed", 400 * DAY), subscribed=False)
        assert someone.read("subscribed") == Reading(True, "event", "high", NOW - 400 * DAY)

    def test_who_left_the_newsletter_is_not_subscribed_any_more(self) -> None:
        assert visitor(event("Subscribed", 9 * DAY), event("Unsubscribed", DAY)).value("subscribed") is False
        assert visitor(event("Unsubscribed", 9 * DAY), event("Subscribed", DAY)).value("subscribed") is True

    @pytest.mark.parametrize(
        ("said", "meant"), [("yes", True), ("no", False), (True, True), (0, False), ("so so", None)]
    )
    def test_a_profiles_yes_or_no_is_understood(self, said: object, meant: object) -> None:
        assert visitor(newsletter=said).value("subscribed") is meant

    def test_whether_somebody_subscribed_may_be_unknown(self) -> None:
        assert visitor().value("subscribed") is None

    def test_language_and_country_come_from_the_request_else_from_the_profile(self) -> None:
        known = visitor(language="de-AT", country="AT")
        assert known.value("language") == "de"
        assert known.read("country").source == "profile"
        asked = visitor(context={"locale": "fr-FR", "country": "FR"}, language="de", country="AT")
        assert asked.value("language") == "fr"
        assert asked.read("country") == Reading("FR", "session", "high", NOW)

    def test_a_trait_is_read_by_its_name_and_loses_confidence_with_age(self) -> None:
        fresh = visitor(loyalty_tier=Trait("gold", "crm", NOW - 29 * DAY))
        assert fresh.read("loyalty tier") == Reading("gold", "profile", "medium", NOW - 29 * DAY)
        stale = visitor(loyalty_tier=Trait("gold", "crm", NOW - 30 * DAY))
        assert stale.read("loyalty tier").confidence == "low"

    def test_an_attribute_of_the_request_outranks_a_trait(self) -> None:
        someone = visitor(context={"loyaltyTier": "silver"}, loyalty_tier="gold")
        assert someone.read("loyalty tier") == Reading("silver", "session", "high", NOW)

    def test_what_the_request_states_counts_only_in_the_signals_type(self) -> None:
        someone = visitor(event("Subscribed", DAY), context={"subscribed": "perhaps"})
        assert someone.value("subscribed") is True

    def test_consent_is_the_requests_word_else_the_last_change(self) -> None:
        changed = event("Consent Updated", DAY, measure=True, ads=False)
        earlier = event("Consent Updated", 2 * DAY, personalize=True, ads=True)
        assert visitor(changed, earlier).value("consent") == ["measure", "personalize"]
        assert visitor(changed, context={"consent": ["ads"]}).value("consent") == ["ads"]
        assert visitor().value("consent") is None


class TestSupport:
    def test_a_ticket_is_open_until_it_is_closed(self) -> None:
        opened = event("Support Ticket Opened", 3 * DAY, "server", ticket="7")
        assert visitor(opened).value("open ticket") is True
        assert (
            visitor(opened, event("Support Ticket Closed", DAY, "server", ticket="7")).value("open ticket")
            is False
        )
        assert (
            visitor(opened, event("Support Ticket Closed", DAY, "server", ticket="8")).value("open ticket")
            is True
        )
        assert visitor(opened, event("Support Ticket Closed", DAY, "server")).value("open ticket") is False

    def test_a_help_page_an_open_ticket_or_a_refund_request_means_in_support(self) -> None:
        assert visitor().value("in support") is False
        assert visitor(context={"page": {"type": "returns"}}).value("in support") is True
        assert visitor(event("Support Ticket Opened", 9 * DAY, "server")).value("in support") is True
        assert visitor(event("Refund Requested", 6 * DAY)).value("in support") is True
        assert visitor(event("Refund Requested", 8 * DAY)).value("in support") is False


class TestDevice:
    def test_the_user_agent_tells_the_device_unless_the_caller_does(self) -> None:
        phone = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 Chrome/131.0.0.0 Mobile Safari/537.36"
        assert visitor(context={"userAgent": phone}).value("device type") == "mobile"
        assert visitor(context={"userAgent": phone, "deviceType": "Tablet"}).value("device type") == "tablet"
        assert visitor(context={"userAgent": phone}).value("operating system") == "Android"
        assert visitor().value("device type") is None


class TestClockAndStage:
    def test_the_time_of_day_is_the_shops(self) -> None:
        assert visitor().value("weekday") == "Friday"
        assert visitor().value("hour") == 8

    def test_the_stage_is_the_first_whose_condition_holds(self) -> None:
        stage = stage_signal([
            ("customer", lambda someone: Finding(someone.value("purchases") > 0)),
            ("visitor", lambda _: Finding(held=True)),
        ])  # fmt: skip
        assert stage.read(visitor(bought(DAY, "p1"))).value == "customer"
        assert stage.read(visitor()).value == "visitor"
        assert stage_signal().read(visitor()).value is None

    def test_a_stage_that_asks_for_the_stage_finds_none(self) -> None:
        stage = stage_signal([("loop", lambda someone: Finding(someone.value("stage") == "loop"))])
        someone = Situation(now=NOW, readers={"stage": stage.answer})
        assert someone.value("stage") is None


def test_a_signal_is_read_once_and_remembered() -> None:
    someone = visitor(viewed("shoes", MINUTE))
    assert someone.read("category") is someone.read("category")
    assert set(someone.readings) == {"category"}


def test_money_stated_by_the_request_is_in_the_shops_currency() -> None:
    yen = readers(Plan(currency="JPY"))
    context = Context(attributes={"cart value": 500})
    assert Situation(now=NOW, readers=yen, context=context).value("cart value") == 500


def test_a_name_nobody_knows_is_unknown() -> None:
    assert visitor().read("shoe size").value is None
    assert visitor().read("").value is None

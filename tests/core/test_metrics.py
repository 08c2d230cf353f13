"""What each metric makes of a visitor's events: worked examples, by hand."""

from __future__ import annotations

import pytest
from tests.core.condition_values import NOW

from opportune.core.history.event import Event
from opportune.core.history.facts import facts_of
from opportune.core.history.plan import EventPlan, Plan
from opportune.core.history.standard_plan import STANDARD_PLAN
from opportune.core.history.timeline import FactValue, TimelineEvent
from opportune.core.metrics import Metric
from opportune.core.metrics.base import Value, Words
from opportune.core.metrics.margin import margins_of
from opportune.core.metrics.reading import parse_metric
from opportune.core.moment import DAY, HOUR, MINUTE
from opportune.core.product import Product
from opportune.errors import SentenceError

WORDS = Words(places=("home-hero",), titles={"home-hero": "home hero", "offer-bar": "offer bar"})


def metric(words: str, plan: Plan = STANDARD_PLAN) -> Metric:
    return parse_metric(words, Words(plan=plan, places=WORDS.places, titles=WORDS.titles))


def happened(name: str, after_ms: int = HOUR, source: str = "browser", **facts: FactValue) -> TimelineEvent:
    return TimelineEvent(NOW + after_ms, after_ms + 1_000_000_000, name, source, facts)


def order(number: str, value: int, after_ms: int = HOUR, **facts: FactValue) -> TimelineEvent:
    return happened("Order Completed", after_ms, "shop", order_id=number, value=value, **facts)


def refund(number: str | None, value: int | None, after_ms: int = 2 * HOUR) -> TimelineEvent:
    facts: dict[str, FactValue] = {"order_id": number, "value": value}
    told = {name: fact for name, fact in facts.items() if fact is not None}
    return happened("Order Refunded", after_ms, "shop", **told)


def value(words: str, *events: TimelineEvent) -> Value:
    return metric(words).value(NOW, events)


# -- windows ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("after_ms", "counted"), [(-1, 0), (0, 1), (3 * DAY - 1, 1), (3 * DAY, 0)])
def test_a_window_begins_with_the_first_exposure_and_is_open_to_the_right(
    after_ms: int, counted: int
) -> None:
    assert value("orders within 3 days", order("1", 10, after_ms)) == (counted, 1)


def test_a_share_counts_a_visitor_once_and_a_mean_every_time() -> None:
    bought = (order("1", 10), order("2", 20, DAY))
    assert value("orders", *bought) == (1, 1)
    assert value("orders a visitor", *bought) == (2, 1)
    assert value("orders") == (0, 1)


def test_before_looks_at_the_30_days_until_then() -> None:
    past = (order("1", 10, -DAY), order("2", 20, -31 * DAY), order("3", 40))
    assert metric("revenue a visitor").before(NOW, past) == (10, 1)


# -- words ------------------------------------------------------------------------------------


def test_events_of_the_teams_own_plan_are_measured_in_its_words() -> None:
    quiz = EventPlan(name="Quiz Finished", says=("finished the quiz",), was=("Quiz Done",))
    plan = Plan(events={**STANDARD_PLAN.events, quiz.name: quiz})
    finished = metric("finished the quiz within 2 days", plan)
    assert finished.events(plan) == {"Quiz Finished", "Quiz Done"}
    assert finished.value(NOW, [happened("Quiz Done")]) == (1, 1)


def test_an_event_renamed_since_the_start_is_still_counted() -> None:
    old = metric('"Quiz Done" within 2 days')
    plan = Plan(events={"Quiz Finished": EventPlan(name="Quiz Finished", was=("Quiz Done",))})
    bound = old.bound(plan)
    assert bound.events(plan) == {"Quiz Finished", "Quiz Done"}
    assert bound.value(NOW, [happened("Quiz Finished")]) == (1, 1)


@pytest.mark.parametrize(
    ("words", "wrong", "suggestion"),
    [
        ("odrers", "“odrers” is nothing that is measured", "orders"),
        ("revenue a visitr", "nothing that is measured", "revenue a visitor"),
        ("bounces a vist within 7 days", "nothing that is measured", "bounces a visit"),
        ("orders within 3 dys", "“3 dys” is not a duration", "7 days"),
        ("orders within 2 years", "counted for 1 hour to 365 days", "within 7 days"),
        ("orders within 10 minutes", "counted for 1 hour to 365 days", "within 7 days"),
        ("clicks on the mon", "nothing that is measured", "clicks on the place"),
    ],
)
def test_an_unknown_metric_says_what_is_near(words: str, wrong: str, suggestion: str) -> None:
    with pytest.raises(SentenceError, match=wrong) as raised:
        metric(words)
    assert suggestion in raised.value.suggestions


def test_what_a_shop_wants_less_of_is_known() -> None:
    fewer = (
        "unsubscribes",
        "complaints",
        "refunds",
        "dismissals",
        "slow pages",
        "bounces a visit",
        "tickets",
    )
    assert [words for words in fewer if metric(words).more_is_better] == []
    assert metric("discount a visitor").more_is_better is False
    assert all(metric(words).more_is_better for words in ("orders", "clicks", "margin a visitor", "leads"))


# -- money ------------------------------------------------------------------------------------


def test_revenue_is_net_of_what_came_back_in_the_window() -> None:
    sold = (order("1", 10_000), order("2", 5_000, DAY))
    assert value("revenue a visitor", *sold) == (15_000, 1)
    assert value("revenue a visitor", *sold, refund("1", 4_000)) == (11_000, 1)
    assert value("revenue a visitor", *sold, refund("1", 4_000), refund("1", 9_000)) == (5_000, 1)
    assert value("revenue a visitor", *sold, refund("2", None, 2 * DAY)) == (10_000, 1)
    assert value("revenue a visitor", *sold, refund("1", 4_000, 7 * DAY)) == (15_000, 1)


def test_a_refund_of_an_earlier_order_takes_nothing_from_this_one() -> None:
    assert value("revenue a visitor", order("0", 9_000, -DAY), order("1", 5_000), refund("0", 9_000)) == (
        5_000,
        1,
    )


def test_a_refund_that_names_no_order_is_of_the_newest_before_it() -> None:
    sold = (order("1", 10_000), order("2", 5_000, DAY))
    assert value("revenue a visitor", *sold, refund(None, 8_000, 2 * DAY)) == (10_000, 1)
    assert value("revenue a visitor", *sold, refund(None, 8_000, HOUR + 1)) == (7_000, 1)
    assert value("revenue a visitor", refund(None, 8_000)) == (0, 1)


def test_a_cancelled_order_earns_nothing() -> None:
    cancelled = happened("Order Cancelled", DAY, "shop", order_id="1", value=3)
    assert value("revenue a visitor", order("1", 10_000), cancelled) == (0, 1)


def test_margin_comes_from_the_order_else_from_its_lines_less_the_discount() -> None:
    margins = margins_of(
        [
            Product(id="p-1", margin=900, codes=("sku-1",)),
            Product(id="p-2", margin=250),
            Product(id="p-3"),
        ]
    )
    earned = metric("margin a visitor").bound(STANDARD_PLAN, margins)
    lines: dict[str, FactValue] = {"product": ["sku-1", "p-2", "p-3"], "quantity": ["2", "1", "4"]}
    assert earned.value(NOW, [order("1", 10_000, **lines)]) == (2_050, 1)
    assert earned.value(NOW, [order("1", 10_000, discount=1_000, **lines)]) == (1_050, 1)
    assert earned.value(NOW, [order("1", 10_000, margin=3_000, discount=1_000, **lines)]) == (3_000, 1)
    half_back = [order("1", 10_000, **lines), refund("1", 5_000)]
    assert earned.value(NOW, half_back) == (1_025, 1)
    assert earned.value(NOW, [order("1", 10_000, product=["p-1", "p-2"])]) == (1_150, 1)


def test_a_coupon_costs_what_it_took_off_orders_that_stand() -> None:
    sold = (order("1", 9_000, discount=1_000), order("2", 5_000, DAY, discount=-3))
    assert value("discount a visitor", *sold) == (1_000, 1)
    assert value("discount a visitor", *sold, refund("1", 9_000)) == (0, 1)


def test_orders_bring_their_quantities_discount_and_margin() -> None:
    told = Event(
        type="track",
        name="Order Completed",
        message_id="m",
        anonymous_id="a",
        occurred_at=NOW,
        received_at=NOW,
        source="browser",
        properties={
            "order_id": "1",
            "revenue": 90,
            "discount": 10,
            "margin": 31.5,
            "products": [{"product_id": "p-1", "quantity": 2}, {"product_id": "p-2", "quantity": 1}],
        },
    )
    facts = facts_of(STANDARD_PLAN, told)
    assert (facts["discount"], facts["margin"], facts["quantity"]) == (1_000, 3_150, ["2", "1"])


# -- visits -----------------------------------------------------------------------------------


def page(after_ms: int) -> TimelineEvent:
    return happened("Page Viewed", after_ms)


def test_the_page_of_the_first_exposure_belongs_to_its_visit() -> None:
    pages = (page(-HOUR), page(-MINUTE), page(5 * MINUTE))
    assert value("pages a visit", *pages) == (2, 1)
    assert value("bounces a visit", *pages) == (0, 1)
    assert value("bounces a visit", page(-MINUTE)) == (1, 1)
    assert value("bounces a visit", page(-MINUTE), page(2 * HOUR), page(2 * HOUR + 1)) == (1, 2)


def test_a_visit_ends_after_half_an_hour_and_money_is_divided_by_visits() -> None:
    pages = (page(0), page(10 * MINUTE), page(DAY))
    assert value("revenue a visit", *pages, order("1", 500)) == (500, 2)
    assert value("orders a visit", *pages, order("1", 500), order("2", 1)) == (2, 2)
    assert value("revenue a visit", order("1", 500)) == (500, 0)


def test_refunds_are_counted_by_order() -> None:
    sold = (order("1", 500), order("2", 500))
    assert value("refunds an order", *sold, refund("1", 100)) == (1, 2)


def test_slow_pages_are_those_beyond_two_and_a_half_seconds() -> None:
    vitals = [happened("Web Vitals", lcp=lcp) for lcp in (800, 2_500, 2_501, "x", True)]
    assert value("slow pages", *vitals) == (1, 3)


# -- people -----------------------------------------------------------------------------------


def test_a_second_purchase_is_on_another_day_and_within_the_time_of_the_first() -> None:
    def second(*events: TimelineEvent) -> Value:
        return value("second purchases within 90 days", *events)

    assert second() == (0, 0)
    assert second(order("1", 500)) == (0, 1)
    assert second(order("1", 500), order("2", 500, HOUR + 1)) == (0, 1)
    assert second(order("1", 500), order("2", 500, HOUR + DAY)) == (1, 1)
    assert second(order("1", 500), order("2", 500, HOUR + 90 * DAY)) == (0, 1)
    assert second(order("1", 500, 8 * DAY), order("2", 500, 20 * DAY)) == (0, 0)
    assert second(order("1", 500), refund("1", 500), order("2", 500, HOUR + DAY)) == (0, 1)


def test_the_day_is_the_teams_own() -> None:
    """Half an hour before and after midnight in UTC, which in New York is one evening."""
    midnight = NOW - NOW % DAY + DAY - NOW
    bought = (order("1", 500, midnight - 30 * MINUTE), order("2", 500, midnight + 30 * MINUTE))
    for zone, seconds in (("UTC", 1), ("America/New_York", 0)):
        second = parse_metric("second purchases", Words(zone=zone))
        assert second.value(NOW, bought) == (seconds, 1)


def test_leads_are_judged_by_what_comes_after_them() -> None:
    lead = happened("Lead Generated", DAY)
    words = "leads that became qualified within 30 days"
    assert value(words) == (0, 0)
    assert value(words, lead) == (0, 1)
    assert value(words, lead, happened("Lead Qualified", 2 * DAY)) == (1, 1)
    assert value(words, lead, happened("Lead Qualified", HOUR)) == (0, 1)


def test_clicks_and_dismissals_are_those_of_the_rules_own_places() -> None:
    click, other = happened("Slot Clicked", slot="home-hero"), happened("Slot Clicked", slot="offer-bar")
    closed = happened("Slot Dismissed", slot="home-hero")
    assert value("clicks on the place", click) == (1, 1)
    assert value("clicks on the place", other, closed) == (0, 1)
    assert value("clicks on offer bar", other) == (1, 1)
    assert value("dismissals", closed, click) == (1, 1)


def test_trust_is_lost_by_refunds_asked_for_or_given() -> None:
    assert value("refunds", happened("Refund Requested", 20 * DAY)) == (1, 1)
    assert value("refunds", refund("1", 500, 20 * DAY)) == (1, 1)
    assert value("unsubscribes", happened("Unsubscribed")) == (1, 1)
    assert value("complaints", happened("Email Marked as Spam")) == (1, 1)

"""Small phrases are read in the words marketers use, and read back in one form."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.condition_values import BERLIN, VOCABULARY

from opportune.core.language.phrases.date import describe_date, describe_last_day, parse_date, parse_last_day
from opportune.core.language.phrases.duration import describe_duration, parse_duration
from opportune.core.language.phrases.hide import describe_hide, parse_hide
from opportune.core.language.phrases.limits import describe_limits, parse_limits
from opportune.core.language.phrases.money import describe_money, parse_money
from opportune.core.language.phrases.share import describe_share, parse_share
from opportune.core.language.phrases.test import describe_test, parse_test
from opportune.core.moment import DAY, HOUR, MINUTE, from_iso
from opportune.core.rule import CONTROL, TREATMENT, Hide, Limits, Test
from opportune.errors import SentenceError

UTC = ZoneInfo("UTC")
SYDNEY = ZoneInfo("Australia/Lord_Howe")


@pytest.mark.parametrize(
    ("text", "ms", "canonical"),
    [
        ("7 days", 7 * DAY, "7 days"),
        ("1 hour", HOUR, "1 hour"),
        ("7 weeks", 49 * DAY, "49 days"),
        ("half an hour", 30 * MINUTE, "30 minutes"),
        ("a week", 7 * DAY, "7 days"),
        ("two months", 60 * DAY, "60 days"),
        ("1 day and 12 hours", 36 * HOUR, "36 hours"),
        ("48h", 48 * HOUR, "2 days"),
        ("1.5 hours", 90 * MINUTE, "90 minutes"),
        ("90 min", 90 * MINUTE, "90 minutes"),
    ],
)
def test_durations_are_read_in_words(text: str, ms: int, canonical: str) -> None:
    assert parse_duration(text) == ms
    assert describe_duration(ms) == canonical


@given(st.integers(0, 400 * DAY), st.booleans())
def test_every_duration_is_read_back(ms: int, in_weeks: bool) -> None:
    assert parse_duration(describe_duration(ms, in_weeks=in_weeks)) == ms


@pytest.mark.parametrize(
    "text", ["31 March 2027", "March 31, 2027", "31st of march 2027", "31 Mar 2027", "2027-03-31"]
)
def test_dates_are_read_in_words(text: str) -> None:
    assert parse_date(text, BERLIN) == from_iso("2027-03-31T00:00:00+02:00")
    assert parse_last_day(text, BERLIN) == from_iso("2027-04-01T00:00:00+02:00")


@given(st.integers(0, 4 * 10**12), st.sampled_from([BERLIN, UTC, SYDNEY]))
def test_every_moment_is_read_back(at: int, zone: ZoneInfo) -> None:
    for moment in (at, at // DAY * DAY, at // MINUTE * MINUTE):
        assert parse_date(describe_date(moment, zone), zone) == moment
        assert parse_last_day(describe_last_day(moment, zone), zone) == moment


@pytest.mark.parametrize("text", ["€50", "50 EUR", "EUR 50.00", "50", "50 euros", "€ 50.00"])
def test_money_is_read_as_it_is_written(text: str) -> None:
    assert parse_money(text, "EUR") == 5_000


@given(st.integers(-(10**12), 10**12), st.sampled_from(["EUR", "USD", "JPY", "CHF", "KWD", "PLN"]))
def test_every_amount_is_read_back(minor: int, currency: str) -> None:
    assert parse_money(describe_money(minor, currency), currency) == minor


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("20%", 2_000),
        ("1 in 10", 1_000),
        ("half", 5_000),
        ("0.5 %", 50),
        ("2 of 3", 6_667),
        ("everyone", 10_000),
    ],
)
def test_shares_are_read_in_words(text: str, share: int) -> None:
    assert parse_share(text) == share


@given(st.integers(0, 10_000))
def test_every_share_is_read_back(share: int) -> None:
    assert parse_share(describe_share(share)) == share


@pytest.mark.parametrize(
    ("text", "limits"),
    [
        ("at most 3 times in 7 days", Limits(at_most=3, at_most_days=7)),
        ("once in 7 days", Limits(at_most=1, at_most_days=7)),
        ("at most once a week", Limits(at_most=1, at_most_days=7)),
        ("at most twice", Limits(at_most=2)),
        ("not after dismissed", Limits(not_after_dismissed_days=0)),
        ("not after dismissed for 30 days", Limits(not_after_dismissed_days=30)),
        (
            "once a day, and never after it was dismissed",
            Limits(at_most=1, at_most_days=1, not_after_dismissed_days=0),
        ),
        ("no limit", Limits()),
    ],
)
def test_limits_are_read_in_words(text: str, limits: Limits) -> None:
    assert parse_limits(text) == limits


some_days = st.integers(1, 200_000).map(lambda minutes: minutes * MINUTE / DAY)


@given(
    st.one_of(st.none(), st.integers(0, 99)),
    st.one_of(st.none(), some_days),
    st.one_of(st.none(), st.just(0), some_days),
)
def test_all_limits_are_read_back(most: int | None, days: float | None, dismissed: float | None) -> None:
    limits = Limits(
        at_most=most, at_most_days=days if most is not None else None, not_after_dismissed_days=dismissed
    )
    assert parse_limits(describe_limits(limits)) == limits


@pytest.mark.parametrize(
    ("text", "test"),
    [
        ("half and half, on added to cart, for 7 weeks", Test(metric="added to cart", days=49)),
        (
            "1 in 10 get nothing, on orders within 3 days",
            Test(arms=((CONTROL, 1_000), (TREATMENT, 9_000)), metric="orders within 3 days"),
        ),
        ("no test", None),
    ],
)
def test_tests_are_read_in_words(text: str, test: Test | None) -> None:
    assert parse_test(text) == test
    assert describe_test(test) == text


@given(
    st.integers(1, 9_999),
    st.one_of(st.none(), st.integers(1, 52)),
    st.one_of(st.none(), st.integers(10, 1_000)),
)
def test_every_split_is_read_back(control: int, weeks: int | None, gain: int | None) -> None:
    test = Test(
        arms=((CONTROL, control), (TREATMENT, 10_000 - control)),
        metric="orders",
        days=7 * weeks if weeks else None,
        smallest_gain=gain / 1_000 if gain else None,
    )
    assert parse_test(describe_test(test)) == test


@pytest.mark.parametrize(
    ("text", "hides", "canonical"),
    [
        (
            "everything marked promo or upsell, on every page and in messages",
            (Hide(tag="promo", in_messages=True), Hide(tag="upsell", in_messages=True)),
            None,
        ),
        (
            "everything marked discount for a product they bought",
            (Hide(tag="discount", product="bought"),),
            None,
        ),
        (
            "discount for a product they bought",
            (Hide(tag="discount", product="bought"),),
            "everything marked discount for a product they bought",
        ),
        ("newsletter popup", (Hide(slot="newsletter popup"),), None),
        (
            "newsletter popup, offer bar; everything marked promo",
            (Hide(slot="newsletter popup"), Hide(slot="offer bar"), Hide(tag="promo")),
            "newsletter popup and offer bar; everything marked promo",
        ),
    ],
)
def test_what_is_hidden_is_read_in_words(text: str, hides: tuple[Hide, ...], canonical: str | None) -> None:
    assert parse_hide(text, VOCABULARY) == hides
    assert describe_hide(hides) == (canonical or text)


hides = st.builds(
    lambda name, **more: Hide(**name, **more),
    st.sampled_from(
        [{"tag": tag} for tag in VOCABULARY.tags] + [{"slot": slot} for slot in VOCABULARY.slots]
    ),
    product=st.sampled_from(["", "bought", "in cart", "viewed"]),
    in_messages=st.booleans(),
)


@given(st.lists(hides, min_size=1, max_size=4).map(tuple))
def test_everything_hidden_is_read_back(hidden: tuple[Hide, ...]) -> None:
    assert parse_hide(describe_hide(hidden), VOCABULARY) == hidden


@pytest.mark.parametrize(
    ("read", "text", "at", "near"),
    [
        (parse_duration, "7 dyas", 0, "7 days"),
        (parse_limits, "once in 7 days, not aftr dismissed", 16, "not after dismissed"),
        (parse_test, "half and half, on orders, for 7 weaks", 30, "7 weeks"),
        (parse_test, "haf and half, on orders", 0, "half and half"),
        (parse_test, "half and half, on orders, for 40 days", 30, "6 weeks"),
        (parse_test, "half and half, for 3 hours", 19, "1 week"),
        (parse_test, "half and half, for 3 years", 19, "52 weeks"),
        (parse_test, "half and half, to find 300%", 23, "20%"),
        (parse_test, "half and half, to find gold", 23, "20%"),
        (parse_share, "lots", 0, "20%"),
        (lambda text: parse_hide(text, VOCABULARY), "everything marked promo or pormo", 27, "promo"),
        (lambda text: parse_hide(text, VOCABULARY), "newsleter popup", 0, "newsletter popup"),
        (lambda text: parse_date(text, BERLIN), "31 Febuary 2027", 0, "31 March 2027"),
        (lambda text: parse_money(text, "EUR"), "$5", 0, "€50"),
    ],
)
def test_a_wrong_phrase_says_where_and_what_would_be_right(
    read: object, text: str, at: int, near: str
) -> None:
    with pytest.raises(SentenceError) as caught:
        read(text)  # type: ignore[operator]
    assert caught.value.at == at
    assert near in caught.value.suggestions
    assert caught.value.text == text


@given(st.text(max_size=30))
def test_no_text_makes_a_phrase_fail_without_words(text: str) -> None:
    for read in (
        parse_duration, parse_limits, parse_test, parse_share,
        lambda text: parse_hide(text, VOCABULARY),
        lambda text: parse_date(text, BERLIN),
        lambda text: parse_last_day(text, BERLIN),
        lambda text: parse_money(text, "EUR"),
    ):  # fmt: skip
        try:
            read(text)
        except SentenceError as error:
            assert str(error)  # noqa: PT017 - either outcome is right

"""Numbers as a report says them: short, plain, and never NaN."""

from __future__ import annotations

import pytest

from opportune.core.moved import between_words, change_words, percent_words
from opportune.core.report.plain import (
    chance_words,
    money_words,
    number_words,
    often_words,
    share_words,
    value_above_words,
)

NAN = float("nan")


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0.021, "2.1 of 100"),
        (0.3, "30 of 100"),
        (0, "0 of 100"),
        (1, "100 of 100"),
        (0.0004, "4 of 10,000"),
        (NAN, "not known"),
    ],
)
def test_a_share_is_told_of_100_people(share: float, words: str) -> None:
    assert share_words(share) == words


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (-0.03, 0.31, "between 3% fewer and 31% more"),
        (0.03, 0.31, "between 3% and 31% more"),
        (-0.31, -0.03, "between 3% and 31% fewer"),
        (-0.1, 25, "between 10% fewer and 26 times as many"),
        (0, 0.1, "between no change and 10% more"),
        (-0.004, 0.004, "between 0.4% fewer and 0.4% more"),
        (NAN, 1, "not known"),
        (1, float("inf"), "not known"),
    ],
)
def test_an_interval_is_told_from_one_side_to_the_other(low: float, high: float, words: str) -> None:
    assert between_words(low, high) == words


def test_money_is_lower_and_not_fewer() -> None:
    assert between_words(-0.2, 0.1, "amount") == "between 20% lower and 10% higher"
    assert change_words(30, "amount") == "31 times as high"


def test_a_mean_of_money_is_rounded_to_what_can_be_paid() -> None:
    assert money_words(193.4, "EUR") == "€1.93"
    assert money_words(193.4, "JPY") == "¥193"
    assert money_words(-123_456_789, "EUR") == "-€1,234,567.89"
    assert money_words(NAN, "EUR") == "not known"


def test_a_difference_has_its_sign() -> None:
    assert value_above_words(0.004, "share", "EUR") == "+0.4 of 100"
    assert value_above_words(-250, "money", "EUR") == "-€2.50"
    assert value_above_words(0, "number", "EUR") == "0"


def test_small_numbers_keep_what_they_tell() -> None:
    assert number_words(3.4) == "3.4"
    assert number_words(0.034) == "0.034"
    assert number_words(1204) == "1,204"
    assert percent_words(0.004) == "0.4%"


def test_a_p_value_is_told_as_a_chance() -> None:
    assert chance_words(0.025) == "chance alone would do this about 1 time in 40"
    assert chance_words(0.0001) == "chance alone would do this less than 1 time in 1,000"
    assert often_words(0.025) == "about 1 time in 40"
    assert chance_words(NAN) == chance_words(0.9) == "chance alone would often do this"


def test_all_that_there_was_is_the_most_that_goes() -> None:
    assert between_words(-1, -0.37) == "between 37% and 100% fewer"
    assert change_words(-0.0003, "amount") == "less than 0.1% lower"
    assert change_words(0) == "no change"

"""Tact: what tells visitors they were watched is found, and what a shop usually says is left alone."""

from __future__ import annotations

import pytest

from opportune.core.signals import SIGNALS
from opportune.core.traffic.tact import MEASURED, reveals_tracking, sensitive_topic
from opportune.recipes import RECIPES


@pytest.mark.parametrize(
    "text",
    [
        "We saw you looking at boots",
        "We noticed that you left something behind",
        "Because you viewed {category}",
        "You've been browsing shoes",
        "Based on your browsing",
        "Still thinking about it?",
        "Wir haben gesehen, dass du Schuhe magst",
        "Weil Sie Wanderschuhe angesehen haben",
    ],
)
def test_a_text_that_says_it_watched_is_found(text: str) -> None:
    assert reveals_tracking(text) is not None


@pytest.mark.parametrize(
    "text",
    [
        "Welcome back",
        "Your cart is saved",
        "Boots for wet days",
        "Best sellers in {category}",
        "You can return it within 30 days",
        "Seen in the magazine",
        "Willkommen zurück",
    ],
)
def test_a_text_that_only_helps_is_left_alone(text: str) -> None:
    assert reveals_tracking(text) is None


def test_the_ready_rules_say_nothing_of_watching() -> None:
    texts = [text for recipe in RECIPES for text in recipe.files().values()]
    assert [text for text in texts if reveals_tracking(text)] == []


@pytest.mark.parametrize(
    ("name", "topic"),
    [
        ("health_status", "health"),
        ("isPregnant", "health"),
        ("allergies", "health"),
        ("religion", "religion or belief"),
        ("trade-union", "politics or a union"),
        ("sexual orientation", "sexual life or orientation"),
        ("ethnicity", "origin"),
        ("credit score", "money trouble"),
    ],
)
def test_a_name_of_something_nobody_should_be_singled_out_by_is_found(name: str, topic: str) -> None:
    assert sensitive_topic(name) == topic


@pytest.mark.parametrize(
    "name", ["city", "loyalty tier", "racetrack", "trace", "size", "embrace", "subscribed"]
)
def test_a_usual_name_is_left_alone(name: str) -> None:
    assert sensitive_topic(name) is None


def test_no_signal_of_ours_is_sensitive_and_those_that_measure_exist() -> None:
    names = {signal.name for signal in SIGNALS}
    assert {name for name in names if sensitive_topic(name)} == set()
    assert names >= MEASURED

"""Content is filled with what is known, in the words a visitor reads."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from opportune.core.content import (
    BrokenTextError,
    compile_content,
    is_link_field,
    placeholders_of,
    split_text,
)
from opportune.core.history.standard_plan import STANDARD_PLAN
from opportune.core.language.vocabulary import Vocabulary
from opportune.core.moment import from_iso
from opportune.core.signals import SIGNALS
from opportune.core.signals.base import Reading, SignalValue
from opportune.core.situation import Situation
from opportune.core.slot import UnfilledError, slot_id

VOCABULARY = Vocabulary(plan=STANDARD_PLAN, signals={signal.name: signal for signal in SIGNALS})
NOW = from_iso("2026-11-22T14:00:00Z")


def situation(**known: SignalValue) -> Situation:
    readers = {
        name.replace("_", " "): (lambda _, value=value: Reading(value, "event", "high"))
        for name, value in known.items()
    }
    return Situation(now=NOW, readers=readers, zone=ZoneInfo("Europe/Berlin"))


def fill(value: object, **known: SignalValue) -> object:
    return compile_content(value, VOCABULARY)(situation(**known))


def test_content_without_placeholders_is_given_as_it_is() -> None:
    value = {"headline": "Hello", "items": [1, 2.5, True, None]}
    assert compile_content(value, VOCABULARY)(situation()) is value


def test_a_placeholder_is_filled_and_only_its_branch_is_copied() -> None:
    value = {"headline": "More {category}", "deep": {"list": ["{category}", 1]}, "same": {"a": 1}}
    filled = fill(value, category="shoes")
    assert filled == {"headline": "More shoes", "deep": {"list": ["shoes", 1]}, "same": {"a": 1}}
    assert isinstance(filled, dict)
    assert filled["same"] is value["same"]


@pytest.mark.parametrize("nothing", [None, "", []])
def test_what_is_not_known_takes_the_default(nothing: SignalValue) -> None:
    assert fill("Hi {first name|you}!", first_name=nothing) == "Hi you!"
    assert fill("{category|}", category=nothing) == ""


def test_without_a_default_the_version_cannot_be_shown() -> None:
    with pytest.raises(UnfilledError, match="category"):
        fill({"headline": "More {category}"})


def test_an_alias_is_as_good_as_the_name() -> None:
    assert fill("{category of interest}", category_of_interest="shoes") == "shoes"


@pytest.mark.parametrize(
    ("signal", "value", "said"),
    [
        ("cart value", 4990, "€49.90"),
        ("cart value", 125000, "€1,250"),
        ("cart value", -5, "-€0.05"),
        ("cart items", ["a"], "a"),
        ("cart items", ["a", "b"], "a and b"),
        ("cart items", ["a", "b", "c"], "a, b and c"),
        ("time on page", 3 * 86_400_000 + 5, "3 days"),
        ("time on page", 3_600_000, "1 hour"),
        ("time on page", 20, "0 seconds"),
        ("cart changed", from_iso("2026-11-12T23:30:00Z"), "13 November"),
        ("cart changed", from_iso("2025-11-12T10:00:00Z"), "12 November 2025"),
        ("visits", 3, "3"),
        ("visits", 3.0, "3"),
        ("scroll depth", 0.25, "0.25"),
        ("subscribed", True, "yes"),
        ("subscribed", False, "no"),
        ("loyalty tier", "gold", "gold"),
        ("points", 1200, "1200"),
    ],
)
def test_values_are_said_by_their_type(signal: str, value: SignalValue, said: str) -> None:
    assert fill(f"{{{signal}}}", **{signal.replace(" ", "_"): value}) == said


def test_other_currencies_have_their_own_sign_and_decimals() -> None:
    yen = replace(VOCABULARY, plan=replace(STANDARD_PLAN, currency="JPY"))
    franc = replace(VOCABULARY, plan=replace(STANDARD_PLAN, currency="CHF"))
    assert compile_content("{cart value}", yen)(situation(cart_value=500)) == "¥500"
    assert compile_content("{cart value}", franc)(situation(cart_value=1250)) == "CHF 12.50"


def test_double_braces_are_braces() -> None:
    assert fill("{{category}} of {category}", category="shoes") == "{category} of shoes"
    assert fill({"css": "{{}}"}) == {"css": "{}"}


@pytest.mark.parametrize("text", ["{", "}", "a { b", "{}", "{|x}", "{a{b}"])
def test_a_lone_brace_is_a_mistake(text: str) -> None:
    with pytest.raises(BrokenTextError):
        split_text(text)


def test_a_value_inside_an_address_cannot_lead_elsewhere() -> None:
    filled = fill({"link": "/c/{category}", "text": "{category}"}, category="../a?b=c#d /é")
    assert filled == {"link": "/c/..%2Fa%3Fb%3Dc%23d%20%2F%C3%A9", "text": "../a?b=c#d /é"}


def test_an_address_may_be_a_value_as_a_whole() -> None:
    assert fill({"link": "{page url}"}, page_url="https://shop.example/a?b") == {
        "link": "https://shop.example/a?b"
    }


def test_address_fields_are_known_by_their_names() -> None:
    assert all(
        is_link_field(name) for name in ("link", "image", "cta link", "image_url", "items.0.link", "links.0")
    )
    assert not any(is_link_field(name) for name in ("text", "linked", "0", "headline"))


def test_placeholders_are_found_with_their_fields() -> None:
    value = {"headline": "{a|b}", "items": [{"text": "{c}"}]}
    found = [(path, gap.signal, gap.default) for path, gap in placeholders_of(value)]
    assert found == [("headline", "a", "b"), ("items.0.text", "c", None)]


@pytest.mark.parametrize(
    ("name", "wire"),
    [
        ("home hero", "home-hero"), ("home-hero", "home-hero"), ("newCheckout", "newCheckout"),
        ("Über uns!", "uber-uns"), ("a / b", "a-b"), ("日本", ""),
    ],
)  # fmt: skip
def test_a_slots_name_on_the_wire_follows_from_its_name(name: str, wire: str) -> None:
    assert slot_id(name) == wire
    assert slot_id(wire) == wire

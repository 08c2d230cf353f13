"""The sentence is the rule: what a condition says of itself is read as the same condition, whatever it holds."""

from __future__ import annotations

import logging
import re

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lark import Lark
from tests.core.condition_values import BARE_VOCABULARY, VOCABULARY, conditions, leaves
from tests.searching import examples

from opportune.core.conditions import CONDITIONS, AnyCondition
from opportune.core.conditions.base import Condition
from opportune.core.conditions.signal import SignalTest
from opportune.core.language.grammar import SHARED, write
from opportune.core.language.idioms import IDIOMS, Idiom
from opportune.core.language.sentence import describe, parse_condition
from opportune.core.language.vocabulary import Vocabulary
from opportune.core.language.words import GRAMMAR_WORDS, words_of
from opportune.errors import SentenceError

SYNONYMS = {
    "a visitor viewed at least 3 different products in 7 days": (
        "a visitor viewed at least 3 products in 7 days",
        "viewed three products in 7 days",
        "viewed 3 or more products in the last week",
    ),
    "a visitor viewed at least 3 different products in this visit": (
        "viewed 3 or more products this visit",
        "viewed at least three different products in the current visit",
    ),
    "a visitor viewed with category shoes at least 3 different products in 7 days": (
        "viewed at least 3 products in shoes in 7 days",
        "viewed at least 3 different products in category shoes in 7 days",
    ),
    "a visitor bought at least 2 times": (
        "bought at least 2 orders",
        "bought two times",
        "bought twice or more",
    ),
    "a visitor viewed with category shoes at least 2 times in 7 days": (
        "viewed category shoes at least 2 times in 7 days",
        "viewed the category shoes at least twice within a week",
        "viewed products in shoes two or more times in the past 7 days",
        "viewed products in the category shoes twice during the last week",
    ),
    'a visitor viewed with category "running shoes" today': ("viewed a product in running shoes today",),
    "a visitor bought with product p-1": ("bought product p-1", "bought the product p-1"),
    "a visitor searched with query containing boots": ("searched for boots", "has searched for boots"),
    "a visitor viewed in the last 7 days": (
        "viewed in the past 7 days",
        "viewed within the last 7 days",
        "viewed during the last week",
        "viewed over the last 7 days",
        "viewed the last 7 days",
        "viewed in the previous 7 days.",
    ),
    "a visitor viewed in the last 30 days": ("viewed in the last month",),
    "a visitor bought in the last 30 days": (
        "someone who bought in the last 30 days",
        "visitors who bought in the last 30 days",
        "people who have bought in the last 30 days",
        "everyone who bought in the last 30 days",
        "customer bought in the last 30 days",
        "if the visitor bought in the last 30 days",
    ),
    "a visitor is new": ("new visitors", "first-time visitor", "is a new customer"),
    "a visitor has not bought in the last 30 days": (
        "hasn't bought in the last 30 days",
        "hasn\u2019t bought in the last 30 days",
        "didn't buy in the last 30 days",
        "did not purchase in the last 30 days",
        "customers who have never bought in the last 30 days",
    ),
    "a visitor has not bought": ("never bought", "has never bought", "a visitor who didn\u2019t buy"),
    "a visitor added to cart and has not bought since": (
        "added to cart but didn't buy since",
        "added to cart and then did not buy afterwards",
        "added to cart but never bought since",
    ),
    "a visitor came from an ad": ("came from a paid search", "came from a paid ad"),
    "the customer type is gold": ("customer type is gold", "a visitor's customer type is gold"),
    "the new visitor score is known": ("new visitor score is known",),
    "a visitor came from Google Ads": ("came from google ads", "the click id is google"),
    "a visitor came from Google": ("came from google", "the referrer contains google"),
    "a visitor is on a phone": (
        "the device type is mobile",
        "is on their phone",
        "is on mobile",
        "people who are on a phone",
    ),
    "a visitor is on a tablet": ("is on their tablet", "the device is tablet"),
    "a visitor is on a computer": ("is on a desktop", "uses a laptop", "the device type is desktop"),
    "a visitor is not on a phone": ("is not on mobile", "the device type is not mobile"),
    "the device type is mobile or tablet": ("device is mobile or tablet",),
    "the cart value is more than €50": (
        "cart is worth more than €50",
        "cart value over 50 euros",
        "cart value > 50",
        "has a cart worth more than €50",
        "has more than €50 in the cart",
    ),
    "the cart count is at least 2": (
        "has at least 2 items in the cart",
        "has two or more products in their basket",
        "the cart contains at least 2 products",
    ),
    "the cart is not empty": ("has something in the cart",),
    "the cart is empty": ("has nothing in their cart",),
    "a visitor spent more than €200 in 90 days": ("spent more than 200 euros in the last 90 days",),
    "a visitor spent at least €200 in 90 days": ("spent €200 or more in the last 90 days",),
    "a visitor bought with value more than €100 today": ("bought for more than €100 today",),
    "a visitor last bought more than 60 days ago": ("the last order was over 60 days ago",),
    "the stage is loyal": ("is in the stage loyal", "stage = loyal"),
    "a visitor agreed to messages": ("opted in to marketing",),
}
SENTENCES = {
    "a returning visitor viewed the same category at least 2 times in 7 days": None,
    "someone added to cart and has not bought 1 hour later": "a visitor added to cart and has not bought 1 hour later",
    (
        "a visitor is on a help, returns, shipping or account page, or has an open ticket, "
        "or asked for a refund in the last 7 days"
    ): None,
    "a visitor added to cart at least 2 times in 7 days and has not bought since": None,
    "a visitor viewed at least 3 different products in 7 days": None,
    "a visitor subscribed": None,
    "is subscribed": "a visitor is subscribed",
    "a visitor came from paid search": "a visitor came from an ad",
    "the campaign contains 'shoes'": "the campaign contains shoes",
    "the search terms contain 'boots'": "the search terms contain boots",
    "cart value is over €50": "the cart value is more than €50",
    "cart value is over 50 EUR": "the cart value is more than €50",
    "a visitor bought in the last 30 days": None,
    "a visitor is returning after a purchase": None,
    "last bought more than 30 days ago": "a visitor last bought more than 30 days ago",
    "spent at least €200 in 90 days": "a visitor spent at least €200 in 90 days",
    "loyalty tier is gold or platinum": "the loyalty tier is gold or platinum",
    "the stage is loyal": None,
    "the device is mobile": "a visitor is on a phone",
    "in support, or bought today": "a visitor is in support or bought today",
    "not: a visitor bought": "a visitor has not bought",
    "a visitor never bought": "a visitor has not bought",
    "the product on the page was bought": "a visitor bought the product on the page",
    "either bought today or viewed today and the device is mobile": (
        "(a visitor bought today or viewed today) and the visitor is on a phone"
    ),
    "both viewed today and searched today": "a visitor viewed today and searched today",
    "viewed twice this visit or the cart is empty": (
        "a visitor viewed at least 2 times in this visit or the cart is empty"
    ),
    "a customer who viewed 3 times or more within the last week": "a visitor viewed at least 3 times in 7 days",
    "the campaign is summer sale or winter sale, or the device is mobile": (
        'the campaign is "summer sale" or "winter sale", or the visitor is on a phone'
    ),
    "the country is one of de, at, ch": "the country is de, at or ch",
    "a visitor viewed category shoes": "a visitor viewed with category shoes",
    "a visitor has not bought yet": "a visitor has not bought",
    "the cart value is €50 or more": "the cart value is at least €50",
    "a visitor's loyalty tier is gold": "the loyalty tier is gold",
    "a visitor has spent more than €100": "a visitor spent more than €100",
    "the page path starts with /sale": 'the page path starts with "/sale"',
    "all visitors": "everyone",
    "it is a weekend": "it is a Saturday or Sunday",
    "the cart value is more than €50 and has bought": "the cart value is more than €50 and the visitor bought",
    "A  Visitor\n BOUGHT  Ever.": "a visitor bought",
    "viewed in category “running shoes” more than once": (
        'a visitor viewed with category "running shoes" more than once'
    ),
}


def error_of(text: str, vocabulary: Vocabulary) -> SentenceError | None:
    try:
        parse_condition(text, vocabulary)
    except SentenceError as error:
        return error
    return None


def in_canonical_form(sentence: str) -> str:
    return describe(parse_condition(sentence, VOCABULARY), VOCABULARY)


@pytest.mark.parametrize("sentence", SENTENCES)
def test_what_marketers_write_is_read_back_in_one_canonical_form(sentence: str) -> None:
    canonical = SENTENCES[sentence] or sentence
    assert in_canonical_form(sentence) == canonical
    assert in_canonical_form(canonical) == canonical


@pytest.mark.parametrize("canonical", SYNONYMS)
def test_what_marketers_type_first_is_read_back_in_its_canonical_form(canonical: str) -> None:
    assert in_canonical_form(canonical) == canonical
    for sentence in SYNONYMS[canonical]:
        assert in_canonical_form(sentence) == canonical, sentence


def test_words_that_name_a_kind_of_page_are_left_to_it() -> None:
    shop = msgspec.structs.replace(VOCABULARY, page_types=("phone", "help"))
    on_a_phone = parse_condition("the device type is mobile", shop)
    assert describe(on_a_phone, shop) == "a visitor is on their phone"
    assert parse_condition("a visitor is on their phone", shop) == on_a_phone
    assert parse_condition("a visitor is on a phone page", shop) != on_a_phone


@pytest.mark.parametrize("idiom", IDIOMS, ids=lambda idiom: idiom.says[0])
def test_every_idiom_is_read_back_as_people_say_it(idiom: Idiom) -> None:
    test = SignalTest(signal=idiom.signal, test=idiom.test, values=idiom.values)
    assert describe(test, VOCABULARY) == f"a visitor {idiom.says[0]}"
    for said in (*idiom.says, *idiom.says_not):
        parsed = parse_condition(f"a visitor {said}", VOCABULARY)
        assert parse_condition(describe(parsed, VOCABULARY), VOCABULARY) == parsed


def test_a_number_of_times_is_not_a_number_of_things() -> None:
    assert in_canonical_form("viewed at least 3 times") == "a visitor viewed at least 3 times"
    error = error_of("searched at least 3 products", VOCABULARY)
    assert error is not None
    assert "could be counted" in str(error)


@pytest.mark.parametrize("member", CONDITIONS, ids=lambda member: member.__name__)
def test_every_example_reads_back_to_itself(member: type[Condition]) -> None:
    assert member.examples
    for example in member.examples:
        assert in_canonical_form(example) == example


@pytest.mark.parametrize("member", CONDITIONS, ids=lambda member: member.__name__)
def test_every_synonym_is_read_back_in_another_form_that_means_the_same(member: type[Condition]) -> None:
    for synonym in member.synonyms:
        condition = parse_condition(synonym, VOCABULARY)
        canonical = describe(condition, VOCABULARY)
        assert canonical != synonym
        assert parse_condition(canonical, VOCABULARY) == condition


@given(leaves)
@settings(max_examples=examples(150), deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_single_condition_is_read_back_as_itself(condition: Condition) -> None:
    assert parse_condition(describe(condition, VOCABULARY), VOCABULARY) == condition


@given(conditions)
@settings(max_examples=examples(120), deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_nesting_is_read_back_as_itself(condition: Condition) -> None:
    sentence = describe(condition, VOCABULARY)
    again = parse_condition(sentence, VOCABULARY)
    assert again == condition
    assert describe(again, VOCABULARY) == sentence


@given(conditions)
@settings(max_examples=examples(50), deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_structured_form_decodes_to_the_same_condition(condition: Condition) -> None:
    try:
        encoded = msgspec.json.encode(condition)
    except UnicodeEncodeError:
        return  # half a surrogate pair: no JSON can hold it
    assert msgspec.json.decode(encoded, type=AnyCondition) == condition


@given(st.text(max_size=60))
@settings(max_examples=examples(100), deadline=None)
def test_any_text_is_either_a_sentence_or_a_clear_error(text: str) -> None:
    for vocabulary in (VOCABULARY, BARE_VOCABULARY):
        error = error_of(text, vocabulary)
        assert error is None or (0 <= error.at <= len(text) and str(error))


def test_a_shop_that_declared_nothing_names_events_in_quotes() -> None:
    sentence = 'a visitor did "Product Viewed" at least 2 times in 7 days'
    condition = parse_condition(sentence, BARE_VOCABULARY)
    assert describe(condition, BARE_VOCABULARY) == sentence


@pytest.mark.parametrize("vocabulary", [VOCABULARY, BARE_VOCABULARY], ids=["a shop", "nothing declared"])
def test_no_sentence_has_two_meanings(vocabulary: Vocabulary, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="lark"):
        Lark(write(words_of(vocabulary))[0], parser="lalr", lexer="contextual", debug=True)
    assert not [record for record in caplog.records if "conflict" in record.getMessage()]


def test_and_binds_closer_than_or() -> None:
    loose = parse_condition("viewed today or searched today and bought today", VOCABULARY)
    assert loose == parse_condition("viewed today or (searched today and bought today)", VOCABULARY)


def test_a_structured_form_that_cannot_be_is_refused() -> None:
    for broken in (
        b'{"kind": "all", "conditions": []}',
        b'{"kind": "signal", "signal": "campaign", "test": "between", "values": [1]}',
        b'{"kind": "count", "event": "Product Viewed", "window": {"span": "last"}}',
        b'{"kind": "page"}',
        b'{"kind": "schedule", "days": [7]}',
    ):
        with pytest.raises(msgspec.ValidationError):
            msgspec.json.decode(broken, type=AnyCondition)


def test_every_word_of_the_grammar_is_quoted_as_a_value() -> None:
    literals = re.findall(r'"([^"]*)"', "\n".join([SHARED, *(member.grammar for member in CONDITIONS)]))
    words = {word for literal in literals for word in literal.replace("|", " ").split() if word.isalpha()}
    assert words <= GRAMMAR_WORDS

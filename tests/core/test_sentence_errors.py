"""Where a sentence is not understood, it says where, and what could have stood there."""

from __future__ import annotations

import pytest
from tests.core.condition_values import BARE_VOCABULARY, VOCABULARY

from opportune.core.language.offers import HINTS
from opportune.core.language.sentence import parse_condition, reach_problems
from opportune.errors import SentenceError

WRONG = {
    "a visitor veiwed the same category": ("veiwed", "viewed"),
    "a visitor viewed the same categry at least 2 times": ("categry", "category"),
    "a visitor viewed at laest 2 times": ("at laest", "at least"),
    "a visitor bought in 7 dayz": ("7 dayz", "7 days"),
    "a visitor bought in the lsat 30 days": ("the lsat", "in the last"),
    "cart value is over $50": ("$50", "€50"),
    "the cart value is over gold": ("gold", None),
    "a visitor viewed shoes at least twice": ("shoes", "viewed with category shoes"),
    "bought boots in the last 30 days": ("boots", "bought with category boots"),
    "a visitor viewed at least 3 shoes": ("shoes", "products in shoes"),
    "a visitor viewed the product twice": ("twice", "the product on the page"),
    "a visitor bought since yesterday": ("since yesterday", "today"),
    "a visitor viewed this week": ("this week", "in the last 7 days"),
    "abandoned their cart": ("abandoned", "a visitor added to cart and has not bought 1 hour later"),
    "a visitor visited at least 3 times": ("visited", "the visits are at least 3"),
    "the cart contains shoes": ("shoes", "a product in category shoes"),
    "is looking at shoes": ("shoes", "a page of category shoes"),
    "a visitor last bought 30 days ago": ("30 days ago", "more than 30 days ago"),
    "cart total is over €50": ("cart total", "the cart value is more than €50"),
    "a visitor is from Germany": ("is from", "the country is de"),
    "a visitor is loyal": ("is loyal", "the stage is loyal"),
    "a visitor is interested in shoes": ("is interested", "the category of interest is shoes"),
    "it is at night": ("at night", "it is between 18:00 and 22:00"),
    "on weekends": ("on weekends", "it is a weekend"),
    "the vip level is gold": ("vip level", 'the "vip level"'),
    "vip level is gold or platinum": ("vip level", 'the "vip level"'),
    "a visitor's country code is de": ("code", "the country"),
    "the stage is loial": ("loial", "loyal"),
    'the stage is "loial"': ('"loial"', "loyal"),
    "the device tpye is mobile": ("tpye", "device type"),
    "it is a Fridai": ("Fridai", "Monday"),
    "a visitor is on a helpp page": ("helpp", "help"),
    'a visitor is on a "helpp" page': ('"helpp"', "help"),
    "a visitor is subscribd": ("is subscribd", "is subscribed"),
    "in support, or mailed today": ("mailed today", None),
    "purchases are gold": ("gold", "is at least 2"),
    "the campaign is at least 3": ("3", None),
    "the campaign is new arrivals": ("new arrivals", '"new arrivals"'),
    "a visitor viewed at least 2.5 times": ("2.5", "2"),
    "it is between 9:00 and 25:00": ("25:00", "9:00"),
    "it is until 31 February 2027": ("31 February 2027", "31 March 2027"),
    "a visitor bought and": ("", None),
    "a visitor": ("", None),
    "": ("", None),
    "(a visitor bought": ("", ")"),
}


@pytest.mark.parametrize("sentence", WRONG)
def test_an_unknown_phrase_says_where_it_stands_and_what_is_near(sentence: str) -> None:
    words, near = WRONG[sentence]
    with pytest.raises(SentenceError) as caught:
        parse_condition(sentence, VOCABULARY)
    error = caught.value
    assert error.text == sentence
    assert sentence[error.at :].startswith(words)
    if not words:
        assert error.at == len(sentence)
    if near is not None:
        assert near in error.suggestions


def test_every_whole_sentence_that_is_hinted_at_is_understood() -> None:
    hints = [offer for _, offers in HINTS for offer in offers]
    for sentence in hints:
        if sentence.startswith(("a visitor ", "the ", "it is ")) and not sentence.endswith("on the page"):
            parse_condition(sentence, VOCABULARY)


def test_an_undeclared_detail_is_told_how_to_declare_it() -> None:
    with pytest.raises(SentenceError, match=r"plan\.yaml \(customer details: \[vip level\]\)"):
        parse_condition("the VIP level is gold", VOCABULARY)


def test_an_unknown_stage_is_told_which_there_are() -> None:
    with pytest.raises(SentenceError, match="there are loyal, new buyer, at risk") as caught:
        parse_condition("the stage is champion", VOCABULARY)
    assert "loyal" in caught.value.suggestions
    with pytest.raises(SentenceError, match=r"stages\.yaml declares none"):
        parse_condition("the stage is champion", BARE_VOCABULARY)


def test_every_offer_for_a_whole_condition_is_a_sentence() -> None:
    with pytest.raises(SentenceError) as caught:
        parse_condition("", VOCABULARY)
    for suggestion in caught.value.suggestions:
        parse_condition(suggestion, VOCABULARY)


def test_a_sentence_of_a_hundred_thousand_characters_is_refused_at_once() -> None:
    with pytest.raises(SentenceError, match="at most"):
        parse_condition("(" * 100_000, VOCABULARY)


def test_deep_nesting_is_read_or_refused_but_never_a_crash() -> None:
    depth = 400
    sentence = "not (" * depth + "a visitor bought" + ")" * depth
    try:
        parse_condition(sentence, VOCABULARY)
    except SentenceError as error:
        assert str(error)  # noqa: PT017 - either outcome is right


@pytest.mark.parametrize(
    ("sentence", "words"),
    [
        ("a visitor viewed at least 2 times in 120 days", "90 days"),
        ("a visitor viewed at least 2 times", "not for ever"),
        ("a visitor viewed at least 600 times in 90 days", "newest 500"),
        ("a visitor bought at least 201 times", "newest 200"),
        ("a visitor last viewed more than 90 days ago", "less than 90 days"),
        ("a visitor opened an e-mail today", "telemetry"),
        ("a visitor has not opened an e-mail today", "telemetry"),
        ("the device is mobile or (viewed in 100 days and bought)", "90 days"),
        ("a visitor searched with value more than €5 today", ""),
        ("a visitor bought with a total coupon of at least 5 today", None),
        ('a visitor bought the same "colour" in 7 days', "carries no"),
        ('a visitor bought with "colour" red in 7 days', "carries no"),
        ("a visitor added to cart in the last hour and has not bought 2 hours later", "never ends"),
    ],
)
def test_what_lies_beyond_what_is_read_is_named(sentence: str, words: str | None) -> None:
    if words is None:
        with pytest.raises(SentenceError):
            parse_condition(sentence, VOCABULARY)
        return
    problems = reach_problems(parse_condition(sentence, VOCABULARY), VOCABULARY)
    assert (not words and not problems) or any(words in problem for problem in problems)


@pytest.mark.parametrize(
    "sentence",
    [
        "a visitor viewed at least 2 times in 90 days",
        "a visitor bought",
        "a visitor bought in the last 400 days",
        "a visitor added to cart and has not bought since",
        "a visitor last bought more than 300 days ago",
        "a visitor last viewed more than 30 days ago",
        "a visitor viewed at least 2 times today",
    ],
)
def test_what_lies_within_reach_is_fine(sentence: str) -> None:
    assert not reach_problems(parse_condition(sentence, VOCABULARY), VOCABULARY)

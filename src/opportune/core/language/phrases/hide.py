"""What a rule hides: `everything marked promo or upsell, on every page and in messages`, `newsletter popup`."""

from __future__ import annotations

import re
from itertools import groupby
from typing import Literal

import msgspec

from opportune.core.language.phrases.wording import join_words, misread, nearest, quote, split_words, squeezed
from opportune.core.language.vocabulary import Vocabulary
from opportune.core.rule import Hide

Bought = Literal["", "bought", "in cart", "viewed"]

_MARKED = re.compile(
    r"(?:everything|anything|all|whatever)\s+(?:is\s+)?(?:marked|tagged|labelled)(?:\s+(?:as|with))?\s+",
    re.IGNORECASE,
)
_PRODUCT = re.compile(
    r"\s+for\s+(?:a|the|any)\s+products?\s+(?:that\s+)?they\s+(?:have\s+|already\s+)?(bought|have\s+in\s+(?:the\s+|their\s+)?cart|viewed)$",
    re.IGNORECASE,
)
_PLACES = re.compile(
    r",?\s+(?:on\s+every\s+page\s+)?and\s+in\s+messages(?:\s+too)?$|,?\s+(?:also\s+)?in\s+messages(?:\s+too)?$",
    re.IGNORECASE,
)
_EVERY_PAGE = re.compile(r",?\s+on\s+(?:every\s+page|all\s+pages)$", re.IGNORECASE)
_PARTS = re.compile(r"(?:[^;\"]|\"(?:[^\"\\]|\\.)*\")+")
_PRODUCT_WORDS: dict[Bought, str] = {"bought": "bought", "in cart": "have in the cart", "viewed": "viewed"}


def parse_hide(text: str, vocabulary: Vocabulary) -> tuple[Hide, ...]:
    """Tags or places, several joined by commas, "or", "and"; different kinds by a semicolon; raises SentenceError."""
    hides = [
        hide
        for part in _PARTS.finditer(text)
        for hide in _parse_part(text, part[0], part.start(), vocabulary)
    ]
    if not hides:
        raise misread(text, 0, "it does not say what to hide", _known(vocabulary)[:3])
    return tuple(hides)


def _parse_part(text: str, part: str, start: int, vocabulary: Vocabulary) -> list[Hide]:
    words = part.rstrip()
    in_messages = bool(_PLACES.search(words))
    words = _EVERY_PAGE.sub("", _PLACES.sub("", words))
    narrowed = _PRODUCT.search(words)
    product = _product(narrowed[1]) if narrowed else ""
    words = words[: narrowed.start()] if narrowed else words
    lead = len(words) - len(words.lstrip())
    marked = _MARKED.match(words, lead)
    begin = marked.end() if marked else lead
    like = Hide(tag=marked[0] if marked else "", product=product, in_messages=in_messages)
    return [
        _hide(text, name, start + begin + at, like, vocabulary) for name, at in split_words(words[begin:])
    ]


def _product(words: str) -> Bought:
    words = squeezed(words)
    return "in cart" if words.endswith("cart") else "viewed" if words == "viewed" else "bought"


def _hide(text: str, name: str, at: int, like: Hide, vocabulary: Vocabulary) -> Hide:
    """A slot or tag by its name, otherwise like the rest of its part; `like.tag` says that it must be a tag."""
    known = {squeezed(slot): slot for slot in vocabulary.slots} if not like.tag else {}
    if squeezed(name) in known:
        return msgspec.structs.replace(like, slot=known[squeezed(name)])
    tags = {squeezed(tag): tag for tag in vocabulary.tags}
    if squeezed(name) in tags:
        return msgspec.structs.replace(like, tag=tags[squeezed(name)])
    kind = "tag" if like.tag else "place or tag"
    choices = list(vocabulary.tags) if like.tag else _known(vocabulary)
    wrong = f"“{name}” is not a {kind} of this playbook"
    raise misread(text, at, wrong, nearest(name, choices) or tuple(choices[:5]))


def _known(vocabulary: Vocabulary) -> list[str]:
    return [*(f"everything marked {tag}" for tag in vocabulary.tags), *vocabulary.slots]


def describe_hide(hides: tuple[Hide, ...]) -> str:
    """The canonical words; actions of one kind that follow each other are told together."""
    groups = groupby(hides, key=lambda hide: (bool(hide.tag), hide.product, hide.in_messages))
    return "; ".join(_describe_group(list(group)) for _, group in groups)


def _describe_group(hides: list[Hide]) -> str:
    first = hides[0]
    names = [_name(hide.tag or hide.slot) for hide in hides]
    words = f"everything marked {join_words(names)}" if first.tag else join_words(names, "and")
    if first.product:
        words += f" for a product they {_PRODUCT_WORDS[first.product]}"
    return f"{words}, on every page and in messages" if first.in_messages else words


def _name(name: str) -> str:
    words = name.split()
    is_plain = name == " ".join(words) and not {"or", "and", "for", "in", "on"} & {
        word.casefold() for word in words
    }
    return (
        name
        if is_plain and re.fullmatch(r"[\w][\w /.-]*", name) and not _MARKED.match(f"{name} ")
        else quote(name)
    )

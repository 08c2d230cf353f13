"""Idioms: ways of saying one comparison that are better than the general one: `is subscribed`, `is on a phone`.

A comparison that has an idiom is read back as it, unless the vocabulary gives those very words to something else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from opportune.core.language.phrases.wording import article, squeezed
from opportune.core.language.words import Words

if TYPE_CHECKING:
    from opportune.core.conditions.comparing import Test, Value


class Idiom(NamedTuple):
    """One comparison with all phrases for it; the first that is free is read back."""

    signal: str
    test: Test
    values: tuple[Value, ...]
    says: tuple[str, ...]
    says_not: tuple[str, ...] = ()
    opposite: Test | None = None
    """The test that `says_not` states; without one it turns the whole comparison round."""


DEVICES = {
    "mobile": (
        "a phone", "their phone", "the phone", "mobile", "a mobile", "a mobile phone", "their mobile",
        "a mobile device", "a smartphone", "their smartphone",
    ),
    "tablet": ("a tablet", "tablet", "their tablet", "an ipad"),
    "desktop": (
        "a computer", "a desktop", "desktop", "their computer", "a desktop computer", "a laptop", "a pc",
    ),
}  # fmt: skip


def _device(kind: str, nouns: Sequence[str]) -> Idiom:
    """`is on a phone`."""
    says = tuple(f"{verb} {noun}" for verb in ("is on", "is using", "uses") for noun in nouns)
    says_not = tuple(f"{verb} {noun}" for verb in ("is not on", "isn't on", "does not use") for noun in nouns)
    return Idiom("device type", "is", (kind,), says, says_not, opposite="is not")


def _said_of_many(phrase: str) -> str:
    """`are subscribed` for `is subscribed`."""
    first, _, rest = phrase.partition(" ")
    return f"{ {'is': 'are', 'has': 'have', 'uses': 'use'}.get(first, first) } {rest}"


IDIOMS: tuple[Idiom, ...] = (
    Idiom(
        "subscribed",
        "yes",
        (),
        ("is subscribed", "is a subscriber", "is subscribed to the newsletter"),
        ("is not subscribed", "isn't subscribed"),
    ),
    Idiom(
        "open ticket",
        "yes",
        (),
        ("has an open ticket", "has an open support ticket"),
        ("has no open ticket", "has no open support ticket"),
    ),
    Idiom(
        "in support", "yes", (), ("is in support", "in support", "is being helped"), ("is not in support",)
    ),
    Idiom("exit intent", "yes", (), ("is about to leave", "is leaving")),
    Idiom(
        "referrer kind",
        "is",
        ("paid",),
        (
            "came from an ad",
            "came from paid search",
            "came from an advertisement",
            "came from a paid campaign",
            "came from a paid search",
            "came from a paid ad",
            "came from paid ads",
            "came from ads",
            "came by an ad",
            "clicked an ad",
            "clicked on an ad",
        ),
    ),
    Idiom("referrer kind", "is", ("search",), ("came from search", "came from a search engine")),
    Idiom("referrer kind", "is", ("social",), ("came from social media", "came from a social network")),
    Idiom(
        "referrer kind",
        "is",
        ("e-mail",),
        (
            "came from an e-mail",
            "came from e-mail",
            "came from email",
            "came from an email",
            "came from a newsletter",
            "came from the newsletter",
            "came from our newsletter",
        ),
    ),
    Idiom("referrer kind", "is", ("referral",), ("came from another site", "came from another website")),
    Idiom("referrer kind", "is", ("direct",), ("came directly", "came by themselves")),
    *(
        Idiom("click id", "is", (network,), tuple(f"came from {ads}" for ads in says))
        for network, says in (
            ("google", ("Google Ads", "a Google ad", "Google AdWords")),
            ("bing", ("Bing Ads", "a Bing ad", "Microsoft Ads")),
            ("tiktok", ("TikTok Ads", "a TikTok ad")),
        )
    ),
    *(
        Idiom("referrer", "contains", (site.casefold(),), (f"came from {site}",))
        for site in ("Google", "Bing", "Facebook", "Instagram", "TikTok", "Pinterest", "YouTube", "LinkedIn")
    ),
    *(_device(kind, nouns) for kind, nouns in DEVICES.items()),
)
BY_PHRASE = {
    squeezed(phrase): idiom
    for idiom in IDIOMS
    for said in (*idiom.says, *idiom.says_not)
    for phrase in (said, _said_of_many(said))
}
_BY_COMPARISON = {idiom[:3]: idiom for idiom in IDIOMS}
_BY_OPPOSITE = {(idiom.signal, idiom.opposite, idiom.values): idiom for idiom in IDIOMS if idiom.opposite}


def list_idioms(words: Words) -> Iterator[Idiom]:
    """The idioms whose signal this vocabulary has."""
    return (idiom for idiom in IDIOMS if words.is_known_signal(idiom.signal))


def list_idiom_phrases(words: Words, *, is_not: bool) -> list[str]:
    """All that is understood of them."""
    said = [phrase for idiom in list_idioms(words) for phrase in (idiom.says_not if is_not else idiom.says)]
    return [
        phrase
        for each in said
        if _is_free(each, words)
        for phrase in dict.fromkeys((each, _said_of_many(each)))
    ]


def say_idiom(words: Words, signal: str, test: Test, values: tuple[Value, ...]) -> str:
    """The idiom that exactly this comparison is read back as; empty where there is none."""
    idiom, opposite = (table.get((signal, test, values)) for table in (_BY_COMPARISON, _BY_OPPOSITE))
    said = idiom.says if idiom else opposite.says_not if opposite else ()
    return _first_free(said, signal, words)


def say_idiom_turned(words: Words, signal: str, test: Test, values: tuple[Value, ...]) -> str:
    """The same for a comparison turned round as a whole."""
    idiom = _BY_COMPARISON.get((signal, test, values))
    return _first_free(idiom.says_not, signal, words) if idiom and not idiom.opposite else ""


def _first_free(said: Sequence[str], signal: str, words: Words) -> str:
    if not words.is_known_signal(signal):
        return ""
    return next((phrase for phrase in said if _is_free(phrase, words)), "")


def _is_free(phrase: str, words: Words) -> bool:
    """A kind of page called "mobile" keeps "is on a mobile page" for itself."""
    thing = phrase.partition(" on ")[2]
    return not any(thing in (kind, f"{article(kind)} {kind}") for kind in words.page_types)

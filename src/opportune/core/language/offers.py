"""Offers: what could have stood where a sentence stopped being understood, and what is wrong there if that is known."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from opportune.core.language.phrases.wording import join_words, nearest, plural, quote, squeezed
from opportune.core.language.words import FIRST_WORDS, Words
from opportune.errors import SentenceError

Phrases = Mapping[str, Sequence[str]]

EXAMPLES = (
    "a visitor bought in the last 30 days",
    "a returning visitor viewed the same category at least 2 times in 7 days",
    "a visitor is on a phone",
)
"""Offered where a whole condition could stand and nothing is near."""
BEHIND_AN_EVENT = ("in the last 7 days", "at least 2 times in 7 days", "with category", "today")
"""Offered behind what somebody did, when nothing is near."""

HINTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"(?:since )?yesterday", ("today", "in the last 24 hours", "in the last 2 days")),
    (r"(?:this|last) week", ("in the last 7 days",)),
    (r"(?:this|last) month", ("in the last 30 days",)),
    (r"recently|lately", ("in the last 7 days", "in this visit")),
    (r"(?:often|frequently|many times|several times|a few times)", ("at least 3 times in 7 days",)),
    (
        r"(?:visited|came back|been here|came)(?! from)",
        ("a visitor is returning", "the visits are at least 3", "the days since last visit are at least 30"),
    ),
    (
        r"(?:has )?abandoned|(?:left|has left) (?:\w+ )?(?:cart|basket)",
        ("a visitor added to cart and has not bought 1 hour later", "the cart is not empty"),
    ),
    (r"(?:is|are|lives?|comes?) (?:from|in) (?!stage|support)", ("the country is de", "the city is Berlin")),
    (r"(?:is|are) (?:not )?(?:logged|signed) in", ("a visitor signed in in this visit",)),
    (r"placed|made an order|paid", ("bought",)),
    (r"(?:on )?(?:weekends?|weekdays?)", ("it is a weekend", "it is a weekday")),
    (r"(?:at night|in the (?:evening|morning|afternoon))", ("it is between 18:00 and 22:00",)),
    (r"(?:is )?(?:after|before) \d", ("it is between 18:00 and 22:00", "it is from 1 November 2026")),
    (r"homepage", ("home page",)),
    (r"cart (?:total|amount|price|sum)|basket|order value", ("the cart value is more than €50",)),
    (r"(?:is|are) (?:a )?(?:vip|member|loyal|gold|premium)", ('the "loyalty tier" is gold',)),
    (r"(?:is|are) (?:male|female|a man|a woman)", ('the "gender" is female',)),
    (
        r"(?:likes?|prefers?|is interested in|loves?|are interested in)",
        ("the category of interest is shoes",),
    ),
    (r"(?:has|have) (?:a|used a|the) coupon", ("used a coupon",)),
    (r"\d+ \w+ ago", ("more than 30 days ago", "at most 30 days ago")),
    (
        r"(?:the )?utm[ _-]\w+",
        ("the campaign source is google", "the campaign medium is cpc", "the campaign is sale"),
    ),
    (r"clicked (?:on )?(?:the|a|our|an) ", ("clicked a place", "clicked a promotion", "clicked a product")),
    (r"spend|spends", ("spent at least", "spent more than")),
    (r"it\b", ("the product on the page",)),
)
"""What marketers say that has no words here, by its beginning, and what comes near to it."""

_LAST = ("_AND", "_OR")
_PREFERRED = (
    "_SUBJECT",
    "EVENT_DID",
    "EVENT_DONE",
    "EVENT_DO",
    "_IS",
    "DURATION",
    "STAGE",
    "PAGE_TYPE",
    "SIGNAL",
)
_ODD = frozenset(
    {"_SUBJECT", "KIND", "_LPAR", "_RPAR", "NOT_COLON", "QUOTED", "BARE", "COMMA", "LIST_OR", "$END"}
)
"""Terminals that are not offered unless nothing else could stand there."""
_MAY_GO_ON = ("SIGNAL", "EVENT_DID", "EVENT_DONE", "IDIOM", "_IN")
_JOINT = re.compile(r",|\b(?:and|or|but|with|in|today)\b|[()]", re.IGNORECASE)
_NAMED = re.compile(
    r"(?:^|\b(?:and|or|but)\s+|\(\s*|['\u2019]s\s+|\b(?=(?:the|their)\s))(?:(?:the|their)\s+)?"
    r"([^\W\d_][\w-]*(?:\s+[\w-]+){0,3}?)\s+(?:is|are|isn['\u2019]t|aren['\u2019]t|contains?|starts?|ends?)(?!\w)",
    re.IGNORECASE,
)
"""What a sentence compares, by its name: `the loyalty tier is`."""


def stopped(text: str, at: int, expected: Sequence[str], phrases: Phrases, words: Words) -> SentenceError:
    """The error for a sentence that is not understood from a place on, where these terminals could have stood."""
    rest = text[at:].strip().removesuffix(".")
    usable = [name for name in expected if name not in _ODD] or list(expected)
    usable.sort(key=_rank)
    choices = [phrase for name in usable for phrase in phrases.get(name, ())]
    usual = _usual(expected, choices)
    if not rest:
        return SentenceError(text=text, at=at, wrong="the sentence stops too early", suggestions=usual)
    wrong = f"not understood from “{_shortened(rest)}” on (character {at + 1})"
    if "STAGE" in expected:
        return _unknown_stage(text, at, rest, words)
    close = _meant_longer(text, at, phrases) or nearest(rest, choices, likeness_at_least=0.75)
    hints = _of_stage(rest, words) or _hints(rest)
    meant = _of_value(rest, choices, words) or _of_event(text[:at], rest, expected, words)
    if meant and close and not _begins_like(rest, close):
        close = ()
    found = close if close and not hints else ()
    named = "" if found else _undeclared(text, at, words)
    if named:
        return _undeclared_error(text, at, named, hints, phrases)
    offered = found or hints or meant or nearest(rest, choices)
    plain = _JOINT.split(rest)[0].strip()
    if offered or "BARE" not in expected or plain.casefold() in words.reserved:
        return SentenceError(text=text, at=at, wrong=wrong, suggestions=offered or usual)
    wrong = f"{wrong}; a text that is more than one plain word stands in quotes"
    return SentenceError(text=text, at=at, wrong=wrong, suggestions=(quote(plain),))


def _rank(name: str) -> int:
    if name in _LAST:
        return len(_PREFERRED) + 1
    return _PREFERRED.index(name) if name in _PREFERRED else len(_PREFERRED)


def _usual(expected: Sequence[str], choices: Sequence[str]) -> tuple[str, ...]:
    if "EVENT_DID" in expected:
        return EXAMPLES
    if "FACT" in expected and "_WITH" in expected:
        return BEHIND_AN_EVENT
    return tuple(dict.fromkeys(choices))[:5]


def _hints(rest: str) -> tuple[str, ...]:
    said = squeezed(rest)
    return next((offers for pattern, offers in HINTS if re.match(rf"(?:{pattern})", said)), ())


def _begins_like(rest: str, offers: Sequence[str]) -> bool:
    return bool(
        nearest(rest.split(maxsplit=1)[0], [offer.split()[0] for offer in offers], likeness_at_least=0.6)
    )


def _of_stage(rest: str, words: Words) -> tuple[str, ...]:
    """`the stage is loyal` for `is loyal`."""
    said = re.match(r"(?:is|are) (?:in )?(?:an? |the )?(.+?)(?: stage)?$", squeezed(rest))
    stage = words.stages.get(said[1]) if said else None
    return (f"the stage is {words.says_name(stage, words.stages)}",) if stage else ()


def _of_value(rest: str, choices: Sequence[str], words: Words) -> tuple[str, ...]:
    """`a product in category shoes` for `shoes`, where a product or a category is meant."""
    value = _value_of(rest, words)
    if not value:
        return ()
    return tuple(
        f"{begin} {value}"
        for begin in ("a product in category", "the product", "a page of category", "a page of product")
        if begin in choices
    )


def _unknown_stage(text: str, at: int, rest: str, words: Words) -> SentenceError:
    stages = words.vocabulary.stages
    said = _JOINT.split(rest)[0].strip() or rest
    known = f"there are {join_words(stages, 'and')}" if stages else "stages.yaml declares none"
    near = nearest(said, stages) or stages[:5]
    return SentenceError(text=text, at=at, wrong=f"no stage is called “{said}”; {known}", suggestions=near)


def _undeclared(text: str, at: int, words: Words) -> str:
    """The name of a detail nobody declared that stands at a place; empty when none does."""
    for match in _NAMED.finditer(text):
        name = squeezed(match[1])
        is_here = match.start() <= at < match.end(1)
        is_free = name.split()[0] not in FIRST_WORDS | {"it", "today", "stage", "cart"}
        if (
            is_here
            and is_free
            and name not in words.signals
            and not any(word in words.did or word in words.done for word in name.split())
        ):
            return name
    return ""


def _undeclared_error(
    text: str, at: int, name: str, hints: tuple[str, ...], phrases: Phrases
) -> SentenceError:
    wrong = (
        f"nothing known is called “{name}”; declare a detail of customers in plan.yaml "
        f"(customer details: [{name}]) or write it in quotes"
    )
    near = hints or [f"the {each}" for each in nearest(name, phrases["SIGNAL"], likeness_at_least=0.7)]
    return SentenceError(text=text, at=at, wrong=wrong, suggestions=(*near, f"the {quote(name)}"))


def _of_event(before: str, rest: str, expected: Sequence[str], words: Words) -> tuple[str, ...]:
    """`viewed with category shoes` where `viewed shoes` stopped."""
    event = _last_event(before, words)
    value = _value_of(rest, words)
    if before.casefold().rstrip().endswith(("the product", "the category")):
        return (f"the {before.rsplit(maxsplit=1)[-1].casefold()} on the page",)
    if event and "THINGS" in expected:
        noun = plural(words.thing_of(event)) if words.carries(event, words.thing_of(event)) else ""
        in_category = (f"{noun} in {value}",) if value and noun and words.carries(event, "category") else ()
        return (*in_category, *([noun] if noun else []), "times")
    if not event or not value or "FACT" not in expected:
        return ()
    facts = [fact for fact in ("category", "product", "query") if words.carries(event, fact)]
    return tuple(f"{words.says(event)} with {words.says_fact(fact)} {value}" for fact in facts)


def _last_event(before: str, words: Words) -> str:
    said = squeezed(before)
    found = [
        (said.rfind(phrase), len(phrase), event) for phrase, event in words.did.items() if phrase in said
    ]
    return max(found)[2] if found else ""


def _value_of(rest: str, words: Words) -> str:
    """The first words that could be somebody's product or category, quoted where they are several."""
    if rest[:1] in "\"'\u201c":
        return ""
    taken: list[str] = []
    for word in re.findall(r"[^\s,()]+", rest):
        if squeezed(word) in words.reserved or not word[0].isalpha():
            break
        taken.append(word)
    return words.says_text(" ".join(taken[:4])) if taken else ""


def _meant_longer(text: str, at: int, phrases: Phrases) -> tuple[str, ...]:
    """Longer phrases that begin before the place: `device tpye` stops behind "device" and means "device type"."""
    longer = [phrase for name in _MAY_GO_ON for phrase in phrases[name] if " " in phrase]
    before = text[:at].split()
    for count in range(1, min(len(before), 3) + 1):
        begun = f"{' '.join(before[-count:]).casefold()} "
        ends = {phrase.removeprefix(begun): phrase for phrase in longer if phrase.startswith(begun)}
        near = nearest(text[at:], ends, likeness_at_least=0.75)
        if near:
            return tuple(ends[end] for end in near)
    return ()


def _shortened(words: str) -> str:
    listed = words.split()
    return " ".join(listed[:6]) + (" ..." if len(listed) > 6 else "")

"""Which products a place shows: `best sellers in {category}, 4, in stock, not bought yet`, and back."""

from __future__ import annotations

import re

import msgspec

from opportune.core.language.phrases.wording import (
    NUMBER_WORDS,
    QUOTED,
    misread,
    nearest,
    number_of,
    quote,
    squeezed,
    unquote,
)
from opportune.core.recommending import BY_NAME, RECOMMENDERS
from opportune.core.recommending.base import Recommender
from opportune.core.recommending.wish import MOST, Wish

LIST_FIELDS = frozenset({"products", "items", "recommendations"})
"""A field whose name ends in one of these holds a list of products."""
IN_STOCK, NOT_BOUGHT, NOT_VIEWED = "in stock", "not bought yet", "not viewed yet"
NOT_SHOWN = "not shown already"
_OTHER_WORDS = {
    IN_STOCK: IN_STOCK,
    "only in stock": IN_STOCK,
    "available": IN_STOCK,
    NOT_BOUGHT: NOT_BOUGHT,
    "not bought": NOT_BOUGHT,
    "not yet bought": NOT_BOUGHT,
    "not bought already": NOT_BOUGHT,
    NOT_VIEWED: NOT_VIEWED,
    "not viewed": NOT_VIEWED,
    "not seen yet": NOT_VIEWED,
    NOT_SHOWN: NOT_SHOWN,
    "not shown yet": NOT_SHOWN,
    "not shown in this page already": NOT_SHOWN,
    "not shown on this page already": NOT_SHOWN,
    "not on this page already": NOT_SHOWN,
}
_PART = re.compile(rf"(?:{QUOTED}|\{{[^{{}}]*\}}|[^,])+")
_COUNT = re.compile(
    rf"(?:at most |up to )?(?P<count>\d+|{'|'.join(NUMBER_WORDS)})(?: products?| items?)?", re.IGNORECASE
)
_LIKE = 0.75


def is_list_field(path: str) -> bool:
    """Whether a field holds a list of products, by its name: `products`, `more items`."""
    return re.split(r"[ ._-]+", path.lower())[-1] in LIST_FIELDS


def looks_like_wish(text: str) -> bool:
    """Whether a text was meant to name products, rightly spelled or nearly so."""
    said = squeezed(text)
    return any(said.startswith(name) for name in BY_NAME) or bool(nearest(text, BY_NAME, 1, _LIKE))


def find_wish(text: str) -> Wish | None:
    """The wish, where the text is one."""
    if not any(squeezed(text).startswith(name) for name in BY_NAME):
        return None
    try:
        return parse_wish(text)
    except ValueError:
        return None


def parse_wish(text: str) -> Wish:
    """What the list is, then what it must hold to, with commas; raises SentenceError."""
    parts = [
        (match[0].strip(), match.start() + len(match[0]) - len(match[0].lstrip()))
        for match in _PART.finditer(text)
    ]
    if not parts or not parts[0][0]:
        raise misread(text, 0, "it does not say which products", _examples())
    wish = _list_of(text, *parts[0])
    for part, at in parts[1:]:
        wish = _with(wish, text, part, at)
    for kind, is_not, words in (
        ("refill due", wish.is_not_bought, NOT_BOUGHT),
        ("recently viewed", wish.is_not_viewed, NOT_VIEWED),
    ):
        if wish.kind == kind and is_not:
            raise misread(text, 0, f"“{kind}” can hold nothing that is “{words}”", (kind,))
    return wish


def _list_of(text: str, part: str, at: int) -> Wish:
    said = " ".join(part.split())
    for member in RECOMMENDERS:
        if member.lead and said.casefold().startswith(f"{member.lead} "):
            return Wish(kind=member.name, about=_about(said[len(member.lead) :].strip()))
        if said.casefold() == member.name and not member.is_about_needed:
            return Wish(kind=member.name)
        if said.casefold() in (member.name, member.lead):
            wrong = (
                f"“{said}” does not say with what" if member.is_about_needed else f"“{said}” is not finished"
            )
            raise misread(text, at + len(part), wrong, member.examples[:1])
    known = [words for member in RECOMMENDERS for words in _beginnings(member)]
    wrong = f"“{said}” is no list of products that is known"
    raise misread(text, at, wrong, nearest(said, known) or tuple(known[:5]))


def _beginnings(member: type[Recommender]) -> tuple[str, ...]:
    about = "{category}" if member.lead.endswith(" in") else "{product}"
    whole = (f"{member.lead} {about}",) if member.lead else ()
    return whole if member.is_about_needed else (member.name, *whole)


def _about(words: str) -> str:
    return unquote(words) if re.fullmatch(QUOTED, words) else words


def _with(wish: Wish, text: str, part: str, at: int) -> Wish:
    said = _OTHER_WORDS.get(squeezed(part))
    if said == IN_STOCK:
        return msgspec.structs.replace(wish, is_in_stock=True)
    if said == NOT_BOUGHT:
        return msgspec.structs.replace(wish, is_not_bought=True)
    if said == NOT_VIEWED:
        return msgspec.structs.replace(wish, is_not_viewed=True)
    if said == NOT_SHOWN:
        return msgspec.structs.replace(wish, is_not_shown=True)
    counted = _COUNT.fullmatch(squeezed(part))
    if counted is None:
        known = ("4", IN_STOCK, NOT_BOUGHT, NOT_VIEWED, NOT_SHOWN)
        raise misread(
            text, at, f"“{part}” says nothing about a list of products", nearest(part, known[1:]) or known
        )
    count = int(number_of(counted["count"]) or 0)
    if not 1 <= count <= MOST:
        raise misread(text, at, f"a list has 1 to {MOST} products", ("4",))
    if wish.count:
        raise misread(text, at, f"“{part}”: how many was already said", ())
    return msgspec.structs.replace(wish, count=count)


def _examples() -> tuple[str, ...]:
    return tuple(member.examples[0] for member in RECOMMENDERS)


def describe_wish(wish: Wish) -> str:
    """The canonical words."""
    member = BY_NAME[wish.kind]
    parts = [f"{member.lead} {_say_about(wish.about)}" if wish.about else member.name]
    if wish.count:
        parts.append(str(wish.count))
    said = (
        (IN_STOCK, wish.is_in_stock),
        (NOT_BOUGHT, wish.is_not_bought),
        (NOT_VIEWED, wish.is_not_viewed),
        (NOT_SHOWN, wish.is_not_shown),
    )
    return ", ".join([*parts, *(words for words, is_so in said if is_so)])


def _say_about(about: str) -> str:
    is_plain = about == " ".join(about.split()) and not re.search(
        r"[,\"'\u201c\u201d\u201e\u2018\u2019\u00ab\u00bb]", about
    )
    return about if is_plain else quote(about)

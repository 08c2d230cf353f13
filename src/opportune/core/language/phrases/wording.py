"""How single words stand in a phrase: quoted or plain texts, lists, number words, and the nearest known phrase."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from difflib import SequenceMatcher

from opportune.errors import SentenceError

QUOTED = (
    r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|\u201c[^\u201d]*\u201d|\u201e[^\u201c\u201d]*[\u201c\u201d]"
    r"|\u2018[^\u2019]*\u2019|\u00ab[^\u00bb]*\u00bb"
)
"""A quoted text, in any quotes a word processor may have made of them."""

NUMBER_WORDS = {
    "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "eleven": 11, "twelve": 12,
}  # fmt: skip

_SEPARATOR = re.compile(
    rf"(?s)\s*(?:({QUOTED})|(,)\s*(?:or\b|and\b)?|\b(or|and)\b|(\w[^\s,]*|[^\s,]+))", re.IGNORECASE
)


def misread(text: str, at: int, wrong: str, suggestions: Sequence[str] = ()) -> SentenceError:
    """The error for a place in a text."""
    return SentenceError(text=text, at=at, wrong=wrong, suggestions=suggestions)


def squeezed(text: str) -> str:
    """The phrase as it is compared: lower case, single spaces."""
    return " ".join(text.casefold().split())


def quote(text: str) -> str:
    """The text in double quotes, with backslashes before what would end it."""
    return json.dumps(text, ensure_ascii=False)


def unquote(quoted: str) -> str:
    """The text of a quoted token; backslash escapes work inside straight quotes."""
    inner = quoted[1:-1]
    if quoted[0] not in "\"'" or "\\" not in inner:
        return inner
    if quoted[0] == "'":
        inner = inner.replace("\\'", "'").replace('"', '\\"')
    try:
        return str(json.loads(f'"{inner}"', strict=False))
    except ValueError:
        return re.sub(r"(?s)\\(.)", r"\1", inner)


def join_words(words: Sequence[str], last: str = "or") -> str:
    """`a, b or c`."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def split_words(text: str) -> list[tuple[str, int]]:
    """The items of `a, "b" or c` with their places; quoted items keep commas and "or" inside."""
    items: list[tuple[str, int]] = []
    words: list[str] = []
    start = 0

    def close() -> None:
        if words:
            items.append((" ".join(words), start))
            words.clear()

    for match in _SEPARATOR.finditer(text):
        quoted, comma, joint, word = match.groups()
        if quoted:
            close()
            items.append((unquote(quoted), match.start(1)))
        elif comma or joint:
            close()
        else:
            start = start if words else match.start(4)
            words.append(word)
    close()
    return items


def number_of(word: str) -> float | None:
    """A number in figures or in a word up to twelve; `a` and `an` are one."""
    word = squeezed(word)
    if word in {"a", "an"}:
        return 1
    if word in NUMBER_WORDS:
        return NUMBER_WORDS[word]
    try:
        return float(word)
    except ValueError:
        return None


def plain_number(number: float) -> str:
    """Figures without an exponent and without needless zeros."""
    is_whole = isinstance(number, int) or number.is_integer()
    return str(int(number)) if is_whole else f"{Decimal(repr(number)):f}"


def nearest(
    words: str, phrases: Iterable[str], limit: int = 3, likeness_at_least: float = 0.6
) -> tuple[str, ...]:
    """Known phrases most like the beginning of `words`, best first; none when nothing is near."""
    given = squeezed(words).split()
    ranked = sorted(
        ((_likeness(given, squeezed(phrase)), phrase) for phrase in dict.fromkeys(phrases)),
        key=lambda pair: (-pair[0], pair[1]),
    )
    return tuple(phrase for likeness, phrase in ranked[:limit] if likeness >= likeness_at_least)


def _likeness(given: Sequence[str], phrase: str) -> float:
    """How like a phrase is to the first words given, whichever number of them fits best."""
    length = phrase.count(" ") + 1
    lengths = {size for size in (length - 1, length, length + 1) if 0 < size <= len(given)} or {len(given)}
    return max(_ratio(" ".join(given[:size]), phrase) for size in lengths)


def _ratio(given: str, phrase: str) -> float:
    """A single short word that is much longer or shorter is another word, not a slip."""
    ratio = SequenceMatcher(None, given, phrase).ratio()
    return ratio * 0.7 if " " not in phrase and abs(len(given) - len(phrase)) > 2 else ratio


def article(noun: str) -> str:
    """`a` or `an`."""
    return "an" if noun[:1].lower() in "aeiou" else "a"


def plural(noun: str) -> str:
    """The English plural of a noun: product -> products, category -> categories."""
    if re.search(r"[^aeiou]y$", noun):
        return f"{noun[:-1]}ies"
    return f"{noun}es" if re.search(r"(s|x|z|ch|sh)$", noun) else f"{noun}s"

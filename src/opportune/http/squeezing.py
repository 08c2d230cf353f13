"""Squeezing: the page's scripts as they are served, without comments and spaces, and with short names inside.

It knows the part of JavaScript that our scripts are written in: one function around everything, statements that end
with a semicolon, and names bound by `const`, `let`, parameters and `catch`. Names of the whole script get one short
name each; those inside a statement share the shortest with those inside others. Properties, keys and what the browser
brings keep theirs.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate

_TOKEN = re.compile(
    r"(?P<comment>//[^\n]*|/\*.*?\*/)|(?P<gap>\s+)|(?P<text>'(?:[^'\\\n]|\\.)*')|(?P<template>`(?:[^`\\]|\\.)*`)"
    r"|(?P<number>\d[\w.]*)|(?P<name>[A-Za-z_$][\w$]*)|(?P<sign>=>|\+\+|--|\.\.\.|\?\.(?!\d)|.)",
    re.DOTALL,
)
_PATTERN = re.compile(r"/(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/[a-z]*")
_BEFORE_PATTERN = frozenset({"(", ",", "=", ":", "[", "!", "&", "|", "?", "{", "}", ";", "=>", "return"})
_BEFORE_BLOCK = frozenset({")", "=>", ";", "{", "}", "else", "try", "finally", "catch"})
_CLOSES = {"(": ")", "[": "]", "{": "}"}
_NAME = re.compile(r"[A-Za-z_$][\w$]*")
_GAP_IN_TEMPLATE = re.compile(r"\$\{([^{}]*)\}")
KEPT = frozenset(
    {
        "arguments",
        "document",
        "event",
        "history",
        "length",
        "location",
        "name",
        "navigator",
        "open",
        "origin",
        "parent",
        "performance",
        "screen",
        "self",
        "status",
        "stop",
        "top",
        "undefined",
        "window",
        "do",
        "if",
        "in",
        "of",
        "as",
        "is",
    }
)
"""What the browser has under such a name could be meant, or it is a word of the language."""
OUTER_DEPTH = 2
"""In `(() => { ... })();`."""
MOST_INSIDE = 24
"""So many of the shortest names are kept for inside statements."""
_LETTERS = "etnairoslcduphmfgbvywkxjqzETNAIROSLCDUPHMFGBVYWKXJQZ"


def squeezed(source: str) -> str:
    """The same script, smaller."""
    words = list(_words(source))
    kinds = _kinds(words)
    outer = _bound(words, kinds, is_outer=True)
    free = [name for name in _names() if name not in _named(words, kinds)]
    whole = dict(zip(_by_frequency(words, kinds, outer), free[MOST_INSIDE:], strict=False))
    pieces: list[str] = []
    for start, end in _statements(words):
        inside = words[start:end], kinds[start:end]
        short = dict(zip(_by_frequency(*inside, _bound(*inside) - outer), _shared(free), strict=False))
        pieces += _renamed(*inside, {**short, **whole})
    return "".join(_spaced(pieces))


def _words(source: str) -> Iterator[str]:
    at, before = 0, ";"
    while at < len(source):
        found = _TOKEN.match(source, at)
        if found is None:  # the last alternative takes any sign
            return
        if found.lastgroup == "sign" and found[0] == "/" and before in _BEFORE_PATTERN:
            found = _PATTERN.match(source, at) or found
        at = found.end()
        if found.lastgroup not in ("comment", "gap"):
            before = found[0]
            yield before


def _kinds(words: Sequence[str]) -> list[str]:
    """What each word is: a `key`, a `short` form of key and value, a `property`, another `name`, or a sign (empty)."""
    kinds, open_brackets = [], [""]
    for at, word in enumerate(words):
        before, after = words[at - 1] if at else ";", words[at + 1] if at + 1 < len(words) else ""
        kind = ""
        if _NAME.fullmatch(word):
            is_member = open_brackets[-1] == "object" and before in ("{", ",")
            if before in (".", "?."):
                kind = "property"
            elif is_member and after in (":", "("):
                kind = "key"
            else:
                kind = "short" if is_member and after in (",", "}", "=") else "name"
        elif word in _CLOSES:
            is_object = word == "{" and before not in _BEFORE_BLOCK
            open_brackets.append("object" if is_object else word)
        elif word in ")]}":
            open_brackets.pop()
        kinds.append(kind)
    return kinds


def _depths(words: Sequence[str]) -> list[int]:
    """How many brackets are open before each word."""
    opened = accumulate(((word in _CLOSES) - (word in _CLOSES.values()) for word in words), initial=0)
    return list(opened)[:-1]


def _statements(words: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Start and end of each statement of the function around everything; all in one where there is none."""
    depths, start = _depths(words), 0
    for at, word in enumerate(words):
        if word == ";" and depths[at] == OUTER_DEPTH:
            yield start, at + 1
            start = at + 1
    yield start, len(words)


def _bound(words: Sequence[str], kinds: Sequence[str], *, is_outer: bool = False) -> set[str]:
    """The names that are declared somewhere, or for the whole script."""
    bound: set[str] = set()
    depths = _depths(words)
    for at, word in enumerate(words):
        if word in ("const", "let") and kinds[at] == "name" and (not is_outer or depths[at] == OUTER_DEPTH):
            for start in _declarations(words, at + 1):
                bound |= _names_in(words, kinds, start, _end_of(words, start))
        elif is_outer:
            continue
        elif word == "=>":
            bound |= _names_in(words, kinds, _start_of(words, at - 1), at)
        elif word in ("catch", "function") and kinds[at] == "name":
            start = at + (2 if kinds[at + 1] == "name" else 1)
            if words[start] == "(":
                bound |= _names_in(words, kinds, start, _end_of(words, start))
    return bound - KEPT


def _declarations(words: Sequence[str], start: int) -> Iterator[int]:
    """Where each of the names or patterns of one `const` or `let` begins."""
    yield start
    at = start
    while at < len(words) and words[at] not in (";", "of", ")", "}"):
        if words[at] == ",":
            yield at + 1
        at = _end_of(words, at)


def _end_of(words: Sequence[str], at: int) -> int:
    """Behind the word, or behind the bracket that closes what it opens."""
    depth = 0
    for end in range(at, len(words)):
        depth += (words[end] in _CLOSES) - (words[end] in _CLOSES.values())
        if depth <= 0:
            return end + 1
    return len(words)


def _start_of(words: Sequence[str], at: int) -> int:
    """The word itself, or the bracket that it closes."""
    depth = 0
    for start in range(at, -1, -1):
        depth += (words[start] in _CLOSES.values()) - (words[start] in _CLOSES)
        if depth <= 0:
            return start
    return 0


def _names_in(words: Sequence[str], kinds: Sequence[str], start: int, end: int) -> set[str]:
    """The names a pattern binds; what stands behind `=` is only a default."""
    found: set[str] = set()
    at = start
    while at < end:
        if words[at] == "=":
            while at < end and words[at] != "," and words[at] not in _CLOSES.values():
                at = _end_of(words, at)
            continue
        if kinds[at] in ("name", "short"):
            found.add(words[at])
        at += 1
    return found


def _by_frequency(words: Sequence[str], kinds: Sequence[str], bound: set[str]) -> list[str]:
    counts: Counter[str] = Counter()
    for word, kind in zip(words, kinds, strict=True):
        if word[0] == "`":
            counts.update(name for name in _names_in_template(word) if name in bound)
        elif kind in ("name", "short") and word in bound:
            counts[word] += 1
    return sorted(counts, key=lambda name: (-counts[name], name))


def _named(words: Sequence[str], kinds: Sequence[str]) -> set[str]:
    """Every word that stands somewhere, and must not become another's name."""
    named = {word for word, kind in zip(words, kinds, strict=True) if kind in ("name", "short")}
    return named.union(KEPT, *(_names_in_template(word) for word in words if word[0] == "`"))


def _names_in_template(word: str) -> list[str]:
    return _NAME.findall(" ".join(_GAP_IN_TEMPLATE.findall(word)))


def _shared(free: Sequence[str]) -> list[str]:
    """The shortest, then those no other name of the whole script will ever get."""
    return [*free[:MOST_INSIDE], *free[len(free) // 2 :]]


def _names() -> Iterator[str]:
    yield from _LETTERS
    yield from (first + second for first in _LETTERS for second in _LETTERS)


def _renamed(words: Sequence[str], kinds: Sequence[str], short: Mapping[str, str]) -> Iterator[str]:
    for word, kind in zip(words, kinds, strict=True):
        if word[0] == "`":
            yield _GAP_IN_TEMPLATE.sub(lambda gap: "${" + _renamed_code(gap[1], short) + "}", word)
        elif kind == "short" and word in short:
            yield f"{word}:{short[word]}"
        elif kind == "name":
            yield short.get(word, word)
        else:
            yield word


def _renamed_code(source: str, short: Mapping[str, str]) -> str:
    words = list(_words(source))
    return "".join(_spaced(_renamed(words, _kinds(words), short)))


def _spaced(words: Iterable[str]) -> Iterator[str]:
    """Spaces only where two words, or two signs that would be read as one, meet."""
    before = ";"
    for word in words:
        last, first = before[-1], word[0]
        is_one = (last.isalnum() or last in "_$") and (first.isalnum() or first in "_$")
        if is_one or (last == first and first in "+-"):
            yield " "
        yield word
        before = word

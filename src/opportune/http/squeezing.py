"""Squeezing: the page's scripts as they are served, without comments and spaces, and with short names inside.

It knows the part of JavaScript that our scripts are written in: one function around everything, statements that end
with a semicolon, and names bound by `const`, `let`, parameters and `catch`. What a function or block binds gets the
shortest names that nothing else mentioned in it has; what a `for` binds belongs to the block around it. Properties and
keys keep their names, and so does what the browser brings. A number with a name in capitals stands where that is used.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

_TOKEN = re.compile(
    r"(?P<comment>//[^\n]*|/\*.*?\*/)|(?P<gap>\s+)|(?P<text>'(?:[^'\\\n]|\\.)*')|(?P<template>`(?:[^`\\]|\\.)*`)"
    r"|(?P<number>\d[\w.]*)|(?P<name>[A-Za-z_$][\w$]*)|(?P<sign>=>|\+\+|--|\.\.\.|\?\.(?!\d)|\?\?|.)",
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
_LETTERS = "etnairoslcduphmfgbvywkxjqzETNAIROSLCDUPHMFGBVYWKXJQZ"
_SHORTER = {"const": "let", "true": "!0", "false": "!1"}


@dataclass
class _Scope:
    """A function, from its first parameter's bracket to behind its body, or a block; around all is the whole file."""

    around: _Scope | None = None
    bound: dict[str, str] = field(default_factory=dict)
    """Each name it binds, in their order, and its new one."""
    mentioned: dict[tuple[int, str], _Scope | None] = field(default_factory=dict)
    """What is said in it, and who binds that: nobody where the browser brings it."""


def squeezed(source: str) -> str:
    """The same script, smaller."""
    words = list(_words(source))
    numbers = _take_numbers(words)
    kinds = _kinds(words)
    inside = _scopes(words, kinds)
    is_outer = True
    for scope in {id(scope): scope for scope in inside}.values():
        _name_anew(scope, is_outer=is_outer)
        is_outer = is_outer and not scope.bound

    def short(at: int, name: str) -> str:
        binder = _binder(inside[at], name)
        return binder.bound[name] if binder else numbers.get(name) or _SHORTER.get(name, name)

    return "".join(_spaced(_joined(_renamed(words, kinds, short))))


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


def _take_numbers(words: list[str]) -> dict[str, str]:
    """Numbers with a name in capitals stand where they are used, so their declarations go."""
    numbers = {}
    for at in range(len(words) - 4, 0, -1):
        before, name, sign, value, after = words[at - 1 : at + 4]
        if (
            before in ("const", ",")
            and name.isupper()
            and sign == "="
            and value[0].isdigit()
            and after in ",;"
        ):
            numbers[name] = value.replace("_", "")
            del words[at - (after == ";") : at + (3 if after == ";" and before == "," else 4)]
    return numbers


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


def _scopes(words: Sequence[str], kinds: Sequence[str]) -> list[_Scope]:
    """The innermost scope around each word, with what it binds and what is mentioned in it."""
    inside = [_Scope()] * len(words)
    for start, body, end in sorted(_ranges(words, kinds)):
        scope = _Scope(inside[start], dict.fromkeys(_names_in(words, kinds, start, body), ""))
        inside[start:end] = [scope] * (end - start)
    for at, word in enumerate(words):
        if word in ("const", "let") and kinds[at] == "name" and inside[at].around:
            for start in _declarations(words, at + 1):
                names = _names_in(words, kinds, start, _end_of(words, start))
                inside[at].bound.update(dict.fromkeys(names, ""))
    for at, word in enumerate(words):
        for name in _names_at(word, kinds[at]):
            _mention(inside[at], name)
    return inside


def _ranges(words: Sequence[str], kinds: Sequence[str]) -> Iterator[tuple[int, int, int]]:
    """Of each function, `catch` and block: where it begins, where its parameters end, where it ends."""
    for at, word in enumerate(words):
        if word == "=>":
            yield _start_of(words, at - 1), at, _end_of_body(words, at + 1)
        elif word in ("function", "catch") and kinds[at] == "name" and words[at + 1] != "{":
            start = at + (1 if words[at + 1] == "(" else 2)
            body = _end_of(words, start)
            yield start, body, _end_of(words, body)
        elif word == "{" and at and words[at - 1] in _BEFORE_BLOCK:
            yield at, at, _end_of(words, at)


def _end_of_body(words: Sequence[str], at: int) -> int:
    """Behind a block, or an expression: before `,`, `;`, a bracket's end, or the `:` of a choice around it."""
    if words[at] == "{":
        return _end_of(words, at)
    choices = 0
    while words[at] not in (",", ";", *_CLOSES.values()) and (words[at] != ":" or choices):
        choices += (words[at] == "?") - (words[at] == ":")
        at = _end_of(words, at)
    return at


def _mention(scope: _Scope, name: str) -> None:
    binder = _binder(scope, name)
    around: _Scope | None = scope
    while around:
        around.mentioned[id(binder), name] = binder
        around = around.around


def _binder(scope: _Scope, name: str) -> _Scope | None:
    around: _Scope | None = scope
    while around and name not in around.bound:
        around = around.around
    return around


def _name_anew(scope: _Scope, *, is_outer: bool) -> None:
    """Those around it have theirs already. The outermost leaves the first letters to those in it."""
    taken = {binder.bound[name] if binder else name for (_, name), binder in scope.mentioned.items()}
    free = (name for name in _names(is_outer=is_outer) if name not in taken and name not in KEPT)
    for name in scope.bound:
        scope.bound[name] = name if name in KEPT else next(free)


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


def _names_in(words: Sequence[str], kinds: Sequence[str], start: int, end: int) -> list[str]:
    """The names a pattern binds, in their order; what stands behind `=` is only a default."""
    found: list[str] = []
    at = start
    while at < end:
        if words[at] == "=":
            while at < end and words[at] != "," and words[at] not in _CLOSES.values():
                at = _end_of(words, at)
            continue
        if kinds[at] in ("name", "short"):
            found.append(words[at])
        at += 1
    return found


def _names_at(word: str, kind: str) -> list[str]:
    if word[0] == "`":
        return _NAME.findall(" ".join(_GAP_IN_TEMPLATE.findall(word)))
    return [word] if kind in ("name", "short") else []


def _names(*, is_outer: bool) -> Iterator[str]:
    yield from reversed(_LETTERS) if is_outer else _LETTERS
    yield from (first + second for first in _LETTERS for second in _LETTERS)


def _renamed(words: Sequence[str], kinds: Sequence[str], short: Callable[[int, str], str]) -> Iterator[str]:
    for at, (word, kind) in enumerate(zip(words, kinds, strict=True)):
        if word[0] == "`":
            pieces = _GAP_IN_TEMPLATE.split(word)
            pieces[1::2] = ["${" + _renamed_code(code, at, short) + "}" for code in pieces[1::2]]
            yield "".join(pieces)
        elif kind == "short":
            yield word if short(at, word) == word else f"{word}:{short(at, word)}"
        else:
            yield short(at, word) if kind == "name" else word


def _renamed_code(source: str, at: int, short: Callable[[int, str], str]) -> str:
    words = list(_words(source))
    return "".join(_spaced(_renamed(words, _kinds(words), lambda _, name: short(at, name))))


def _joined(words: Iterable[str]) -> list[str]:
    """One `let` where several follow each other, no brackets around a lone parameter, no `;` before `}`."""
    joined: list[str] = []
    begins = [""]
    for word in words:
        before = joined[-1] if joined else ";"
        if before == ";" and word == begins[-1] == "let":
            joined[-1] = ","
            continue
        if before in (";", "{"):
            begins[-1] = word
        if word in _CLOSES:
            begins.append("")
        elif word in _CLOSES.values():
            begins.pop()
        if word == "}" and before == ";":
            joined.pop()
        elif word == "=>" and joined[-3] == "(" and _NAME.fullmatch(joined[-2]):
            joined[-3:] = [joined[-2]]
        joined.append(word)
    return joined


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

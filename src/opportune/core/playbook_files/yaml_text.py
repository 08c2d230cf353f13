"""YAML as this house reads it: plain trees of values that know their lines, and problems instead of crashes.

Nothing is constructed from a document: no tags, no anchors, no merge keys. Words are words (`no` is a
text until a field asks for yes or no), so that a headline can be called `Yes`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

import msgspec
import yaml

from opportune.core.problem import Problem

MAX_FILE_CHARACTERS = 262_144
MAX_DEPTH = 20
MAX_NODES = 50_000

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_NUMBER = re.compile(
    r"[-+]?(0|[1-9][0-9]*)?\.[0-9]+([eE][-+]?[0-9]{1,3})?|[-+]?[1-9][0-9]*[eE][-+]?[0-9]{1,3}"
)
_WORDS: dict[str, bool | None] = {
    "true": True,
    "True": True,
    "false": False,
    "False": False,
    "null": None,
    "~": None,
    "": None,
}


class Scalar(msgspec.Struct, frozen=True, kw_only=True):
    """A single value: its text as written, and what a JSON document would hold instead of it."""

    line: int
    text: str
    value: str | int | float | bool | None
    source: tuple[str, ...] = ()
    """The lines it was written on, when there are several."""

    def line_at(self, at: int) -> int:
        """The line on which the character at `at` of the text was written, however YAML folded it."""
        if not self.source:
            return self.line
        ahead = len("".join(self.text[:at].split()))
        for offset, written in enumerate(self.source):
            ahead -= len("".join(written.split()))
            if ahead < 0:
                return self.line + offset
        return self.line + len(self.source) - 1


class Items(msgspec.Struct, frozen=True, kw_only=True):
    """A list."""

    line: int
    items: tuple[Node, ...]


class Entries(msgspec.Struct, frozen=True, kw_only=True):
    """A mapping in the order written; every key stands once. `is_flow`: written with braces on one line."""

    line: int
    entries: tuple[tuple[Scalar, Node], ...]
    is_flow: bool = False

    def find(self, name: str) -> Node | None:
        return next((value for key, value in self.entries if key.text == name), None)


Node = Scalar | Items | Entries


def to_json(node: Node) -> Any:
    """The JSON value a node stands for."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Items):
        return [to_json(item) for item in node.items]
    return {key.text: to_json(value) for key, value in node.entries}


def line_of(node: Node, path: str) -> int:
    """The line of a place inside a node, given as msgspec names it (`$.conditions[0].event`)."""
    for step in re.findall(r"\.([^.\[]+)|\[(\d+)\]", path):
        inner: Node | None = None
        if step[0] and isinstance(node, Entries):
            inner = node.find(step[0])
        elif step[1] and isinstance(node, Items) and int(step[1]) < len(node.items):
            inner = node.items[int(step[1])]
        if inner is None:
            break
        node = inner
    return node.line


def read_documents(file: str, text: str) -> tuple[list[Node], list[Problem]]:
    """Every document of a file; with a problem, the documents before it."""
    wrong = _unreadable(text)
    if wrong is not None:
        return [], [msgspec.structs.replace(wrong, file=file)]
    builder = _Builder(file, text)
    try:
        builder.read(yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
    except _Stop:
        pass
    except yaml.YAMLError:
        builder.problems.append(_syntax_problem(file, text))
    return builder.documents, builder.problems


def _unreadable(text: str) -> Problem | None:
    if len(text) > MAX_FILE_CHARACTERS:
        wrong = f"the file has {len(text):,} characters"
        return Problem("", 0, "", wrong, f"at most {MAX_FILE_CHARACTERS:,}; split it into several files")
    for number, line in enumerate(text.split("\n"), 1):
        bad = next(
            (c for c in line if (c < " " and c not in "\t\r") or c == "\x7f" or "\ud800" <= c <= "\udfff"),
            None,
        )
        if bad is not None:
            return Problem(
                "", number, "", f"a character no text file may hold (U+{ord(bad):04X})", "remove it"
            )
        indent = line[: len(line) - len(line.lstrip(" \t"))]
        if "\t" in indent and line.strip():
            return Problem("", number, "", "a tab at the beginning of the line", "indent with spaces")
    return None


def _syntax_problem(file: str, text: str) -> Problem:
    """What the parser written in Python says: its words are the same on every machine."""
    try:
        for _ in yaml.parse(text, Loader=yaml.SafeLoader):
            pass
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 0
        return Problem(file, line, "", *_in_words(error.problem or "", text, line))
    except yaml.YAMLError as error:
        return Problem(file, 0, "", f"not YAML: {str(error).splitlines()[0]}")
    return Problem(file, 0, "", "not YAML")


def _in_words(problem: str, text: str, line: int) -> tuple[str, str]:
    lines = text.split("\n")
    written = lines[min(line, len(lines)) - 1].strip() if line else ""
    if "mapping values are not allowed" in problem:
        return (
            "a second colon, which YAML reads as another field",
            f'put the text in quotes: "{_value_of(written)}"',
        )
    if "undefined alias" in problem or "found undefined" in problem:
        return "a text that begins with *", "put it in quotes"
    if "cannot start any token" in problem:
        return f"a text that begins with {problem.split(chr(39))[1]}", "put it in quotes"
    if re.search(r":\s*\{", written):
        return (
            "a text that begins with {, which YAML reads as a mapping",
            f"put it in quotes: '{_value_of(written)}'",
        )
    if "could not find expected ':'" in problem:
        return (
            "a line without a field name",
            "write `field: text`, or indent it under the field it belongs to",
        )
    if "expected <block end>" in problem or "expected <document start>" in problem:
        return (
            "a line that does not fit in here",
            "check its indentation and that texts with special signs are quoted",
        )
    return f"not YAML: {problem}", "check quotes, brackets and indentation"


def _value_of(line: str) -> str:
    return line.split(":", 1)[1].strip() if ":" in line else line


class _Stop(Exception):  # noqa: N818 - it ends the reading of a file, and is no error of its own
    """Reading further would only repeat the problem."""


class _Open:
    """A list or mapping that is still being read."""

    __slots__ = ("children", "is_flow", "is_map", "keys", "line")

    def __init__(self, line: int, *, is_map: bool, is_flow: bool) -> None:
        self.line = line
        self.is_map = is_map
        self.is_flow = is_flow
        self.children: list[Node] = []
        self.keys: dict[str, int] = {}

    def close(self) -> Node:
        if not self.is_map:
            return Items(line=self.line, items=tuple(self.children))
        keys = [child for child in self.children[0::2] if isinstance(child, Scalar)]
        pairs = tuple(zip(keys, self.children[1::2], strict=True))
        return Entries(line=self.line, entries=pairs, is_flow=self.is_flow)


class _Builder:
    """Builds trees from parser events, without recursion, within bounds."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.lines = text.split("\n")
        self.documents: list[Node] = []
        self.problems: list[Problem] = []
        self._open: list[_Open] = []
        self._nodes = 0

    def read(self, events: Iterator[Any]) -> None:
        for event in events:
            if isinstance(event, yaml.AliasEvent):
                self._stop(event, "a reference to another place (*)", "write it out; references are not read")
            elif isinstance(event, yaml.NodeEvent):
                self._start(event)
            elif isinstance(event, yaml.CollectionEndEvent):
                self._add(self._open.pop().close())

    def _start(self, event: Any) -> None:
        self._nodes += 1
        if event.anchor is not None:
            self._stop(event, f"an anchor (&{event.anchor})", "write it out; anchors are not read")
        if event.tag is not None and event.tag != "!":
            self._stop(event, f"a tag ({event.tag})", "leave it out; the field decides how a text is read")
        if self._nodes > MAX_NODES or len(self._open) >= MAX_DEPTH:
            self._stop(event, "more or deeper lists and fields than any playbook needs", "simplify it")
        if isinstance(event, yaml.ScalarEvent):
            self._add(self._scalar(event))
            return
        is_map = isinstance(event, yaml.MappingStartEvent)
        if self._expects_key():
            self._stop(event, "a list or mapping in the place of a field name", "put the text in quotes")
        line = event.start_mark.line + 1
        self._open.append(_Open(line, is_map=is_map, is_flow=bool(event.flow_style)))

    def _expects_key(self) -> bool:
        return bool(self._open) and self._open[-1].is_map and len(self._open[-1].children) % 2 == 0

    def _scalar(self, event: Any) -> Scalar:
        first, last = event.start_mark.line, event.end_mark.line
        source: tuple[str, ...] = ()
        if last > first:
            written = self.lines[first : last + 1]
            if event.style in ("|", ">"):
                written = ["", *written[1:]]
            else:
                written = [written[0][event.start_mark.column :].lstrip("'\""), *written[1:]]
            source = tuple(written)
        is_plain = event.style is None or event.style == ""
        value = _resolve(event.value) if is_plain else event.value
        return Scalar(line=first + 1, text=event.value, value=value, source=source)

    def _add(self, node: Node) -> None:
        if not self._open:
            self.documents.append(node)
            return
        parent = self._open[-1]
        if self._expects_key() and isinstance(node, Scalar):
            if node.text in parent.keys:
                wrong = f'"{node.text}" stands twice, first in line {parent.keys[node.text]}'
                self.problems.append(Problem(self.file, node.line, node.text, wrong, "keep one of them"))
            parent.keys.setdefault(node.text, node.line)
        parent.children.append(node)

    def _stop(self, event: Any, wrong: str, right: str) -> None:
        self.problems.append(Problem(self.file, event.start_mark.line + 1, "", wrong, right))
        raise _Stop


def _resolve(text: str) -> str | int | float | bool | None:
    """Numbers, true, false and nothing; everything else is a text (so are `007`, `yes` and dates)."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _NUMBER.fullmatch(text) and len(text) < 40:
        number = float(text)
        return number if math.isfinite(number) else text
    return text

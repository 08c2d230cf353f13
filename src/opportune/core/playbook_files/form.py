"""A form: one mapping of a playbook file, read field by field against what the file may hold.

Whatever is wrong becomes a problem with its line, and reading goes on, so that all problems come at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, TypeVar

import msgspec

from opportune.core.playbook_files.yaml_text import Entries, Items, Node, Scalar
from opportune.core.problem import Problem
from opportune.errors import SentenceError

T = TypeVar("T")

TEXT: Mapping[str, Any] = {"type": ["string", "number"]}
TEXTS: Mapping[str, Any] = {
    "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": ["string", "number"]}}]
}
YES_OR_NO: Mapping[str, Any] = {"enum": ["yes", "no", True, False]}
ANYTHING: Mapping[str, Any] = {}

_YES_NO = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}


class Field(msgspec.Struct, frozen=True):
    """One field of a file: its name, what it is for, the JSON Schema editors check, and an example."""

    name: str
    meaning: str
    shape: Mapping[str, Any] = msgspec.field(default_factory=lambda: TEXT)
    example: str = ""
    is_required: bool = False


def nearest(text: str, names: Iterable[str]) -> str:
    """`did you mean "..."?` with the closest name, or nothing when none is close."""
    by_plain = {_plain(name): name for name in names}
    close = get_close_matches(_plain(text)[:80], by_plain, n=1, cutoff=0.6)
    return f'did you mean "{by_plain[close[0]]}"?' if close else ""


def one_of(text: str, names: Iterable[str], *, most: int = 12) -> str:
    """What would be right instead of an unknown name: the nearest one, else the whole list."""
    listed = sorted(names)
    close = nearest(text, listed)
    if close or not listed:
        return close
    return f"one of: {', '.join(listed[:most])}{', ...' if len(listed) > most else ''}"


def _plain(text: str) -> str:
    return " ".join(text.lower().replace("_", " ").replace("-", " ").split())


class Form:
    """One mapping with the fields it may have. Getters report what does not fit and give the default."""

    def __init__(
        self, node: Entries, fields: Sequence[Field], file: str, problems: list[Problem], prefix: str = ""
    ) -> None:
        self.file = file
        self.line = node.line
        self.problems = problems
        self._prefix = prefix
        self._nodes: dict[str, Node] = {}
        names = [field.name for field in fields]
        for key, value in node.entries:
            if key.text in names:
                self._nodes.setdefault(key.text, value)
            else:
                self._report(key.text, key.line, "this field is unknown", one_of(key.text, names, most=30))
        for field in fields:
            if field.is_required and field.name not in self._nodes:
                right = f"add `{field.name}: {field.example or '...'}`"
                self.wrong(field.name, "is missing", right)

    @classmethod
    def of(
        cls, node: Node, fields: Sequence[Field], file: str, problems: list[Problem], prefix: str = ""
    ) -> Form | None:
        """A form for any node; one that is no mapping is a problem."""
        if isinstance(node, Entries):
            return cls(node, fields, file, problems, prefix)
        right = f"write `{fields[0].name}: ...` and the other fields, one on a line"
        problems.append(Problem(file, node.line, prefix, "fields were expected here", right))
        return None

    def __contains__(self, name: str) -> bool:
        return name in self._nodes

    def find(self, name: str) -> Node | None:
        return self._nodes.get(name)

    def line_of(self, name: str) -> int:
        node = self._nodes.get(name)
        return node.line if node is not None else self.line

    def wrong(self, name: str, wrong: str, right: str = "", *, line: int | None = None) -> None:
        """Reports a problem at a field, or at the line given."""
        self._report(
            name, line if line is not None else self.line_of(name.split(".", maxsplit=1)[0]), wrong, right
        )

    def warn(self, name: str, wrong: str, right: str = "", *, line: int | None = None) -> None:
        """Reports something that is allowed, and probably not meant."""
        line = line if line is not None else self.line_of(name.split(".", maxsplit=1)[0])
        self.problems.append(Problem(self.file, line, self._path(name), wrong, right, is_warning=True))

    def text(self, name: str, default: str = "") -> str:
        """A field's words, on one line."""
        node = self._nodes.get(name)
        if node is None:
            return default
        if isinstance(node, Scalar):
            return " ".join(node.text.split()) or default
        self.wrong(name, "one text was expected", "put texts with { or [ in quotes")
        return default

    def texts(self, name: str) -> tuple[str, ...]:
        """Several texts: a list, or one text with commas."""
        node = self._nodes.get(name)
        if node is None:
            return ()
        if isinstance(node, Scalar):
            return tuple(part.strip() for part in node.text.split(",") if part.strip())
        if isinstance(node, Items) and all(isinstance(item, Scalar) for item in node.items):
            return tuple(item.text.strip() for item in node.items if isinstance(item, Scalar))
        self.wrong(
            name, "a list of texts was expected", "write them with commas, or one on a line behind a dash"
        )
        return ()

    def yes(self, name: str, *, default: bool = False) -> bool:
        """`yes` or `no`."""
        if name not in self._nodes:
            return default
        text = self.text(name).lower()
        if text not in _YES_NO:
            self.wrong(name, f'"{text}" is neither yes nor no', "write yes or no")
        return _YES_NO.get(text, default)

    def choice(self, name: str, allowed: Sequence[str], default: str) -> str:
        """One of a few words."""
        if name not in self._nodes:
            return default
        text = self.text(name)
        if text in allowed:
            return text
        self.wrong(name, f'"{text}" is not known here', f"one of: {', '.join(allowed)}")
        return default

    def said(self, name: str, parse: Callable[[str], T]) -> T | None:
        """What a parser of sentences makes of a field's words; where it stops understanding is a problem."""
        node = self._nodes.get(name)
        if not isinstance(node, Scalar):
            if node is not None:
                self.wrong(name, "one sentence was expected", "write it as one text")
            return None
        return self.said_in(name, node, parse)

    def said_in(self, name: str, node: Scalar, parse: Callable[[str], T]) -> T | None:
        """The same for a text anywhere below a field."""
        try:
            return parse(node.text)
        except SentenceError as error:
            offered = " or ".join(f'"{phrase}"' for phrase in error.suggestions[:3])
            right = f"did you mean {offered}?" if offered else ""
            self.wrong(name, str(error), right, line=node.line_at(error.at))
            return None

    def _path(self, name: str) -> str:
        return f"{self._prefix}.{name}" if self._prefix and name else self._prefix or name

    def _report(self, name: str, line: int, wrong: str, right: str) -> None:
        self.problems.append(Problem(self.file, line, self._path(name), wrong, right))

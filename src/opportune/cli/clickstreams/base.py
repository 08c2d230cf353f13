"""What a clickstream format is: rows of a file read as messages of Segment's spec.

A row's message id is a hash of its cells, so that an exact duplicate is the same event however often and
wherever it is sent. What a row means is the format's matter; whether it can be taken, the server's.
"""

from __future__ import annotations

import csv
import gzip
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar, TextIO, cast

from opportune.errors import BadRequestError

Message = dict[str, Any]
Row = Mapping[str, str]
LIBRARY = {"library": {"name": "opportune-clickstream", "version": "1"}}
MESSAGE_ID_CHARS = 32


class Clickstream(ABC):
    """One format. `columns` are those it cannot do without."""

    name: ClassVar[str]
    says: ClassVar[str]
    columns: ClassVar[tuple[str, ...]] = ()

    def read(self, path: Path, mapping: Mapping[str, str]) -> Iterator[Message]:
        """Messages in the order of the file. Raises BadRequestError for a file of another format."""
        with open_text(path) as file:
            rows = csv.DictReader(file, restkey="", restval="")
            self.check_columns(path, rows.fieldnames or (), mapping)
            for row in rows:
                row.pop("", None)
                yield self.message_of(row, mapping)

    def check_columns(self, path: Path, found: Sequence[str], mapping: Mapping[str, str]) -> None:  # noqa: ARG002 - most formats know their columns
        missing = [column for column in self.columns if column not in found]
        if missing:
            raise BadRequestError(
                wrong=f"{path} is no {self.name} file: the column {missing[0]!r} is missing; "
                f"it has: {', '.join(found) or 'nothing'}."
            )

    @abstractmethod
    def message_of(self, row: Row, mapping: Mapping[str, str]) -> Message:
        """One row as one message."""


def open_text(path: Path) -> TextIO:
    """The file as text, unpacked when its name ends in .gz. Raises BadRequestError."""
    try:
        if path.suffix == ".gz":
            return cast("TextIO", gzip.open(path, "rt", encoding="utf-8-sig", errors="replace", newline=""))
        return path.open(encoding="utf-8-sig", errors="replace", newline="")
    except OSError as error:
        raise BadRequestError(wrong=f"{path} cannot be read: {error.strerror}.") from None


def message_id_of(cells: Sequence[str]) -> str:
    return sha256("\x1f".join(cells).encode("utf-8", "surrogatepass")).hexdigest()[:MESSAGE_ID_CHARS]


def iso_of(text: str) -> str:
    """An ISO moment for the ways files write one; anything else stays as it is, for the server to judge."""
    text = text.strip()
    if text.isdigit():
        number = int(text)
        seconds = number / 1_000 if number >= 100_000_000_000 else number
        return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
    if text.endswith(" UTC"):
        return text.removesuffix(" UTC").replace(" ", "T") + "Z"
    return text


def number_of(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def without_empty(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in ("", None)}

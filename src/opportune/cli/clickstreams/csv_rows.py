"""Any CSV file with a header: `--map` says which column is which field, the rest become properties."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from opportune.cli.clickstreams.base import (
    LIBRARY,
    Clickstream,
    Message,
    Row,
    iso_of,
    message_id_of,
    number_of,
    without_empty,
)
from opportune.errors import BadRequestError

FIELDS = ("type", "event", "messageId", "anonymousId", "userId", "timestamp")
USUAL: Mapping[str, tuple[str, ...]] = {
    "event": ("event", "event_type", "event_name"),
    "anonymousId": ("anonymousId", "anonymous_id", "visitor_id", "visitorid", "client_id"),
    "userId": ("userId", "user_id"),
    "timestamp": ("timestamp", "time", "event_time", "occurred_at"),
    "messageId": ("messageId", "message_id"),
    "type": ("type",),
}
NEEDED: Mapping[tuple[str, ...], str] = {
    ("event", "type"): '"event=COLUMN", or for all rows "event==Product Viewed"',
    ("anonymousId", "userId"): "anonymousId=COLUMN",
}
CONSTANT = "="
PROPERTY = "properties."


class CsvRows(Clickstream):
    """`--map event=action` names a column, `--map "event==Product Viewed"` a value for all rows."""

    name: ClassVar[str] = "csv"
    says: ClassVar[str] = (
        "any columns; --map field=column, --map properties.price=cost, --map event==Signed Up"
    )

    def check_columns(self, path: Path, found: Sequence[str], mapping: Mapping[str, str]) -> None:
        """What every row would be set aside for is said before the first is sent. Raises BadRequestError."""
        if not found:
            raise BadRequestError(wrong=f"{path} has no header row.")
        for field in mapping:
            if field not in FIELDS and not field.startswith(PROPERTY):
                known = ", ".join((*FIELDS, f"{PROPERTY}NAME"))
                raise BadRequestError(wrong=f"--map {field}=...: there is no such field; {known}.")
        for fields, example in NEEDED.items():
            if not any(_column(field, dict.fromkeys(found, ""), mapping) for field in fields):
                raise BadRequestError(
                    wrong=f"{path}: no column tells {' or '.join(fields)}; say which, such as --map {example}; "
                    f"it has: {', '.join(found)}."
                )

    def message_of(self, row: Row, mapping: Mapping[str, str]) -> Message:
        columns = {field: _column(field, row, mapping) for field in FIELDS}
        used = {column for column in columns.values() if column}
        renamed = {
            column: field.removeprefix(PROPERTY)
            for field, column in mapping.items()
            if field.startswith(PROPERTY)
        }
        message: Message = {field: _value(column, row) for field, column in columns.items() if column}
        message["timestamp"] = iso_of(str(message.get("timestamp", "")))
        message.setdefault("type", "track")
        message.setdefault("messageId", message_id_of(tuple(row.values())))
        message["properties"] = without_empty(
            {renamed.get(name, name): _typed(text) for name, text in row.items() if name not in used}
        )
        message["context"] = LIBRARY
        return without_empty(message)


def _column(field: str, row: Row, mapping: Mapping[str, str]) -> str:
    if field in mapping:
        column = mapping[field]
        if column not in row and not column.startswith(CONSTANT):
            raise BadRequestError(wrong=f"--map {field}={column}: there is no such column; {', '.join(row)}.")
        return column
    return next((column for column in USUAL[field] if column in row), "")


def _value(column: str, row: Row) -> str:
    return column.removeprefix(CONSTANT) if column.startswith(CONSTANT) else row[column]


def _typed(text: str) -> Any:
    number = number_of(text)
    return text if number is None or text.strip().lower() in {"nan", "inf", "-inf", "infinity"} else number

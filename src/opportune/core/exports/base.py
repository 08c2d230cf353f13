"""What an export is: rows of a shop's admin page, told as its webhooks would have told them, or as offers."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import ClassVar, Literal
from zoneinfo import ZoneInfo

import msgspec

from opportune.core.feeds.offer import Offer
from opportune.core.shops import Told

Kind = Literal["orders", "customers", "products"]
Row = Mapping[str, str]
Columns = tuple[str, ...]
"""Names one column goes by, the usual one first."""

_DAY_FIRST = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})(.*)")
_SLASHES = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})(.*)")
_CLOCKS = ("%Y-%m-%d %H:%M:%S %z", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d %I:%M %p", "%Y-%m-%d")
SUM_OF_REFUNDS = "-export"
"""How the id ends that stands for all refunds of an order, as an export has no others."""
AS_NUMBER = re.compile(r"\d+([.,]\d+)?E\+\d+", re.IGNORECASE)
"""What spreadsheets make of a long id."""


class Notes(msgspec.Struct, frozen=True, kw_only=True):
    """What the rows do not say: the zone of their clock, when they were exported, the source's prefix."""

    zone: ZoneInfo = ZoneInfo("UTC")
    exported_at: str = ""
    prefix: str = ""


class Export(ABC):
    """One platform's file of one kind. `needed` are the columns it cannot do without."""

    platform: ClassVar[str]
    label: ClassVar[str]
    kind: ClassVar[Kind]
    needed: ClassVar[tuple[Columns, ...]]

    def missing(self, header: Sequence[str]) -> list[str]:
        """The usual names of needed columns that are not there under any name."""
        found = {plain(column) for column in header}
        return [names[0] for names in self.needed if found.isdisjoint(map(plain, names))]


class TellingExport(Export):
    """Orders or customers."""

    @abstractmethod
    def tell(self, rows: Iterable[Row], notes: Notes) -> Iterator[Told]:
        """Each order's or customer's messages, or why there are none."""


class ProductExport(Export):
    """Products."""

    @abstractmethod
    def offers(self, rows: Iterable[Row]) -> Iterator[Offer]: ...


def plain(column: str) -> str:
    """How a column is compared: capitals, spaces, underscores and dashes do not matter."""
    return " ".join(column.replace("_", " ").replace("-", " ").split()).casefold()


def rows_of(header: Sequence[str], lines: Iterable[Sequence[str]]) -> Iterator[Row]:
    """Rows by plain column name."""
    names = [plain(column) for column in header]
    for line in lines:
        if any(cell.strip() for cell in line):
            yield dict(zip(names, line, strict=False))


def cell(row: Row, names: Columns) -> str:
    """The first of these columns that is not empty; an apostrophe that spreadsheets put before figures is not part."""
    for name in names:
        text = row.get(plain(name), "").strip()
        if text:
            return text.removeprefix("'")
    return ""


def moment(text: str, zone: ZoneInfo) -> str:
    """ISO-8601 for the ways exports write a moment; empty for what is none."""
    text = text.strip()
    if found := _DAY_FIRST.fullmatch(text):
        text = f"{found[3]}-{found[2]:0>2}-{found[1]:0>2}{found[4]}"
    elif found := _SLASHES.fullmatch(text):
        month, day = (found[2], found[1]) if int(found[1]) > 12 else (found[1], found[2])
        text = f"{found[3]}-{month:0>2}-{day:0>2}{found[4]}"
    at = _read_iso(text) or _read_clock(text)
    if at is None:
        return ""
    return (
        (at if at.tzinfo is not None else at.replace(tzinfo=zone))
        .astimezone(UTC)
        .isoformat()
        .replace("+00:00", "Z")
    )


def _read_iso(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _read_clock(text: str) -> datetime | None:
    for clock in _CLOCKS:
        try:
            return datetime.strptime(text, clock)  # noqa: DTZ007 - the zone is the export's, see `moment`
        except ValueError:
            continue
    return None


def digest_of(row: Row) -> str:
    """The same for the same row, whenever it is read."""
    return sha256("\x1f".join(row.values()).encode("utf-8", "replace")).hexdigest()[:16]


def is_yes(text: str) -> bool:
    return text.strip().casefold() in {"yes", "true", "1", "subscribed", "y", "ja"}

"""Comparing two stores that ought to hold the same: every row, and receipts decided again on both.

Rows are compared by counts and by sums of their hashes, which do not depend on the order a store reads them in;
both stores are read in full, page by page.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from heapq import heappush, heappushpop
from random import Random
from typing import NamedTuple
from zlib import crc32

import msgspec

from opportune.core.programme import empty_programme
from opportune.core.receipt import decode
from opportune.errors import OpportuneError
from opportune.services.explaining import replay_receipt
from opportune.services.house import House
from opportune.services.moving import PAGE_ROWS, Notice, Store
from opportune.storage.base import Storage
from opportune.storage.moving import MARK, TABLES, Row, Table, TableRows, Value

GROUPS = 256
"""Rows of a table are summed in so many groups, so that a differing one is found in a small part of them."""
MOST_NAMED = 3
SAMPLE = 25
"""As many of the newest receipts, and of all, are decided again."""
MOST_EXPOSURES = 100_000
EXPOSURES = next(table for table in TABLES if table.name == "exposures")


class Compared(NamedTuple):
    """What a comparison found: by table its rows and the sum of their hashes; and what differs, in words."""

    rows: dict[str, tuple[int, str]]
    receipts: int
    differences: tuple[str, ...]


class _Sums:
    """Of one table on one side."""

    def __init__(self, table: Table) -> None:
        self._places = table.key_places
        self.counts = [0] * GROUPS
        self.sums = [0] * GROUPS

    def add(self, row: Row) -> None:
        group = group_of(row, self._places)
        self.counts[group] += 1
        digest = blake2b(msgspec.json.encode(row), digest_size=16).digest()
        self.sums[group] = (self.sums[group] + int.from_bytes(digest)) % 2**128

    @property
    def total(self) -> tuple[int, str]:
        return sum(self.counts), f"{sum(self.sums) % 2**128:032x}"


def group_of(row: Row, key_places: tuple[int, ...]) -> int:
    return crc32(msgspec.json.encode([row[place] for place in key_places])) % GROUPS


class _Sample:
    """The newest exposures with a receipt, and some of all."""

    def __init__(self, random: Random) -> None:
        self._seq, self._receipt = EXPOSURES.places_of(("seq", "receipt"))
        self._random = random
        self._newest: list[tuple[int, int, Row]] = []
        self._some: list[Row] = []
        self._seen = 0

    def offer(self, row: Row) -> None:
        if not row[self._receipt]:
            return
        self._seen += 1
        kept = (int(row[self._seq] or 0), self._seen, row)
        if len(self._newest) < SAMPLE:
            heappush(self._newest, kept)
            self._some.append(row)
            return
        heappushpop(self._newest, kept)
        place = self._random.randrange(self._seen)
        if place < SAMPLE:
            self._some[place] = row

    @property
    def rows(self) -> list[Row]:
        by_seq = {row[self._seq]: row for row in (*(row for _, _, row in self._newest), *self._some)}
        return list(by_seq.values())


def compare(source: Store, target: Store, notice: Notice, random: Random) -> Compared:
    """Every row on both sides, and a sample of receipts decided again on both."""
    total = sum(store.tables.count(table) for store in (source, target) for table in TABLES)
    found: dict[str, tuple[int, str]] = {}
    differences: list[str] = []
    sample = _Sample(random)
    done = 0
    for table in TABLES:
        ours, theirs = _Sums(table), _Sums(table)
        for store, sums in ((source, ours), (target, theirs)):
            for row in rows_of(store.tables, table):
                sums.add(row)
                if table is EXPOSURES and store is source:
                    sample.offer(row)
                done += 1
                notice(done, total)
        found[table.name] = ours.total
        differences += _differences(source, target, table, ours, theirs)
    differences += [text for row in sample.rows for text in _receipts_differ(source, target, row)]
    return Compared(found, len(sample.rows), tuple(differences))


def rows_of(tables: TableRows, table: Table) -> Iterator[Row]:
    """All of a table but the move's own mark."""
    after = None
    while (page := tables.read(table, after, PAGE_ROWS)).rows:
        for row in page.rows:
            if table.name != "settings" or row[0] != MARK:
                yield row
        after = page.after


def _differences(source: Store, target: Store, table: Table, ours: _Sums, theirs: _Sums) -> Iterator[str]:
    if ours.total == theirs.total:
        return
    (here, _), (there, _) = ours.total, theirs.total
    if here == there:
        yield f"{table.name}: {here:,} rows on both sides, with differing checksums"
    else:
        yield f"{table.name}: {here:,} rows in the source, {there:,} in the target"
    group = next(
        number
        for number in range(GROUPS)
        if (ours.counts[number], ours.sums[number]) != (theirs.counts[number], theirs.sums[number])
    )
    known, moved = (_rows_of_group(store.tables, table, group) for store in (source, target))
    differing = [key for key in (known | moved) if known.get(key) != moved.get(key)]
    for key in differing[:MOST_NAMED]:
        named = ", ".join(f"{name} {value!s}" for name, value in zip(table.key, key, strict=True))
        yield f"  {named}: {_difference(table, known.get(key), moved.get(key))}"


def _rows_of_group(tables: TableRows, table: Table, group: int) -> dict[tuple[Value, ...], list[Value]]:
    places = table.key_places
    return {
        tuple(row[place] for place in places): list(row)
        for row in rows_of(tables, table)
        if group_of(row, places) == group
    }


def _difference(table: Table, known: Row | None, moved: Row | None) -> str:
    if known is None:
        return "only in the target"
    if moved is None:
        return "missing in the target"
    columns = [name for name, ours, theirs in zip(table.columns, known, moved, strict=True) if ours != theirs]
    return f"differs in {', '.join(columns)}"


# -- receipts -------------------------------------------------------------------------------------


def _receipts_differ(source: Store, target: Store, row: Row) -> Iterator[str]:
    """Both sides find the exposure as a server would, and decide again with their own playbooks."""
    sought = dict(zip(EXPOSURES.columns, row, strict=True))
    ours, theirs = (_decide_again(store.storage, sought) for store in (source, target))
    if ours != theirs:
        named = ", ".join(f"{name} {sought[name]!s}" for name in EXPOSURES.key)
        yield f"receipt of {named}: decided again, the target says something else"


def _decide_again(storage: Storage, sought: dict[str, Value]) -> tuple[bytes, bytes]:
    """The receipt as it was kept and as it comes out today."""
    identity = ("subject", "slot", "rule", "rule_hash", "arm", "session")
    for exposure in storage.list_exposures([int(sought["unit"] or 0)], limit=MOST_EXPOSURES):
        if all(getattr(exposure, name) == sought[name] for name in identity):
            house = House(storage=storage, clock=lambda: 0, secret=b"", programme=empty_programme())
            try:
                return exposure.receipt, replay_receipt(house, decode(exposure.receipt)).again
            except (
                OpportuneError,
                msgspec.MsgspecError,
                LookupError,
            ) as error:  # an older version's, or its playbook
                return exposure.receipt, str(error).encode()
    return b"", b"no exposure"

"""What is asked of a store, and kept in it, to measure an experiment: values that every adapter gives alike."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from opportune.core.experiments.measured import Cell, CellSums, Measured
from opportune.core.history.key import LANES
from opportune.core.statistics.moments import Moments

LanesAsked = tuple[int, int]
"""From a lane up to another, which is not among them."""
ALL_LANES: LanesAsked = (0, LANES)


class ExposedQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Whom to find: units exposed to a rule (the programme's name is empty) with `since_at <= first_at < until_at`.

    `first_at` is counted in stretches of `stretch_ms`, from which days of any time zone are put together. `phase` is
    the experiment's only one, as far as anybody knows: whoever was assigned in another one is found all the same.
    """

    experiment: str
    rule: str
    since_at: int
    until_at: int
    stretch_ms: int
    phase: int | None = None


class ExposedGroup(msgspec.Struct, frozen=True):
    """So many units that differ in nothing that counts: assigned and exposed alike, first in the same stretch."""

    phase: int
    arm: str
    stretch: int
    is_shown: bool
    units: int


class ExposedUnit(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One unit by itself. `phase` and `arm` are what it was assigned first, None where nothing was.

    `first_arm` and `last_arm` are the arms it was exposed to, in alphabetical order: the same, unless something
    went wrong. `first_at` and `seq` are the smallest of its exposures'.
    """

    key: int
    phase: int | None
    arm: str | None
    first_arm: str
    last_arm: str
    first_at: int
    seq: int
    is_shown: bool


class Exposed(msgspec.Struct, frozen=True):
    """Everybody exposed: those asked for and those that are odd one by one, all others counted."""

    groups: Sequence[ExposedGroup]
    units: Sequence[ExposedUnit]


GroupRow = tuple[int, str, int, int, int]
"""A group's values in the order of its fields."""

read_unit = msgspec.json.Decoder(ExposedUnit, strict=False).decode


def exposed_of(rows: Iterable[tuple[Any, ...]]) -> Exposed:
    """From rows (phase, arm, stretch, is shown, unit as JSON or None, count)."""
    groups, units = [], []
    for phase, arm, stretch, is_shown, unit, count in rows:
        if unit is None:
            groups.append(ExposedGroup(phase, arm, stretch, bool(is_shown), count))
        else:
            units.append(read_unit(unit))
    return Exposed(groups, units)


SumsRow = tuple[int, str, str, str, int, str]
"""A cell's phase, arm, day and part, its units, and its sums as JSON."""


def rows_of(cells: Mapping[Cell, CellSums]) -> dict[Cell, SumsRow]:
    """As they are stored."""
    return {
        cell: (cell.phase, cell.arm, cell.day, cell.part, sums.units, write_sums(sums))
        for cell, sums in cells.items()
    }


def cells_of(rows: Iterable[SumsRow]) -> dict[Cell, CellSums]:
    """And back."""
    return {Cell(*row[:4]): read_sums(row[4], row[5]) for row in rows}


def write_sums(sums: CellSums) -> str:
    """As JSON text with whole numbers of any size."""
    kept = {
        "by_metric": {name: _kept(each) for name, each in sorted(sums.by_metric.items())},
        "raw": {name: _kept(each) for name, each in sorted(sums.raw.items())},
        "largest": dict(sorted(sums.largest.items())),
    }
    return json.dumps(kept, separators=(",", ":"))


def _kept(moments: Moments) -> dict[str, object]:
    return {name: value for name, value in msgspec.structs.asdict(moments).items() if value}


def read_sums(units: int, text: str) -> CellSums:
    kept = json.loads(text)
    return CellSums(
        units=units,
        by_metric={name: Moments(**each) for name, each in kept["by_metric"].items()},
        raw={name: Moments(**each) for name, each in kept["raw"].items()},
        largest=kept["largest"],
    )


MeasuredRow = tuple[str, int, int, bool, str]
"""An experiment, when and as of which commit it was measured, whether for good, and who was not counted, as JSON."""


def row_of(measured: Measured) -> MeasuredRow:
    kept = json.dumps(dict(sorted(measured.not_counted.items())))
    return measured.experiment, measured.made_at, measured.seq, measured.is_frozen, kept


def measured_of(row: Sequence[Any], cells: Iterable[SumsRow]) -> Measured:
    experiment, made_at, seq, is_frozen, not_counted = row
    return Measured(
        experiment=experiment,
        made_at=made_at,
        seq=seq,
        cells=cells_of(cells),
        not_counted=json.loads(not_counted),
        is_frozen=bool(is_frozen),
    )

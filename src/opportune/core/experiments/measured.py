"""Measured: an experiment's sums by day of first exposure, which add up, and how one unit's outcome is added.

Everything here is a pure function of a unit's first exposure and of its person's events. Days, parts and re-counts
add up to the same numbers in whatever order they come; money and counts stay integers, so sums are exact.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import msgspec

from opportune.core.history.timeline import TimelineEvent
from opportune.core.statistics.moments import NO_UNITS, Moments
from opportune.core.visitor.user_agent import agent_of, device_type_of

EVERYBODY, SHOWN, CLICKED, CROSSED = "", "shown", "clicked", "crossed"
"""Parts of the units: all as assigned, those who had it on screen, clicked in it, or were seen in two arms."""

DEVICES = {"mobile": "phone", "tablet": "tablet", "desktop": "desktop"}
BROWSERS = ("Edge", "Firefox", "Samsung", "Chrome", "Safari")
"""Told apart by these words in what the user agent calls itself; every other one is called other."""

WITHOUT_ARM = "exposure without a version"
UNKNOWN_ARM = "a version this test does not have"
UNASSIGNED = "exposure without an assignment"
"""Why an exposed visitor cannot be counted."""


class Measure(Protocol):
    """What this module asks of a metric."""

    @property
    def name(self) -> str: ...

    @property
    def is_ratio(self) -> bool: ...

    def value(self, first_at: int, happened: Sequence[TimelineEvent]) -> tuple[int, int]: ...

    def before(self, first_at: int, happened: Sequence[TimelineEvent]) -> tuple[int, int]: ...


class Cell(msgspec.Struct, frozen=True, order=True):
    """Units of one arm in one phase that were first exposed on one day (`2026-11-22`) of the team's zone."""

    phase: int
    arm: str
    day: str
    part: str = EVERYBODY


class CellSums(msgspec.Struct, frozen=True, kw_only=True):
    """Sums over the units of a cell, by metric: as they are analysed (capped where a cap is set), and raw.

    `raw` holds only metrics that have a cap; `largest` is the largest single value before capping.
    """

    units: int = 0
    by_metric: Mapping[str, Moments] = {}
    raw: Mapping[str, Moments] = {}
    largest: Mapping[str, int] = {}

    def __add__(self, other: CellSums) -> CellSums:
        return CellSums(
            units=self.units + other.units,
            by_metric=_added(self.by_metric, other.by_metric),
            raw=_added(self.raw, other.raw),
            largest={
                name: max(each.get(name, 0) for each in (self.largest, other.largest))
                for name in {**self.largest, **other.largest}
            },
        )


NO_SUMS = CellSums()


def _added(left: Mapping[str, Moments], right: Mapping[str, Moments]) -> dict[str, Moments]:
    return {name: left.get(name, NO_UNITS) + right.get(name, NO_UNITS) for name in {**left, **right}}


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """Everything an experiment's report is made from, as of a moment and a commit.

    `not_counted` says by reason how many exposed visitors could not be counted. `is_frozen`: the last window has
    closed, and the sums stay whatever happens to the events.
    """

    experiment: str
    made_at: int = 0
    seq: int = 0
    cells: Mapping[Cell, CellSums] = {}
    not_counted: Mapping[str, int] = {}
    is_frozen: bool = False

    def total(
        self,
        arm: str,
        *,
        part: str = EVERYBODY,
        phase: int | None = None,
        until_day: str | None = None,
    ) -> CellSums:
        """The sums of an arm, of all phases or one, with days up to and including `until_day`."""
        found = NO_SUMS
        for cell, sums in self.cells.items():
            if (
                cell.arm == arm
                and cell.part == part
                and phase in (None, cell.phase)
                and (until_day is None or cell.day <= until_day)
            ):
                found += sums
        return found


class Unit(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A visitor in a test: the key first exposed, with its first exposure. `seq` is that of the earliest record."""

    key: int
    phase: int
    arm: str
    first_at: int
    seq: int
    is_shown: bool = False
    is_crossed: bool = False

    @property
    def order(self) -> tuple[int, int, int]:
        return self.first_at, self.seq, self.key


def together(units: Iterable[Unit]) -> Unit:
    """Several units that turned out to be one person: the first one counts, shown if any was."""
    ordered = sorted(units, key=lambda unit: unit.order)
    first = ordered[0]
    return msgspec.structs.replace(
        first,
        is_shown=any(unit.is_shown for unit in ordered),
        is_crossed=any(unit.is_crossed or unit.arm != first.arm for unit in ordered),
    )


class Looked(msgspec.Struct, frozen=True):
    """What a visitor looked with, as the context of a request recorded it."""

    device_type: str = ""
    user_agent: str = ""


def device_parts(looked: Looked) -> tuple[str, ...]:
    """`device phone` and `browser Safari`; nothing where nothing was said."""
    device = DEVICES.get(looked.device_type or device_type_of(looked.user_agent))
    browser = agent_of(looked.user_agent).browser
    family = next((name for name in BROWSERS if name in browser), "other") if browser else ""
    return tuple(f"{kind} {name}" for kind, name in (("device", device), ("browser", family)) if name)


def is_device_part(part: str) -> bool:
    return part.startswith(("device ", "browser "))


Values = tuple[int, int, int, int]
"""Numerator and denominator of the outcome, numerator and denominator of the time before."""


def values_of(metric: Measure, first_at: int, events: Sequence[TimelineEvent]) -> Values:
    """One unit's outcome from its person's events, oldest first; a denominator only where the metric has one."""
    y, d = metric.value(first_at, events)
    x, w = metric.before(first_at, events)
    return (y, d, x, w) if metric.is_ratio else (y, 0, x, 0)


def values_without_past(
    metric: Measure, first_at: int, events: Sequence[TimelineEvent], nothing: Values
) -> Values:
    """The same of whom nothing is known from before; `nothing` is what the metric makes of no events at all."""
    y, d = metric.value(first_at, events)
    return (y, d if metric.is_ratio else 0, *nothing[2:])


class Adding:
    """Adds units up, by cell."""

    def __init__(self, metrics: Sequence[Measure], caps: Mapping[str, int]) -> None:
        self._metrics = metrics
        self._caps = caps
        self._nothing = [values_of(metric, 0, ()) for metric in metrics]
        self._units: dict[Cell, int] = defaultdict(int)
        self._quiet: dict[Cell, int] = defaultdict(int)
        self._sums: dict[Cell, list[_Sum]] = {}

    def add(self, unit: Unit, day: str, events: Sequence[TimelineEvent], parts: Iterable[str] = ()) -> None:
        """One unit with its person's events, oldest first. `parts` beside those the unit says itself."""
        cells = [Cell(unit.phase, unit.arm, day, part) for part in parts_of(unit, parts)]
        if not events:
            for cell in cells:
                self._quiet[cell] += 1
            return
        if events[0].occurred_at < unit.first_at:
            values = [values_of(metric, unit.first_at, events) for metric in self._metrics]
        else:
            values = [
                values_without_past(metric, unit.first_at, events, nothing)
                for metric, nothing in zip(self._metrics, self._nothing, strict=True)
            ]
        for cell in cells:
            self._units[cell] += 1
            for total, each in zip(self._sums_of(cell), values, strict=True):
                total.add(each)

    def add_quiet(self, unit: Unit, day: str, count: int, parts: Iterable[str] = ()) -> None:
        """Several units alike of which nothing that any metric reads ever happened."""
        for part in parts_of(unit, parts):
            self._quiet[Cell(unit.phase, unit.arm, day, part)] += count

    def cells(self) -> dict[Cell, CellSums]:
        """What was added up so far."""
        found: dict[Cell, CellSums] = {}
        for cell in sorted({*self._units, *self._quiet}):
            sums = self._sums_of(cell)
            quiet = self._quiet.get(cell, 0)
            for total, nothing in zip(sums, self._nothing, strict=True):
                total.add(nothing, quiet)
            self._quiet.pop(cell, None)
            self._units[cell] += quiet
            found[cell] = self._cell_sums(self._units[cell], sums)
        return found

    def _sums_of(self, cell: Cell) -> list[_Sum]:
        sums = self._sums.get(cell)
        if sums is None:
            sums = self._sums[cell] = [_Sum(self._caps.get(metric.name)) for metric in self._metrics]
        return sums

    def _cell_sums(self, units: int, sums: Sequence[_Sum]) -> CellSums:
        named = {metric.name: each for metric, each in zip(self._metrics, sums, strict=True)}
        return CellSums(
            units=units,
            by_metric={name: each.capped.moments() for name, each in named.items()},
            raw={name: each.raw.moments() for name, each in named.items() if name in self._caps},
            largest={name: each.largest for name, each in named.items()},
        )


def parts_of(unit: Unit, more: Iterable[str] = ()) -> list[str]:
    """Everybody is in the first one."""
    parts = [EVERYBODY, *more]
    if unit.is_shown:
        parts.append(SHOWN)
    if unit.is_crossed:
        parts.append(CROSSED)
    return parts


class _Sum:
    """Of one metric in one cell."""

    __slots__ = ("_cap", "capped", "largest", "raw")

    def __init__(self, cap: int | None) -> None:
        self._cap = cap
        self.capped = _Products()
        self.raw = _Products()
        self.largest = 0

    def add(self, values: Values, times: int = 1) -> None:
        y, d, x, w = values
        if times:
            self.largest = max(self.largest, y)
        if self._cap is None:
            self.capped.add(y, d, x, w, times)
        else:
            self.raw.add(y, d, x, w, times)
            self.capped.add(min(y, self._cap), d, min(x, self._cap), w, times)


class _Products:
    """Sums and sums of products of Python integers, which no size overflows."""

    __slots__ = ("_rows",)

    def __init__(self) -> None:
        self._rows: dict[Values, int] = defaultdict(int)

    def add(self, y: int, d: int, x: int, w: int, times: int) -> None:
        if times:
            self._rows[y, d, x, w] += times

    def moments(self) -> Moments:
        sums = dict.fromkeys(Moments.__struct_fields__, 0)
        for (y, d, x, w), n in self._rows.items():
            for name, value in (
                ("n", 1), ("y", y), ("yy", y * y), ("d", d), ("dd", d * d), ("yd", y * d), ("x", x), ("xx", x * x),
                ("yx", y * x), ("dx", d * x), ("w", w), ("ww", w * w), ("yw", y * w), ("dw", d * w), ("xw", x * w),
            ):  # fmt: skip
                sums[name] += n * value
        return Moments(**sums)

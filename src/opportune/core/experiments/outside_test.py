"""Outside test: somebody else's A/B test, read row by row, and the reading that our own conclusions are made of.

A row is a visitor or one visit; rows of one unit are summed (mean) or joined by "any" (proportion). A unit counts
for the arm it was in first, by time where there is one, else by the order of rows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Context, Decimal, InvalidOperation
from typing import Literal

import msgspec

from opportune.core.conclusion.reading import Measured, Phase, Reading
from opportune.core.statistics.moments import Moments, moments_of_units

Kind = Literal["proportion", "mean"]
MOST_ARMS = 20
MOST_PROBLEMS = 10
LARGEST_AMOUNT = Decimal(10) ** 15
SMALLEST_STEP = Decimal(10) ** -15
EXACT = Context(prec=120)
"""Enough for any sum of the largest amounts with the smallest steps: sums are exact."""
YES_NO = {"1": 1, "0": 0, "true": 1, "false": 0, "yes": 1, "no": 0, "y": 1, "n": 0, "t": 1, "f": 0}
YES_NO |= {"": 0, "1.0": 1, "0.0": 0}
MONEY_SIGN = re.compile(r"^(?:[A-Z]{3}|[€$£¥])\s*|\s*(?:[A-Z]{3}|[€$£¥])$")
GROUPED = re.compile(r"[+-]?\d{1,3}\.\d{3}")
"""With a point for a German thousand, without one for a little more than one."""
EARLIEST = 1e8
"""Of Unix times: 1973. Smaller numbers are something else, as the days of a spreadsheet."""


class Asked(msgspec.Struct, frozen=True):
    """One metric to analyse, from one column."""

    name: str
    column: str
    kind: Kind
    more_is_better: bool = True


class Columns(msgspec.Struct, frozen=True, kw_only=True):
    """Which columns say what; the first metric decides."""

    unit: str
    variant: str
    metrics: tuple[Asked, ...]
    before: str = ""
    time: str = ""

    def all(self) -> list[str]:
        named = [self.unit, self.variant, *(asked.column for asked in self.metrics), self.before, self.time]
        return [column for column in named if column]


class BadCell(Exception):  # noqa: N818 (caught where the row is known; it never leaves this module)
    """A cell that cannot be read, and what would be right."""


class _Unit(msgspec.Struct):
    arm: str
    since: float
    values: list[Decimal]
    before: Decimal | None
    has_crossed: bool = False


class OutsideTest:
    """Collects rows; `problems` are the first cells that could not be read, with their row. Then `reading`."""

    def __init__(self, columns: Columns, control: str) -> None:
        self.columns = columns
        self.control = control
        self.rows = 0
        self.problems: list[str] = []
        self.empty_cells = 0
        self.variants: set[str] = set()
        self._units: dict[str, _Unit] = {}
        self._grouped: dict[str, str] = {}
        self._with_comma: dict[str, str] = {}
        """By column, a cell that is one thing with decimal commas and another with points; and one with a comma."""
        self._first: float | None = None
        self._last: float | None = None

    def add(self, row: int, cells: Mapping[str, str]) -> bool:
        """One row; false once there are too many problems to read on."""
        self.rows += 1
        try:
            self._add(cells)
        except BadCell as problem:
            self.problems.append(f"row {row}: {problem}")
        return len(self.problems) < MOST_PROBLEMS

    def _add(self, cells: Mapping[str, str]) -> None:
        columns = self.columns
        unit = _needed(cells, columns.unit, "an id of the visitor")
        variant = _needed(cells, columns.variant, "the name of a version")
        self._note_variant(variant)
        at = _moment(cells, columns.time) if columns.time else 0.0
        values = [self._value(cells, asked) for asked in columns.metrics]
        before = self._amount(cells, columns.before) if columns.before and cells[columns.before] else None
        self._first = at if self._first is None else min(self._first, at)
        self._last = at if self._last is None else max(self._last, at)
        known = self._units.get(unit)
        if known is None:
            self._units[unit] = _Unit(variant, at, values, before)
            return
        self._join(known, variant, at, values, before)

    def _join(
        self, known: _Unit, variant: str, at: float, values: Sequence[Decimal], before: Decimal | None
    ) -> None:
        known.has_crossed = known.has_crossed or known.arm != variant
        if at < known.since:
            known.arm, known.since = variant, at
            known.before = before if before is not None else known.before
        if known.before is None:
            known.before = before
        for place, (asked, value) in enumerate(zip(self.columns.metrics, values, strict=True)):
            both = EXACT.add(known.values[place], value)
            known.values[place] = min(both, Decimal(1)) if asked.kind == "proportion" else both

    def _note_variant(self, variant: str) -> None:
        self.variants.add(variant)
        if len(self.variants) > MOST_ARMS:
            raise BadCell(
                f'"{self.columns.variant}" has more than {MOST_ARMS} different values; '
                "name the column that holds the version, as A and B"
            )

    def _value(self, cells: Mapping[str, str], asked: Asked) -> Decimal:
        text = cells[asked.column]
        self.empty_cells += not text
        if asked.kind == "mean":
            return self._amount(cells, asked.column)
        found = YES_NO.get(text.lower())
        if found is None:
            raise BadCell(
                f'"{asked.column}" is "{_short(text)}"; a proportion needs 1 or 0 (or yes and no, true and false), '
                "an amount is asked for with :mean"
            )
        return Decimal(found)

    def _amount(self, cells: Mapping[str, str], column: str) -> Decimal:
        text = cells[column] or "0"
        try:
            found = Decimal(text if text.isdecimal() else _plain(text, column))
        except InvalidOperation:
            raise BadCell(f'"{column}" is "{_short(text)}"; it needs a plain number, as 1234.5') from None
        if not found.is_finite():
            raise BadCell(f'"{column}" is "{_short(text)}"; leave the cell empty where there is no number')
        if found.copy_abs() > LARGEST_AMOUNT:
            raise BadCell(f'"{column}" is "{_short(text)}", larger than any real amount')
        self._compare_marks(text, column)
        return found.quantize(SMALLEST_STEP, context=EXACT).normalize(EXACT)

    def _compare_marks(self, text: str, column: str) -> None:
        """A column in which commas are decimal has thousands with points, or they are none: nobody can tell."""
        if text.rfind(",") > text.rfind("."):
            self._with_comma.setdefault(column, text)
        elif GROUPED.fullmatch(text):
            self._grouped.setdefault(column, text)
        if column in self._with_comma and column in self._grouped:
            both = f'"{self._grouped.pop(column)}" and "{_short(self._with_comma[column])}"'
            raise BadCell(f'"{column}" has {both}; write every number with a point, and none for thousands')

    @property
    def arms(self) -> tuple[str, ...]:
        """Control first, the others by name."""
        return (self.control, *sorted(self.variants - {self.control}))

    @property
    def units(self) -> int:
        return len(self._units)

    def counts(self) -> tuple[int, ...]:
        """Units of each arm."""
        return tuple(sum(unit.arm == arm for unit in self._units.values()) for arm in self.arms)

    def crossed(self) -> tuple[int, ...]:
        """Units of each arm that were also seen in another."""
        return tuple(
            sum(unit.has_crossed for unit in self._units.values() if unit.arm == arm) for arm in self.arms
        )

    def reading(self, expected: Sequence[float]) -> Reading:
        """A finished test: the first metric decides, the others are secondary."""
        measured = [self._measure(place) for place in range(len(self.columns.metrics))]
        crossed = self.crossed()
        days = 0
        if self.columns.time and self._first is not None and self._last is not None:
            days = int((self._last - self._first) // 86_400) + 1
        return Reading(
            arms=self.arms,
            deciding=measured[0],
            secondary=tuple(measured[1:]),
            without_crossover=self._measure(0, with_crossed=False) if any(crossed) else None,
            phases=(Phase(self.counts(), tuple(expected)),),
            crossover=crossed,
            days=days,
            planned_days=days,
        )

    def _measure(self, place: int, *, with_crossed: bool = True) -> Measured:
        asked = self.columns.metrics[place]
        units = [unit for unit in self._units.values() if with_crossed or not unit.has_crossed]
        scale = _scale([unit.values[place] for unit in units])
        before = _scale([unit.before or Decimal(0) for unit in units])
        arms = [[unit for unit in units if unit.arm == arm] for arm in self.arms]
        values = [[_whole(unit.values[place], scale) for unit in arm] for arm in arms]
        return Measured(
            metric=asked.name,
            kind=asked.kind,
            sort="count" if asked.kind == "proportion" else "amount",
            more_is_better=asked.more_is_better,
            arms=tuple(self._moments(arm, column, before) for arm, column in zip(arms, values, strict=True)),
            events=tuple(sum(value != 0 for value in column) for column in values),
            has_covariate=bool(self.columns.before),
            largest_share=max((_largest_share(column) for column in values), default=0.0)
            if asked.kind == "mean"
            else 0.0,
            scale=scale,
        )

    def _moments(self, arm: Sequence[_Unit], values: Sequence[int], scale: int) -> Moments:
        if not self.columns.before:
            return moments_of_units(values)
        return moments_of_units(values, before=[_whole(unit.before or Decimal(0), scale) for unit in arm])


def _needed(cells: Mapping[str, str], column: str, what: str) -> str:
    if not cells[column]:
        raise BadCell(f'"{column}" is empty; it needs {what}')
    return cells[column]


def _plain(text: str, column: str) -> str:
    """`€1.234,50`, `1,234.50 USD`, `1 234,5` as a number with a point; what may be two numbers is refused."""
    found = re.sub(r"[\s']", "", MONEY_SIGN.sub("", text)).replace("\N{MINUS SIGN}", "-")
    if "," not in found:
        return found.replace(".", "") if found.count(".") > 1 else found
    if "." in found:
        mark, thousands = (",", ".") if found.rfind(",") > found.rfind(".") else (".", ",")
        return found.replace(thousands, "").replace(mark, ".")
    if found.count(",") > 1:
        return found.replace(",", "")
    if re.fullmatch(r"[+-]?\d{1,3},\d{3}", found):
        raise BadCell(
            f'"{column}" is "{_short(text)}", which may be {found.replace(",", "")} or {found.replace(",", ".")}; '
            "write it without the comma, or with a point"
        )
    return found.replace(",", ".")


def _moment(cells: Mapping[str, str], column: str) -> float:
    """Seconds; a date, a date and time (UTC where it says no zone), or a Unix time in seconds or milliseconds."""
    text = _needed(cells, column, "a date or a time")
    try:
        return _unix(float(text))
    except ValueError:
        pass
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise BadCell(f'"{column}" is "{_short(text)}"; it needs a time, as 2026-11-23 14:05') from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def _unix(number: float) -> float:
    if not EARLIEST <= number < 1e14:
        raise ValueError("no Unix time")
    return number / 1_000 if number > 1e11 else number


def _scale(values: Sequence[Decimal]) -> int:
    """The smallest power of ten that makes all of them whole."""
    places = (-int(value.normalize(EXACT).as_tuple().exponent) for value in values)
    return int(10 ** max(0, max(places, default=0)))


def _whole(value: Decimal, scale: int) -> int:
    return int(EXACT.multiply(value, Decimal(scale)))


def _largest_share(values: Sequence[int]) -> float:
    total = sum(values)
    return min(1.0, max(values) / total) if len(values) > 1 and total > 0 else 0.0


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:40]}..."

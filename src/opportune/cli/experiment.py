"""`opportune experiment`: tests; `import` analyses one that was run elsewhere, with our own engine."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import msgspec

from opportune.cli.options import json_option
from opportune.cli.printing import counted, print_json, print_table
from opportune.core.conclusion import wording
from opportune.core.conclusion.concluding import STATE_WORDS, Conclusion, conclude
from opportune.core.conclusion.judging import ArmResult, estimate, judge_arms
from opportune.core.conclusion.reading import Measured, Reading
from opportune.core.experiments.outside_test import Asked, Columns, Kind, OutsideTest
from opportune.core.feeds.rows import table_rows
from opportune.core.report.plain import chance_words, often_words
from opportune.core.statistics.comparing import Comparison, Interval
from opportune.core.statistics.estimate import Estimate, Unanswerable
from opportune.core.statistics.relative import relative_once
from opportune.errors import BadRequestError

CHUNK_BYTES = 1 << 20
SPREADSHEETS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
UTF_16 = (b"\xff\xfe", b"\xfe\xff")
SEPARATOR_LINE = re.compile(r"sep=.?", re.IGNORECASE)
BAD_THING = re.compile(
    r"bounce|refund|return|cancel|complain|unsubscri|churn|error|exit|abandon|spam|cost|discount|slow|dismiss",
    re.IGNORECASE,
)
METRIC = re.compile(r"(?P<name>[^=]+)=(?P<column>.+):(?P<kind>proportion|mean)")


@click.group()
def experiment() -> None:
    """Tests: analyse one that was run elsewhere."""


@experiment.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--unit", required=True, metavar="COLUMN", help="Whom a row is about: the visitor's id.")
@click.option("--variant", required=True, metavar="COLUMN", help="Which version they saw.")
@click.option("--control", required=True, metavar="VALUE", help="The version the others are compared with.")
@click.option(
    "--metric",
    "metrics",
    required=True,
    multiple=True,
    metavar="NAME=COLUMN:proportion|mean",
    help="What is counted; the first one decides. Again for more.",
)
@click.option(
    "--less-is-better",
    "less",
    multiple=True,
    metavar="NAME",
    help="A metric of which less is better, as bounces or refunds. Again for more.",
)
@click.option(
    "--pre",
    default="",
    metavar="COLUMN",
    help="A number known before the test, as money spent earlier: less is left to chance.",
)
@click.option(
    "--time", default="", metavar="COLUMN", help="When; a visitor counts for the version seen first."
)
@click.option(
    "--expect",
    default="",
    metavar="A:B",
    help="The split that was planned, control first, the others by name; equal without it.",
)
@json_option
def import_test(
    *,
    file: Path,
    unit: str,
    variant: str,
    control: str,
    metrics: tuple[str, ...],
    less: tuple[str, ...],
    pre: str,
    time: str,
    expect: str,
    as_json: bool,
) -> None:
    """Analyse an A/B test that was run elsewhere, from a CSV FILE.

    One row is a visitor or a visit: rows of one visitor are added up. Nothing is stored.
    """
    columns = Columns(
        unit=unit,
        variant=variant,
        metrics=_metrics(metrics, less),
        before=pre,
        time=time,
    )
    test = read_test(file, columns, control)
    reading = test.reading(_shares(expect, test.arms))
    found = conclude(reading)
    found = msgspec.structs.replace(found, notes=(*found.notes, *_notes(test, found, expect)))
    if as_json:
        print_json(told(test, reading, found))
    else:
        _print(test, reading, found)


def read_test(file: Path, columns: Columns, control: str) -> OutsideTest:
    """The test in a file, read as a stream. Raises BadRequestError that says which rows are wrong, and how."""
    rows = enumerate(table_rows(_chunks(file), file.name), 1)
    header = _header(rows)
    if not any(header):
        raise BadRequestError(wrong=f"{file.name} is empty; it needs a header with the names of its columns.")
    missing = [column for column in dict.fromkeys(columns.all()) if column not in header]
    if missing:
        listed = " and no column ".join(f'"{column}"' for column in missing)
        has = ", ".join(header[:30])
        raise BadRequestError(wrong=f"{file.name} has no column {listed}; it has: {has}.")
    test = OutsideTest(columns, control)
    wanted = {column: header.index(column) for column in columns.all()}
    for number, row in rows:
        if not any(row):
            continue
        cells = {column: row[at].strip() if at < len(row) else "" for column, at in wanted.items()}
        if not test.add(number, cells):
            break
    _check(test, file.name)
    return test


def _header(rows: Iterator[tuple[int, list[str]]]) -> list[str]:
    """The names of the columns; Excel's line about the separator is none of them."""
    for _, row in rows:
        cells = [cell.strip() for cell in row]
        if any(cells) and not SEPARATOR_LINE.fullmatch(cells[0]):
            return cells
    return []


def _check(test: OutsideTest, name: str) -> None:
    if test.problems:
        listed = "\n  ".join(test.problems)
        raise BadRequestError(wrong=f"{name} has rows that cannot be read (the header is row 1):\n  {listed}")
    if not test.rows:
        raise BadRequestError(wrong=f"{name} has a header and no rows.")
    alike = {variant.casefold(): variant for variant in sorted(test.variants)}
    for variant in sorted(test.variants):
        if alike[variant.casefold()] != variant:
            wrong = f'"{test.columns.variant}" has "{variant}" and "{alike[variant.casefold()]}": write them alike.'
            raise BadRequestError(wrong=wrong)
    seen = ", ".join(f'"{variant}"' for variant in sorted(test.variants))
    if test.control not in test.variants:
        raise BadRequestError(wrong=f'No row has the control "{test.control}"; the column has {seen}.')
    if len(test.variants) < 2:
        raise BadRequestError(wrong=f"Every row has the version {seen}; a comparison needs two.")


def _chunks(file: Path) -> Iterator[bytes]:
    """The file's text in UTF-8, whatever a spreadsheet saved it in."""
    encoding = _encoding_of(file)
    with file.open(encoding=encoding, errors="replace", newline="") as stream:
        while chunk := stream.read(CHUNK_BYTES):
            yield chunk.encode()


def _encoding_of(file: Path) -> str:
    """UTF-8, what Excel calls Unicode text, or else what it saves a CSV in on Windows."""
    with file.open("rb") as stream:
        start = stream.read(4)
    if start.startswith(SPREADSHEETS):
        wrong = f"{file.name} is a spreadsheet's own file; open it there and save it as CSV."
        raise BadRequestError(wrong=wrong)
    if start.startswith(UTF_16):
        return "utf-16"
    try:
        with file.open(encoding="utf-8-sig") as text:
            while text.read(CHUNK_BYTES):
                pass
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8-sig"


def _metrics(texts: Sequence[str], less: Sequence[str]) -> tuple[Asked, ...]:
    metrics = [_metric(text) for text in texts]
    names = [asked.name for asked in metrics]
    for name in less:
        if name not in names:
            raise click.BadParameter(
                f'"{name}" is no metric here; the names are {", ".join(names)}.',
                param_hint="--less-is-better",
            )
    return tuple(msgspec.structs.replace(asked, more_is_better=asked.name not in less) for asked in metrics)


def _metric(text: str) -> Asked:
    found = METRIC.fullmatch(text.strip())
    if found is None:
        raise click.BadParameter(
            f'"{text}" is no metric; write NAME=COLUMN:proportion or NAME=COLUMN:mean, '
            "as orders=converted:proportion.",
            param_hint="--metric",
        )
    kind: Kind = "proportion" if found["kind"] == "proportion" else "mean"
    return Asked(found["name"].strip(), found["column"].strip(), kind)


def _shares(expect: str, arms: Sequence[str]) -> list[float]:
    if not expect:
        return [1.0] * len(arms)
    try:
        shares = [float(part) for part in expect.split(":")]
    except ValueError:
        shares = []
    if len(shares) != len(arms) or any(not 0 < share < float("inf") for share in shares):
        raise click.BadParameter(
            f'"{expect}" is no split of {", ".join(arms)}; write one number above 0 for each, as '
            f"{':'.join(['1'] * len(arms))}.",
            param_hint="--expect",
        )
    return shares


def told(test: OutsideTest, reading: Reading, found: Conclusion) -> dict[str, Any]:
    """The whole analysis, for `--json`."""
    expected = reading.phases[0].shares
    rates = {(one.metric, one.arm): one.false_discovery for one in found.secondary}
    return {
        "state": found.state,
        "sentence": found.sentence,
        "nextStep": found.next_step,
        "winner": found.winner,
        "notes": list(found.notes),
        "mustCheckData": found.must_check_data,
        "rows": test.rows,
        "units": test.units,
        "arms": list(reading.arms),
        "control": test.control,
        "days": reading.days or None,
        "sampleRatio": {
            "counts": list(reading.phases[0].counts),
            "expected": [share / sum(expected) for share in expected],
            "chiSquare": found.trust.split.chi_square,
            "p": found.trust.split.p,
            "isOff": found.trust.is_split_off,
        },
        "crossover": {"units": list(reading.crossover), "share": found.trust.crossover_share},
        "metrics": [
            _told_metric(reading, measured, rates) for measured in (reading.deciding, *reading.secondary)
        ],
        "withoutCrossover": [_told_comparison(one, reading.deciding) for one in found.without_crossover],
    }


def _told_metric(
    reading: Reading, measured: Measured, rates: dict[tuple[str, str], float | None]
) -> dict[str, Any]:
    results = judge_arms(msgspec.structs.replace(reading, deciding=measured))
    return {
        "metric": measured.metric,
        "kind": measured.kind,
        "decides": measured is reading.deciding,
        "arms": [
            {"arm": arm, "n": sums.n, "mean": _mean(measured, place)}
            for place, (arm, sums) in enumerate(zip(reading.arms, measured.arms, strict=True))
        ],
        "comparisons": [
            {
                "arm": result.arm,
                "control": reading.arms[0],
                **_told_comparison(result.comparison, measured),
                **_told_beside(result, measured),
                "falseDiscovery": rates.get((measured.metric, result.arm)),
            }
            for result in results
        ],
    }


def _told_comparison(found: Comparison | Unanswerable, measured: Measured) -> dict[str, Any]:
    if isinstance(found, Unanswerable):
        return {"unanswerable": found.reason, "because": wording.REASONS[found.reason]}
    relative = relative_once(found)
    return {
        "difference": found.difference / measured.scale,
        "interval": _both(found.interval, measured.scale),
        "standardError": found.standard_error / measured.scale,
        "p": found.p,
        "relative": found.relative,
        "relativeInterval": None if relative is None else _both(relative),
    }


def _told_beside(result: ArmResult, measured: Measured) -> dict[str, Any]:
    valid = result.always_valid
    return {
        "pAdjusted": result.p_adjusted,
        "odds": result.odds,
        "alwaysValid": None
        if valid is None
        else {"interval": _both(valid.interval, measured.scale), "p": valid.p},
        "varianceRemoved": result.variance_removed,
        "unadjusted": None if result.unadjusted is None else _told_comparison(result.unadjusted, measured),
    }


def _both(interval: Interval, scale: int = 1) -> list[float]:
    return [interval.low / scale, interval.high / scale]


def _mean(measured: Measured, place: int) -> float | None:
    arm = measured.arms[place]
    found = estimate(measured.kind, arm)
    if isinstance(found, Estimate):
        return found.value / measured.scale
    return arm.mean() / measured.scale if arm.n == 1 else None


def _notes(test: OutsideTest, found: Conclusion, expect: str) -> list[str]:
    notes = []
    if found.trust.is_split_off and not expect:
        notes.append("The split was taken to be equal; if another was planned, say so with --expect.")
    notes += [
        f'More of "{asked.name}" was taken to be better; if less is, add --less-is-better "{asked.name}".'
        for asked in test.columns.metrics
        if asked.more_is_better and BAD_THING.search(asked.name)
    ]
    if test.empty_cells:
        notes.append(f"{counted(test.empty_cells, 'empty cell')} counted as 0.")
    return notes


def _print(test: OutsideTest, reading: Reading, found: Conclusion) -> None:
    click.echo(f"{STATE_WORDS[found.state]}\n\n{found.sentence}\n{found.next_step}\n")
    for note in found.notes:
        click.echo(f"Note: {note}")
    days = f" over {counted(reading.days, 'day')}" if reading.days else ""
    click.echo(f"{wording.visitors(test.units)} in {test.rows:,} rows{days}.")
    click.echo(f"Split: {_split(reading)}; {chance_words(found.trust.split.p)}.")
    if sum(reading.crossover):
        click.echo(f"{wording.visitors(sum(reading.crossover))} saw more than one version.")
    if found.state == "do_not_trust":
        return
    for measured in (reading.deciding, *reading.secondary):
        click.echo("")
        _print_metric(reading, measured)


def _split(reading: Reading) -> str:
    counts = reading.phases[0].counts
    return ", ".join(f"{arm} {count:,}" for arm, count in zip(reading.arms, counts, strict=True))


def _print_metric(reading: Reading, measured: Measured) -> None:
    results = judge_arms(msgspec.structs.replace(reading, deciding=measured))
    rows: list[list[object]] = [
        [reading.arms[0], f"{measured.arms[0].n:,}", _number(_mean(measured, 0)), "", ""]
    ]
    for place, result in enumerate(results, 1):
        effect = wording.effect_alone(result, measured)
        often = often_words(result.comparison.p) if isinstance(result.comparison, Comparison) else ""
        rows.append(
            [result.arm, f"{measured.arms[place].n:,}", _number(_mean(measured, place)), effect, often]
        )
    print_table([measured.metric, "visitors", "a visitor", "effect", "chance alone does this"], rows)


def _number(value: float | None) -> str:
    return "-" if value is None else wording.figures(value)

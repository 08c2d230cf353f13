"""`opportune report`: is it earning, and what a rule's test lets us conclude; in one screen, as JSON or as a page."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from opportune.app.clock import now_ms
from opportune.app.report_pages import overview_html, report_html
from opportune.cli.options import json_option, place_option
from opportune.cli.printing import print_json
from opportune.cli.reading_at import read_at
from opportune.core.report.parts import ArmValue, Conclusion, Coverage, Line, Overview, Report
from opportune.errors import BadRequestError
from opportune.process.place import Place
from opportune.services.experiments import reporting

WIDEST = 100
BAR = 30


@click.command()
@click.argument("rule", required=False)
@place_option
@json_option
@click.option(
    "--html",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a page into FILE that needs nothing else: to read on a phone, to print, to send.",
    metavar="FILE",
)
@click.option("--fresh", is_flag=True, help="Derive everything from the events now; may take a while.")
def report(*, rule: str | None, place: Place, as_json: bool, file: Path | None, fresh: bool) -> None:
    """Say whether it earns, or what the test of RULE lets you conclude.

    Without RULE: everything we personalize, then every test with its state and date. RULE may be `programme`.
    """
    if not place.database and not place.folder.exists:
        wrong = f"There is no installation in {place.data}. Name its folder with --data, or its --database."
        raise BadRequestError(wrong=wrong)
    if rule is not None and not rule.strip():
        raise BadRequestError(wrong="Name a rule, or leave it out for all of them.")
    if fresh and sys.stderr.isatty():
        click.echo("Counting the events anew ...", err=True)
    now = now_ms()
    with read_at(place) as storage:
        found: Report | Overview = (
            reporting.report(storage, rule, now, fresh=fresh)
            if rule
            else reporting.overview(storage, now, fresh=fresh)
        )
    if file is not None:
        _write(file, report_html(found) if isinstance(found, Report) else overview_html(found))
    elif as_json:
        print_json(found)
    else:
        lines = _report_lines(found) if isinstance(found, Report) else _overview_lines(found)
        click.echo("\n".join(lines))


def _write(file: Path, html: str) -> None:
    try:
        file.write_text(html, encoding="utf-8")
    except OSError as error:
        raise BadRequestError(wrong=f"Cannot write {file}: {error.strerror}.") from None
    click.echo(f"Wrote {file}")


def _report_lines(found: Report) -> Iterable[str]:
    yield f"{found.title}{f', {found.run_state}' if found.run_state else ''}"
    if found.sentence and found.sentence != found.title:
        yield from _wrapped(found.sentence)
    yield ""
    yield from _verdict(found.conclusion)
    for warning in found.warnings:
        yield from _wrapped(f"Check this: {warning}")
    for reading in (*(limit.reading for limit in found.harm), found.main):
        if reading:
            yield ""
            yield from _bars(reading.arms)
            yield from _wrapped(_after_colon(reading.words))
    if found.directional:
        yield ""
        yield from _wrapped(found.directional.words)
    rows = list(_rows(found))
    if rows:
        yield ""
        widest = max(len(name) for name, _ in rows)
        for name, words in rows:
            yield from _wrapped(words, first=f"{name.ljust(widest)}  ")
    if found.main:
        yield ""
        name = found.rule or reporting.PROGRAMME
        yield f'Pictures, segments and the plan: opportune report "{name}" --html report.html'


def _after_colon(words: str) -> str:
    """The bars above say the values already."""
    _, found, change = words.partition(": ")
    return f"{change[:1].upper()}{change[1:]}" if found else words


def _rows(found: Report) -> Iterable[tuple[str, str]]:
    if found.people:
        yield "Who was in", found.people_words
        for arm in found.people:
            shown = "" if arm.shown is None else f", {arm.shown:,} shown"
            clicked = "" if arm.clicked is None else f", {arm.clicked:,} clicked"
            yield "", f"{arm.label}: {arm.decided:,} decided{shown}{clicked}"
    for limit in found.safety:
        yield "Safety limit", f"{limit.state}: {limit.metric}. {limit.words}"
    for split in found.splits:
        yield "Split", f"{'off' if split.is_off else 'as planned'}. {split.words}"
    if found.splits_together:
        yield "", f"off. {found.splits_together}"
    if found.largest:
        yield "Largest", found.largest.words
    if found.narrower:
        yield "Narrower", found.narrower
    if found.erased:
        yield "Erased", found.erased
    for line in found.earlier:
        yield "Earlier", f"{line.conclusion.state}, {line.conclusion.date_words}. {line.conclusion.sentence}"
    if found.coverage:
        yield from _coverage(found.coverage)


def _coverage(coverage: Coverage) -> Iterable[tuple[str, str]]:
    yield "Seen", coverage.words
    for each in coverage.blind:
        yield "Not seen", each


def _overview_lines(found: Overview) -> Iterable[str]:
    yield f"{found.team}: is it earning?"
    if found.goal_words:
        yield f"The goal: {found.goal_words}"
    yield ""
    if found.programme:
        yield from _verdict(found.programme.conclusion)
        if found.programme.main:
            yield ""
            yield from _bars(found.programme.main.arms)
            yield from _wrapped(_after_colon(found.programme.main.words))
    else:
        yield from _wrapped(
            "There is no control group: whether all of it earns anything cannot be told. "
            "Write control group: 10% into team.yaml, and publish."
        )
    for heading, lines in (("Tests", found.tests), ("Rules without a test", found.untested)):
        if lines:
            yield ""
            yield heading
            for line in lines:
                yield from _test(line)
    for hidden in found.hidden:
        yield from _wrapped(hidden.words)
    if found.coverage:
        yield ""
        for name, words in _coverage(found.coverage):
            yield from _wrapped(words, first=f"{name}: ")
    yield ""
    yield "One of them whole: opportune report RULE. As a page: opportune report --html report.html"


def _test(line: Line) -> Iterable[str]:
    state = f" ({line.run_state})" if line.run_state else ""
    yield f"  {line.title}{state}: {line.conclusion.state}"
    yield from _wrapped(line.conclusion.sentence, first="    ")


def _verdict(conclusion: Conclusion) -> Iterable[str]:
    state = conclusion.state[:1].upper() + conclusion.state[1:]
    yield f"[{state}]{f' {conclusion.date_words}' if conclusion.date_words else ''}"
    yield from _wrapped(conclusion.sentence)
    if conclusion.next_step:
        yield from _wrapped(conclusion.next_step, first="Next: ")


def _bars(arms: Sequence[ArmValue]) -> Iterable[str]:
    most = max((arm.value or 0.0 for arm in arms), default=0.0)
    labels, words = (
        max(len(text) for text in texts) for texts in zip(*((a.label, a.words) for a in arms), strict=True)
    )
    for arm in arms:
        share = max(0.0, arm.value or 0.0) / most if most > 0 else 0.0
        yield f"{arm.label.ljust(labels)}  {arm.words.ljust(words)}  {'#' * round(share * BAR)}".rstrip()


def _wrapped(words: str, first: str = "") -> list[str]:
    width = min(WIDEST, shutil.get_terminal_size((WIDEST, 24)).columns)
    return textwrap.wrap(words, max(40, width), initial_indent=first, subsequent_indent=" " * len(first)) or [
        first
    ]

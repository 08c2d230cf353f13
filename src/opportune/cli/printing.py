"""How commands speak: results to standard output, progress and errors to standard error, one clear line each."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, NoReturn, TextIO

import click
import msgspec

from opportune.core.problem import Problem

EVERY_SECONDS_ON_A_TERMINAL = 0.2
EVERY_SECONDS_IN_A_LOG = 5.0


def fail(text: str, *, status: int = 1) -> NoReturn:
    """Ends the command with one line on standard error."""
    click.echo(f"opportune: {text}", err=True)
    raise SystemExit(status)


def counted(number: int, noun: str) -> str:
    """`1 rule`, `2 rules`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def print_json(content: Any) -> None:
    click.echo(msgspec.json.format(msgspec.json.encode(content), indent=2).decode())


def print_table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    cells = [[str(cell) for cell in row] for row in [headings, *rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(headings))]
    for row in cells:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


class Progress:
    """A running count: in place on a terminal, now and then a line in a log."""

    def __init__(self, word: str, stream: TextIO) -> None:
        self._word = word
        self._stream = stream
        self._is_terminal = stream.isatty()
        self._every = EVERY_SECONDS_ON_A_TERMINAL if self._is_terminal else EVERY_SECONDS_IN_A_LOG
        self._started = self._shown_at = time.monotonic()

    def show(self, count: int, of: int | None = None) -> None:
        now = time.monotonic()
        if now - self._shown_at < self._every:
            return
        self._shown_at = now
        total = f" of {of:,}" if of else ""
        rate = count / max(now - self._started, 0.001)
        end = "\r" if self._is_terminal else "\n"
        self._stream.write(f"{count:,}{total} {self._word} ({rate:,.0f}/s){' ' * 8}{end}")
        self._stream.flush()

    def end(self) -> None:
        if self._is_terminal:
            self._stream.write("\r" + " " * 60 + "\r")
            self._stream.flush()


def print_problems(problems: Sequence[Problem]) -> None:
    """Every problem of a playbook on a line of its own, on standard error."""
    for problem in problems:
        click.echo(f"{'warning: ' if problem.is_warning else ''}{problem}", err=True)

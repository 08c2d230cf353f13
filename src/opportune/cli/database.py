"""`opportune database`: where an installation keeps everything, and how that goes elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import SystemRandom
from typing import Any

import click

from opportune.app.moving import opened_for_moving
from opportune.cli.distribute import distribute
from opportune.cli.printing import Progress, counted, fail, print_table
from opportune.errors import BadRequestError, StorageBusyError
from opportune.process.place import Place, place_from
from opportune.services.comparing import Compared, compare
from opportune.services.moving import finish, move

AGAIN = "Nothing is lost: run the same command again, and it goes on where it stopped."


@click.group()
def database() -> None:
    """The store behind an installation: a folder's SQLite file, or a PostgreSQL database."""


database.add_command(distribute)


def _read_place(_context: click.Context, _option: click.Parameter, text: str) -> Place:
    try:
        return place_from(text)
    except BadRequestError as error:
        raise click.BadParameter(str(error)) from None


def _place_option(name: str, meaning: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return click.option(
        f"--{name}",
        f"{name}_place",
        required=True,
        metavar="PLACE",
        callback=_read_place,
        help=f"{meaning}: a data folder, or a postgresql:// URL.",
    )


@database.command("move")
@_place_option("from", "Where everything is")
@_place_option("to", "Where it goes, new or empty")
def move_command(*, from_place: Place, to_place: Place) -> None:
    """Copy everything to another place, and compare the two.

    Stop the servers first. Nothing changes at the source. Stopped half way, the same command goes on
    where it was. No server starts on a target that is not whole.
    """
    if from_place == to_place:
        raise click.UsageError("--from and --to are the same place.")
    if not (from_place.database or from_place.folder.exists):
        fail(f"There is no installation in {from_place.name}. Name its folder or URL with --from.")
    try:
        with opened_for_moving(from_place) as source, opened_for_moving(to_place) as target:
            with _progress("rows copied") as notice:
                rows = move(source, target, notice)
            with _progress("rows compared") as notice:
                compared = compare(source, target, notice, SystemRandom())
            if not compared.differences:
                finish(target)
    except StorageBusyError as error:
        fail(f"{error} {AGAIN}")
    _report(compared, rows, to_place)


def _report(compared: Compared, rows: int, target: Place) -> None:
    if compared.differences:
        for difference in compared.differences:
            click.echo(difference, err=True)
        fail("The two differ: somebody wrote to one of them meanwhile. Move again, into an empty place.")
    print_table(
        ["table", "rows", "checksum"],
        [[name, f"{count:,}", checksum] for name, (count, checksum) in compared.rows.items() if count],
    )
    receipts = counted(compared.receipts, "receipt")
    click.echo(f"Moved {rows:,} rows. Counts and checksums are the same on both sides, and {receipts}")
    click.echo("decided again on both came out the same, byte for byte. The source is as it was.")
    click.echo(f"Go on with: opportune serve {target.option}")


@contextmanager
def _progress(word: str) -> Iterator[Callable[[int, int], None]]:
    progress = Progress(word, sys.stderr)
    yield progress.show
    progress.end()

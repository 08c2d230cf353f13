"""`opportune restore FILE`: a backup becomes an installation again."""

from __future__ import annotations

from pathlib import Path

import click

from opportune.app.moving import restore as restore_folder
from opportune.cli.clock import zone_of
from opportune.cli.installation import reach
from opportune.cli.options import place_option
from opportune.cli.person import read_erasures
from opportune.cli.printing import counted, fail
from opportune.core.report.plain import moment_words
from opportune.process.place import Place


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@place_option
@click.option(
    "--erased",
    "lists",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="List of people erased since, as `opportune person erasures` writes it; erased.jsonl in the folder is "
    "found by itself.",
)
def restore(*, file: Path, place: Place, lists: tuple[Path, ...]) -> None:
    """Make a data folder from FILE, which `opportune backup` wrote.

    The file is checked first. A folder that holds something already is left alone. Whoever was erased since
    the backup is erased again, as far as a list says so.
    """
    if place.database:
        fail(
            "A backup is restored into a folder; `opportune database move` takes it from there to a database."
        )
    erasures = [erasure for path in lists for erasure in read_erasures(path)]
    contents, erased = restore_folder(file, place.folder, erasures)
    newest = _newest(place, contents.newest_at)
    click.echo(
        f"Restored {place.name}: {counted(contents.events, 'event')}{newest}; "
        f"{counted(contents.ids, 'id')} of visitors and users; "
        f"{counted(contents.playbooks, 'published playbook')}."
    )
    if erased is None:
        click.echo(
            "No list of erased people was found: whoever was erased since this backup is back. If you have"
        )
        click.echo("the list, run `opportune person erasures --apply LIST`.")
    else:
        click.echo(f"Erased again: {counted(erased, 'id')} of people who had been erased since the backup.")


def _newest(place: Place, newest_at: int | None) -> str:
    if newest_at is None:
        return ""
    with reach(place) as asked:
        return f", the newest of {moment_words(newest_at, zone_of(asked))}"

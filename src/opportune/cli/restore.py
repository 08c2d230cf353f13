"""`opportune restore FILE`: a backup becomes an installation again."""

from __future__ import annotations

from pathlib import Path

import click

from opportune.app import restore as restore_folder
from opportune.cli.options import place_option
from opportune.cli.printing import counted, fail
from opportune.core.moment import to_iso
from opportune.process.place import Place


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@place_option
def restore(*, file: Path, place: Place) -> None:
    """Make a data folder from FILE, which `opportune backup` wrote.

    The file is checked first. A folder that holds something already is left alone.
    """
    if place.database:
        fail(
            "A backup is restored into a folder; `opportune database move` takes it from there to a database."
        )
    contents = restore_folder(file, place.folder)
    newest = f", the newest of {to_iso(contents.newest_at)}" if contents.newest_at is not None else ""
    click.echo(
        f"Restored {place.name}: {counted(contents.events, 'event')}{newest}; "
        f"{counted(contents.ids, 'id')} of visitors and users; "
        f"{counted(contents.playbooks, 'published playbook')}."
    )

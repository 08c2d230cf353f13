"""`opportune backup FILE`: everything in one file, while the server goes on."""

from __future__ import annotations

from pathlib import Path

import click

from opportune.app.moving import back_up
from opportune.cli.options import place_option
from opportune.cli.printing import fail
from opportune.process.place import Place


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@place_option
def backup(*, file: Path, place: Place) -> None:
    """Copy everything into FILE.

    As of this moment, also beside a running server.

    `opportune restore` makes an installation from it again.
    """
    folder = place.folder
    if place.database:
        fail("A database is saved with PostgreSQL's own pg_dump; see docs/how/moving.md.")
    if not folder.exists:
        fail(f"There is no installation in {place.data}. Name its folder with --data.")
    if file.exists():
        fail(f"{file} exists already; name a new file.")
    file.parent.mkdir(parents=True, exist_ok=True)
    back_up(folder, file)
    click.echo(f"Wrote {file} ({file.stat().st_size:,} bytes). It holds customer data: keep it safe.")

"""`opportune database distribute`: one database over several machines, with Citus."""

from __future__ import annotations

import click

from opportune.app.moving import distribute_database
from opportune.process.place import check_database


@click.command()
@click.option(
    "--database",
    metavar="URL",
    envvar="OPPORTUNE_DATABASE",
    show_envvar=True,
    required=True,
    callback=lambda _context, _option, url: check_database(url),
    help="The cluster's coordinator, postgresql://user@host/name.",
)
def distribute(*, database: str) -> None:
    """Spread every table over the machines of a Citus cluster.

    Stop the servers first: each table is closed while its rows are sent. What is spread already stays as
    it is, so that the same command goes on where it stopped, and takes in tables of a newer version.
    """
    spread = 0
    for table in distribute_database(database):
        click.echo(f"spread {table}")
        spread += 1
    click.echo(f"{spread} tables were spread." if spread else "Every table is spread already.")

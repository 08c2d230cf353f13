"""`opportune recommendations`: what all visitors did with products, counted anew on demand."""

from __future__ import annotations

import click

from opportune.cli.installation import ask
from opportune.cli.options import place_option
from opportune.cli.printing import counted
from opportune.process.place import Place


@click.group()
def recommendations() -> None:
    """Lists of products: best sellers, also viewed, goes with."""


@recommendations.command()
@place_option
def rebuild(*, place: Place) -> None:
    """Count everything anew from the events.

    A server does it every night by itself. Do it after an import that went past a running server.
    """
    found = ask(place, "recommendations rebuild")
    click.echo(f"Counted {counted(found['products'], 'product')} and {counted(found['pairs'], 'pair')} anew.")

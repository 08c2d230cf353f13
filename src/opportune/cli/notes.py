"""`opportune notes`: what was switched off by itself, warnings, steps of slow launches, and what to look at."""

from __future__ import annotations

import click

from opportune.cli.clock import say_moment, zone_of
from opportune.cli.installation import reach
from opportune.cli.options import json_option, place_option
from opportune.cli.printing import print_json
from opportune.process.place import Place


@click.command()
@place_option
@click.option(
    "--limit", type=click.IntRange(1, 1_000), default=20, show_default=True, help="At most so many."
)
@click.option("--now", "is_now", is_flag=True, help="Look at all rules now instead of within a minute.")
@json_option
def notes(*, place: Place, limit: int, is_now: bool, as_json: bool) -> None:
    """What was switched off by itself, and what to look at.

    Newest first: rules switched off and why, warnings, steps of slow launches, broken conditions, stale feeds.
    """
    with reach(place) as ask:
        if is_now:
            ask("guard")
        found = ask("notes", limit=limit)
        zone = zone_of(ask)
    if as_json:
        print_json(found)
    elif not found:
        click.echo("No notes: nothing was switched off, and there is nothing to look at.")
    for note in [] if as_json else found:
        at = say_moment(note["at"], zone)
        click.echo(f"{at}  {note['kind']}  {note['words']}")
        if note["did"]:
            click.echo(f"{'':{len(at)}}  {note['did']}")

"""The switches of the whole installation: everything off, frozen; and what runs now."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import click

from opportune.cli.clock import say_moment, zone_of
from opportune.cli.installation import ask, reach
from opportune.cli.options import json_option, operator, place_option, reason_option
from opportune.cli.printing import counted, print_json
from opportune.process.place import Place


@click.command()
@place_option
@reason_option
def off(*, place: Place, reason: str) -> None:
    """Everything off: all places show normal content, at once."""
    ask(place, "off", reason=reason, by=operator())
    click.echo("Everything is off: every place shows its normal content. `opportune on` ends it.")


@click.command()
@place_option
def on(*, place: Place) -> None:
    """Everything on again."""
    ask(place, "on", by=operator())
    click.echo("Everything is on again, as it was.")


@click.command()
@place_option
@click.option("--from", "first", metavar="DAY", default="", help="The first frozen day; now when left out.")
@click.option("--until", "last", metavar="DAY", default="", help="The last one, such as 30 November 2026.")
@reason_option
def freeze(*, place: Place, first: str, last: str, reason: str) -> None:
    """Nothing changes until `unfreeze`, or for some days.

    No publishing, no launching, no step of a slow launch; harm still switches off.
    """
    ask(place, "freeze", first=first, last=last, reason=reason, by=operator())
    days = f"{f' from {first}' if first else ''}{f' until the end of {last}' if last else ''}"
    click.echo(f"Frozen{days}: nothing can be published or launched; pausing and `off` still can.")


@click.command()
@place_option
def unfreeze(*, place: Place) -> None:
    """Allow changes again."""
    ask(place, "unfreeze", by=operator())
    click.echo("Changes are allowed again.")


@click.command()
@place_option
@json_option
def status(*, place: Place, as_json: bool) -> None:
    """What runs in an installation now."""
    with reach(place) as asked:
        found = asked("status")
        zone = zone_of(asked)
    if as_json:
        print_json(found)
        return
    revision = found["revision"] or "none published"
    counts = f"{counted(found['rules'], 'rule')}, {counted(found['slots'], 'place')}"
    click.echo(f"playbook   {revision} ({counts})")
    for name in ("off", "frozen"):
        switch = found[name]
        click.echo(f"{name:<10} {_switched(switch, zone) if switch else 'no'}")


def _switched(switch: dict[str, Any], zone: ZoneInfo) -> str:
    begins, ends = switch["fromAt"], switch["untilAt"]
    days = f"from {say_moment(begins, zone)}" if begins else f"since {say_moment(switch['at'], zone)}"
    days += f" until {say_moment(ends, zone)}" if ends else ""
    reason = f": {switch['reason']}" if switch["reason"] else ""
    return f"{days}, by {switch['by']}{reason}"

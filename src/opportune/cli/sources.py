"""`opportune sources`: shops whose signed webhooks are believed."""

from __future__ import annotations

import click

from opportune.cli.clock import say_moment, zone_of
from opportune.cli.installation import ask, reach
from opportune.cli.options import json_option, operator, place_option
from opportune.cli.printing import print_json, print_table
from opportune.core.shops import SHOPS
from opportune.process.place import Place


@click.group()
def sources() -> None:
    """Shops that send orders, refunds and customers, signed."""


@sources.command("add")
@place_option
@click.argument("platform", type=click.Choice([shop.platform for shop in SHOPS]))
@click.option("--secret", required=True, help="What the shop signs its webhooks with.")
@click.option(
    "--name", default="", help="What to call it, with several shops; left out, the platform's name."
)
@click.option(
    "--prefix",
    default="",
    help="Put before its order and customer numbers, where two shops count alike, such as `de-`.",
)
@json_option
def add(*, place: Place, platform: str, secret: str, name: str, prefix: str, as_json: bool) -> None:
    """Believe a shop's webhooks, from now on."""
    source = ask(
        place,
        "sources add",
        may_make=True,
        platform=platform,
        secret=secret,
        name=name,
        prefix=prefix,
        by=operator(),
    )
    if as_json:
        print_json(source)
        return
    click.echo(
        f"Connected {source['name']!r}. Have it send its webhooks, as JSON, to YOUR-OPPORTUNE{source['path']}"
    )


@sources.command("list")
@place_option
@json_option
def list_(*, place: Place, as_json: bool) -> None:
    """List connected shops; their secrets are not shown."""
    with reach(place) as asked:
        found = asked("sources list")
        zone = zone_of(asked)
    if as_json:
        print_json(found)
        return
    if not found:
        click.echo("No shop is connected yet: opportune sources add shopify --secret SECRET")
        return
    headings = ("name", "platform", "prefix", "path", "since")
    rows = [
        (*(each[name] or "-" for name in headings[:4]), say_moment(each["addedAt"], zone)) for each in found
    ]
    print_table(headings, rows)


@sources.command("remove")
@place_option
@click.option("--name", required=True, help="The source's name.")
def remove(*, place: Place, name: str) -> None:
    """Believe a shop no more, at once."""
    ask(place, "sources remove", name=name, by=operator())
    click.echo(f"Removed {name!r}. End its webhooks in the shop too.")

"""`opportune keys`: who may talk to an installation."""

from __future__ import annotations

import click

from opportune.cli.clock import say_moment, zone_of
from opportune.cli.installation import ask, reach
from opportune.cli.options import json_option, operator, place_option
from opportune.cli.printing import print_json, print_table
from opportune.process.place import Place
from opportune.services.authorizing import SCOPES


@click.group()
def keys() -> None:
    """Keys with which sites and programs talk to the server."""


@keys.command("add")
@place_option
@click.option(
    "--kind",
    type=click.Choice(["write", "secret"]),
    required=True,
    help="write: public, for pages; secret: for servers.",
)
@click.option("--name", required=True, help="What uses it, such as `site` or `shop server`.")
@click.option("--value", default="", help="Its value, of at least 8 characters; left out, one is made.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    help=f"Of a secret key: {', '.join(SCOPES)}; all when left out.",
)
@json_option
def add(*, place: Place, kind: str, name: str, value: str, scopes: tuple[str, ...], as_json: bool) -> None:
    """Make a key and print its value, this once."""
    key = ask(
        place,
        "keys add",
        may_make=True,
        kind=kind,
        name=name,
        value=value,
        scopes=list(scopes),
        by=operator(),
    )
    if as_json:
        print_json(key)
        return
    click.echo(key["value"])
    if kind == "secret":
        click.echo("Keep it now: only a hash of it is stored, it cannot be shown again.", err=True)


@keys.command("list")
@place_option
@json_option
def list_(*, place: Place, as_json: bool) -> None:
    """List keys; of secret ones never the value."""
    with reach(place) as asked:
        found = asked("keys list")
        zone = zone_of(asked)
    if as_json:
        print_json(found)
        return
    rows = [
        (
            key["name"],
            key["kind"],
            " ".join(key["scopes"]) or "capture decide",
            key["value"] or "(hidden)",
            f"revoked {say_moment(key['revokedAt'], zone)}" if key["revokedAt"] else "in force",
        )
        for key in found
    ]
    print_table(("name", "kind", "scopes", "value", "state"), rows)


@keys.command("revoke")
@place_option
@click.option("--name", required=True, help="The key's name.")
def revoke(*, place: Place, name: str) -> None:
    """End a key, at once."""
    ask(place, "keys revoke", name=name, by=operator())
    click.echo(f"Revoked {name!r}.")


@keys.command("user-token-secret")
@place_option
@json_option
def show_user_token_secret(*, place: Place, as_json: bool) -> None:
    """Print the text that user ids are signed with.

    Your own server makes each known user's `userToken` with it.

    A token is the lower-case hex HMAC-SHA256 of the user id, keyed with this text.
    """
    found = ask(place, "keys user-token-secret")
    if as_json:
        print_json(found)
        return
    click.echo(found["secret"])

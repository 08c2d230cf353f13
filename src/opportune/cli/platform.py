"""`opportune platform`: files to paste into a shop or a tag manager, with the address and the key filled in."""

from __future__ import annotations

import click

from opportune.app.pasting import head_block
from opportune.cli.address import address_of, warn_of_here
from opportune.cli.installation import ask, find_write_key
from opportune.cli.options import place_option
from opportune.cli.printing import print_table
from opportune.errors import NotFoundError
from opportune.platforms import PLATFORMS, Filling, archive_of, files_of, text_of
from opportune.process.place import Place


@click.command("platform")
@place_option
@click.argument("platform", type=click.Choice(list(PLATFORMS)))
@click.argument("file", required=False)
@click.option(
    "--url",
    default="",
    envvar="OPPORTUNE_URL",
    help="Where pages find Opportune; left out, where the server on the folder says it is.",
)
@click.option("--key", default="", help="The write key to fill in; left out, the first one in force.")
@click.option(
    "--customers",
    is_flag=True,
    help="Also prove who is signed in: puts a secret into the theme (shopify theme).",
)
def platform(*, place: Place, platform: str, file: str | None, url: str, key: str, customers: bool) -> None:
    """Print a file to paste into a shop; without FILE, which there are."""
    known = {each.name: each for each in files_of(platform)}
    if file is None and not known:
        click.echo(f"There is nothing to paste into {platform} yet.")
        return
    if file is None:
        print_table(("file", "where it goes"), [(each.name, each.where) for each in known.values()])
        return
    pasted = known.get(file)
    if pasted is None:
        raise NotFoundError(
            what=f"A file {file!r} for {platform} (there are: {', '.join(known) or 'none yet'})"
        )
    url = address_of(place, url)
    secret = ask(place, "keys user-token-secret")["secret"] if customers else ""
    filling = Filling(url, key or find_write_key(place), head_block(), secret)
    if pasted.is_archive:
        click.echo(archive_of(filling), nl=False)
        return
    click.echo(text_of(pasted, filling))
    warn_of_here(url)

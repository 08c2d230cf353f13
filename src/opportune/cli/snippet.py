"""`opportune snippet`: the one thing that is pasted into a site's pages."""

from __future__ import annotations

import click

from opportune.app.pasting import BANNERS, head_hash, snippet_of
from opportune.cli.address import address_of, warn_of_here
from opportune.cli.installation import ask, find_write_key
from opportune.cli.options import place_option
from opportune.errors import BadRequestError
from opportune.process.place import Place


@click.command("snippet")
@place_option
@click.option(
    "--url",
    default="",
    envvar="OPPORTUNE_URL",
    help="Where pages find Opportune, best a path of the shop's own: https://shop.example/o; left out, where the "
    "server on the folder says it is.",
)
@click.option("--key", default="", help="The write key to fill in; left out, the first one in force.")
@click.option(
    "--consent",
    default="",
    help="The banner of the site, or `none`: then nobody waits a second to see whether one comes.",
)
@click.option("--forms", is_flag=True, help="Tell of forms too: begun, sent, and the leads they make.")
@click.option("--csp", is_flag=True, help="Print what a Content-Security-Policy has to allow instead.")
def snippet(*, place: Place, url: str, key: str, consent: str, forms: bool, csp: bool) -> None:
    """Print what to paste into the <head> of every page.

    It belongs right behind the charset, before styles and before the first place.
    """
    url = address_of(place, url)
    if csp:
        scripts = ("o.js", "preview.js", *(["forms.js"] if forms else []))
        allowed = " ".join(f"{url}/{name}" for name in scripts)
        click.echo(f"script-src {head_hash()} {allowed}; connect-src {url}/v1/decide")
        return
    if consent and consent not in BANNERS:
        raise BadRequestError(wrong=f"{consent!r} is not a banner we can read: {', '.join(BANNERS)}.")
    hold = ask(place, "places held")["hold"]
    click.echo(snippet_of(url, key or find_write_key(place), consent, hold, forms=forms))
    warn_of_here(url)

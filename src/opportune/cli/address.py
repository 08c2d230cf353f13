"""The server's address as a command fills it in: what was said, else where the server on the folder says it is."""

from __future__ import annotations

from urllib.parse import urlsplit

import click

from opportune.errors import BadRequestError
from opportune.process.place import Place
from opportune.settings import DEFAULTS

HERE = ("127.0.0.1", "localhost", "::1", "0.0.0.0")  # noqa: S104 - compared with, not listened on


def address_of(place: Place, url: str) -> str:
    """Without a slash at its end. Raises BadRequestError for what no browser could find."""
    return checked_url(url or _running_at(place) or DEFAULTS.url)


def _running_at(place: Place) -> str:
    """Of the servers on a database nobody knows here."""
    return "" if place.database else place.folder.find_url()


def checked_url(url: str) -> str:
    """Raises BadRequestError for what no browser could find."""
    url = url.strip().rstrip("/")
    if not url.startswith(("http://", "https://")) or len(url.split("//", 1)[1]) == 0:
        raise BadRequestError(wrong=f"{url!r} is no address of a server, such as https://o.yourshop.com.")
    return url


def warn_of_here(url: str) -> None:
    """What is pasted with an address of this machine works on this machine only."""
    if urlsplit(url).hostname in HERE:
        click.echo(f"No visitor can reach {url}: give your server's address with --url.", err=True)

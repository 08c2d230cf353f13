"""`opportune import`: a shop's past and its products, from exports, APIs and clickstreams. Never triggers anything."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import get_args

import click

from opportune.cli.clickstreams import CLICKSTREAMS, clickstream_named
from opportune.cli.importing import Import
from opportune.cli.installation import reach
from opportune.cli.options import json_option, mapping_option, place_option
from opportune.core.exports import Kind
from opportune.core.exports.api import APIS
from opportune.errors import BadRequestError
from opportune.process.place import Place

KINDS: tuple[Kind, ...] = get_args(Kind)


@click.command("import")
@click.argument("what", nargs=-1, required=True, metavar="[orders|customers|products] [FILE]")
@place_option
@click.option(
    "--format",
    "format_name",
    type=click.Choice([known.name for known in CLICKSTREAMS]),
    help="How a clickstream is written; see `replay`. Exports are recognised by their columns.",
)
@mapping_option
@click.option(
    "--from", "url", metavar="URL", default="", help="The shop to read over its REST API, instead of a file."
)
@click.option(
    "--token",
    envvar="OPPORTUNE_IMPORT_TOKEN",
    default="",
    show_envvar=True,
    help="Its access token: Shopify's shpat_..., or WooCommerce's ck_...:cs_... with a colon between.",
)
@click.option(
    "--platform",
    type=click.Choice([api.platform for api in APIS]),
    help="The shop's platform, where its token does not tell.",
)
@click.option(
    "--afresh", is_flag=True, help="Read the API from the beginning, although an attempt stopped half-way."
)
@click.option(
    "--as-of",
    type=click.DateTime(["%Y-%m-%d"]),
    help="The day a file without dates was exported; without it, the day it was saved.",
)
@json_option
def import_command(
    *,
    what: tuple[str, ...],
    place: Place,
    format_name: str | None,
    mapping: dict[str, str],
    url: str,
    token: str,
    platform: str | None,
    afresh: bool,
    as_of: datetime | None,
    as_json: bool,
) -> None:
    """Take a shop's orders, customers or products, or a clickstream.

    FILE is an export of Shopify or WooCommerce, told by its columns; for products also a feed made for Google. With
    --from the shop's API is read instead. A clickstream needs --format. Nothing is shown, sent or tested because of
    it, and the same may be taken again: it is counted once.
    """
    kind, file = _read_what(what, url)
    with reach(place, may_make=True) as ask:
        importing = Import(ask)
        if kind is None and file is not None:
            if format_name is None:
                raise BadRequestError(
                    wrong=f"Say what {file} is: orders, customers or products, or its --format."
                )
            importing.take_messages(clickstream_named(format_name).read(file, mapping))
        elif kind is not None and file is not None:
            importing.take_file(kind, file, as_of)
        elif kind is not None:
            importing.take_api(kind, url, token, platform or "", afresh=afresh)
    importing.say(as_json=as_json)


def _read_what(what: tuple[str, ...], url: str) -> tuple[Kind | None, Path | None]:
    """What is taken, and the file it is taken from. Raises BadRequestError where they do not fit."""
    kind = next((each for each in KINDS if each == what[0]), None)
    files = what[1:] if kind is not None else what
    if len(files) > 1:
        raise BadRequestError(
            wrong=f"One file at a time: {' '.join(files)}. The first word is {', '.join(KINDS)}."
        )
    if url and (files or kind is None):
        raise BadRequestError(wrong="With --from only say what is read: orders, customers or products.")
    if not url and not files:
        raise BadRequestError(wrong=f"Name the file with {what[0]}, or the shop with --from.")
    file = Path(files[0]) if files else None
    if file is not None and not file.is_file():
        raise BadRequestError(wrong=f"There is no file {file}.")
    return kind, file

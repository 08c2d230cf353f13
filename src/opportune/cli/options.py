"""Options that several commands share, each with its `OPPORTUNE_...` variable."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from opportune.process.place import Place, check_database
from opportune.settings import DEFAULTS

Command = Callable[..., Any]

DATABASE = "opportune.database"
"""Where click keeps the URL until the place is put together."""


def place_option(command: Command) -> Command:
    """Gives the command a `place`, from a folder or a database."""
    folder = click.option(
        "--data",
        "place",
        type=click.Path(file_okay=False, path_type=Path),
        default=DEFAULTS.data,
        envvar="OPPORTUNE_DATA",
        show_default=True,
        show_envvar=True,
        callback=lambda context, _, data: Place(data, context.meta.get(DATABASE, "")),
        help="Folder with everything Opportune keeps.",
    )
    database = click.option(
        "--database",
        metavar="URL",
        envvar="OPPORTUNE_DATABASE",
        show_envvar=True,
        is_eager=True,
        expose_value=False,
        callback=_note_database,
        help="PostgreSQL database that keeps everything instead, postgresql://user@host/name.",
    )
    return folder(database(command))


def asked_place_option(command: Command) -> Command:
    """Gives the command a `place` where it was asked for, else None: `--data` alone is the usual folder."""
    folder = click.option(
        "--data",
        "place",
        is_flag=False,
        flag_value=str(DEFAULTS.data),
        default=None,
        metavar="[FOLDER]",
        envvar=None,
        callback=_read_asked_place,
        help="Hold it against what was recorded there, too.",
    )
    database = click.option(
        "--database",
        metavar="URL",
        is_eager=True,
        expose_value=False,
        callback=_note_database,
        help="The same, of a PostgreSQL database.",
    )
    return folder(database(command))


def _read_asked_place(context: click.Context, _option: click.Parameter, data: str | None) -> Place | None:
    database = context.meta.get(DATABASE, "")
    if data is None and not database:
        return None
    return Place(Path(data or DEFAULTS.data), database)


def _note_database(context: click.Context, _option: click.Parameter, url: str | None) -> None:
    if url:
        context.meta[DATABASE] = check_database(url)


def json_option(command: Command) -> Command:
    return click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")(command)


def reason_option(command: Command) -> Command:
    return click.option("--reason", default="", help="Why, for the audit trail.")(command)


def mapping_option(command: Command) -> Command:
    return click.option(
        "--map",
        "mapping",
        multiple=True,
        callback=_read_mapping,
        metavar="FIELD=COLUMN",
        help="Which column is which field, such as anonymousId=visitor; may be given several times.",
    )(command)


def operator() -> str:
    """Who gives the command, for the audit trail."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def _read_mapping(
    _context: click.Context, _option: click.Parameter, given: tuple[str, ...]
) -> dict[str, str]:
    pairs = [text.partition("=") for text in given]
    wrong = next(
        (text for text, (field, _, column) in zip(given, pairs, strict=True) if not field or not column), None
    )
    if wrong is not None:
        raise click.BadParameter(f"{wrong!r} is not FIELD=COLUMN, such as anonymousId=visitor")
    return {field: column for field, _, column in pairs}

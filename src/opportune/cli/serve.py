"""`opportune serve`: the server, in the foreground."""

from __future__ import annotations

import contextlib
import os
import shlex
import sys
from pathlib import Path

import click
import msgspec

from opportune import server
from opportune.cli.doctor import setup_link
from opportune.cli.options import operator, place_option
from opportune.cli.playbook import files_of
from opportune.cli.printing import counted, print_problems
from opportune.core.playbook_files.folder import revision_of
from opportune.errors import (
    BadRequestError,
    OpportuneError,
    PlaybookError,
    RunningTestError,
    StorageBusyError,
)
from opportune.process.place import Place
from opportune.services.admitting import make_link
from opportune.services.house import House
from opportune.services.operating import find_switch
from opportune.services.publishing import publish
from opportune.settings import DEFAULTS, from_environment


@click.command()
@place_option
@click.option(
    "--playbook",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    envvar="OPPORTUNE_PLAYBOOK",
    help="Folder to publish at the start; without one, what was published last runs.",
)
@click.option(
    "--host", default=DEFAULTS.host, envvar="OPPORTUNE_HOST", show_default=True, help="Address to listen on."
)
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=DEFAULTS.port,
    envvar="OPPORTUNE_PORT",
    show_default=True,
    help="Port to listen on; 0 takes a free one.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=DEFAULTS.workers,
    envvar="OPPORTUNE_WORKERS",
    show_default=True,
    help="Processes that share the port; more than one needs a database.",
)
def serve(*, place: Place, playbook: Path | None, host: str, port: int, workers: int) -> None:
    """Run the server until Ctrl-C."""
    if workers > 1 and not place.database:
        wrong = (
            "Several processes need a database they share: name one with --database, or leave --workers out."
        )
        raise BadRequestError(wrong=wrong)
    settings = msgspec.structs.replace(
        from_environment(os.environ),
        data=str(place.data),
        database=place.database,
        host=host,
        port=port,
        workers=workers,
    )

    def prepare(house: House) -> None:
        if playbook is not None:
            publish_at_start(house, playbook, place)

    server.serve(
        settings,
        prepare=prepare,
        announce=lambda house, url: announce(house, url, place),
        on_unreadable=say_unreadable,
    )


def publish_at_start(house: House, folder: Path, place: Place) -> None:
    """Publishes what changed. Whatever is wrong with it is said, and what ran before goes on running."""
    before = house.programme.revision
    try:
        files = files_of(folder)
        if before and revision_of(files) == before:
            return  # it runs already, and reading its sentences again would double the time of a start
        published = publish(house, files, by=operator())
    except OpportuneError as error:
        print_problems(getattr(error, "problems", ()))
        kept = f"revision {before} goes on running" if before else "no playbook runs"
        click.echo(f"opportune: {folder}: {error} Not published; {kept}.", err=True)
        if isinstance(error, RunningTestError):
            click.echo(f"To end that test and begin a new one: {_new_test(folder, place)}", err=True)
    else:
        print_problems(published.warnings)


def _new_test(folder: Path, place: Place) -> str:
    return shlex.join(("opportune", "publish", str(folder), *place.option.split(" ", 1), "--new-test"))


def say_unreadable(error: PlaybookError) -> None:
    print_problems(error.problems)
    click.echo(
        "opportune: the published playbook cannot be read by this version; no playbook runs.", err=True
    )


def announce(house: House, url: str, place: Place) -> None:
    """What somebody who just started it wants to know; a database that does not answer just now ends no server."""
    click.echo(f"Opportune listens on {url} (process {os.getpid()}, data in {place.name})")
    playbook = house.programme.playbook
    if playbook.revision:
        click.echo(
            f"Playbook {playbook.revision}: {counted(len(playbook.rules), 'rule')}, "
            f"{counted(len(playbook.slots), 'place')}"
        )
    else:
        click.echo(
            "No playbook is published yet: it captures events and knows no place. See `opportune publish`."
        )
    with contextlib.suppress(StorageBusyError):
        _announce_state(house, place)
        _announce_setup(house, url)


def _announce_setup(house: House, url: str) -> None:
    """A link for the person in front of the terminal; a log must never hold one."""
    if sys.stdout.isatty():
        click.echo(f"Set-up, opens once: {setup_link(url, make_link(house, by=operator()))}")


def _announce_state(house: House, place: Place) -> None:
    if find_switch(house, "off") is not None:
        click.echo("Everything is switched OFF; `opportune on` ends it.")
    if not any(key.revoked_at is None for key in house.storage.list_api_keys()):
        click.echo(f"No keys yet: opportune keys add {place.option} --kind write --name site")

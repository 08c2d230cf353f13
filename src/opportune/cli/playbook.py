"""`opportune check`, `publish`, `document`, `export`, `schema`: a playbook's folder, checked and put to work."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path

import click
import msgspec

from opportune.app.clock import now_ms
from opportune.cli.forewarning import list_loud, say_forewarned, say_loud
from opportune.cli.installation import ask
from opportune.cli.options import asked_place_option, json_option, operator, place_option
from opportune.cli.printing import counted, fail, print_json, print_problems
from opportune.cli.reading_at import read_at
from opportune.core.playbook_files.folder import read_playbook
from opportune.core.playbook_files.rule_text import playbook_document, read_back
from opportune.core.playbook_files.schema import PATTERNS, editor_settings, schema_of_playbook
from opportune.core.problem import Problem
from opportune.errors import OpportuneError, PlaybookError
from opportune.process.place import Place
from opportune.services.publishing import check_folder, read_folder
from opportune.services.traffic.forewarning import Forewarned, forewarn

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
LOOK_SECONDS, RULE_SECONDS = 0.5, 0.1
"""Whoever publishes waits no longer than this for what past traffic says; `check --data` looks longer."""


@click.command()
@click.argument("folder", metavar="DIR", type=FOLDER)
@json_option
@click.option("--quiet", is_flag=True, help="Print problems only, for scripts.")
@asked_place_option
def check(*, folder: Path, as_json: bool, quiet: bool, place: Place | None) -> None:
    """Check the playbook in DIR, and read every rule back.

    Needs no server. With --data it is also held against what an installation recorded: rules that never win, rules in
    each other's way, tests that cannot be told apart, few people, signals nobody uses, copy that reveals tracking.
    """
    checked = check_folder(folder, now_ms())
    found = None
    if place is not None and checked.playbook is not None:
        with read_at(place, must_exist=True) as storage:
            found = forewarn(storage, now_ms(), files_of(folder))
    if as_json:
        print_json(checked.problems if place is None else {"problems": checked.problems, "data": found})
    else:
        print_problems(checked.problems)
    if checked.playbook is None:
        wrong = sum(not problem.is_warning for problem in checked.problems)
        fail(f"{folder} does not check: {counted(wrong, 'problem')}.")
    if not as_json and not quiet:
        playbook = checked.playbook
        counts = f"{counted(len(playbook.rules), 'rule')}, {counted(len(playbook.slots), 'place')}"
        click.echo(f"{folder} checks: {counts}, revision {playbook.revision}.")
        for name, rule in playbook.rules.items():
            click.echo(f"  {read_back(rule, playbook, checked.written.get(name, ''))}")
    if found is not None and not as_json:
        click.echo("\n".join(say_forewarned(found)))


@click.command()
@click.argument("folder", metavar="DIR", type=FOLDER)
@place_option
@click.option("--new-test", is_flag=True, help="Close running tests of changed rules and start new ones.")
@click.option(
    "--based-on", metavar="REVISION", default=None, help="Refuse unless this revision is the running one."
)
@json_option
def publish(*, folder: Path, place: Place, new_test: bool, based_on: str | None, as_json: bool) -> None:
    """Publish the playbook in DIR.

    A running server takes it over at once. What may single people out is told, and stops nothing: sensitive names,
    rules for very few people, and texts that tell visitors they were watched.
    """
    published = ask(
        place,
        "publish",
        may_make=True,
        files=files_of(folder),
        new_test=new_test,
        based_on=based_on,
        by=operator(),
    )
    found = _look_ahead(place) if published["is_new"] else None
    if as_json:
        print_json({**published, "attention": list_loud(found) if found is not None else []})
        return
    print_problems(msgspec.convert(published["warnings"], tuple[Problem, ...]))
    if published["is_new"]:
        click.echo(f"Published revision {published['revision']}.")
    for note in published["notes"]:
        click.echo(note)
    if found is not None:
        told = say_loud(found, shlex.join(("opportune", "check", str(folder), *place.option.split(" ", 1))))
        click.echo("\n".join(told), err=True, nl=bool(found.warnings))


def _look_ahead(place: Place) -> Forewarned | None:
    """What past traffic says of what was published; None where it cannot be read, as that undoes nothing."""
    try:
        with read_at(place) as storage:
            return forewarn(storage, now_ms(), seconds=LOOK_SECONDS, rule_seconds=RULE_SECONDS)
    except OpportuneError as error:
        click.echo(f"opportune: not held against past traffic: {error}", err=True)
        return None


@click.command()
@click.argument("folder", metavar="[DIR]", type=FOLDER, required=False)
@place_option
def document(*, folder: Path | None, place: Place) -> None:
    """Print a playbook as Markdown, to read and to pass around.

    The one in DIR, or without DIR the published one.
    """
    files = files_of(folder) if folder is not None else ask(place, "head")["files"]
    click.echo(playbook_document(read_playbook(files)), nl=False)


def files_of(folder: Path) -> dict[str, str]:
    """Raises PlaybookError when a file of the folder cannot be read."""
    files, problems = read_folder(folder)
    if problems:
        raise PlaybookError(problems)
    return files


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@place_option
def export(*, folder: Path, place: Place) -> None:
    """Write the published playbook's files into DIR.

    It must be empty or new.
    """
    head = ask(place, "head")
    write_files(folder, head["files"])
    click.echo(f"Wrote {len(head['files'])} files of revision {head['revision']} to {folder}.")


def write_files(folder: Path, files: Mapping[str, str]) -> None:
    """Ends the command when the folder is not empty: nothing of anybody's is written over."""
    if folder.exists() and any(folder.iterdir()):
        fail(f"{folder} is not empty; name a new folder.")
    for path, text in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


@click.command()
@click.argument("kind", type=click.Choice(list(PATTERNS)), required=False)
@click.option(
    "--write", "folder", type=click.Path(file_okay=False, path_type=Path), help="Write all of them there."
)
def schema(*, kind: str | None, folder: Path | None) -> None:
    """Print JSON Schema for editors.

    Of one KIND of file, or of all by kind.
    """
    found = schema_of_playbook()
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        for name, document in found.items():
            (folder / f"{name}.json").write_bytes(
                msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"
            )
        print_json(editor_settings(folder.name))
    else:
        print_json(found[kind] if kind is not None else found)

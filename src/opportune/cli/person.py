"""`opportune person`: everything that is kept of somebody, and erasing them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from shlex import quote
from typing import Any, get_args

import click
import msgspec

from opportune.cli.clock import zone_of
from opportune.cli.installation import Ask, ask, reach
from opportune.cli.options import operator, place_option
from opportune.cli.printing import counted, fail, print_json
from opportune.core.history.key import Namespace
from opportune.core.report.plain import moment_words
from opportune.errors import BadRequestError, NotFoundError, OpportuneError
from opportune.process.connection import CommandError
from opportune.process.place import Place
from opportune.storage.personal import Erasure, read_list, write_list

NOT_FOUND = "not_found"
SPACES = {"user": "user", "anonymous": "device", "claim": "said to be user"}


def namespace_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--namespace",
        type=click.Choice(get_args(Namespace)),
        default=None,
        help="What kind of id it is, where a user and somebody else's device have the same.",
    )(command)


@click.group()
def person() -> None:
    """One person: everything that is kept of them, and erasing them."""


@person.command("export")
@click.argument("identifier", metavar="ID")
@place_option
@namespace_option
@click.option(
    "--to",
    "target",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write; else it is printed.",
)
def export(*, identifier: str, place: Place, namespace: Namespace | None, target: Path | None) -> None:
    """Everything that is kept of the person with this ID, as JSON.

    ID is a user id, a device's id, or an e-mail address that they gave.
    """
    if target is not None and target.exists():
        fail(f"{target} exists already; name a new file.")
    kept = ask(place, "person export", person=identifier, namespace=namespace)
    if target is None:
        print_json(kept)
        return
    write_for_owner(target, msgspec.json.format(msgspec.json.encode(kept), indent=2) + b"\n")
    click.echo(f"Wrote {target} ({target.stat().st_size:,} bytes). It holds customer data: keep it safe.")


@person.command("erase")
@click.argument("identifier", metavar="[ID]", required=False)
@place_option
@namespace_option
@click.option(
    "--from",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Instead of one ID: a file with an id or e-mail address on each line.",
)
@click.option("--yes", "is_sure", is_flag=True, help="Do not ask.")
@click.option(
    "--vacuum",
    is_flag=True,
    help="Afterwards write the SQLite file anew, so that free room in it keeps nothing; writes wait meanwhile.",
)
def erase(
    *,
    identifier: str | None,
    place: Place,
    namespace: Namespace | None,
    file: Path | None,
    is_sure: bool,
    vacuum: bool,
) -> None:
    """Erase the person with this ID for good.

    ID is a user id, a device's id, or an e-mail address that they gave. All ids that were linked go together.
    What was found is said first. Stopped half way, it goes on by itself when a server runs.
    """
    if (identifier is None) == (file is None):
        raise click.UsageError("Name one ID, or a file of them with --from.")
    wanted = [identifier] if identifier is not None else list(_lines_of(file))
    with reach(place) as asked:
        found = [name for name in wanted if _was_found(asked, name, namespace, is_alone=file is None)]
        if found and not is_sure:
            click.confirm(
                f"Erase {counted(len(found), 'person')} for good?" if file else "Erase for good?", abort=True
            )
        for name in found:
            _erase(asked, name, namespace)
        if vacuum and not asked("rewrite")["rewritten"]:
            click.echo("PostgreSQL makes room by itself (autovacuum); there is nothing to write anew.")
    if len(found) < len(wanted):
        fail(f"{len(wanted) - len(found)} of {len(wanted)} were not found.")


def _lines_of(file: Path | None) -> Iterator[str]:
    lines = file.read_text(encoding="utf-8").splitlines() if file is not None else []
    return iter(dict.fromkeys(line.strip() for line in lines if line.strip()))


def _was_found(asked: Ask, name: str, namespace: Namespace | None, *, is_alone: bool) -> bool:
    """Says what was found. Of many, one that is not there does not keep the others."""
    try:
        found = asked("person find", person=name, namespace=namespace)
    except (CommandError, OpportuneError) as error:
        if is_alone or error.code != NOT_FOUND:
            raise
        click.echo(f"{name}: not found", err=True)
        return False
    ids = ", ".join(f"{SPACES[view['namespace']]} {view['id']}" for view in found["ids"])
    people = f" ({found['people']} people)" if "@" in name and found["people"] > 1 else ""
    click.echo(f"{name}{people}: {ids}")
    if found["addresses"]:
        click.echo(f"  addresses: {', '.join(found['addresses'])}")
    kept = [f"{count:,} {kind}" for kind, count in found["kept"].items() if count]
    click.echo(f"  kept: {', '.join(kept) or 'nothing but the ids'}")
    return True


def _erase(asked: Ask, name: str, namespace: Namespace | None) -> None:
    try:
        erased = asked("person erase", person=name, namespace=namespace, by=operator())
    except (CommandError, NotFoundError) as error:
        if error.code == NOT_FOUND:
            return  # the same person under another id of the list
        raise
    rows = sum(erased["rows"].values())
    click.echo(f"Erased {name}: {counted(erased['ids'], 'id')}, {counted(rows, 'row')}.")


@person.command("requests")
@place_option
@click.option("--done", "code", metavar="REQUEST", help="You have done what this one asks for.")
def requests(*, place: Place, code: str | None) -> None:
    """What was asked for about people and is not done yet, by a shop or by whoever was interrupted.

    Erasing goes on by itself while a server runs. The other lines say what to do.
    """
    with reach(place) as asked:
        if code is not None:
            asked("person requests done", code=code, by=operator())
        found = asked("person requests")
        zone = zone_of(asked)
    for request in found:
        at = moment_words(request["asked_at"], zone)
        click.echo(f"{request['code']}  {at}  {request['by']}\n  {_to_do(request)}")
    if not found:
        click.echo("Nothing is waiting.")


def _to_do(request: Mapping[str, Any]) -> str:
    names = [who["id"] for who in request["who"]]
    if request["kind"] == "erase":
        return f"erasing {' and '.join(names)}: goes on by itself while a server runs"
    done = f"; then: opportune person requests --done {request['code']}"
    if request["kind"] == "export":
        return f"hand out what is kept: opportune person export {quote(names[-1])} --to person.json{done}"
    return f"{names[0]} wants everything of its shop erased: opportune sources list, see docs/how/shopify.md{done}"


@person.command("erasures")
@place_option
@click.option(
    "--to",
    "target",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write; else it is printed.",
)
@click.option(
    "--apply",
    "list_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Erase again whoever is on this list, after a backup was restored.",
)
def erasures(*, place: Place, target: Path | None, list_file: Path | None) -> None:
    """The list of who was erased: keyed hashes and dates, no names.

    Keep it with your backups: a restored backup does not know who was erased since it was made.
    """
    if list_file is not None:
        listed = msgspec.to_builtins(read_erasures(list_file))
        erased = ask(place, "person erasures apply", erasures=listed, by=operator())
        click.echo(
            f"Erased again: {counted(erased['ids'], 'id')}; {counted(len(listed), 'line')} on the list."
        )
        return
    text = write_list(msgspec.convert(ask(place, "person erasures"), list[Erasure]))
    if target is None:
        sys.stdout.write(text.decode())
        return
    write_for_owner(target, text)
    click.echo(f"Wrote {target} ({counted(len(text.splitlines()), 'line')}).")


def read_erasures(path: Path) -> list[Erasure]:
    """A list as `erasures` writes it. Raises BadRequestError with the file's name."""
    try:
        return read_list(path.read_bytes())
    except (msgspec.DecodeError, ValueError) as error:
        wrong = f"{path} is no list of erased people, as `opportune person erasures` writes it: {error}."
        raise BadRequestError(wrong=wrong) from None


def write_for_owner(path: Path, content: bytes) -> None:
    """Only its owner can read it."""
    path.touch(mode=0o600)
    path.write_bytes(content)

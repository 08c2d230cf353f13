"""`opportune set-aside`: events that were kept with a reason instead of being counted."""

from __future__ import annotations

from typing import Any

import click
import msgspec

from opportune.cli.clock import say_moment, zone_of
from opportune.cli.installation import Ask, ask, reach
from opportune.cli.options import json_option, place_option
from opportune.cli.printing import fail, print_json, print_table
from opportune.process.place import Place

PAGE = 500


def _read_fix(_context: click.Context, _option: click.Parameter, text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise click.BadParameter(f"{text!r} is no JSON object: {error}") from None


@click.group("set-aside")
def set_aside() -> None:
    """Events kept aside with a reason: list, replay, drop."""


@set_aside.command("list")
@place_option
@click.option(
    "--state",
    type=click.Choice(["open", "replayed", "dropped"]),
    default="open",
    show_default=True,
    help="Which ones.",
)
@click.option(
    "--limit", type=click.IntRange(1, 1_000), default=50, show_default=True, help="At most so many."
)
@json_option
def list_(*, place: Place, state: str, limit: int, as_json: bool) -> None:
    """List them, newest first."""
    with reach(place) as asked:
        found = asked("set-aside list", state=state, before_id=None, limit=limit)
        zone = zone_of(asked)
    if as_json:
        print_json(found)
        return
    rows = [
        (row["id"], say_moment(row["receivedAt"], zone), row["name"] or "-", row["reason"]) for row in found
    ]
    print_table(("number", "received", "event", "reason"), rows)


@set_aside.command("replay")
@click.argument("numbers", nargs=-1, type=int)
@place_option
@click.option("--all", "all_", is_flag=True, help="Every open one.")
@click.option(
    "--fix",
    callback=_read_fix,
    metavar="JSON",
    help='Merged into each event first, such as {"event": "Signed Up"}; null removes a field.',
)
def replay(*, numbers: tuple[int, ...], place: Place, all_: bool, fix: dict[str, Any] | None) -> None:
    """Try NUMBERS again, after the plan or the sender was mended."""
    with reach(place) as asked:
        ids = _all_open(asked) if all_ else list(numbers)
        if not ids and not all_:
            fail("Say which: numbers from `opportune set-aside list`, or --all.", status=2)
        result = asked("set-aside replay", ids=ids, fix=fix)
    click.echo(
        f"accepted {result['accepted']}, duplicate {result['duplicate']}, still aside {result['set_aside']}"
    )
    for number, reason in result["reasons"].items():
        click.echo(f"  {number}: {reason}", err=True)


@set_aside.command("drop")
@click.argument("numbers", nargs=-1, required=True, type=int)
@place_option
def drop(*, numbers: tuple[int, ...], place: Place) -> None:
    """Give up on NUMBERS; they stay listed as dropped."""
    result = ask(place, "set-aside drop", ids=list(numbers))
    click.echo(f"Dropped {result['dropped']}.")


def _all_open(asked: Ask) -> list[int]:
    ids: list[int] = []
    before_id = None
    while page := asked("set-aside list", state="open", before_id=before_id, limit=PAGE):
        ids += [row["id"] for row in page]
        before_id = ids[-1]
    return sorted(ids)

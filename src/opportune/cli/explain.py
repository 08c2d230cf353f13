"""`opportune explain`: why a decision was what it was, why not something else, and what would change it."""

from __future__ import annotations

from typing import Any

import click
import msgspec

from opportune.cli.installation import ask
from opportune.cli.options import json_option, place_option
from opportune.cli.printing import print_json
from opportune.core.moment import from_iso
from opportune.process.place import Place


def _read_assumed(
    _context: click.Context, _option: click.Parameter, given: tuple[str, ...]
) -> dict[str, Any]:
    assumed = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise click.BadParameter(f"{text!r} is not SIGNAL=VALUE, such as cart_value=60")
        assumed[name] = _value(value)
    return assumed


def _value(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text


@click.command()
@click.argument("decision", required=False)
@place_option
@click.option("--replay", "again", flag_value="replay", help="Decide again from the receipt's own inputs.")
@click.option(
    "--rebuild", "again", flag_value="rebuild", help="Derive the inputs again, and name what cannot be."
)
@click.option("--person", help="Instead of a decision: a visitor's or user's id.")
@click.option("--slot", help="With --person: the place.")
@click.option("--at", help="With --person: as of this moment, such as 2026-11-22T14:00:00Z.")
@click.option(
    "--with",
    "assumed",
    multiple=True,
    callback=_read_assumed,
    metavar="SIGNAL=VALUE",
    help="With --person: suppose this were so, such as `cart value=60`.",
)
@json_option
def explain(
    *,
    decision: str | None,
    place: Place,
    again: str | None,
    person: str | None,
    slot: str | None,
    at: str | None,
    assumed: dict[str, Any],
    as_json: bool,
) -> None:
    """Say why visitors see what they see.

    Of a DECISION (the token of an answer), or of what a person sees in a place now.
    """
    if decision is not None:
        found = ask(place, "explain decision", decision=decision, again=again or "")
        say = say_again if again else say_why
    elif person is not None and slot is not None:
        found = ask(place, "explain person", person=person, slot=slot, at=_moment(at), assumed=assumed)
        say = say_why
    else:
        raise click.UsageError("Say which DECISION, or give --person and --slot.")
    if as_json:
        print_json(found)
    else:
        click.echo("\n".join(say(found)))


def _moment(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return from_iso(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is no moment, such as 2026-11-22T14:00:00Z") from None


def say_why(found: dict[str, Any]) -> list[str]:
    why = found["why"]
    lines = [why["headline"], *(f"  because {reason}" for reason in why["because"])]
    if found["value"] is not None:
        lines.append(f"  content {msgspec.json.encode(found['value']).decode()}")
    if why["why_not"]:
        lines += ["", "Rules that did not act here:"]
    for other in why["why_not"]:
        lines.append(f"  {other['rule']}: {other['words']}")
        if other["missing"] != [other["words"]]:
            lines += [
                f"    missing: {missing}" for missing in other["missing"] if missing not in other["words"]
            ]
    return [*lines, *_notes(found["notes"])]


def say_again(found: dict[str, Any]) -> list[str]:
    lines = ["Equal: decided again, the same came out." if found["is_equal"] else "Not equal:"]
    lines += [f"  {difference}" for difference in found["differences"]]
    return [*lines, *_notes([f"Cannot be derived: {missing}" for missing in found["missing"]])]


def _notes(notes: list[str]) -> list[str]:
    return ["", *notes] if notes else []

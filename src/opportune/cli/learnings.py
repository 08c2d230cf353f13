"""`opportune learnings`: what tests taught, searched and completed."""

from __future__ import annotations

from typing import Any

import click
import msgspec

from opportune.cli.installation import ask
from opportune.cli.options import json_option, operator, place_option
from opportune.cli.printing import print_json
from opportune.core.learnings.learning import STATUSES, Learning
from opportune.process.place import Place


class ListByDefault(click.Group):
    """A group in which everything that names no member is what to search for."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.commands and args[0] not in context.help_option_names):
            args = ["list", *args]
        return super().parse_args(context, args)


@click.group(cls=ListByDefault)
def learnings() -> None:
    """List what tests taught, or search it: `opportune learnings category`."""


@learnings.command("list")
@click.argument("words", nargs=-1)
@place_option
@json_option
def list_(*, words: tuple[str, ...], place: Place, as_json: bool) -> None:
    """List what tests taught, newest first.

    With WORDS only those in which every word stands; `opportune learnings WORDS` is the same.
    """
    found = ask(place, "learnings list", words=" ".join(words))
    if as_json:
        print_json(found)
    elif not found:
        click.echo(
            f"No learning has all of these words: {' '.join(words)}."
            if words
            else "Nothing is learned yet: a draft is written when a test ends."
        )
    else:
        click.echo("\n\n".join(_text(msgspec.convert(row, Learning)) for row in found))


@learnings.command()
@click.argument("which", metavar="ID")
@click.option("--decision", help="What was decided, in your words.")
@click.option("--next", "next_step", help="What comes next, in your words.")
@click.option(
    "--status",
    type=click.Choice([*STATUSES, "by the numbers"]),
    help="Another status than the numbers give; `by the numbers` goes back to theirs.",
)
@click.option("--reason", default="", help="Why another status; needed with it.")
@place_option
@json_option
def edit(
    *,
    which: str,
    decision: str | None,
    next_step: str | None,
    status: str | None,
    reason: str,
    place: Place,
    as_json: bool,
) -> None:
    """Complete a learning: what was decided, and what is next.

    ID is the learning's, or a rule's name for its newest.
    """
    found = ask(
        place,
        "learnings edit",
        which=which,
        decision=decision,
        next_step=next_step,
        status="" if status == "by the numbers" else status,
        reason=reason,
        by=operator(),
    )
    if as_json:
        print_json(found)
    else:
        click.echo(_text(msgspec.convert(found, Learning)))


def _text(learning: Learning) -> str:
    rows: list[tuple[str, Any]] = [
        ("sentence", learning.sentence),
        ("planned", learning.planned),
        ("observed", learning.observed.words),
        (
            "ended",
            f"{learning.ended}, {learning.ended_as}{f': {learning.reason}' if learning.reason else ''}",
        ),
        ("why", learning.because),
        ("decision", learning.decision or f'not written down yet: opportune learnings edit "{learning.id}"'),
        ("next", f"{learning.next}{' (proposed)' if learning.is_proposed else ''}"),
    ]
    lines = [f"{learning.id}: {learning.status} ({learning.brief})"]
    lines += [f"  {name:<9} {text}" for name, text in rows if text]
    return "\n".join(lines)

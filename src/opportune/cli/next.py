"""`opportune next`: which rule is worth taking on next."""

from __future__ import annotations

from collections.abc import Iterator

import click

from opportune.app.clock import now_ms
from opportune.cli.options import json_option, place_option
from opportune.cli.printing import print_json
from opportune.cli.reading_at import read_at
from opportune.process.place import Place
from opportune.services.traffic.ranking import Ranked, rank


@click.command("next")
@place_option
@json_option
def next_command(*, place: Place, as_json: bool) -> None:
    """Rank ready rules and your own drafts by what they could bring here.

    By people, times money, over the days until a test would say so.
    """
    with read_at(place, must_exist=True) as storage:
        ranked = rank(storage, now_ms())
    if as_json:
        print_json(ranked)
    else:
        click.echo("\n".join(say(ranked)))


def say(ranked: Ranked) -> Iterator[str]:
    """The list in lines, the best first."""
    if not ranked.candidates:
        yield "Nothing to take on next: nobody was here yet, or every rule that fits is in use."
    for number, each in enumerate(ranked.candidates, 1):
        kind = "" if each.origin == "recipe" else " (your draft)"
        yield f"{number:>2}. {each.name}{kind}: {each.sentence}"
        yield f"    {each.reason}"
        yield f"    It {each.does}. Begin: {each.how}"
    if ranked.waiting:
        yield ""
    yield from ranked.waiting

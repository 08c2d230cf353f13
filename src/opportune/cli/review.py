"""`opportune review`: the quarter's review of every rule, of what they go by and of where they act."""

from __future__ import annotations

from collections.abc import Iterator

import click

from opportune.app.clock import now_ms
from opportune.cli.options import json_option, place_option
from opportune.cli.printing import print_json
from opportune.cli.reading_at import read_at
from opportune.core.learnings.review import Review
from opportune.process.place import Place
from opportune.services.learnings import reviewing


@click.command()
@place_option
@json_option
def review(*, place: Place, as_json: bool) -> None:
    """Review the quarter: which rules to keep, merge or retire, and why.

    With what tests gained beside what is likely of it, which signals and places pay, and signals nobody uses.
    """
    with read_at(place, must_exist=True) as storage:
        found = reviewing.review(storage, now_ms())
    if as_json:
        print_json(found)
    else:
        click.echo("\n".join(_lines(found)))


def _lines(found: Review) -> Iterator[str]:
    yield f"{found.team}, since {found.since}. {found.words}"
    for each in found.rules:
        yield f"\n{each.verdict_words}: {each.rule} ({each.run_state}, {each.people:,} people)"
        for reason in each.reasons:
            yield f"  {reason}"
        if each.lift_words:
            yield f"  {each.metric}: {each.lift_words}"
    if found.rules:
        yield f"\n{found.lift_words}"
    for heading, paid in (("What rules go by", found.signals), ("Where they act", found.places)):
        if paid:
            yield f"\n{heading}"
            yield from (f"  {each.words}" for each in paid)
    if found.unused:
        yield f"\nCollected, and nothing goes by it: {', '.join(found.unused)}"

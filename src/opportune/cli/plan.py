"""`opportune plan`: which tests can come to an answer at this traffic, and by when."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap

import click

from opportune.app.clock import now_ms
from opportune.cli.options import json_option, place_option
from opportune.cli.printing import print_json
from opportune.cli.reading_at import read_at
from opportune.core.report.plain import number_words
from opportune.core.traffic.offer import Offer
from opportune.core.traffic.scaled import figure_words, people_a_day_words
from opportune.process.place import Place
from opportune.services.traffic import planning
from opportune.services.traffic.planning import Planned

WIDEST = 100
WHOSE = {
    "these people": "these people",
    "all visitors": "as all visitors do: few of these were looked at",
    "a typical shop": "as at a typical shop: too few were looked at here",
}


@click.command("plan")
@place_option
@json_option
def plan_command(*, place: Place, as_json: bool) -> None:
    """List what can be tested at this traffic, each with the day it would be answered.

    In this order: the same against the same where no test ever ran; the whole programme half and half; each rule
    on its nearest step; each rule on orders.
    """
    with read_at(place, must_exist=True) as storage:
        planned = planning.plan(storage, now_ms())
    if as_json:
        print_json(planned)
    else:
        click.echo("\n".join(say(planned)))


def say(planned: Planned) -> Iterator[str]:
    """The whole plan in lines."""
    if not planned.visitors_a_day:
        yield from planned.notes[:1]
        return
    days = "day" if round(planned.days) == 1 else f"{planned.days:.0f} days"
    yield (
        f"{_people(planned.visitors_a_day)} in the last {days}. The programme is decided by {planned.goal}."
    )
    for number, offer in enumerate(planned.offers, 1):
        yield ""
        yield f"{number}. {_title(offer)}"
        yield from _wrapped(offer.sentence)
        if offer.kind != "same against same":
            yield from _wrapped(f"{_basis(offer)} {offer.harm}")
        if offer.now:
            yield f"   {offer.now}"
        how = f"Begin: {offer.how}" if "\n" not in offer.how else f"Begin with this:\n{offer.how}"
        yield from (f"   {line}".rstrip() for line in how.splitlines() if offer.how)
    if planned.not_offered:
        yield ""
        yield "Not offered, as they would not come to an answer within three years:"
        for offer in planned.not_offered:
            yield f"   {_title(offer)}.{offer.sentence.partition('.')[2]}"
    if planned.left_out:
        yield ""
        yield f"Not looked at: {', '.join(planned.left_out)}."
    for note in planned.notes:
        yield ""
        yield note


def _wrapped(words: str) -> list[str]:
    return wrap(words, WIDEST, initial_indent="   ", subsequent_indent="   ", break_long_words=False)


def _title(offer: Offer) -> str:
    match offer.kind:
        case "same against same":
            return "The same against the same, before anything else"
        case "the whole programme":
            return f"The whole programme, half and half, on {offer.metric}"
        case "nearest step":
            return f"{offer.rule}, on its nearest step: {offer.metric}"
        case "as planned":
            return f"{offer.rule}, as its file plans it: {offer.metric}"
        case _:
            return f"{offer.rule}, on {offer.metric}"


def _basis(offer: Offer) -> str:
    now = f"{offer.baseline:.1%}" if offer.baseline < 1 else number_words(offer.baseline)
    people = _people(offer.people_a_day)
    if offer.reach is not None:
        reach = people_a_day_words(offer.reach)
        people = f"{reach[:1].upper()}{reach[1:]}, {_new(offer.people_a_day)} of them for the first time"
    return f"{people}; {now} do it now ({WHOSE[offer.of]})."


def _new(a_day: float) -> str:
    return "fewer than 1" if a_day < 1 else figure_words(a_day)


def _people(a_day: float) -> str:
    if a_day < 1:
        return "Fewer than 1 new person a day"
    return f"About {a_day:,.0f} new {'person' if round(a_day) == 1 else 'people'} a day"

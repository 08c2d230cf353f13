"""`opportune backtest RULE`: what a rule would have done here, decided again on the team's own log."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from opportune.app.clock import now_ms
from opportune.cli.clock import say_moment
from opportune.cli.options import json_option, place_option
from opportune.cli.playbook import FOLDER, files_of
from opportune.cli.printing import Progress, print_json
from opportune.cli.reading_at import read_at
from opportune.core.traffic.backtest import Backtest, PlaceTested
from opportune.core.traffic.scaled import Scaled, figure_words, people_a_day_words
from opportune.process.place import Place
from opportune.services.standing import reading_house
from opportune.services.traffic.backtesting import backtest
from opportune.services.traffic.trying import DAYS, Asked

LONGEST_DAYS = 90
MOST_DIFFERENCES = 10
UNMATCHED = "does not match"


@click.command("backtest")
@click.argument("rule")
@click.option(
    "--folder", type=FOLDER, help="Take the rule from the playbook in this folder, published or not."
)
@click.option(
    "--days",
    type=click.IntRange(1, LONGEST_DAYS),
    default=DAYS,
    show_default=True,
    help="How far back.",
)
@click.option("--full", "is_full", is_flag=True, help="Look at every visitor instead of a sample.")
@place_option
@json_option
def backtest_command(
    *, rule: str, folder: Path | None, days: int, is_full: bool, place: Place, as_json: bool
) -> None:
    """Ask past traffic what RULE would have done.

    It is taken as live for everybody; all other rules act as they do now. Nothing is changed.
    """
    asked = Asked(rule=rule, files=files_of(folder) if folder is not None else None, days=days)
    progress = Progress("parts of the log", sys.stderr)
    with read_at(place, must_exist=True) as storage:
        now = now_ms()
        zone = reading_house(storage, now).programme.playbook.vocabulary.zone
        found = backtest(storage, now, asked, is_full=is_full, notice=progress.show if is_full else None)
    progress.end()
    if as_json:
        print_json(found)
    else:
        click.echo("\n".join(say(found, zone)))


def say(found: Backtest, zone: ZoneInfo) -> Iterator[str]:
    """The whole answer in lines."""
    yield f"{found.rule}: {found.sentence}"
    yield f"It {found.does}."
    yield ""
    if found.waits_for:
        yield f"It would not act yet: {' and '.join(found.waits_for)} was never seen here."
        return
    if not found.visits:
        yield f"Nobody was here in the last {found.days:.0f} days, so there is nothing to ask."
        return
    yield from _say_reach(found)
    for place in found.places:
        yield from _say_place(place)
    yield from _say_unseen(found)
    yield from _say_thresholds(found)
    yield from _say_differences(found, zone)
    yield ""
    yield _basis(found)


def _say_reach(found: Backtest) -> Iterator[str]:
    share = found.share_of_visits
    if not found.people.value:
        most = (
            f": fewer than {figure_words(found.people_a_day.high)} people a day"
            if found.people_a_day.high
            else ""
        )
        yield f"It would have acted for none of the {found.looked_at:,} visitors looked at{most}."
        return
    people = people_a_day_words(found.people_a_day)
    yield f"It would have acted for {people}, in {share.value:.1%} of visits{_between(share)}:"
    yield f"{found.people.value:,.0f} different people in {found.days:.0f} days."
    if found.people.value and any(not place.is_estimated for place in found.places):
        later = 1 - found.at_first
        if later >= 0.005:
            yield (
                f"In {later:.0%} of these visits not when the place was asked for first, but on a later page "
                "(estimated from page views)."
            )
    if found.test:
        yield f"Its test would split them, and count {found.test}."


def _between(share: Scaled) -> str:
    return "" if share.low == share.high else f" ({share.low:.1%} to {share.high:.1%})"


def _say_place(place: PlaceTested) -> Iterator[str]:
    basis = (
        "imagined on every page, as nobody asked for it yet" if place.is_estimated else "as it was asked for"
    )
    yield ""
    yield f"Who has the place “{place.title}” ({basis}):"
    for winner in place.winners:
        lost = f"; this rule matched too in {winner.lost:,} visits" if winner.lost else ""
        yield f"  {winner.share:>6.1%}  {winner.rule or 'normal content'}{lost}"


def _say_unseen(found: Backtest) -> Iterator[str]:
    if not found.unseen:
        return
    yield ""
    yield "Who sees nothing of it, and why:"
    for reason in found.unseen:
        yield f"  {reason.share:>6.1%}  {reason.reason}"
        if reason.reason == UNMATCHED:
            yield from _say_missing(found)


def _say_missing(found: Backtest) -> Iterator[str]:
    for missing in found.missing:
        yield f"           missing in {missing.share:.0%} of those: {missing.part}"
    if found.nearly:
        yield f"           {found.nearly:.0%} of those came at least half of the way"


def _say_thresholds(found: Backtest) -> Iterator[str]:
    if not found.thresholds:
        return
    yield ""
    yield "With another number:"
    for threshold in found.thresholds:
        yield f"  {threshold.part}: {people_a_day_words(threshold.people_a_day)}"


def _say_differences(found: Backtest, zone: ZoneInfo) -> Iterator[str]:
    if not found.compared:
        return
    yield ""
    count = sum(found.causes.values())
    if not count:
        yield f"{found.compared:,} recorded decisions of this revision were made again: all came out the same."
        return
    yield f"{found.compared:,} recorded decisions of this revision were made again; {count:,} came out differently:"
    for cause, number in found.causes.items():
        words = next(each.words for each in found.differences if each.cause == cause)
        yield f"  {number:>6,}  {cause}: {words}"
    for each in found.differences[:MOST_DIFFERENCES]:
        at = say_moment(each.at, zone)
        yield f"    {at}  {each.slot} {each.visitor}: {each.logged} -> {each.again} ({each.cause})"
    if count > MOST_DIFFERENCES:
        yield f"    and {count - MOST_DIFFERENCES:,} more, with --json"


def _basis(found: Backtest) -> str:
    if found.is_sampled:
        return (
            f"Sampled: {found.looked_at:,} of about {found.visitors:,} visitors of the last {found.days:.0f} days "
            "were decided for again; numbers in brackets hold for 95 of 100 such samples. All of them: --full"
        )
    return f"All {found.visitors:,} visitors of the last {found.days:.0f} days were decided for again."

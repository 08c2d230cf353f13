"""`opportune recipes`: ready rules, whom they would reach here, and how one is taken over."""

from __future__ import annotations

from pathlib import Path

import click

from opportune.app.clock import now_ms
from opportune.cli.options import json_option, place_option
from opportune.cli.playbook import files_of
from opportune.cli.printing import print_json
from opportune.cli.reading_at import read_at
from opportune.errors import BadRequestError
from opportune.process.place import Place
from opportune.services.traffic.advising import Addition, add_recipe, find_recipe
from opportune.services.traffic.estimating import Estimate, Reach, estimate_recipes

PLAYBOOK = "playbook"
LONGEST_TEST_DAYS = 365


@click.group(invoke_without_command=True)
@click.pass_context
@place_option
@json_option
def recipes(context: click.Context, *, place: Place, as_json: bool) -> None:
    """List ready rules, with how many people each would reach here.

    Those that only hide come first: the first win costs nothing.
    """
    if context.invoked_subcommand is not None:
        return
    estimate = estimate_at(place)
    if as_json:
        print_json(estimate)
        return
    for number, reach in enumerate(estimate.reaches, 1):
        click.echo(f"{number:>2}. {reach.recipe.name}: {reach.recipe.when}")
        click.echo(f"    {reach.recipe.does}. {words_of(reach)}")
    click.echo(basis_of(estimate))
    click.echo("Whole, with what it needs: opportune recipes show NAME. Yours: opportune recipes add NAME")


@recipes.command()
@click.argument("name")
@place_option
def show(*, name: str, place: Place) -> None:
    """Show one recipe whole: its files, its events, what the customer would feel."""
    recipe = find_recipe(name)
    reach = next(found for found in estimate_at(place).reaches if found.recipe.name == recipe.name)
    ready = reach.recipe
    click.echo(f"{ready.title}: {ready.purpose}.")
    click.echo(f"The customer feels: “{ready.feels}”")
    click.echo(f"Events it needs: {', '.join(ready.needs)}")
    if ready.missing:
        click.echo(f"Never seen here yet: {', '.join(ready.missing)}")
    click.echo(words_of(reach))
    for path, text in recipe.files().items():
        click.echo(f"\n--- {path}\n{text.rstrip()}")


@recipes.command()
@click.argument("name")
@click.option(
    "--to",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=PLAYBOOK,
    envvar="OPPORTUNE_PLAYBOOK",
    show_default=True,
    help="Folder of your playbook.",
)
def add(*, name: str, folder: Path) -> None:
    """Write one recipe's rule, and the places it names, into a playbook's folder.

    What is there already stays as it is.
    """
    recipe = find_recipe(name)
    if not folder.is_dir():
        raise BadRequestError(wrong=f"There is no playbook in {folder}; make one: opportune init {folder}")
    addition = add_recipe(recipe, files_of(folder))
    write_addition(folder, addition)
    _say_next(addition, folder)


def write_addition(folder: Path, addition: Addition) -> None:
    """New files are made, never written over; a place's file that gets a version is replaced whole."""
    for path, text in addition.new.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("x", encoding="utf-8") as file:
            file.write(text)
        click.echo(f"Wrote {target}")
    for path, text in addition.extended.items():
        target = folder / path
        partial = target.with_name(f"{target.name}.partial")
        partial.write_text(text, encoding="utf-8")
        partial.replace(target)
    for path, version in addition.versions:
        click.echo(f"Added the version “{version}” to {folder / path}")


def _say_next(addition: Addition, folder: Path) -> None:
    places = ", ".join(f'data-slot="{place}"' for place in addition.places)
    click.echo(f"On the page it needs {places}, or a selector in the place's file.")
    click.echo(
        "It starts in preview: nobody sees it but who opens `opportune preview https://yourshop.com/`."
    )
    click.echo("Make its words yours, then:")
    for command in (f"check {folder}", f"publish {folder}", f'rule "{addition.rule}" slowly'):
        click.echo(f"  opportune {command}")


def estimate_at(place: Place) -> Estimate:
    """Beside a running server, on a store that is only read; where there is none yet, without a reach."""
    with read_at(place) as storage:
        return estimate_recipes(storage, now_ms())


def words_of(reach: Reach) -> str:
    """What to expect of it, in one sentence."""
    if reach.recipe.missing:
        return f"Waits for {' and '.join(reach.recipe.missing)}, never seen here."
    if reach.recipe.is_added:
        return f'In your playbook. For whom it acts: opportune backtest "{reach.recipe.title}"'
    if reach.people_a_day is None:
        return "Nobody has been here yet."
    people = f"{about(reach.people_a_day)} (estimated)"
    if not reach.recipe.counts:
        return f"{people}; needs no test."
    if reach.days is None or reach.days > LONGEST_TEST_DAYS:
        return f"{people}: too few for a test of its own."
    typical = ", at a typical shop's rate" if reach.is_typical else ""
    return f"{people}; a fifth more {reach.recipe.counts} shows after {reach.days:,} days{typical}."


def about(people_a_day: float) -> str:
    if people_a_day < 1:
        return "Fewer than 1 person a day"
    return f"About {people_a_day:,.0f} {'person' if round(people_a_day) == 1 else 'people'} a day"


def basis_of(estimate: Estimate) -> str:
    if not estimate.looked_at:
        return "No visitors yet: the reach is counted once there are some."
    return (
        f"Estimated: {estimate.looked_at:,} of {estimate.visitors:,} visitors of the {estimate.span} "
        "were decided for again."
    )

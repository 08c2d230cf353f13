"""`opportune doctor` says where the set-up stands; `opportune preview` gives a link that shows rules in preview."""

from __future__ import annotations

import urllib.error
import urllib.request

import click
import msgspec

from opportune.app.clock import now_ms
from opportune.cli.address import address_of
from opportune.cli.installation import ask
from opportune.cli.options import json_option, operator, place_option
from opportune.cli.printing import print_json
from opportune.cli.reading_at import read_at
from opportune.process.place import Place
from opportune.services.setting_up import Setup, Step, set_up

REACH_SECONDS = 3.0
MARKS = {"done": "done", "waiting": "waiting", "trouble": "TROUBLE", "not needed": "-"}


@click.command()
@place_option
@click.option(
    "--url",
    default="",
    envvar="OPPORTUNE_URL",
    help="Where visitors' browsers find the server; left out, where the one on the folder says it is.",
)
@click.option("--link", is_flag=True, help="Print a link that opens the set-up page once.")
@json_option
def doctor(*, place: Place, url: str, link: bool, as_json: bool) -> None:
    """Say where the set-up stands, step by step.

    Ends with 1 where something is wrong.
    """
    url = address_of(place, url)
    if link:
        click.echo(setup_link(url, ask(place, "set-up link", by=operator())["word"]))
        return
    with read_at(place) as storage:
        setup = with_reached(set_up(storage, url, now_ms()), url)
    if as_json:
        print_json(setup)
    else:
        _print(setup)
    if setup.troubles:
        raise SystemExit(1)


@click.command()
@click.argument("page", metavar="URL")
@place_option
def preview(*, page: str, place: Place) -> None:
    """Print a link to a page of your shop that shows rules in preview.

    For two hours, on any phone; whoever uses it enters no test.
    """
    click.echo(ask(place, "preview", page=page)["link"])


def setup_link(url: str, word: str) -> str:
    return f"{url}/setup?open={word}"


def with_reached(setup: Setup, url: str) -> Setup:
    """The first step says what it promises only where the server really answered from here."""
    trouble = _trouble_at(url)
    if not trouble:
        return setup
    unreached = Step(
        name="server",
        group=setup.steps[0].group,
        title=setup.steps[0].title,
        state="trouble",
        seen=f"Nothing answers at {url}: {trouble}",
        fix="Start it with `opportune serve`, or say where it is with --url (or OPPORTUNE_URL).",
    )
    steps = tuple(unreached if step.name == "server" else step for step in setup.steps)
    return msgspec.structs.replace(setup, steps=steps)


def _trouble_at(url: str) -> str:
    """Empty where it lives; else why not, in words."""
    try:
        with urllib.request.urlopen(f"{url}/health/live", timeout=REACH_SECONDS) as answer:  # noqa: S310 - http(s) only, checked
            return "" if b'"live"' in answer.read(200) else "something else answers there"
    except urllib.error.HTTPError as error:
        return f"it answers {error.code}"
    except (OSError, ValueError) as error:
        return str(getattr(error, "reason", error))


def _print(setup: Setup) -> None:
    group = ""
    for step in setup.steps:
        if step.group != group:
            group = step.group
            click.echo(f"\n{group}" if step is not setup.steps[0] else group)
        click.echo(f"  {MARKS[step.state]:<8} {step.title}{f': {step.seen}' if step.seen else ''}")
        if step.fix and step.state != "done":
            click.echo(f"           {step.fix}")
    for checklist in setup.checklists:
        done = sum(task.is_done for task in checklist.tasks)
        click.echo(f"\n{checklist.title} ({done} of {len(checklist.tasks)})")
        for task in checklist.tasks:
            click.echo(f"  [{'x' if task.is_done else ' '}] {task.title}")

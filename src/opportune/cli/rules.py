"""`opportune rules` and `opportune rule`: which rules act, and launching or pausing one."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import click

from opportune.cli.clock import say_day, zone_of
from opportune.cli.installation import reach
from opportune.cli.options import json_option, operator, place_option, reason_option
from opportune.cli.printing import print_json, print_table
from opportune.process.place import Place


@click.command()
@place_option
@json_option
def rules(*, place: Place, as_json: bool) -> None:
    """List rules with their state."""
    with reach(place) as ask:
        found = ask("rules")
        zone = zone_of(ask)
    if as_json:
        print_json(found)
    elif not found:
        click.echo("No rules: no playbook is published yet.")
    else:
        print_table(
            ("rule", "state", "what it does now"),
            [(row["rule"], _state(row, zone), _now(row)) for row in found],
        )
        for row in found:
            for note in row["notes"]:
                click.echo(f"{row['rule']}: {note}.")


@click.command()
@click.argument("name")
@click.argument("state", metavar="live|slowly|preview|paused|draft|SHARE%")
@place_option
@click.option("--unseen", is_flag=True, help="Act even though events it needs were never seen.")
@reason_option
def rule(*, name: str, state: str, place: Place, unseen: bool, reason: str) -> None:
    """Launch or pause the rule NAME.

    For everyone, for a share of visitors such as 20%, or slowly: 5%, 20%, 50% and all, a step every two
    days while nothing is wrong. One that was switched off by itself needs a --reason.
    """
    with reach(place) as ask:
        row = ask("rule", rule=name, state=state, unseen=unseen, reason=reason, by=operator())
        zone = zone_of(ask)
    click.echo(f"{row['rule']}: {_state(row, zone)}, {_now(row)}.")
    if row["nextStepAt"]:
        click.echo("`opportune notes` says within a minute what harm each step could hide.")


def _state(row: dict[str, Any], zone: ZoneInfo) -> str:
    if row["share"] is None:
        return str(row["state"])
    step = f", next step {say_day(row['nextStepAt'], zone)}" if row.get("nextStepAt") else ""
    return f"live for {row['share']:g}%{step}"


def _now(row: dict[str, Any]) -> str:
    if row["waitsFor"]:
        return f"waits for the first {' and '.join(row['waitsFor'])}"
    if not row["acts"]:
        return "does nothing"
    if row["state"] == "preview":
        return "acts for previewers only"
    if row["testIsOver"]:
        return f"acts, test {row['test']} is over: both halves go on until you decide, see opportune report"
    return f"acts, in test {row['test']}: {row['split']}" if row["split"] else "acts"

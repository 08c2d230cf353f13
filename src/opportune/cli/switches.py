"""The switches of the whole installation: everything off, frozen; and what runs now."""

from __future__ import annotations

from pathlib import Path

import click

from opportune.cli.installation import ask
from opportune.cli.options import data_option, json_option, operator, reason_option
from opportune.cli.printing import counted, print_json
from opportune.core.moment import to_iso


@click.command()
@data_option
@reason_option
def off(*, data: Path, reason: str) -> None:
    """Everything off: all places show normal content, at once."""
    ask(data, "off", reason=reason, by=operator())
    click.echo("Everything is off: every place shows its normal content. `opportune on` ends it.")


@click.command()
@data_option
def on(*, data: Path) -> None:
    """Everything on again."""
    ask(data, "on", by=operator())
    click.echo("Everything is on again, as it was.")


@click.command()
@data_option
@reason_option
def freeze(*, data: Path, reason: str) -> None:
    """No publishing and no launching until `unfreeze`."""
    ask(data, "freeze", reason=reason, by=operator())
    click.echo("Frozen: nothing can be published or launched; pausing and `off` still can.")


@click.command()
@data_option
def unfreeze(*, data: Path) -> None:
    """Allow changes again."""
    ask(data, "unfreeze", by=operator())
    click.echo("Changes are allowed again.")


@click.command()
@data_option
@json_option
def status(*, data: Path, as_json: bool) -> None:
    """What runs in an installation now."""
    found = ask(data, "status")
    if as_json:
        print_json(found)
        return
    revision = found["revision"] or "none published"
    counts = f"{counted(found['rules'], 'rule')}, {counted(found['slots'], 'place')}"
    click.echo(f"playbook   {revision} ({counts})")
    for name in ("off", "frozen"):
        switch = found[name]
        text = (
            f"since {to_iso(switch['at'])} by {switch['by']} {switch['reason']}".rstrip() if switch else "no"
        )
        click.echo(f"{name:<10} {text}")

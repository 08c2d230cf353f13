"""`opportune init`: a small playbook to start from, with a remark in plain words wherever a choice was made."""

from __future__ import annotations

from pathlib import Path

import click

from opportune.cli.playbook import write_files

FIRST_PLAYBOOK = Path(__file__).parent / "first_playbook"


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
def init(*, folder: Path) -> None:
    """Write a small playbook to start from into DIR.

    It must be empty or new.
    """
    files = first_files()
    write_files(folder, files)
    for path in files:
        click.echo(f"Wrote {folder / path}")
    click.echo("Change what you like, then:")
    for command in (f"check {folder}", f"publish {folder}", "serve"):
        click.echo(f"  opportune {command}")


def first_files() -> dict[str, str]:
    """The texts by path, the team's file first, then places, then rules."""
    found = [(path.relative_to(FIRST_PLAYBOOK), path) for path in FIRST_PLAYBOOK.rglob("*.yaml")]
    in_order = sorted(found, key=lambda each: (len(each[0].parts), each[0].parts[0] == "rules", each[0]))
    return {name.as_posix(): path.read_text(encoding="utf-8") for name, path in in_order}

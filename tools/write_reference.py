"""Writes the pages of `docs/reference/` that are generated: HTTP, commands and settings. Tests notice stale ones."""

from __future__ import annotations

from pathlib import Path

from opportune.cli.reference import commands_page
from opportune.core.plan_reference import events_page
from opportune.core.playbook_reference import playbook_page
from opportune.http.reference import reference_page as http_page
from opportune.settings import reference_page

REFERENCE = Path(__file__).resolve().parent.parent / "docs" / "reference"


def main() -> None:
    REFERENCE.mkdir(parents=True, exist_ok=True)
    (REFERENCE / "events.md").write_text(events_page())
    (REFERENCE / "playbook.md").write_text(playbook_page())
    (REFERENCE / "settings.md").write_text(reference_page())
    (REFERENCE / "http.md").write_text(http_page())
    (REFERENCE / "commands.md").write_text(commands_page())


if __name__ == "__main__":
    main()

"""Writes the pages of `docs/reference/` that are made from the code. Tests notice stale ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from opportune.cli.reference import commands_page
from opportune.core.conditions.reference import conditions_page
from opportune.core.history.reference import events_page
from opportune.core.metrics.reference import metrics_page
from opportune.core.playbook_files.reference import playbook_page
from opportune.core.signals.reference import reference_page as signals_page
from opportune.http.reference import reference_page as http_page
from opportune.settings import reference_page as settings_page

REFERENCE = Path(__file__).resolve().parent.parent / "docs" / "reference"
PAGES: Mapping[str, Callable[[], str]] = {
    "commands.md": commands_page,
    "conditions.md": conditions_page,
    "events.md": events_page,
    "http.md": http_page,
    "metrics.md": metrics_page,
    "playbook.md": playbook_page,
    "settings.md": settings_page,
    "signals.md": signals_page,
}
"""By name. `allocation.md` is written by hand; tests hold it by its cases."""


def main() -> None:
    REFERENCE.mkdir(parents=True, exist_ok=True)
    for name, page in PAGES.items():
        (REFERENCE / name).write_text(page())


if __name__ == "__main__":
    main()

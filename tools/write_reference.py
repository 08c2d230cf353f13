"""Writes the pages of `docs/reference/` that are made from the code: `python tools/write_reference.py`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from opportune.core.signals.reference import reference_page as signals_page

FOLDER = Path(__file__).parents[1] / "docs" / "reference"
PAGES: tuple[tuple[str, Callable[[], str]], ...] = (("signals.md", signals_page),)


def main() -> None:
    for name, render in PAGES:
        (FOLDER / name).write_text(render(), encoding="utf-8")


if __name__ == "__main__":
    main()

"""docs/benchmarks.md: the figures of every section as the last run with `--write` that measured it found them."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from pathlib import Path

from bench.machine import describe_machine
from bench.table import Section

PAGE = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"
HEAD = """# Benchmarks

*Written by `python -m bench --write`. Read the ratios: they come from one run in which the compared forms took
turns, so they hold on another machine; absolute figures do not.*

`make bench` repeats most of it in about five minutes; a test of a million visitors, a log of a million events, a
million people and PostgreSQL are measured where they are named (`make bench ARGS="measuring backtest people postgres"`,
another ten). What a run does not measure keeps its figures here. It talks to 127.0.0.1 only. How each figure is taken
stands in `bench/`, one file a section.

"""


def write_page(sections: Sequence[Section], page: Path = PAGE) -> None:
    """Puts these sections in the place of their former figures, new ones at the end, and leaves the others."""
    taken = f"The newest taken on {time.strftime('%Y-%m-%d', time.gmtime())}: {describe_machine()}.\n\n"
    texts = _texts_of(page.read_text()) if page.exists() else {}
    texts.update({section.title: section.to_markdown() for section in sections})
    page.write_text(HEAD + taken + "\n".join(texts.values()))
    print(f"Wrote {page}")


def _texts_of(page: str) -> dict[str, str]:
    """Sections by title."""
    found = re.split(r"^(?=## )", page, flags=re.MULTILINE)[1:]
    return {text.partition("\n")[0].removeprefix("## "): text.rstrip("\n") + "\n" for text in found}

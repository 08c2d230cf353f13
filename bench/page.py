"""docs/benchmarks.md: what the last whole run with `--write` measured."""

from __future__ import annotations

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
another ten). It talks to 127.0.0.1 only. How each figure is taken stands in `bench/`, one file a section.

"""


def write_page(sections: Sequence[Section]) -> None:
    taken = f"Taken on {time.strftime('%Y-%m-%d', time.gmtime())}: {describe_machine()}.\n\n"
    PAGE.write_text(HEAD + taken + "\n".join(section.to_markdown() for section in sections))
    print(f"Wrote {PAGE}")

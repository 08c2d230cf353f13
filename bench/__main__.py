"""`python -m bench [sections] [--write]`: measures, prints a table a section, and may write docs/benchmarks.md."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

from bench import (
    backtest,
    core,
    footprint,
    ingest,
    measuring,
    on_postgres,
    over_http,
    people,
    recommend,
    report,
    rules,
)
from bench.machine import describe_machine
from bench.page import write_page
from bench.table import Section

SECTIONS: dict[str, Callable[[], Section]] = {
    "core": core.measure,
    "rules": rules.measure,
    "footprint": footprint.measure,
    "http": over_http.measure,
    "ingest": ingest.measure,
    "report": report.measure,
    "recommend": recommend.measure,
    "measuring": measuring.measure,
    "backtest": backtest.measure,
    "people": people.measure,
    "postgres": on_postgres.measure,
}
USUAL = tuple(name for name in SECTIONS if name not in {"measuring", "backtest", "people", "postgres"})
"""Those fill stores for minutes and take gigabytes, so they run only when they are named."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "sections",
        nargs="*",
        help=f"of: {', '.join(SECTIONS)}; none: all but measuring, backtest, people, postgres",
    )
    parser.add_argument("--write", action="store_true", help="put the figures into docs/benchmarks.md")
    options = parser.parse_args()
    unknown = set(options.sections) - set(SECTIONS)
    if unknown:
        parser.error(f"no section is called {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}")
    print(describe_machine(), flush=True)
    sections = []
    for name in options.sections or USUAL:
        started = time.monotonic()
        section = SECTIONS[name]()
        section.seconds = time.monotonic() - started
        section.show()
        sections.append(section)
    if options.write:
        write_page(sections)


if __name__ == "__main__":
    main()

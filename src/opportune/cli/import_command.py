"""`opportune import FILE`: the same clickstreams as `replay`, in bulk into the history. Never triggers anything."""

from __future__ import annotations

import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import click

from opportune.cli.clickstreams import CLICKSTREAMS, clickstream_named
from opportune.cli.installation import reach
from opportune.cli.options import json_option, mapping_option, place_option
from opportune.cli.printing import Progress, print_json
from opportune.cli.replay import batches
from opportune.process.place import Place

BATCH_EVENTS = 5_000
BATCH_BYTES = 8_000_000
COUNTED = ("accepted", "duplicate", "set_aside")


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@place_option
@click.option(
    "--format",
    "format_name",
    type=click.Choice([known.name for known in CLICKSTREAMS]),
    required=True,
    help="How the file is written; see `replay`.",
)
@mapping_option
@json_option
def import_command(
    *, file: Path, place: Place, format_name: str, mapping: dict[str, str], as_json: bool
) -> None:
    """Take a clickstream FILE into the history.

    In bulk; nothing is shown, sent or tested because of it.
    """
    counts: Counter[str] = Counter(dict.fromkeys(COUNTED, 0))
    reasons: Counter[str] = Counter()
    progress = Progress("read", sys.stderr)
    started = time.monotonic()
    with reach(place, may_make=True) as ask:
        for batch in batches(
            clickstream_named(format_name).read(file, mapping), limit=BATCH_EVENTS, most_bytes=BATCH_BYTES
        ):
            result: dict[str, Any] = ask("import", messages=batch)
            counts.update({name: result[name] for name in COUNTED})
            reasons.update(result["reasons"])
            progress.show(sum(counts.values()))
    progress.end()
    seconds = time.monotonic() - started
    if as_json:
        print_json({**counts, "reasons": reasons, "seconds": round(seconds, 3)})
        return
    for name, count in counts.items():
        click.echo(f"{name.replace('_', ' '):<10} {count:>9,}")
    for reason, count in reasons.most_common():
        click.echo(f"  {count:>9,}  {reason}")
    click.echo(f"{sum(counts.values()) / seconds:,.0f} events/s")

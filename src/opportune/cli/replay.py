"""`opportune replay FILE`: feeds a clickstream through the HTTP edge and asks for decisions as it goes."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click
import msgspec

from opportune.cli.clickstreams import CLICKSTREAMS, Message, clickstream_named
from opportune.cli.client import Client, Taken
from opportune.cli.options import json_option, mapping_option
from opportune.cli.printing import Progress, fail
from opportune.settings import DEFAULTS

BATCH_EVENTS = 100
BATCH_BYTES = 400_000
NO_RULE = "(none)"


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--format",
    "format_name",
    type=click.Choice([format_.name for format_ in CLICKSTREAMS]),
    required=True,
    help="How the file is written: "
    + "; ".join(f"{format_.name}: {format_.says}" for format_ in CLICKSTREAMS),
)
@mapping_option
@click.option("--url", default=DEFAULTS.url, envvar="OPPORTUNE_URL", show_default=True, help="The server.")
@click.option(
    "--write-key", envvar="OPPORTUNE_WRITE_KEY", required=True, help="A key that may capture and decide."
)
@click.option("--speed", type=click.FloatRange(min=0), default=0, help="Times the original pace; 0: at once.")
@click.option("--as-if-now", is_flag=True, help="Shift all times so that the file ends now.")
@click.option("--decide/--no-decide", "decides", default=True, help="Ask for decisions after each batch.")
@json_option
def replay(
    *,
    file: Path,
    format_name: str,
    mapping: dict[str, str],
    url: str,
    write_key: str,
    speed: float,
    as_if_now: bool,
    decides: bool,
    as_json: bool,
) -> None:
    """Feed a clickstream FILE to a server, as a shop would send it.

    Messages go through the public capture endpoint in batches; after each batch every visitor in it is
    decided for. A row's message id is a hash of the row, so running it again adds nothing.
    """
    stream = clickstream_named(format_name).read(file, mapping)
    messages: Iterable[Message] = shifted(list(stream)) if as_if_now else stream
    client = Client(url, write_key)
    try:
        report = feed(client, messages, speed=speed, decides=decides)
    finally:
        client.close()
    if report.events == 0:
        fail(f"{file} holds no events.")
    click.echo(msgspec.json.encode(report.to_json()).decode() if as_json else report.to_text())


class Report(msgspec.Struct):
    """What a replay did."""

    taken: Taken = msgspec.field(default_factory=Taken)
    by_rule: dict[str, int] = msgspec.field(default_factory=dict)
    events: int = 0
    seconds: float = 0.0

    def add(self, taken: Taken) -> None:
        total = self.taken
        total.accepted += taken.accepted
        total.duplicate += taken.duplicate
        total.set_aside += taken.set_aside
        total.reason = total.reason or taken.reason

    @property
    def decisions(self) -> int:
        return sum(self.by_rule.values())

    @property
    def events_per_second(self) -> float:
        return self.events / self.seconds if self.seconds else 0.0

    def to_json(self) -> dict[str, Any]:
        return {
            "accepted": self.taken.accepted,
            "duplicate": self.taken.duplicate,
            "set_aside": self.taken.set_aside,
            "decisions": self.decisions,
            "decisions_by_rule": self.by_rule,
            "events_per_second": round(self.events_per_second, 1),
            "seconds": round(self.seconds, 3),
        }

    def to_text(self) -> str:
        reason = f" (first: {self.taken.reason})" if self.taken.reason else ""
        lines = [
            f"accepted   {self.taken.accepted:>9,}",
            f"duplicate  {self.taken.duplicate:>9,}",
            f"set aside  {self.taken.set_aside:>9,}{reason}",
            f"decisions  {self.decisions:>9,}",
            *(
                f"  {count:>9,}  {rule}"
                for rule, count in sorted(self.by_rule.items(), key=lambda item: -item[1])
            ),
            f"{self.events_per_second:,.0f} events/s with decisions between, {self.seconds:.1f} s",
        ]
        return "\n".join(lines)


def feed(client: Client, messages: Iterable[Message], *, speed: float, decides: bool) -> Report:
    """Sends everything; one batch and its decisions after another, so that each sees what came before."""
    report = Report()
    progress = Progress("sent", sys.stderr)
    started = time.monotonic()
    pace = Pace(speed)
    for batch in batches(messages, limit=1 if speed else BATCH_EVENTS):
        pace.wait_for(batch[0])
        report.add(client.send(batch))
        report.events += len(batch)
        if decides:
            for anonymous_id, user_id in visitors_of(batch):
                for decision in client.decide(anonymous_id, user_id).values():
                    rule = decision.get("rule") or NO_RULE
                    report.by_rule[rule] = report.by_rule.get(rule, 0) + 1
        progress.show(report.events)
    report.seconds = time.monotonic() - started
    progress.end()
    return report


def batches(
    messages: Iterable[Message], *, limit: int, most_bytes: int = BATCH_BYTES
) -> Iterator[list[Message]]:
    batch: list[Message] = []
    size = 0
    for message in messages:
        bytes_ = len(msgspec.json.encode(message))
        if batch and (len(batch) >= limit or size + bytes_ > most_bytes):
            yield batch
            batch, size = [], 0
        batch.append(message)
        size += bytes_
    if batch:
        yield batch


def visitors_of(batch: Iterable[Message]) -> list[tuple[str | None, str | None]]:
    return list(dict.fromkeys((message.get("anonymousId"), message.get("userId")) for message in batch))


class Pace:
    """Keeps the stream's own pace, so many times faster; without a speed it never waits."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._started = time.monotonic()
        self._first: datetime | None = None

    def wait_for(self, message: Message) -> None:
        at = moment_of(message) if self._speed else None
        if at is None:
            return
        self._first = self._first or at
        due = self._started + (at - self._first).total_seconds() / self._speed
        time.sleep(max(0.0, due - time.monotonic()))


def shifted(messages: list[Message]) -> Iterator[Message]:
    """The same messages, later by so much that the newest happens now."""
    moments = [at for message in messages if (at := moment_of(message)) is not None]
    later = datetime.now(moments[0].tzinfo) - max(moments) if moments else timedelta()
    for message in messages:
        at = moment_of(message)
        yield message if at is None else {**message, "timestamp": (at + later).isoformat()}


def moment_of(message: Message) -> datetime | None:
    try:
        at = datetime.fromisoformat(str(message.get("timestamp", "")))
    except ValueError:
        return None
    return at if at.tzinfo is not None else None

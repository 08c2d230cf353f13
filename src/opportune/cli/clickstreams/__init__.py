"""Clickstream formats that `replay` and `import` read: one file each, listed here."""

from __future__ import annotations

from opportune.cli.clickstreams.base import Clickstream, Message
from opportune.cli.clickstreams.csv_rows import CsvRows
from opportune.cli.clickstreams.rees46 import Rees46
from opportune.cli.clickstreams.retailrocket import Retailrocket
from opportune.cli.clickstreams.segment_jsonl import SegmentJsonl

CLICKSTREAMS: tuple[Clickstream, ...] = (Rees46(), Retailrocket(), SegmentJsonl(), CsvRows())


def clickstream_named(name: str) -> Clickstream:
    return next(format_ for format_ in CLICKSTREAMS if format_.name == name)


__all__ = ["CLICKSTREAMS", "Clickstream", "Message", "clickstream_named"]

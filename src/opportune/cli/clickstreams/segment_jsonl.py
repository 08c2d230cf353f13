"""Messages of Segment's spec, one JSON object a line, as exports and archives keep them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from opportune.cli.clickstreams.base import Clickstream, Message, Row, message_id_of, open_text
from opportune.errors import BadRequestError


class SegmentJsonl(Clickstream):
    """A message without `messageId` gets a hash of its line; one without `type` is a `track`."""

    name: ClassVar[str] = "segment-jsonl"
    says: ClassVar[str] = "one Segment message a line"

    def read(self, path: Path, mapping: Mapping[str, str]) -> Iterator[Message]:
        with open_text(path) as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield self.message_of({"line": line.strip(), "number": f"{path}:{number}"}, mapping)

    def message_of(self, row: Row, mapping: Mapping[str, str]) -> Message:
        try:
            message = msgspec.json.decode(row["line"], type=dict[str, Any])
        except msgspec.DecodeError as error:
            raise BadRequestError(wrong=f"{row['number']} is no JSON object: {error}.") from None
        for field, other in mapping.items():
            if other in message:
                message[field] = message.pop(other)
        message.setdefault("messageId", message_id_of((row["line"],)))
        message.setdefault("type", "track")
        return message

"""A `line`: a stored row as JSON text, ready to be handed to whoever decides, the same in every SQL store."""

from __future__ import annotations

from functools import lru_cache

import msgspec

from opportune.core.history.timeline import FactValue, TimelineEvent
from opportune.core.situation import PastExposure, Trait
from opportune.storage.base import Exposure

read_facts = msgspec.json.Decoder(dict[str, FactValue]).decode
read_trait = msgspec.json.Decoder(tuple[int, str, Trait]).decode

read_event = msgspec.json.Decoder(TimelineEvent).decode

_encode = msgspec.json.Encoder().encode


def json_of(value: object) -> str:
    return _encode(value).decode()


@lru_cache(maxsize=4_096)
def _quoted(text: str) -> str:
    return json_of(text)


def event_line(occurred_at: int, seq: int, name: str, source: str, facts: bytes) -> str:
    """A TimelineEvent's JSON. Raises where the facts cannot be read back: that would spoil every later read."""
    read_facts(facts)
    return f"[{occurred_at},{seq},{_quoted(name)},{_quoted(source)},{facts.decode()}]"


def exposure_line(exposure: Exposure, first_at: int, shown_at: int | None = None, count: int = 0) -> str:
    """A PastExposure's JSON."""
    return json_of(
        PastExposure(
            exposure.subject,
            exposure.slot,
            exposure.rule,
            exposure.rule_hash,
            exposure.arm,
            exposure.session,
            first_at,
            shown_at,
            count,
        )
    )

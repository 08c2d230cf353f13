"""What is sent to Opportune and what comes back, as values: the question, one slot's answer, the usual headers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from opportune.web.exchange import ExchangeError, Reply

Event = Mapping[str, Any]
NOTHING: Mapping[str, Any] = {}
HIDDEN = "hidden"
NORMAL = ("", "normal")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Who asks, for which slots, on which page. `events` are taken in first, so that the answer knows them."""

    slots: Sequence[str]
    anonymous_id: str = ""
    user_id: str = ""
    user_token: str = ""
    """Proof of the user for a write key (docs/how/identity.md); a secret key needs none."""
    context: Mapping[str, Any] = field(default_factory=dict)
    events: Sequence[Event] = ()
    receipts: bool = False
    preview: bool = False

    def to_json(self) -> bytes:
        said: dict[str, Any] = {"slots": list(self.slots), "context": self.context}
        ids = (("anonymousId", self.anonymous_id), ("userId", self.user_id), ("userToken", self.user_token))
        said |= {name: value for name, value in ids if value}
        if self.events:
            said["events"] = list(self.events)
        if self.receipts:
            said["receipts"] = True
        if self.preview:
            said["preview"] = True
        return json.dumps(said).encode()


@dataclass(frozen=True, slots=True)
class Answer:
    """What one slot shows. Without an answer in time it is normal content, and nobody is counted."""

    slot: str
    value: Any = None
    variant: str = ""
    reason: str = "ERROR"
    rule: str = ""
    token: str = ""
    """Given back with `Slot Viewed`, it proves what was decided."""
    holds_until: str = ""
    why: Mapping[str, Any] = field(default_factory=dict)
    receipt: Mapping[str, Any] = field(default_factory=dict)
    is_answered: bool = False

    @property
    def is_normal(self) -> bool:
        """Whether the page's own content stays: no answer, no rule, or a group that nothing changes for."""
        return not self.is_answered or self.variant in NORMAL

    def value_or(self, default: Any) -> Any:
        """The value; the default where none came, or where the place has no normal content of its own."""
        if not self.is_answered or (self.value is None and self.is_normal):
            return default
        return self.value


def slot_id(name: str) -> str:
    """`home-hero` of `home hero`, as Opportune names places."""
    return "-".join(name.lower().split())


def answers_of(slots: Iterable[str], decisions: Mapping[str, Any] = NOTHING) -> dict[str, Answer]:
    """An answer for every slot asked for, by the name it was asked under."""
    return {slot: _answer(slot, decisions.get(slot)) for slot in slots}


def _answer(slot: str, decision: Any) -> Answer:
    if not isinstance(decision, dict):
        return Answer(slot)
    reason = str(decision.get("reason", "ERROR"))
    return Answer(
        slot=slot,
        value=decision.get("value"),
        variant=str(decision.get("variant", "")),
        reason=reason,
        rule=str(decision.get("rule", "")),
        token=str(decision.get("decision", "")),
        holds_until=str(decision.get("holdsUntil", "")),
        why=decision.get("why") or {},
        receipt=decision.get("receipt") or {},
        is_answered=reason != "ERROR",
    )


def decisions_in(reply: Reply) -> Mapping[str, Any]:
    """Raises ExchangeError for an answer without decisions."""
    decisions = json_in(reply).get("decisions")
    if not isinstance(decisions, dict):
        raise ExchangeError("the answer holds no decisions")
    return decisions


def are_events_taken(reply: Reply) -> bool:
    """Whether the events that went along with a question are safe."""
    taken = json_in(reply).get("events")
    return isinstance(taken, dict) and not taken.get("error")


def json_in(reply: Reply) -> dict[str, Any]:
    """An answer's object. Raises ExchangeError for a refusal, and for anything else than an object."""
    if not 200 <= reply.status < 300:
        raise ExchangeError(f"Opportune answered {reply.status}: {reply.body[:200]!r}")
    try:
        found = json.loads(reply.body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ExchangeError("Opportune's answer cannot be read")
    return found


def is_our_mistake(status: int) -> bool:
    """A request that was wrong in itself says nothing about how Opportune is."""
    return status in (400, 404, 413, 422)


def headers_for(key: str, more: Mapping[str, str] = NOTHING) -> dict[str, str]:
    return {
        "Authorization": f"Bearer {key}",
        "Content-Type": "application/json",
        "Connection": "keep-alive",
        **more,
    }

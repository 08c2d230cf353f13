"""The house: what every use case is given, built once in `app.py`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from opportune.storage.base import Storage

if TYPE_CHECKING:
    from opportune.core.programme import Programme

DEFAULT_DEADLINE_SECONDS = 0.05


@dataclass(slots=True)
class House:
    """Storage, clock, secret, and the programme that decides at this moment.

    `programme` is replaced whole when a playbook is published or an operator acts. `secret` signs
    decision and user tokens and hashes API keys; it is made once and kept in the store.
    """

    storage: Storage
    clock: Callable[[], int]
    secret: bytes
    programme: Programme
    deadline_seconds: float = DEFAULT_DEADLINE_SECONDS
    seen_events: set[str] = field(default_factory=set)
    """Names of events seen at least once; a rule waits until those it needs are in here."""

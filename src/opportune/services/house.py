"""The house: what every use case is given, built once in `app.py`."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import RLock

from opportune.core.catalogue import EMPTY_CATALOGUE, Catalogue
from opportune.core.programme import Programme
from opportune.storage.base import Storage, Transaction

DEADLINE_SECONDS = 0.05


@dataclass(slots=True)
class Held:
    """What is to be recorded of a key minted just now, once it is seen again."""

    since_at: int
    job: Callable[[Transaction], None]
    about: frozenset[int]
    """The keys the job is about."""
    marks: tuple[tuple[object, ...], ...] = ()
    """What of `recorded` they stand for."""


@dataclass(slots=True)
class House:
    """Storage, clock, secret, and the programme that decides at this moment.

    `clock` gives milliseconds. `programme` is replaced whole when a playbook is published or an operator
    acts. `secret` signs decision tokens and hashes API keys; it is made once and kept in the store.
    """

    storage: Storage
    clock: Callable[[], int]
    secret: bytes
    programme: Programme
    deadline_seconds: float = DEADLINE_SECONDS
    catalogue: Catalogue = EMPTY_CATALOGUE
    """What the shop sells, as this process last read it; see `services/cataloguing.py`."""
    seen_events: set[str] = field(default_factory=set)
    """Names of events seen at least once; a rule waits until those it needs are in here."""
    held: OrderedDict[int, Held] = field(default_factory=OrderedDict)
    """By device key; bounded, see `services/recording.py`."""
    visits: OrderedDict[int, tuple[int, int]] = field(default_factory=OrderedDict)
    """By device key: the visit's id and when it last asked, as the store may lag by a commit."""
    recorded: OrderedDict[tuple[object, ...], None] = field(default_factory=OrderedDict)
    """What was handed to the writer lately, so that it is not handed over twice."""
    fallbacks: dict[str, int] = field(default_factory=dict)
    """How many decisions fell back to normal content, by cause."""
    changes: RLock = field(default_factory=RLock)
    """Held by whoever replaces `programme`, so that no replacement is lost."""

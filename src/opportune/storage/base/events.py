"""What happened: events as they are stored and leave, which of them carries a business key, what was set aside."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence

import msgspec

from opportune.core.history.event import SetAside
from opportune.core.history.plan import EventClass

RECENT_BOUND = 6_001
"""How many events `find_recent` looks at; one more than a key that is no machine has in three days."""


class EventRow(msgspec.Struct, frozen=True, kw_only=True):
    """An event ready to be stored. `message` is a 63-bit hash of its message id.

    `facts` is a JSON object of fact values, `body` the whole event as JSON with its message id in it.
    """

    key: int
    event_class: EventClass
    occurred_at: int
    name: str
    source: str
    message: int
    facts: bytes
    body: bytes
    value: int = 0
    """Money it carries, in minor units, for totals."""


class Recent(msgspec.Struct, frozen=True):
    """What of a key lies within a day around some moments: message hashes, and how many events there are."""

    messages: frozenset[int]
    count: int


Span = tuple[int, int, int]
"""Events of a key with `second <= occurred_at < third`."""


class BusinessKey(msgspec.Struct, frozen=True, kw_only=True):
    """Which stored event carries a business key (`Order Completed`, `order_id` 1001)."""

    event: str
    value: str
    key: int
    event_class: EventClass
    occurred_at: int
    seq: int
    is_verified: bool


class StoredEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A whole event as the inspector and `GET /v1/events` show it; `body` is its JSON."""

    seq: int
    key: int
    name: str
    source: str
    occurred_at: int
    body: bytes


class StoredSetAside(SetAside, frozen=True, kw_only=True):
    """An event set aside, with its number and what became of it (`open`, `replayed`, `dropped`)."""

    id: int
    state: str = "open"


class EventQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Filters of the event list: `since_at <= occurred_at < until_at`; `before_seq` is the cursor."""

    name: str | None = None
    keys: tuple[int, ...] | None = None
    source: str | None = None
    message_id: str | None = None
    since_at: int | None = None
    until_at: int | None = None
    before_seq: int | None = None
    limit: int = 100


class EventReads(ABC):
    """Reading what happened."""

    @abstractmethod
    def list_events(self, query: EventQuery) -> list[StoredEvent]:
        """Newest commit first, without superseded versions. A message id without keys costs a scan."""

    @abstractmethod
    def list_key_events(
        self, name: str, *, after: tuple[int, int], until_at: int, limit: int
    ) -> list[StoredEvent]:
        """Key events of a name as they happened, after (moment, seq) and before a moment, without superseded ones."""

    @abstractmethod
    def list_versions(self, name: str, since_at: int, limit: int) -> list[tuple[StoredEvent, bool]]:
        """Key events (class 0) of a name since a moment, newest first, with whether each is still read.

        Those that a better version of the same event replaced are among them.
        """

    @abstractmethod
    def get_body(self, seq: int) -> bytes | None: ...

    @abstractmethod
    def list_set_aside(
        self, *, state: str = "open", before_id: int | None = None, limit: int = 100
    ) -> list[StoredSetAside]: ...

    @abstractmethod
    def find_seq(self) -> int:
        """The newest number that a committed record can have."""

    @abstractmethod
    def find_whole_since(self) -> int:
        """The moment from which on every event taken is still there; 0 while none has left by `retire_events`."""

    @abstractmethod
    def retire_events(self, before_at: int, most: int) -> int:
        """A bounded step of letting behaviour and telemetry (classes 1 and 2) from before a moment leave for good.

        How many events left: at most `most`, or 0 when none is left. Superseded versions go with them, and what
        remembers which event carried a business key; key events, records and totals stay. A store that keeps
        events by quarters of a year lets a quarter go at once, as soon as all of it is from before. Raises
        StorageBusyError when others stood in its way; asked again, it goes on.
        """

    def make_room(self, now: int) -> None:  # noqa: B027 - most stores have room as it is
        """Prepares where events of the months to come will lie, and forgets who was met once and never came again."""


class EventWrites(ABC):
    """One job's events."""

    @property
    @abstractmethod
    def head_seq(self) -> int:
        """The newest `seq` given out so far, 0 in an empty store."""

    @abstractmethod
    def find_recent(self, spans: Sequence[Span]) -> list[Recent]:
        """For each span its message hashes, to find duplicates and machines.

        Looks at RECENT_BOUND rows of each, superseded ones included.
        """

    @abstractmethod
    def append_event(self, row: EventRow) -> int:
        """Stores row and body under the next `seq`, which it returns."""

    @abstractmethod
    def supersede_event(self, known: BusinessKey) -> None:
        """The event of that business key was replaced by a better version: from now on it is not read."""

    @abstractmethod
    def update_facts(self, seq: int, key: int, occurred_at: int, facts: bytes) -> None:
        """Back-fill: new facts for a stored row of whatever class, derived again from its body."""

    @abstractmethod
    def find_business_key(self, event: str, value: str) -> BusinessKey | None: ...

    @abstractmethod
    def find_stored(self, known: BusinessKey) -> StoredEvent | None:
        """The event of that business key, whole; None when a better version replaced it."""

    @abstractmethod
    def put_business_key(self, known: BusinessKey) -> None: ...

    @abstractmethod
    def set_aside(self, events: Iterable[SetAside]) -> None: ...

    @abstractmethod
    def close_set_aside(self, identifier: int, state: str) -> None: ...

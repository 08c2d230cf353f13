"""The storage port: what services may ask of a store, and nothing about how it keeps things.

Reads are plain calls. Every write is a job handed to the one door, `Storage.write`; jobs run one
after another, several to a durable commit, and their futures resolve after that commit only.

A family to a file: what a store reads of it, what a job writes of it, and the values both speak in.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import ClassVar, TypeVar

from opportune.storage.base.counting import ConsentCount, CountReads, CountWrites, RuleCount
from opportune.storage.base.erasing import Belongings, ErasureReads, ErasureWrites
from opportune.storage.base.events import (
    RECENT_BOUND,
    BusinessKey,
    EventQuery,
    EventReads,
    EventRow,
    EventWrites,
    Recent,
    Span,
    StoredEvent,
    StoredSetAside,
)
from opportune.storage.base.exposures import (
    Exposure,
    ExposureReads,
    ExposureWrites,
    Opportunity,
    StoredExposure,
)
from opportune.storage.base.measuring import (
    FIRST_ASKED,
    FIRST_OF_LANE,
    AskedPlace,
    LaneEvent,
    LanePlace,
    MeasuringReads,
    MeasuringWrites,
)
from opportune.storage.base.operators import ApiKey, AuditEntry, OperatorReads, OperatorWrites, StoredPlaybook
from opportune.storage.base.people import TRAITS_BOUND, PeopleReads, PeopleWrites
from opportune.storage.base.products import ProductReads, ProductWrites, Recount, recount_of
from opportune.storage.base.recalling import (
    EXPOSURE_BOUND,
    KEYS_BOUND,
    OPPORTUNITY_BOUND,
    Recollection,
    RecollectionReads,
)

__all__ = [
    "EXPOSURE_BOUND",
    "FIRST_ASKED",
    "FIRST_OF_LANE",
    "KEYS_BOUND",
    "OPPORTUNITY_BOUND",
    "RECENT_BOUND",
    "TRAITS_BOUND",
    "ApiKey",
    "AskedPlace",
    "AuditEntry",
    "Belongings",
    "BusinessKey",
    "ConsentCount",
    "EventQuery",
    "EventRow",
    "Exposure",
    "LaneEvent",
    "LanePlace",
    "Opportunity",
    "Recent",
    "Recollection",
    "Recount",
    "RuleCount",
    "Span",
    "Storage",
    "StoredEvent",
    "StoredExposure",
    "StoredPlaybook",
    "StoredSetAside",
    "Transaction",
    "recount_of",
]

T = TypeVar("T")


class Transaction(
    EventWrites,
    PeopleWrites,
    ExposureWrites,
    MeasuringWrites,
    CountWrites,
    ProductWrites,
    OperatorWrites,
    ErasureWrites,
):
    """The writes of one job. It sees its own writes and those of the jobs before it.

    Every record (event, trait, opportunity, exposure, assignment) takes the next `seq` when it is written,
    so that "as of" means the same for all of them; an event's follows the newest one by at least 1.
    """


class Storage(
    EventReads,
    PeopleReads,
    ExposureReads,
    RecollectionReads,
    MeasuringReads,
    CountReads,
    ProductReads,
    OperatorReads,
    ErasureReads,
):
    """A store. `recall` is the hot read; `write` the only door for changes.

    Reads may be called from any thread and see only what was committed.
    """

    is_shared: ClassVar[bool] = False
    """Whether other processes may write to it at the same time."""

    is_remote: ClassVar[bool] = False
    """Whether it is behind a network, so that a read may take seconds: an event loop has it done in a thread."""

    @abstractmethod
    def write(self, job: Callable[[Transaction], T], about: Iterable[int] = ()) -> Future[T]:
        """Queues a job. The future gives its result after the durable commit, or its error.

        `about`: the keys whose persons it reads and changes. Where several processes write, they are locked
        before it begins, in their order, so that nobody else changes them meanwhile; a job may be run again
        from its beginning. A job that raises changes nothing and does not disturb the others of its group.
        Raises nothing itself: a full disk comes through the future as StorageFullError, a full queue or a
        closed store as StorageBusyError.
        """

    def take_lease(self, work: str, *, holder: str, now: int, until_at: int) -> bool:  # noqa: ARG002 - no rival
        """Whether background work is this holder's until a moment (ms); asked again in time, it stays so.

        A store that one process owns has nobody to share with.
        """
        return True

    def count_waiting(self) -> int:
        """Jobs handed to `write` whose turn has not come yet."""
        return 0

    @abstractmethod
    def close(self) -> None: ...

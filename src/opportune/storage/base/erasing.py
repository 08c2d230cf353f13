"""Everything that is a person's, to be handed over or erased, and who was erased."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence

import msgspec

from opportune.core.history.link import Link
from opportune.storage.base.events import BusinessKey
from opportune.storage.base.exposures import Opportunity, StoredExposure
from opportune.storage.personal import ErasedUnits, Erasure, KeptAssignment, KeptEvent, KeptTrait, Share


class Belongings(msgspec.Struct, frozen=True, kw_only=True):
    """All that a store keeps of one share of a key, oldest first; set-aside events lie apart."""

    events: Sequence[KeptEvent] = ()
    traits: Sequence[KeptTrait] = ()
    assignments: Sequence[KeptAssignment] = ()
    exposures: Sequence[StoredExposure] = ()
    opportunities: Sequence[Opportunity] = ()
    business_keys: Sequence[BusinessKey] = ()

    def __bool__(self) -> bool:
        return any(getattr(self, name) for name in self.__struct_fields__)


class ErasureReads(ABC):
    """Reading what is somebody's, and who was erased."""

    @abstractmethod
    def list_belongings(self, share: Share) -> Belongings: ...

    @abstractmethod
    def find_newest_erasure(self) -> int:
        """When anybody was erased last, 0 when nobody was."""

    @abstractmethod
    def list_erasures(self, after: tuple[int, str] = (-1, ""), limit: int = 1_000) -> list[Erasure]:
        """By lane and mark."""

    @abstractmethod
    def list_erased_units(self) -> list[ErasedUnits]:
        """By test, phase and arm."""

    def rewrite(self) -> bool:
        """Writes everything anew, so that nothing of what left can be read from free room; whether that was needed.

        May take as long as copying it, and writers wait.
        """
        return False


class ErasureWrites(ABC):
    """What one job erases."""

    @property
    @abstractmethod
    def newest_erasure_at(self) -> int:
        """When anybody was erased last, 0 when nobody was: who writes what is newer need not look whom it is about."""

    @abstractmethod
    def find_erasures(self, marks: Iterable[tuple[int, str]]) -> dict[str, Erasure]:
        """By mark those there are, of (lane, mark)."""

    @abstractmethod
    def put_erasures(self, erasures: Sequence[Erasure]) -> None:
        """The newer date stands, and whoever once unsubscribed stays so. A file keeps the list beside itself, too."""

    @abstractmethod
    def count_dropped(self, erasure: Erasure) -> None:
        """An event of somebody erased came late."""

    def let_go(self, keys: Iterable[int]) -> None:  # noqa: B027 - most stores write nobody down by holding them
        """Of keys a job was about, and of which nothing is kept, nothing stays."""

    @abstractmethod
    def erase_records(self, share: Share, most: int) -> dict[str, int]:
        """A bounded step: by table how many rows left, at most `most` of each; nothing more is left where none did.

        Events with bodies, past traits, opportunities, exposures with receipts, assignments, business keys. What
        they had added to totals and tests is noted as sums.
        """

    @abstractmethod
    def erase_assignments(self, share: Share) -> int:
        """All arms of a share at once, noted as `erase_records` does; how many left."""

    @abstractmethod
    def erase_traits(self, share: Share) -> int:
        """Those in force; how many left."""

    @abstractmethod
    def remove_link(self, link: Link) -> None: ...

    @abstractmethod
    def remove_key(self, key: int) -> None:
        """The id behind it, and that anything was ever written about it."""

    @abstractmethod
    def remove_set_aside(self, identifiers: Iterable[int]) -> int:
        """How many there were."""

    @abstractmethod
    def erase_audit(self, act: str, has_name: Callable[[str], bool], instead: str) -> int:
        """In acts of that kind whose `what` names somebody it is replaced; in how many."""

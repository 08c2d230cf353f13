"""The shop's catalogue, and how often its products were viewed and bought together."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence

import msgspec

from opportune.core.product import Product
from opportune.core.recommending.counting import Counted


class Recount(msgspec.Struct, frozen=True):
    """How far counting products is: the newest version, and when everything was counted anew, up to which `seq`.

    `held_until` is when others may add again, should whoever counts anew never finish.
    """

    version: int = 0
    made_at: int = 0
    counted_seq: int = 0
    held_until: int = 0

    def is_held(self, now: int) -> bool:
        return now < self.held_until


def recount_of(rows: Iterable[tuple[str, int]]) -> Recount:
    """From its rows in any store."""
    values = dict(rows)
    return Recount(values["version"], values["made"], values["counted"], values["held"])


class ProductReads(ABC):
    """Reading the catalogue, and counting, step by step or anew."""

    @abstractmethod
    def find_products(self, identifiers: Sequence[str]) -> list[Product]:
        """Those there are, by id."""

    @abstractmethod
    def list_products(
        self, after: tuple[int, str] = (0, ""), limit: int = 1_000
    ) -> list[tuple[int, Product]]:
        """(version, product) of those changed after a version and an id, as they were changed."""

    @abstractmethod
    def find_recount(self) -> Recount:
        """How far counting products is."""

    @abstractmethod
    def list_counts(self, after_version: int, until_version: int) -> Counted:
        """All there is of pairs and products that changed after a version, up to another."""

    @abstractmethod
    def add_counts(self, counted: Counted, *, made_at: int, now: int) -> bool:
        """Adds a step of counting. False, and nothing is added, while everything is counted anew or once it was.

        `made_at` is that of the recount after which these were counted.
        """

    @abstractmethod
    def begin_recount(self, now: int, until_at: int) -> Recount | None:
        """Holds others back until a moment, and says up to which `seq` to count. None: somebody is at it already."""

    @abstractmethod
    def put_counts(self, counted: Counted) -> None:
        """A step of counting anew, instead of what was there."""

    @abstractmethod
    def end_recount(self, before: Recount, now: int) -> None:
        """Everything that was not counted again since `before` leaves; others may go on."""


class ProductWrites(ABC):
    """What one job takes into the catalogue."""

    @abstractmethod
    def put_products(self, products: Iterable[Product]) -> None:
        """Each replaces the one of its id; all together are the catalogue's next version."""

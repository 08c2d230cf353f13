"""Whose it is: the ids behind keys, the links that make keys a person's, and customer details."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from opportune.core.history.link import Link
from opportune.core.situation import Trait
from opportune.storage.measurements import LanesAsked

TRAITS_BOUND = 200
"""How many traits a key may have, as every decision reads them all; names beyond that are not taken."""


class PeopleReads(ABC):
    """Reading who is who."""

    @abstractmethod
    def find_key_id(self, key: int) -> tuple[str, str] | None:
        """(namespace, id) behind a key."""

    @abstractmethod
    def list_person_keys(self, key: int, as_of: int | None = None) -> tuple[int, tuple[int, ...]]:
        """(person, all its keys) for any key of it; the person's own key first, then as they were linked."""

    @abstractmethod
    def list_links_of(self, keys: Sequence[int]) -> list[Link]:
        """Every link ever made of these keys, closed ones included."""

    @abstractmethod
    def list_links_in_force(self, lanes: LanesAsked) -> list[Link]:
        """Of every key of some lanes that is or was somebody's, its stretches as they are known today."""

    @abstractmethod
    def list_keys_of_lane(self, lane: int) -> list[int]:
        """Every key that anything is kept about."""

    @abstractmethod
    def has_trait(self, name: str) -> bool:
        """Whether anybody has a trait of that name in force. Costs a walk through all traits where nobody has."""

    @abstractmethod
    def list_addressed(self, trait: str, address: str) -> list[tuple[int, int]]:
        """(key, seq) where that trait is in force with that value, however it is capitalized.

        Costs a walk through all traits.
        """


class PeopleWrites(ABC):
    """What one job learns of people."""

    @abstractmethod
    def put_key(self, key: int, namespace: str, identifier: str) -> None:
        """Remembers the id behind a key; a second id under the same key raises ValueError."""

    @abstractmethod
    def list_links(self, key: int) -> list[Link]:
        """Every link of a key ever made, oldest first, closed ones included."""

    @abstractmethod
    def list_person_links(self, person: int) -> list[Link]:
        """Every link ever made to a person, by key and oldest first, closed ones included."""

    @abstractmethod
    def add_link(self, link: Link) -> None: ...

    @abstractmethod
    def close_link(self, link: Link, until_seq: int) -> None:
        """Not known any more from `until_seq` on; found by its key, person, from_seq and since_seq."""

    @abstractmethod
    def put_traits(self, key: int, traits: Mapping[str, Trait]) -> None:
        """Later assertions (by `at`) win, name by name, up to TRAITS_BOUND names.

        A trait whose value is None is removed; its name still counts.
        """

    def meet(self, key: int, at: int) -> None:  # noqa: B027 - nobody else there
        """A device nobody knew was asked for; the other processes know by it when they are asked for it again."""

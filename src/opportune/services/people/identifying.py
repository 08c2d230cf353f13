"""Identifying: whom an id or an e-mail address stands for, with all that belongs to them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import get_args

import msgspec

from opportune.core.history.key import Namespace, key_of
from opportune.errors import BadRequestError, NotFoundError
from opportune.services.people.dropping import ADDRESS, addresses_in, read_sent
from opportune.services.reading import KeyView
from opportune.storage.base import Storage, StoredSetAside
from opportune.storage.personal import Share, shares_of

STATES = ("open", "replayed", "dropped")
PAGE = 500
SHORTEST_ID_IN_TEXT = 4


class Names(msgspec.Struct, frozen=True):
    """What somebody is called in messages. Addresses are in small letters."""

    users: frozenset[str] = frozenset()
    devices: frozenset[str] = frozenset()
    addresses: frozenset[str] = frozenset()

    def are_in(self, sent: object) -> bool:
        """Whether a message as it was sent, or the text of a broken one, is about them."""
        if isinstance(sent, Mapping):
            return self._are_fields_of(sent)
        text = str(sent)
        ids = (name for name in self.users | self.devices if len(name) >= SHORTEST_ID_IN_TEXT)
        return any(f'"{name}"' in text for name in ids) or any(
            address in text.casefold() for address in self.addresses
        )

    def _are_fields_of(self, sent: Mapping[str, object]) -> bool:
        user, device, previous = (str(sent.get(name)) for name in ("userId", "anonymousId", "previousId"))
        return (
            user in self.users
            or device in self.devices
            or previous in self.users | self.devices
            or any(address.strip().casefold() in self.addresses for address in addresses_in(sent))
        )


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """Whom an id stands for: one person; with an e-mail address all who gave it."""

    persons: tuple[int, ...]
    keys: tuple[int, ...]
    ids: tuple[KeyView, ...]
    """Of keys that were only asked for, never sent with an event, no id is known."""
    addresses: tuple[str, ...] = ()

    @property
    def namesakes(self) -> tuple[int, ...]:
        """Keys that the same ids would have in other namespaces: whoever joins two users asks for those too."""
        keys = {key_of(space, view.id) for view in self.ids for space in get_args(Namespace)}
        return tuple(keys - set(self.keys))

    @property
    def names(self) -> Names:
        by_space: dict[str, set[str]] = {"user": set(), "anonymous": set(), "claim": set()}
        for view in self.ids:
            by_space[view.namespace].add(view.id)
        return Names(
            frozenset(by_space["user"] | by_space["claim"]),
            frozenset(by_space["anonymous"]),
            frozenset(address.strip().casefold() for address in self.addresses),
        )


def find_people(storage: Storage, identifier: str, namespace: Namespace | None = None) -> Found:
    """Raises NotFoundError, and BadRequestError where a user and a device of others have the same id."""
    seeds = _seeds(storage, identifier, namespace)
    if namespace is None and "@" in identifier:
        owners = [_owner_of(storage, *place) for place in storage.list_addressed(ADDRESS, identifier)]
        seeds.update(dict.fromkeys(owners))
    if not seeds:
        return _find_set_aside(storage, identifier, namespace)
    persons: dict[int, None] = {}
    keys: dict[int, None] = {}
    for seed in seeds:
        _join(storage, seed, persons, keys)
    for key in tuple(keys):
        view = storage.find_key_id(key)
        if view is not None and view[0] == "user" and _is_known(storage, claim := key_of("claim", view[1])):
            _join(storage, claim, persons, keys)
    given = {key_of(space, identifier): KeyView(space, identifier) for space in _spaces(namespace)}
    return found_of(storage, tuple(persons), tuple(keys), given)


def found_of(
    storage: Storage, persons: Sequence[int], keys: Sequence[int], given: Mapping[int, KeyView] | None = None
) -> Found:
    """With the ids and addresses that are on record; `given` are ids that may not be."""
    views = [_view(storage, key, given or {}) for key in keys]
    return Found(
        persons=tuple(persons),
        keys=tuple(keys),
        ids=tuple(view for view in views if view is not None),
        addresses=_addresses(storage, _shares(storage, persons, keys)),
    )


def _find_set_aside(storage: Storage, identifier: str, namespace: Namespace | None) -> Found:
    """Somebody of whom no event could ever be taken. Raises NotFoundError."""
    found = named_only(identifier, namespace)
    if next(list_set_aside_of(storage, found.names), None) is None:
        raise NotFoundError(what=f"A person with the id {identifier[:100]!r}")
    return found


def named_only(identifier: str, namespace: Namespace | None) -> Found:
    """Somebody with this id, whatever is kept of them."""
    views = {key_of(space, identifier): KeyView(space, identifier) for space in _spaces(namespace)}
    addresses = (identifier,) if namespace is None and "@" in identifier else ()
    return Found(persons=tuple(views), keys=tuple(views), ids=tuple(views.values()), addresses=addresses)


def _view(storage: Storage, key: int, given: Mapping[int, KeyView]) -> KeyView | None:
    known = storage.find_key_id(key)
    return KeyView(*known) if known is not None else given.get(key)


def _join(storage: Storage, seed: int, persons: dict[int, None], keys: dict[int, None]) -> None:
    person, theirs = storage.list_person_keys(seed)
    persons[person] = None
    keys.update(dict.fromkeys((*theirs, seed)))


def _spaces(namespace: Namespace | None) -> tuple[Namespace, ...]:
    """A user is meant with what was only said to be theirs."""
    if namespace == "user":
        return ("user", "claim")
    return (namespace,) if namespace is not None else ("user", "claim", "anonymous")


def _seeds(storage: Storage, identifier: str, namespace: Namespace | None) -> dict[int, None]:
    found = {
        space: key for space in _spaces(namespace) if _is_known(storage, key := key_of(space, identifier))
    }
    device = found.get("anonymous")
    if device is not None and len(found) > 1:
        owner, _ = storage.list_person_keys(device)
        users = {storage.list_person_keys(key)[0] for space, key in found.items() if space != "anonymous"}
        if owner not in users:
            wrong = (
                f"Two people have the id {identifier[:100]!r}: a user, and a device of somebody else. "
                "Say which one with the namespace `user` or `anonymous`."
            )
            raise BadRequestError(wrong=wrong)
    return dict.fromkeys(found.values())


def _is_known(storage: Storage, key: int) -> bool:
    """A visitor who was only ever asked for has no id on record, but is there."""
    return bool(
        storage.find_key_id(key) is not None
        or storage.list_links_of([key])
        or storage.list_opportunities([key], 1)
        or storage.list_exposures([key], 1)
    )


def _owner_of(storage: Storage, key: int, seq: int) -> int:
    """Whose a record of a key is."""
    links = [link for link in storage.list_links_of([key]) if link.is_in_force and link.owns(seq)]
    return max(links, key=lambda link: link.since_seq).person if links else key


def _addresses(storage: Storage, shares: Iterable[Share]) -> tuple[str, ...]:
    """Every address they ever gave."""
    found: dict[str, None] = {}
    for share in shares:
        for kept in storage.list_belongings(share).traits:
            if kept.name == ADDRESS and isinstance(kept.trait.value, str):
                found[kept.trait.value] = None
    return tuple(found)


def list_shares(storage: Storage, found: Found) -> list[Share]:
    """What of their keys is theirs: of a device that others use too, only their stretches."""
    return _shares(storage, found.persons, found.keys)


def _shares(storage: Storage, persons: Iterable[int], keys: Iterable[int]) -> list[Share]:
    return shares_of(persons, keys, lambda key: storage.list_links_of([key]))


def list_set_aside_of(storage: Storage, names: Names) -> Iterator[StoredSetAside]:
    """Events set aside that name them."""
    return (row for row in list_every_set_aside(storage) if names.are_in(read_sent(row.raw)))


def list_every_set_aside(storage: Storage) -> Iterator[StoredSetAside]:
    """In whatever state."""
    for state in STATES:
        before_id = None
        while page := storage.list_set_aside(state=state, before_id=before_id, limit=PAGE):
            yield from page
            before_id = page[-1].id

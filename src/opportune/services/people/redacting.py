"""Redacting: erasing whom somebody asked to erase, at once or in the background, until it is done."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from opportune.core.history.key import Namespace
from opportune.core.shops.base import Privacy, with_prefix
from opportune.errors import BadRequestError, NotFoundError
from opportune.services.connecting import Source
from opportune.services.house import House
from opportune.services.people.erasing import STEP, Erased, erase
from opportune.services.people.identifying import Found, find_people, named_only
from opportune.services.people.requesting import LEASE_MS, Wanted, list_requests, note

Go = Callable[[], bool]


def erase_person(
    house: House, identifier: str, namespace: Namespace | None = None, *, by: str = "", step: int = STEP
) -> Erased:
    """Now. Broken off half way it goes on by itself, here or in another process.

    Raises NotFoundError, BadRequestError as `find_people` does; StorageBusyError, StorageFullError.
    """
    found = find_people(house.storage, identifier, namespace)
    note(house, "erase", (Wanted(identifier, namespace),), by=by, held_until=house.clock() + LEASE_MS)
    return erase(house, found, by=by, step=step)


def take_request(house: House, source: Source, privacy: Privacy) -> None:
    """What a shop asks on behalf of somebody. Once this returns it is kept, whatever ends meanwhile."""
    ids = [Wanted(with_prefix(source.prefix, privacy.customer), "user")] if privacy.customer else []
    addresses = [Wanted(privacy.address)] if privacy.address else []
    who = [*ids, *addresses] or [Wanted(privacy.shop or source.name)]
    note(house, privacy.kind, who, by=f"{source.platform} {source.name}", topic=privacy.topic)


def erase_requested(house: House, *, may_go_on: Go = lambda: True) -> int:
    """Erases whom nobody is at; how many requests are done now. One process at a time."""
    done = 0
    for request in list_requests(house.storage).values():
        if request.kind != "erase" or request.held_until > house.clock():
            continue
        if not may_go_on():
            break
        erase(house, _found(house, request.who), by=request.by)
        done += 1
    return done


def _found(house: House, who: Iterable[Wanted]) -> Found:
    """All of them as one. Of whom nothing is kept, what may still come late must not be taken."""
    parts = [_find(house, each) for each in who]
    return Found(
        persons=tuple(dict.fromkeys(person for part in parts for person in part.persons)),
        keys=tuple(dict.fromkeys(key for part in parts for key in part.keys)),
        ids=tuple(dict.fromkeys(view for part in parts for view in part.ids)),
        addresses=tuple(dict.fromkeys(address for part in parts for address in part.addresses)),
    )


def _find(house: House, wanted: Wanted) -> Found:
    try:
        return find_people(house.storage, wanted.id, wanted.namespace)
    except NotFoundError:
        return named_only(wanted.id, wanted.namespace)
    except BadRequestError:  # somebody else's device is called like this: not theirs
        return _find(house, Wanted(wanted.id, "user"))

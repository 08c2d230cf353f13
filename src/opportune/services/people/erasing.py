"""Erasing: a person leaves every table, in bounded steps that may be taken up again, and stays away.

Each step is one transaction that holds everybody it is about and reads anew what is theirs. What is found by the id
they were asked for with (links, ids, traits) leaves last and at once: whoever was stopped half way
finds the same person again, and the request for it (`redacting.py`) leaves in the same commit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial

import msgspec

from opportune.core.history.key import address_key_of, lane_of, mark_of
from opportune.core.signals.subscription import Subscribed
from opportune.core.visitor.consent import answer_of
from opportune.services.deciding import Question, recollect
from opportune.services.experiments.keeping_measured import keep_erased
from opportune.services.house import House
from opportune.services.people.dropping import keys_named, marks_of, read_sent
from opportune.services.people.identifying import Found, found_of, list_every_set_aside, list_set_aside_of
from opportune.services.people.requesting import LEASE_MS, hold, list_requests_about
from opportune.services.people.separating import SEPARATED_ACT
from opportune.services.preparing import plan_of
from opportune.services.recording import forget
from opportune.storage.base import AuditEntry, Storage, StoredSetAside, Transaction
from opportune.storage.personal import Erasure, Share, shares_of

STEP = 200
"""Rows of a table to a transaction, so that visitors' writes come between."""
ERASED_ACT = "person erased"
INSTEAD = "(erased)"
MESSAGE = "message"


class Erased(msgspec.Struct, frozen=True, kw_only=True):
    """How much of somebody left: ids, and rows by table."""

    ids: int
    rows: dict[str, int]


class _Step(msgspec.Struct, frozen=True):
    rows: dict[str, int]
    is_last: bool


def erase(house: House, found: Found, *, by: str = "", step: int = STEP, at: int | None = None) -> Erased:
    """Everything of theirs, for good. Raises StorageBusyError or StorageFullError; asked again, it goes on.

    What happened up to `at` (now) and comes in later is dropped.
    """
    erasing = _Erasing(house, found, by, step, at)
    rows: Counter[str] = Counter()
    about = (*found.persons, *found.keys, *found.namesakes)
    forget(house, found.keys)
    is_last = False
    while not is_last:
        taken = house.storage.write(erasing, about).result()
        if not erasing.is_noted:
            erasing.is_noted = True
            set_aside = [row.id for row in list_set_aside_of(house.storage, found.names)]
            rows["set_aside"] = _erase_set_aside(house, set_aside)
        rows.update(taken.rows)
        is_last = taken.is_last
    forget(house, found.keys)
    return Erased(ids=len(found.keys), rows={name: count for name, count in rows.items() if count})


class _Erasing:
    """The job of every step."""

    def __init__(self, house: House, found: Found, by: str, step: int, at: int | None) -> None:
        self._house = house
        self._found = found
        self._by = by
        self._most = step
        self._at = at
        self.is_noted = False
        self._has_unsubscribed = has_unsubscribed(house, found)
        self._requests = list_requests_about(house.storage, found.keys, found.addresses)
        self._held_until = 0

    def __call__(self, transaction: Transaction) -> _Step:
        shares = self._shares(transaction)
        self._keep_hold(transaction)
        if not self.is_noted:
            self._note(transaction, shares)
            return _Step({"assignments": keep_erased(self._house, transaction, shares)}, is_last=False)
        for share in shares:
            left = transaction.erase_records(share, self._most)
            if any(left.values()):
                return _Step(left, is_last=False)
        return _Step(self._finish(transaction, shares), is_last=True)

    def _keep_hold(self, transaction: Transaction) -> None:
        """Says now and then that somebody is at it, so that nobody else begins."""
        now = self._house.clock()
        if now < self._held_until - LEASE_MS // 2:
            return
        self._held_until = now + LEASE_MS
        for name, request in self._requests.items():
            hold(transaction, name, msgspec.structs.replace(request, held_until=self._held_until))

    def _shares(self, transaction: Transaction) -> list[Share]:
        """As it is now: a device may have been linked to them since they were looked for."""
        persons = self._found.persons
        keys = dict.fromkeys(self._found.keys)
        for person in persons:
            links = transaction.list_person_links(person)
            keys.update(dict.fromkeys(link.key for link in links if link.is_in_force))
        return shares_of(persons, keys, transaction.list_links)

    def _note(self, transaction: Transaction, shares: Sequence[Share]) -> None:
        """From the first step on nothing that is older comes in again."""
        addresses = [address_key_of(address) for address in self._found.addresses]
        keys = [*(share.key for share in shares), *addresses]
        secret = self._house.secret
        now = self._house.clock() if self._at is None else self._at
        transaction.put_erasures(
            [
                Erasure(lane=lane, mark=mark, erased_at=now, is_unsubscribed=self._has_unsubscribed)
                for lane, mark in marks_of(secret, keys).values()
            ]
        )
        transaction.tell_change()

    def _finish(self, transaction: Transaction, shares: Sequence[Share]) -> dict[str, int]:
        """What leads to them leaves at once; what came in since the first step has left with the rest."""
        self._note(transaction, shares)
        persons = frozenset(self._found.persons)
        rows = Counter(traits=sum(transaction.erase_traits(share) for share in shares))
        links = {
            link
            for key in {*persons, *(share.key for share in shares)}
            for link in transaction.list_links(key)
        }
        links |= {link for person in persons for link in transaction.list_person_links(person)}
        whole = {share.key for share in shares if share.is_whole}
        for link in sorted(links, key=lambda link: (lane_of(link.key), link.key, link.since_seq)):
            if link.person in persons or link.key in whole:
                transaction.remove_link(link)
                rows["links"] += 1
        for key in sorted(whole, key=lambda key: (lane_of(key), key)):
            transaction.remove_key(key)
            rows["keys"] += 1
        transaction.let_go(self._found.namesakes)
        for name in self._requests:
            transaction.put_setting(name, "")
        rows["audit"] = transaction.erase_audit(SEPARATED_ACT, self._is_named, INSTEAD)
        entry = AuditEntry(at=self._house.clock(), by=self._by, act=ERASED_ACT, what=f"{len(shares)} ids")
        transaction.add_audit(entry)
        return dict(rows)

    def _is_named(self, what: str) -> bool:
        names = self._found.names
        return any(
            what.startswith(f"{name} and ") or what.endswith(f" and {name}")
            for name in names.users | names.devices
        )


def _erase_set_aside(house: House, ids: Sequence[int]) -> int:
    return sum(
        house.storage.write(partial(_remove_set_aside, ids[start : start + STEP])).result()
        for start in range(0, len(ids), STEP)
    )


def _remove_set_aside(ids: Sequence[int], transaction: Transaction) -> int:
    return transaction.remove_set_aside(ids)


def has_unsubscribed(house: House, found: Found) -> bool:
    """Whether one of them wants no messages: that holds on after they were erased."""
    signal = Subscribed(plan_of(house))
    for view in found.ids:
        if view.namespace == "user":
            question = Question(user_id=view.id)
        elif view.namespace == "anonymous":
            question = Question(anonymous_id=view.id)
        else:
            continue
        situation = recollect(house, question, house.programme)
        if signal.read(situation).value is False:
            return True
        if answer_of(situation, MESSAGE, house.programme.consent_events) is False:
            return True
    return False


def is_unsubscribed(house: House, address: str) -> bool:
    """Whether somebody with this address wanted no messages when they were erased; asked before any is sent."""
    key = address_key_of(address)
    mark = (lane_of(key), mark_of(house.secret, key))
    found = house.storage.write(lambda transaction: transaction.find_erasures([mark])).result()
    return any(erasure.is_unsubscribed for erasure in found.values())


def apply_erasures(house: House, erasures: Iterable[Erasure], *, by: str = "") -> int:
    """After a backup was restored: whoever was erased since leaves again; how many ids of theirs there were."""
    known = {erasure.mark: erasure.erased_at for erasure in list_all_erasures(house.storage)}
    listed = {each.mark: each for each in erasures if known.get(each.mark, -1) < each.erased_at}
    if not listed:
        return 0
    erased_at = {
        key: listed[mark].erased_at
        for lane in sorted({erasure.lane for erasure in listed.values()})
        for key in house.storage.list_keys_of_lane(lane)
        if (mark := mark_of(house.secret, key)) in listed
    }
    for owner, keys in _by_owner(house.storage, erased_at).items():
        found = found_of(house.storage, (owner,), keys)
        erase(house, found, by=by, at=max(erased_at[key] for key in keys))
    _erase_set_aside(house, [row.id for row in _list_set_aside_listed(house, listed)])
    house.storage.write(lambda transaction: transaction.put_erasures(list(listed.values()))).result()
    return len(erased_at)


def _by_owner(storage: Storage, keys: Collection[int]) -> dict[int, list[int]]:
    """Keys by whose they are; of a device that is somebody else's now, what it has of its own."""
    owners: dict[int, list[int]] = {}
    for key in keys:
        person, _ = storage.list_person_keys(key)
        owners.setdefault(person if person in keys else key, []).append(key)
    return owners


def _list_set_aside_listed(house: House, listed: Mapping[str, Erasure]) -> Iterator[StoredSetAside]:
    for row in list_every_set_aside(house.storage):
        marks = (mark_of(house.secret, key) for key in keys_named(read_sent(row.raw)))
        if any(mark in listed and row.received_at <= listed[mark].erased_at for mark in marks):
            yield row


def list_all_erasures(storage: Storage) -> Iterator[Erasure]:
    """The whole list, by lane and mark."""
    after = (-1, "")
    while page := storage.list_erasures(after):
        yield from page
        after = (page[-1].lane, page[-1].mark)


def take_over_erasures(house: House) -> None:
    """Another process may have erased somebody: this one forgets them too."""
    newest = house.storage.find_newest_erasure()
    if newest == house.erased_at:
        return
    marks = {each.mark for each in list_all_erasures(house.storage) if each.erased_at >= house.erased_at}
    keys = [key for key in {*tuple(house.held), *tuple(house.visits)} if mark_of(house.secret, key) in marks]
    forget(house, keys)
    house.erased_at = newest

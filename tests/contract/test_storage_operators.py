"""What operators keep: playbooks, run states, settings, keys of the API, their audit, and events set aside."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from tests.contract.stored import NOW, append, event, written

from opportune.core.history.event import SetAside
from opportune.core.rule import RunState
from opportune.storage.base import ApiKey, AuditEntry, Storage, StoredPlaybook, Transaction


def playbook(revision: str, **files: str) -> StoredPlaybook:
    return StoredPlaybook(revision=revision, files=files, published_at=NOW, by="ada", based_on="r0")


def publish(storage: Storage, *playbooks: StoredPlaybook) -> None:
    for book in playbooks:
        written(storage, lambda transaction, book=book: transaction.put_playbook(book))


def test_nothing_is_published_at_first(storage: Storage) -> None:
    assert storage.find_playbook() is None
    assert storage.list_playbooks() == []


def test_the_last_published_is_the_head(storage: Storage) -> None:
    first, second = playbook("r1", team="name: Ours"), playbook("r2", team="name: Uns Größe")
    publish(storage, first, second)
    assert storage.find_playbook() == second
    assert storage.find_playbook("r1") == first
    assert storage.find_playbook("r9") is None
    assert storage.list_playbooks() == [second, first]
    assert storage.list_playbooks(limit=1) == [second]


def test_a_revision_published_again_is_the_head_again(storage: Storage) -> None:
    first, second = playbook("r1"), playbook("r2")
    publish(storage, first, second, first)
    assert storage.find_playbook() == first


def test_a_rule_has_one_run_state(storage: Storage) -> None:
    live = RunState(rule="Cart", state="live", share=2_000, run=3, behaviour="h", by="ada", reason="ramp")
    paused = msgspec.structs.replace(live, state="paused")
    for state in (live, RunState(rule="Other"), paused):
        written(storage, lambda transaction, state=state: transaction.put_run_state(state))
    assert storage.list_run_states() == {"Cart": paused, "Other": RunState(rule="Other")}


def test_a_setting_is_put_replaced_and_removed(storage: Storage) -> None:
    for value in ("1", "2"):
        written(storage, lambda transaction, value=value: transaction.put_setting("off", value))
    assert storage.find_setting("off") == "2"
    written(storage, lambda transaction: transaction.put_setting("of_a", "3"))
    assert storage.list_settings("of") == {"of_a": "3", "off": "2"}
    assert storage.list_settings("of_") == {"of_a": "3"}
    written(storage, lambda transaction: transaction.put_setting("off", ""))
    written(storage, lambda transaction: transaction.put_setting("never set", ""))
    assert storage.find_setting("off") is None


def test_keys_of_the_api_are_told_apart_by_digest(storage: Storage) -> None:
    shop = ApiKey(name="shop", kind="secret", digest="d1", scopes=("read", "*"), created_at=NOW)
    site = ApiKey(name="site", kind="write", digest="d2", public_value="owk_1", created_at=NOW - 1)
    revoked = msgspec.structs.replace(shop, revoked_at=NOW + 1)
    for key in (shop, site, revoked):
        written(storage, lambda transaction, key=key: transaction.put_api_key(key))
    assert storage.list_api_keys() == [site, revoked]


def test_the_audit_is_read_newest_first(storage: Storage) -> None:
    acts = [AuditEntry(at=NOW, by="ada", act="publish", what=f"r{number}", detail="d") for number in range(4)]
    for act in acts:
        written(storage, lambda transaction, act=act: transaction.add_audit(act))
    assert storage.list_audit() == acts[::-1]
    assert storage.list_audit(limit=2) == [acts[3], acts[2]]


CHANGES: dict[str, Callable[[Transaction], None]] = {
    "playbook": lambda transaction: transaction.put_playbook(playbook("r1")),
    "run state": lambda transaction: transaction.put_run_state(RunState(rule="Cart")),
    "setting": lambda transaction: transaction.put_setting("off", "1"),
    "key": lambda transaction: transaction.put_api_key(ApiKey(name="n", kind="write", digest="d")),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_changed_at_differs_after_a_change_of_an_operator(
    storage: Storage, change: Callable[[Transaction], None]
) -> None:
    before = storage.changed_at()
    written(storage, change)
    after = storage.changed_at()
    assert before != after
    written(storage, change)
    assert storage.changed_at() not in (before, after)


def test_changed_at_stays_while_events_come_in_or_a_change_fails(storage: Storage) -> None:
    before = storage.changed_at()

    def broken(transaction: Transaction) -> None:
        transaction.put_setting("off", "1")
        raise RuntimeError

    append(storage, event())
    with pytest.raises(RuntimeError):
        written(storage, broken)
    assert storage.changed_at() == before


def aside(number: int) -> SetAside:
    raw = msgspec.json.encode({"event": "Order Completed", "number": number, "filler": "x" * 100})
    return SetAside(
        reason="order_id is missing",
        code="missing_property",
        raw=raw + b"\xff",
        message_id=f"m-{number}",
        name="Order Completed",
        source="browser",
        received_at=NOW + number,
    )


def test_events_set_aside_are_listed_newest_first_page_by_page(storage: Storage) -> None:
    written(storage, lambda transaction: transaction.set_aside(aside(number) for number in range(5)))
    first = storage.list_set_aside(limit=2)
    second = storage.list_set_aside(before_id=first[-1].id, limit=2)
    third = storage.list_set_aside(before_id=second[-1].id, limit=2)
    assert [item.message_id for item in [*first, *second, *third]] == ["m-4", "m-3", "m-2", "m-1", "m-0"]
    assert (first[0].raw, first[0].reason, first[0].state) == (aside(4).raw, aside(4).reason, "open")


def test_a_closed_one_moves_to_the_list_of_its_state(storage: Storage) -> None:
    written(storage, lambda transaction: transaction.set_aside([aside(0), aside(1)]))
    newest = storage.list_set_aside()[0]
    written(storage, lambda transaction: transaction.close_set_aside(newest.id, "replayed"))
    assert [item.message_id for item in storage.list_set_aside()] == ["m-0"]
    assert [item.state for item in storage.list_set_aside(state="replayed")] == ["replayed"]
    written(storage, lambda transaction: transaction.close_set_aside(12_345, "replayed"))

"""Operators' acts: keys that open what they should, switches, freezing, and rules in every state."""

from __future__ import annotations

import pytest
from tests.building import NOW, programme, rule

from opportune.core.programme import empty_programme
from opportune.core.rule import RunState
from opportune.errors import BadRequestError, FrozenError, NotFoundError, UnknownKeyError
from opportune.services.authorizing import authorize
from opportune.services.house import House
from opportune.services.operating import (
    add_key,
    check_not_frozen,
    find_switch,
    freeze,
    load_secret,
    refresh,
    revoke_key,
    set_run_state,
    switch_off,
    switch_on,
    unfreeze,
)
from opportune.storage.base import Storage

RULE = "Shoes"


@pytest.fixture
def house(storage: Storage) -> House:
    house = House(
        storage=storage, clock=lambda: NOW, secret=load_secret(storage), programme=empty_programme()
    )
    house.programme = programme(rule(RULE, "shoes"), states={RULE: RunState(rule=RULE)})
    return house


def test_the_secret_is_made_once(house: House) -> None:
    assert load_secret(house.storage) == house.secret
    assert len(house.secret) == 32


def test_a_made_key_opens_at_once(house: House) -> None:
    key, value = add_key(house, kind="secret", name="shop server")
    assert value.startswith("osk_")
    assert authorize(house, value).name == "shop server"
    assert key.scopes == ("*",)


def test_of_a_secret_only_a_hash_is_kept(house: House) -> None:
    _, value = add_key(house, kind="secret", name="server")
    (stored,) = house.storage.list_api_keys()
    assert value not in repr(stored)


def test_a_write_key_stays_readable(house: House) -> None:
    key, value = add_key(house, kind="write", name="site", value="my-own-write-key")
    assert value == key.public_value == "my-own-write-key"
    assert not authorize(house, value).is_secret


def test_a_scoped_key_does_only_that(house: House) -> None:
    _, value = add_key(house, kind="secret", name="reports", scopes=["read"])
    assert authorize(house, value).may("read")
    assert not authorize(house, value).may("publish")


@pytest.mark.parametrize("value", ["short", "with space inside", "with:colon:inside", "x" * 201])
def test_an_unusable_value_is_refused(house: House, value: str) -> None:
    with pytest.raises(BadRequestError, match="8 to 200 characters"):
        add_key(house, kind="write", name="site", value=value)


def test_an_unknown_scope_is_refused_with_the_list(house: House) -> None:
    with pytest.raises(BadRequestError, match=r"'writ'.*capture, decide, read"):
        add_key(house, kind="secret", name="x", scopes=["writ"])


def test_a_write_key_takes_no_scopes(house: House) -> None:
    with pytest.raises(BadRequestError, match="scopes are for secret keys"):
        add_key(house, kind="write", name="x", scopes=["read"])


def test_two_keys_in_force_do_not_share_a_name_or_value(house: House) -> None:
    add_key(house, kind="write", name="site", value="same-value-1")
    with pytest.raises(BadRequestError, match="in force"):
        add_key(house, kind="write", name="site")
    with pytest.raises(BadRequestError, match="already the key 'site'"):
        add_key(house, kind="write", name="other", value="same-value-1")


def test_a_revoked_key_opens_nothing(house: House) -> None:
    _, value = add_key(house, kind="secret", name="server")
    revoke_key(house, "server")
    with pytest.raises(UnknownKeyError):
        authorize(house, value)
    add_key(house, kind="secret", name="server")


def test_revoking_a_misspelled_key_offers_the_near_one(house: House) -> None:
    add_key(house, kind="write", name="shop site")
    with pytest.raises(NotFoundError, match="did you mean 'shop site'"):
        revoke_key(house, "shop sit")


def test_off_and_on(house: House) -> None:
    switch_off(house, reason="strange prices", by="ana")
    assert house.programme.is_off
    switch = find_switch(house, "off")
    assert switch is not None
    assert (switch.by, switch.reason, switch.at) == ("ana", "strange prices", NOW)
    switch_on(house, by="ana")
    assert not house.programme.is_off
    assert find_switch(house, "off") is None


def test_frozen_means_no_launching_but_pausing(house: House) -> None:
    freeze(house, reason="Black Friday", by="ana")
    with pytest.raises(FrozenError, match="Black Friday"):
        check_not_frozen(house)
    with pytest.raises(FrozenError):
        set_run_state(house, RULE, "live")
    assert set_run_state(house, RULE, "paused").state == "paused"
    unfreeze(house)
    check_not_frozen(house)
    assert set_run_state(house, RULE, "live").state == "live"


@pytest.mark.parametrize(
    ("wanted", "state", "share"),
    [
        ("live", "live", 10_000),
        ("preview", "preview", 10_000),
        ("paused", "paused", 10_000),
        ("Draft", "draft", 10_000),
        ("20%", "share", 2_000),
        ("0.5 %", "share", 50),
    ],
)
def test_a_rule_goes_into_every_state(house: House, wanted: str, state: str, share: int) -> None:
    after = set_run_state(house, RULE, wanted, by="ana")
    assert (after.state, after.share, after.by) == (state, share, "ana")
    assert house.programme.run_states[RULE] == after


def test_going_live_after_a_share_means_everybody(house: House) -> None:
    set_run_state(house, RULE, "20%")
    set_run_state(house, RULE, "paused")
    assert set_run_state(house, RULE, "live").share == 10_000


@pytest.mark.parametrize("wanted", ["maybe", "0%", "101%", ""])
def test_no_other_states_exist(house: House, wanted: str) -> None:
    with pytest.raises(BadRequestError):
        set_run_state(house, RULE, wanted)


def test_an_unknown_rule_offers_the_near_one(house: House) -> None:
    with pytest.raises(NotFoundError, match="did you mean 'Shoes'"):
        set_run_state(house, "Shoe", "live")


def test_a_pause_keeps_the_test_that_runs(house: House) -> None:
    before = RunState(rule=RULE, run=3, phase=2, behaviour="abc")
    house.storage.write(lambda transaction: transaction.put_run_state(before)).result()
    refresh(house)
    after = set_run_state(house, RULE, "paused")
    assert (after.run, after.phase, after.behaviour) == (3, 2, "abc")


def test_every_act_is_in_the_audit(house: House) -> None:
    add_key(house, kind="write", name="site", by="ana")
    switch_off(house, by="ana")
    set_run_state(house, RULE, "20%", by="ben", reason="careful")
    audit = house.storage.list_audit()
    assert {(entry.by, entry.act) for entry in audit} == {
        ("ana", "key added"),
        ("ana", "everything off"),
        ("ben", "rule 20%"),
    }

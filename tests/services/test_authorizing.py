"""Keys, scopes and the proof that a request speaks for a user."""

from __future__ import annotations

import hmac
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opportune.core.programme import empty_programme
from opportune.errors import MissingKeyError, ScopeError, UnknownKeyError
from opportune.services.authorizing import (
    CHECK_EVERY_MS,
    Caller,
    KeyRing,
    authorize,
    digest_of,
    user_token_of,
    user_token_secret,
    verify_user_token,
)
from opportune.services.house import House
from opportune.services.operating import add_key, revoke_key
from opportune.storage.base import Storage
from opportune.storage.memory import MemoryStorage

SECRET = "osk_0123456789abcdef"
WRITE = "owk_0123456789abcdef"


class Clock:
    def __init__(self) -> None:
        self.now = 1_700_000_000_000

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def house(storage: Storage) -> House:
    house = House(storage=storage, clock=Clock(), secret=b"s" * 32, programme=empty_programme())
    add_key(house, kind="secret", name="backend", value=SECRET)
    add_key(house, kind="secret", name="reader", value=SECRET + "r", scopes=["read"])
    add_key(house, kind="write", name="site", value=WRITE)
    return house


def test_a_secret_key_may_do_what_its_scopes_say(house: House) -> None:
    caller = authorize(house, SECRET + "r")
    assert caller.is_secret
    assert caller.may("read")
    assert not caller.may("publish")
    with pytest.raises(ScopeError, match="publish"):
        caller.require("publish")
    with pytest.raises(ScopeError, match="capture"):
        caller.admit("capture")


def test_a_secret_key_without_stated_scopes_may_everything(house: House) -> None:
    caller = authorize(house, SECRET)
    assert all(caller.may(scope) for scope in ("capture", "decide", "read", "publish", "operate"))


def test_a_write_key_captures_and_decides_and_nothing_else(house: House) -> None:
    caller = authorize(house, WRITE)
    assert caller == Caller("write", "site")
    caller.admit("capture")
    caller.admit("decide")
    assert not any(caller.may(scope) for scope in ("capture", "decide", "read", "publish", "operate", "*"))


@pytest.mark.parametrize("credential", [None, ""])
def test_no_key_is_told_apart_from_a_wrong_one(house: House, credential: str | None) -> None:
    with pytest.raises(MissingKeyError):
        authorize(house, credential)
    with pytest.raises(UnknownKeyError):
        authorize(house, "osk_wrong_but_long_enough")


def test_a_secrets_digest_opens_nothing(house: House) -> None:
    with pytest.raises(UnknownKeyError):
        authorize(house, digest_of(house.secret, SECRET))


def test_a_new_key_works_at_once_and_a_revoked_one_stops_within_a_second(house: House) -> None:
    ring = KeyRing(house)
    assert ring.authorize(WRITE).name == "site"
    add_key(house, kind="write", name="new", value="owk_new_key_value")
    assert ring.authorize("owk_new_key_value").name == "new"
    revoke_key(house, "site")
    house.clock.now += CHECK_EVERY_MS  # type: ignore[attr-defined]  # the clock of this test
    with pytest.raises(UnknownKeyError):
        ring.authorize(WRITE)


def test_a_user_token_is_hex_hmac_of_the_user_id_with_the_shops_token_secret(house: House) -> None:
    key = user_token_secret(house)
    token = hmac.new(key.encode(), b"user-1", sha256).hexdigest()
    assert verify_user_token(house, "user-1", token)
    assert not verify_user_token(house, "user-2", token)
    assert not verify_user_token(house, "user-1", token.upper())
    assert key.encode() != house.secret


@given(
    user=st.text(), token=st.one_of(st.text(), st.none(), st.integers(), st.lists(st.text())), other=st.text()
)
def test_only_the_users_own_token_proves_the_user(user: str, token: object, other: str) -> None:
    storage = MemoryStorage()
    house = House(storage=storage, clock=Clock(), secret=b"k" * 32, programme=empty_programme())
    assert not verify_user_token(house, user, token)
    assert verify_user_token(house, user, user_token_of(house, user)) == bool(user)
    assert verify_user_token(house, other, user_token_of(house, user)) == (bool(other) and user == other)
    storage.close()

"""Keys of the API, and the secret that proves who is signed in."""

from __future__ import annotations

from typing import Literal

from opportune.core.moment import to_iso
from opportune.process.commands.plain import Result
from opportune.services import operating
from opportune.services.authorizing import user_token_secret
from opportune.services.house import House
from opportune.storage.base import ApiKey


def add_key(
    house: House, *, kind: Literal["write", "secret"], name: str, value: str, scopes: list[str], by: str
) -> Result:
    key, made = operating.add_key(house, kind=kind, name=name, value=value, scopes=scopes, by=by)
    return {**_key(key), "value": made}


def list_keys(house: House) -> list[Result]:
    return [_key(key) for key in house.storage.list_api_keys()]


def revoke_key(house: House, *, name: str, by: str) -> Result:
    return _key(operating.revoke_key(house, name, by=by))


def show_user_token_secret(house: House) -> Result:
    return {"secret": user_token_secret(house)}


def _key(key: ApiKey) -> Result:
    return {
        "name": key.name,
        "kind": key.kind,
        "scopes": list(key.scopes),
        "value": key.public_value,
        "createdAt": to_iso(key.created_at),
        "revokedAt": to_iso(key.revoked_at) if key.revoked_at is not None else None,
    }

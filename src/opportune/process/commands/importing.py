"""History from elsewhere, and how far an import has come."""

from __future__ import annotations

from typing import Any

import msgspec

from opportune.process.commands.plain import Result
from opportune.services import importing
from opportune.services.house import House


def import_events(house: House, *, messages: list[dict[str, Any]]) -> Result:
    return msgspec.to_builtins(importing.import_messages(house, messages))


def shop_basics(house: House) -> Result:
    """What reading an export needs to know."""
    team = house.programme.playbook.team
    return {"currency": team.currency, "time_zone": team.time_zone, "now": house.clock()}


def find_import_mark(house: House, *, name: str) -> Result:
    return {"mark": house.storage.find_setting(importing.mark_of(name)) or ""}


def put_import_mark(house: House, *, name: str, mark: str) -> None:
    importing.put_mark(house, name, mark)

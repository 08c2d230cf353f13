"""Events that could not be taken."""

from __future__ import annotations

from typing import Any

from opportune.process.commands.plain import Result, plain
from opportune.services import reading, setting_aside
from opportune.services.house import House


def list_set_aside(house: House, *, state: str, before_id: int | None, limit: int) -> list[Result]:
    page = reading.list_set_aside(house.storage, state, before_id, limit)
    return [plain(row) for row in page.set_aside]


def replay_set_aside(house: House, *, ids: list[int], fix: dict[str, Any] | None) -> Result:
    return plain(setting_aside.replay(house, ids, fix))


def drop_set_aside(house: House, *, ids: list[int]) -> Result:
    return {"dropped": setting_aside.drop(house, ids)}

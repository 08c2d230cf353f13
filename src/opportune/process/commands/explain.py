"""Why a visitor was answered what they were."""

from __future__ import annotations

from typing import Any, Literal

from opportune.process.commands.plain import Result, plain
from opportune.services import explaining
from opportune.services.house import House


def explain_decision(house: House, *, decision: str, again: Literal["", "replay", "rebuild"]) -> Result:
    if again == "replay":
        return plain(explaining.replay_token(house, decision))
    if again == "rebuild":
        return plain(explaining.rebuild_token(house, decision))
    return plain(explaining.explain_token(house, decision))


def explain_person(
    house: House, *, person: str, slot: str, at: int | None, assumed: dict[str, Any]
) -> Result:
    explained = explaining.explain_person(house, person, slot, at=at, assumed=assumed)
    return plain(explained)

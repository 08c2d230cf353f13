"""What tests taught."""

from __future__ import annotations

from opportune.process.commands.plain import Result, plain
from opportune.services.house import House
from opportune.services.learnings import learning


def list_learnings(house: House, *, words: str) -> list[Result]:
    learning.draft_missing(house)
    return [plain(found) for found in learning.list_learnings(house.storage, words)]


def edit_learning(
    house: House,
    *,
    which: str,
    decision: str | None,
    next_step: str | None,
    status: str | None,
    reason: str,
    by: str,
) -> Result:
    return plain(
        learning.edit(
            house, which, decision=decision, next_step=next_step, status=status, reason=reason, by=by
        )
    )

"""The switches over everything, what runs here now, and what the guard saw."""

from __future__ import annotations

import os

from opportune.core.moment import to_iso
from opportune.process.commands.plain import Result, plain
from opportune.services import operating
from opportune.services.experiments.keeping_measured import keep_measured
from opportune.services.guard import guarding, noting
from opportune.services.house import House


def switch_off(house: House, *, reason: str, by: str) -> None:
    operating.switch_off(house, reason=reason, by=by)


def switch_on(house: House, *, by: str) -> None:
    operating.switch_on(house, by=by)


def freeze(house: House, *, reason: str, by: str, first: str = "", last: str = "") -> Result:
    return _switched(operating.freeze(house, reason=reason, by=by, first=first, last=last))


def unfreeze(house: House, *, by: str) -> None:
    operating.unfreeze(house, by=by)


def status(house: House) -> Result:
    """What runs here now."""
    off = operating.find_switch(house, "off")
    frozen = operating.find_switch(house, "frozen")
    return {
        "pid": os.getpid(),
        "revision": house.programme.revision,
        "rules": len(house.programme.playbook.rules),
        "slots": len(house.programme.playbook.slots),
        "off": _switched(off),
        "frozen": _switched(frozen),
    }


def _switched(found: operating.Switched | None) -> Result:
    """Its moments in ISO 8601; `from_at` only where it was to begin later."""
    if found is None:
        return None
    return {
        "at": to_iso(found.at),
        "by": found.by,
        "reason": found.reason,
        "fromAt": to_iso(found.from_at) if found.from_at else None,
        "untilAt": to_iso(found.until_at) if found.until_at is not None else None,
    }


def list_notes(house: House, *, limit: int) -> list[Result]:
    return [plain(note) for note in noting.list_notes(house.storage, None, limit).notes]


def look_now(house: House) -> list[Result]:
    """Measures and guards at once; the new notes."""
    keep_measured(house)
    return [plain(noting.view_of(note)) for note in guarding.guard(house)]

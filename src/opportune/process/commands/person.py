"""What is kept of one person, and erasing it for good."""

from __future__ import annotations

from typing import Any

import msgspec

from opportune.core.history.key import Namespace
from opportune.process.commands.plain import Result, plain
from opportune.services.house import House
from opportune.services.people import erasing, exporting, redacting, requesting
from opportune.storage.personal import Erasure


def find_person(house: House, *, person: str, namespace: Namespace | None) -> Result:
    """Whom an id stands for, and how much is kept of them."""
    return plain(exporting.describe_person(house.storage, person, namespace))


def export_person(house: House, *, person: str, namespace: Namespace | None) -> Result:
    return plain(exporting.export_person(house.storage, person, namespace))


def erase_person(house: House, *, person: str, namespace: Namespace | None, by: str) -> Result:
    return plain(redacting.erase_person(house, person, namespace, by=by))


def list_requests(house: House) -> list[Result]:
    """Without the name's beginning, which all have."""
    return [
        {**plain(request), "code": name.removeprefix(requesting.REQUEST)}
        for name, request in requesting.list_requests(house.storage).items()
    ]


def finish_request(house: House, *, code: str, by: str) -> Result:
    return plain(requesting.finish(house, code, by=by))


def list_erasures(house: House) -> list[Result]:
    return [plain(erasure) for erasure in erasing.list_all_erasures(house.storage)]


def apply_erasures(house: House, *, erasures: list[dict[str, Any]], by: str) -> Result:
    listed = msgspec.convert(erasures, list[Erasure])
    return {"ids": erasing.apply_erasures(house, listed, by=by)}


def rewrite_store(house: House) -> Result:
    return {"rewritten": house.storage.rewrite()}

"""Links for staff: into the set-up, and to a page as it would be."""

from __future__ import annotations

from opportune.process.commands.plain import Result
from opportune.services import admitting, previewing
from opportune.services.house import House


def make_setup_link(house: House, *, by: str) -> Result:
    return {"word": admitting.make_link(house, by=by)}


def make_preview_link(house: House, *, page: str) -> Result:
    return {"link": previewing.preview_link(house, page)}

"""What is published: the files, and the places they hold."""

from __future__ import annotations

from opportune.core.placement import held
from opportune.errors import NotFoundError
from opportune.process.commands.plain import Result, plain
from opportune.services import publishing
from opportune.services.house import House


def publish(house: House, *, files: dict[str, str], new_test: bool, based_on: str | None, by: str) -> Result:
    published = publishing.publish(house, files, new_test=new_test, based_on=based_on, by=by)
    return plain(published)


def head(house: House) -> Result:
    """The published files, and which revision they are."""
    stored = house.storage.find_playbook()
    if stored is None:
        raise NotFoundError(what="A published playbook")
    return {"revision": stored.revision, "files": dict(stored.files)}


def list_held(house: House) -> Result:
    return {"hold": held(house.programme.playbook.slots.values())}

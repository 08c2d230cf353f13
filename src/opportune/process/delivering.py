"""Delivering the team's mails: one that is due is made, posted and noted; a failure is noted and tried again later.

A mail server that fails holds nothing up but its own mail.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from opportune.core.learnings.switched_off import SwitchedOff, switched_off_of
from opportune.core.note import Note
from opportune.errors import MailError
from opportune.process.posting import Mail, MailServer, post
from opportune.services.house import House
from opportune.services.learnings.mailing import (
    is_weekly_due,
    list_unmailed,
    note_failed,
    note_mailed,
    note_sent,
)
from opportune.services.learnings.telling import look_of

log = logging.getLogger("opportune")


def deliver_weekly(house: House, server: MailServer, make: Callable[[], Mail]) -> bool:
    """This week's mail, unless it is done or must wait; whether it went out."""
    if not is_weekly_due(house):
        return False
    refused = _posted(house, server, make)
    if refused is None:
        return False
    note_sent(house, ", ".join(address for address in server.recipients if address not in refused))
    return True


def deliver_switched_off(house: House, server: MailServer, make: Callable[[SwitchedOff], Mail]) -> bool:
    """What was switched off since the last time, in one mail; whether it went out."""
    notes = list_unmailed(house)
    if not notes:
        return False
    told = switched_off_of(house.programme.team.name, [look_of(house, note) for note in notes], _rules(notes))
    if _posted(house, server, lambda: make(told)) is None:
        return False
    note_mailed(house, notes)
    return True


def _rules(notes: Sequence[Note]) -> list[str]:
    return list(dict.fromkeys(rule for note in notes for rule in note.rules))


def _posted(house: House, server: MailServer, make: Callable[[], Mail]) -> tuple[str, ...] | None:
    """Who was refused; None when it failed, which is noted."""
    try:
        return post(make(), server, house.clock())
    except MailError as error:
        if note_failed(house, str(error)):
            log.warning("mail_failed error=%r", str(error))
        return None

"""Delivering the team's mails: one that is due is made, posted and noted; a failure is noted and tried again later.

A mail server that fails holds nothing up but its own mail.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from opportune.errors import MailError
from opportune.process.posting import Mail, MailServer, post
from opportune.services.house import House
from opportune.services.mailing import is_weekly_due, note_failed, note_sent

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


def _posted(house: House, server: MailServer, make: Callable[[], Mail]) -> tuple[str, ...] | None:
    """Who was refused; None when it failed, which is noted."""
    try:
        return post(make(), server, house.clock())
    except MailError as error:
        if note_failed(house, str(error)):
            log.warning("mail_failed error=%r", str(error))
        return None

"""Mailing: which mail to the team is due, and what became of the last one. Making and sending it is for others.

The weekly mail goes out at least once: it is noted as sent after the mail server took it, so a crash between the two
sends it again rather than never. Both carry the same Message-ID, by which mail programs know the second one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from opportune.core.moment import MINUTE, SECOND
from opportune.core.note import Note
from opportune.core.report.plain import short_date_words
from opportune.services.house import House
from opportune.storage.base import AuditEntry, Storage, Transaction

STATE = "mail"
SWITCHED_OFF = "switched off"
LATE_MS = 10 * MINUTE
"""Within which what happened is committed."""
MONDAY_HOUR = 7
DAYS_A_WEEK, MONTHS_A_QUARTER = 7, 3
PAUSES_MS = (MINUTE, 5 * MINUTE, 15 * MINUTE, 60 * MINUTE, 240 * MINUTE)
"""After the first failure, the second and so on; the last one is kept to."""


class MailState(msgspec.Struct, frozen=True, kw_only=True):
    """What was sent, and what failed since. `week` is the Monday that begins the last week that was done."""

    week: str = ""
    sent_at: int = 0
    failures: int = 0
    failed_at: int = 0
    next_at: int = 0
    error: str = ""
    notes_since_at: int = 0
    """From when on notes are mailed; 0: nobody looked yet, and what is past is not mailed."""
    mailed: tuple[str, ...] = ()
    """The notes since then that were, each by what it is of."""


def find_state(storage: Storage) -> MailState:
    text = storage.find_setting(STATE)
    return msgspec.json.decode(text, type=MailState) if text else MailState()


def monday_of(now: int, zone: ZoneInfo) -> datetime:
    """The hour of the mail in the week that `now` is in, in the team's time zone."""
    local = datetime.fromtimestamp(now / SECOND, zone)
    day = local.date() - timedelta(days=local.weekday())
    return datetime(day.year, day.month, day.day, MONDAY_HOUR, tzinfo=zone)


def week_of(now: int, zone: ZoneInfo) -> str:
    return monday_of(now, zone).date().isoformat()


def begins_quarter(now: int, zone: ZoneInfo) -> bool:
    """Whether this week's Monday is the first of January, April, July or October."""
    monday = monday_of(now, zone)
    return monday.day <= DAYS_A_WEEK and monday.month % MONTHS_A_QUARTER == 1


def week_words(now: int, zone: ZoneInfo) -> str:
    """The seven days before this week's Monday: `16 Nov to 22 Nov 2026`."""
    monday = monday_of(now, zone).date()
    first, last = monday - timedelta(days=7), monday - timedelta(days=1)
    return f"{short_date_words(first)} to {short_date_words(last)} {last.year}"


def is_weekly_due(house: House) -> bool:
    """Whether this week's Monday morning has come, its mail is not sent, and no pause is to be kept.

    An installation that learns of its mail server in the middle of a week begins with the next Monday; one that
    stood still on Monday catches up when it runs again.
    """
    zone, now = _zone(house), house.clock()
    state = find_state(house.storage)
    if now < monday_of(now, zone).timestamp() * SECOND or state.week == week_of(now, zone):
        return False
    if not state.week and datetime.fromtimestamp(now / SECOND, zone).weekday() > 0:
        _put(house, msgspec.structs.replace(state, week=week_of(now, zone)))
        return False
    return now >= state.next_at


def note_sent(house: House, to: str) -> None:
    """This week's is done; who got it is in the audit trail."""
    now = house.clock()
    state = msgspec.structs.replace(
        find_state(house.storage),
        week=week_of(now, _zone(house)),
        sent_at=now,
        failures=0,
        next_at=0,
        error="",
    )
    _put(house, state, AuditEntry(at=now, by="opportune", act="weekly mail sent", what=to))


def note_failed(house: House, error: str) -> bool:
    """It is tried again after a pause that grows; whether this is the first failure in a row."""
    now, state = house.clock(), find_state(house.storage)
    pause = PAUSES_MS[min(state.failures, len(PAUSES_MS) - 1)]
    failed = msgspec.structs.replace(
        state, failures=state.failures + 1, failed_at=now, next_at=now + pause, error=error[:500]
    )
    audit = AuditEntry(at=now, by="opportune", act="mail failed", what="", detail=error[:500])
    _put(house, failed, audit if not state.failures else None)
    return not state.failures


def list_unmailed(house: House) -> list[Note]:
    """Rules that were switched off and not told of yet, oldest first; none while a pause is to be kept."""
    state, now = find_state(house.storage), house.clock()
    if not state.notes_since_at:
        _put(house, msgspec.structs.replace(state, notes_since_at=now))
        return []
    if now < state.next_at:
        return []
    notes = house.storage.list_notes(since_at=state.notes_since_at)
    found = [note for note in notes if note.kind == SWITCHED_OFF and note.once not in state.mailed]
    return sorted(found, key=lambda note: note.at)


def note_mailed(house: House, notes: Sequence[Note]) -> None:
    """These are told; one that another process wrote a little earlier and committed later still is not."""
    state = find_state(house.storage)
    since_at = max(state.notes_since_at, max(note.at for note in notes) - LATE_MS)
    known = house.storage.list_notes(since_at=since_at)
    told = {*state.mailed, *(note.once for note in notes)}
    mailed = tuple(note.once for note in known if note.once in told)
    audit = AuditEntry(
        at=house.clock(), by="opportune", act="told of what was switched off", what=notes[0].words[:200]
    )
    state = msgspec.structs.replace(
        state, notes_since_at=since_at, mailed=mailed, failures=0, next_at=0, error=""
    )
    _put(house, state, audit)


def _put(house: House, state: MailState, audit: AuditEntry | None = None) -> None:
    text = msgspec.json.encode(state).decode()

    def put(transaction: Transaction) -> None:
        transaction.put_setting(STATE, text)
        if audit is not None:
            transaction.add_audit(audit)

    house.storage.write(put).result()


def _zone(house: House) -> ZoneInfo:
    return house.programme.playbook.vocabulary.zone

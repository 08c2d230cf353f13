"""Telling: what the weekly mail says, gathered for the reading process; nothing in it is about a single visitor."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from opportune.core.history.event import MACHINE
from opportune.core.learnings.weekly import Look, Seen, Step, Weekly, weekly_of
from opportune.core.moment import DAY, SECOND
from opportune.core.note import Note
from opportune.core.programme import Programme
from opportune.core.report.parts import Overview
from opportune.core.report.plain import count_words, day_words, short_date_words
from opportune.services.catalogue.feeding import list_states
from opportune.services.experiments.reporting import overview
from opportune.services.house import House
from opportune.services.learnings.learning import list_learnings
from opportune.services.learnings.mailing import SWITCHED_OFF, begins_quarter, week_of, week_words
from opportune.services.learnings.reviewing import review
from opportune.services.standing import reading_house
from opportune.services.traffic.ranking import rank
from opportune.storage.base import Storage

WEEK_MS = 7 * DAY
STEP = "step"
"""A slow launch that went on as planned needs nobody."""
MOST_SET_ASIDE = 1_000
MOST_STEPS = 3
ASKING = ("rolled back", "do not trust this", "keep", "harmless and cheap")
"""States of a test that ask for an act."""


def weekly(storage: Storage, now: int) -> Weekly:
    """The mail of the week that `now` is in, whatever there is to say."""
    found = overview(storage, now)
    programme = reading_house(storage, now).programme
    zone = programme.playbook.vocabulary.zone
    learnings = list_learnings(storage)
    since = now - WEEK_MS
    recent = {each.draft.id for each in storage.list_learnings() if each.draft.ended_at >= since}
    notes = [look_of_note(note, zone) for note in storage.list_notes(since_at=since) if note.kind != STEP]
    seen = Seen(
        switched_off=tuple(each for each in notes if each.kind == SWITCHED_OFF),
        looks=(
            *(each for each in notes if each.kind != SWITCHED_OFF),
            *_looks(storage, programme, zone, now),
        ),
        steps=tuple(_steps(storage, found, now)),
        learned=tuple(each for each in learnings if each.id in recent and not each.is_waiting),
        waiting=tuple(each for each in learnings if each.is_waiting),
        review=review(storage, now) if begins_quarter(now, zone) else None,
    )
    return weekly_of(found, seen, week=week_words(now, zone), number=week_of(now, zone))


def _looks(storage: Storage, programme: Programme, zone: ZoneInfo, now: int) -> Iterator[Look]:
    """What somebody should look at: feeds, what was set aside, rules that wait or are past their end."""
    for state in list_states(storage):
        if state.error:
            yield Look(kind="trouble", words=f"The product {state.source} cannot be read: {state.error}")
        elif state.read_at and now - state.read_at > programme.playbook.team.facts_last:
            read = day_words(state.read_at, zone)
            words = (
                f"The product {state.source} was last read on {read}: what it says is too old to be shown."
            )
            yield Look(kind="trouble", words=words)
    aside = [
        each
        for each in storage.list_set_aside(limit=MOST_SET_ASIDE)
        if each.received_at >= now - WEEK_MS and each.code != MACHINE
    ]
    if aside:
        more = "at least " if len(aside) == MOST_SET_ASIDE else ""
        yield Look(
            kind="note",
            words=f"{more}{count_words(len(aside), 'event')} of this week could not be used: opportune set-aside list",
        )
    for waiting in programme.waiting:
        yield Look(
            kind="trouble",
            words=f"“{waiting.rule}” does nothing: {' and '.join(waiting.events)} never came in.",
        )
    for name, rule in programme.playbook.rules.items():
        if rule.until_at is not None and rule.until_at <= now:
            ended = day_words(rule.until_at - 1, zone)
            words = f"“{name}” ended on {ended}, as its file says; take it out, or give it a new date."
            yield Look(kind="note", words=words)


def _steps(storage: Storage, found: Overview, now: int) -> Iterator[Step]:
    steps = [
        Step(words=f"{line.title}: {line.conclusion.next_step}", command=f'opportune report "{line.rule}"')
        for line in found.tests
        if line.conclusion.state in ASKING and line.conclusion.next_step
    ][:MOST_STEPS]
    yield from steps
    if not (found.tests or found.untested):
        yield Step(
            words="Take over a ready rule; those that only hide cost nothing.", command="opportune recipes"
        )
    best = next(iter(rank(storage, now).candidates), None)
    if best is not None:
        yield Step(words=f"The best next rule: {best.rule}. {best.reason}", command=best.how)


def look_of(house: House, note: Note) -> Look:
    return look_of_note(note, house.programme.playbook.vocabulary.zone)


def look_of_note(note: Note, zone: ZoneInfo) -> Look:
    """What happened and what was done about it, with the team's clock."""
    moment = datetime.fromtimestamp(note.at / SECOND, zone)
    when = f"{short_date_words(moment.date())}, {moment:%H:%M}"
    return Look(kind=note.kind, words=f"{note.words} {note.did}".strip(), when=when)

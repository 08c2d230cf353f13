"""The demo's past, lived through: day by day its visitors are decided for at their time, and tests begin and end.

The same code decides, measures, guards and ends as on any other day; only the house's clock stands in the past. Nothing
here says how a test ended.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Event

from opportune.cli.printing import Progress
from opportune.core.moment import DAY
from opportune.core.visitor.context import from_request
from opportune.demo.traffic import Asked, Given, begin_of_past, past_parts
from opportune.demo.walk import Said
from opportune.services.capturing import CaptureResult, CaptureSource, capture
from opportune.services.deciding import Answered, Question, decide_slots
from opportune.services.experiments.foreseeing import keep_experiments
from opportune.services.experiments.keeping_measured import keep_measured, keep_timed
from opportune.services.experiments.measuring import measure_timed
from opportune.services.guard.guarding import guard
from opportune.services.house import House
from opportune.services.operating import set_run_state

RULES_DAYS = 30
"""How long ago the shop published its rules; before that it only listened."""
LAUNCHES: Mapping[int, tuple[str, str]] = {
    29: ("Welcome", "one rule after the other"),
    28: ("Back again", "one rule after the other"),
    15: ("Letter pop-up", "more letters sent"),
}
"""By how many days ago: a rule that was switched on, and why."""
LOOKS = (3, 5, 8)
"""So many days after its launch a rule's harm is looked for. A running server looks every minute."""
ENOUGH_SECONDS = 60.0
TOGETHER = 8
BATCH = 1_000
PAGES_TOGETHER = 1_000
"""After so many at most what they left is written, in few large steps."""
YOUNG_OBJECTS = 50_000
"""Made before the collector looks for cycles, of which hardly any are made here."""
SHOP = CaptureSource(name="demo shop", is_secret=True, kind="browser")

_asked_at: ContextVar[int] = ContextVar("asked at", default=0)
"""Of the question that is being answered, as several may be at once."""


class _Clock:
    """The house's clock while its past is lived through: the day's moment, or that of the question asked."""

    def __init__(self, at: int) -> None:
        self.at = at

    def __call__(self) -> int:
        return _asked_at.get() or self.at


def live_through(house: House, *, days: int, visitors: int, publish: Callable[[], None]) -> int:
    """Seeds so many days up to now, publishing the rules on their day; how many events there were."""
    progress = Progress("events", sys.stderr)
    until_at = house.clock()
    launch_day = max(0, days - RULES_DAYS)
    count = 0
    begin_at = begin_of_past(until_at, days)
    with _collecting_seldom(), _in_the_past(house, begin_at) as clock, asyncio.Runner() as runner:
        if launch_day == 0:
            publish()

        def ask(pages: Sequence[Asked]) -> Sequence[Mapping[str, Given]]:
            return runner.run(_decide_all(house, pages))

        for part in past_parts(until_at, days=days, visitors_a_day=visitors, ask=ask):
            _take_in(house, clock, part.messages)
            count += len(part.messages)
            progress.show(count)
            if part.day_over_at:
                clock.at = part.day_over_at
                if part.day + 1 == launch_day:
                    publish()
                _live(house, days_left=days - 1 - part.day)
    keep_experiments(house)
    keep_measured(house)
    progress.end()
    return count


@contextmanager
def _collecting_seldom() -> Iterator[None]:
    """A hundred thousand visitors are remembered, and need not be looked through again and again."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 10, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


@contextmanager
def _written_afterwards(house: House) -> Iterator[None]:
    """What is recorded meanwhile waits for the writer, which commits it in few steps instead of hundreds.

    A shared store has several writers, none of which may be held up.
    """
    if house.storage.is_shared:
        yield
        return
    goes_on = Event()
    held = house.storage.write(lambda _: goes_on.wait())
    try:
        yield
    finally:
        goes_on.set()
        held.result()


@contextmanager
def _in_the_past(house: House, at: int) -> Iterator[_Clock]:
    """The house has another clock, and no answer comes too late."""
    clock, deadline, past = house.clock, house.deadline_seconds, _Clock(at)
    house.clock, house.deadline_seconds = past, ENOUGH_SECONDS
    try:
        yield past
    finally:
        house.clock, house.deadline_seconds = clock, deadline


def _take_in(house: House, clock: _Clock, messages: Sequence[Said]) -> None:
    """What browsers and the shop's server said, each batch with its last message's moment."""
    writing: Future[CaptureResult] | None = None
    for start in range(0, len(messages), BATCH):
        batch = messages[start : start + BATCH]
        clock.at = batch[-1][0]
        written = capture(house, SHOP, [message for _, message in batch])
        if writing is not None:
            writing.result()
        writing = written
    if writing is not None:
        writing.result()


def _live(house: House, *, days_left: int) -> None:
    """What happens at a day's end: somebody launches a rule, tests begin and end, harm is looked for."""
    if not house.programme.revision:
        return
    launched = LAUNCHES.get(days_left)
    if launched is not None:
        rule, reason = launched
        set_run_state(house, rule, "live", reason=reason, by="Mia")
    keep_experiments(house)
    young = [
        each
        for each in house.storage.list_experiments(open_only=True)
        if each.rule and (house.clock() - each.started_at) // DAY in LOOKS
    ]
    if young:
        keep_timed(house, lambda _all, terms, now: measure_timed(house.storage, young, terms, now))
        guard(house)


async def _decide_all(house: House, pages: Sequence[Asked]) -> list[Mapping[str, Given]]:
    """In ascending time, a few at once where the store is behind a network."""
    if not house.programme.revision:
        return [{} for _ in pages]
    answers: list[Mapping[str, Given]] = []
    for first in range(0, len(pages), PAGES_TOGETHER):
        with _written_afterwards(house):
            for start in range(first, min(first + PAGES_TOGETHER, len(pages)), TOGETHER):
                some = pages[start : start + TOGETHER]
                answers += await asyncio.gather(*(_decide(house, page) for page in some))
    return answers


async def _decide(house: House, page: Asked) -> Mapping[str, Given]:
    _asked_at.set(page.at)
    question = Question(anonymous_id=page.device, slots=page.places, context=from_request(page.context))
    answer = await decide_slots(house, question)
    return {each.decision.slot: _given(each) for each in answer.decisions}


def _given(answered: Answered) -> Given:
    decision = answered.decision
    is_tested = any(exposed.subject == "rule" for exposed in decision.exposures)
    return Given(decision.variant, answered.token, is_tested)

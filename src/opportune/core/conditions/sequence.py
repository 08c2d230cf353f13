"""One thing and since then not another: `added to cart and has not bought 1 hour later`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opportune.core.conditions.base import NOTHING_FOUND, Check, Needs, Readers
from opportune.core.conditions.comparing import Comparator, nearness, range_of
from opportune.core.conditions.count import Times
from opportune.core.conditions.happening import (
    Happening,
    Narrowing,
    describe_window,
    explain_events,
    joined,
    number_problems,
    reached_times,
    times_words,
    window_problems,
)
from opportune.core.conditions.reach import is_readable
from opportune.core.conditions.window import EVER, Window, after
from opportune.core.finding import Finding
from opportune.core.language.phrases.duration import describe_duration, parse_duration
from opportune.core.language.spoken import read_inside
from opportune.core.language.words import Words

if TYPE_CHECKING:
    from lark import Token  # only the grammar loads Lark

    from opportune.core.language.vocabulary import Vocabulary
    from opportune.core.situation import Situation


class Sequence(Happening, frozen=True, kw_only=True, omit_defaults=True, tag="sequence"):
    """Events of one name later than the newest of another, so many, and the newest of them at least `wait_ms` old."""

    comparator: Comparator = "at least"
    times: int = 1
    window: Window = EVER
    then_not: str
    wait_ms: int = 0

    meaning = (
        "They did one thing, and since then not the other. Only what they did after the other is counted, and with "
        "a wait the newest of it must be that long ago, so doing it again starts the wait again."
    )
    grammar = """
        sequence_predicate: happening [times] [window] _AND_HAS_NOT_SINCE done later -> sequence
            | happening [times] [window] _AND_DID_NOT_SINCE do later -> sequence
        later: "since then|since|afterwards|after that" -> later_none
            | DURATION "later" -> later_wait
    """
    examples = (
        "a visitor added to cart and has not bought since",
        "a visitor added to cart and has not bought 1 hour later",
        "a visitor added to cart at least 2 times in 7 days and has not bought since",
        "a visitor started checkout in the last 3 days and has not bought 30 minutes later",
    )
    synonyms = (
        "added to cart but didn't buy since",
        "added to cart and never bought afterwards",
    )

    @classmethod
    def readers(cls) -> Readers:
        return {"sequence": _read, "later_none": lambda _: 0, "later_wait": _read_wait}

    def __post_init__(self) -> None:
        if self.times < 0 or self.wait_ms < 0:
            msg = "`times` and `wait_ms` are 0 or more"
            raise ValueError(msg)

    def compile(self, vocabulary: Vocabulary) -> Check:
        find, leave = self.find(vocabulary, self.window)
        ended_by = vocabulary.plan.names_of(self.then_not)
        wanted = range_of(self.comparator, self.times)
        low, high, wait = max(wanted.low, 1), wanted.high, self.wait_ms
        comparator, times = self.comparator, self.times

        def check(situation: Situation) -> Finding:
            found = find(situation)
            last = situation.timeline.last(ended_by)
            if last is not None:
                found = after(found, (last.occurred_at, last.seq))
            number = len(found)
            if not number or number < low:
                near = nearness(comparator, number, times) if number else 0.0
                return Finding(False, (number, found[0].occurred_at), near) if number else NOTHING_FOUND
            at = found[0].occurred_at
            begins = at + wait
            if number > high:
                falls = leave(situation, found[high].occurred_at) if high >= 0 else None
                if falls is None:
                    return Finding(False, (number, at), nearness(comparator, number, times))
                begins = max(begins, falls)
            ends = leave(situation, found[low - 1].occurred_at) if low <= high else situation.now
            if ends is not None and begins >= ends:
                return Finding(False, (number, at), 0.0)
            if situation.now >= begins:
                return Finding(True, (number, at), 1.0, ends)
            waited = (situation.now - at) / wait if wait and number <= high else 0.0
            return Finding(False, (number, at), min(max(waited, 0.0), 0.99), begins)

        return check

    def clause(self, words: Words) -> str:
        is_plain = self.comparator == "at least" and self.times == 1
        later = f"{describe_duration(self.wait_ms)} later" if self.wait_ms else "since"
        return joined(
            self.words_for(words, words.says(self.event)),
            "" if is_plain else f"{self.comparator} {times_words(self.times)}",
            describe_window(self.window, words, is_short=not is_plain),
            f"and has not {words.says_done(self.then_not)} {later}",
        )

    def explain(self, finding: Finding, vocabulary: Vocabulary, now: int) -> str:
        number, at = finding.facts or (0, None)
        since = f"no {self.then_not} since"
        if at is None:
            return f"no {self.event} without {self.then_not} since"
        times = reached_times(number, self.comparator, self.times)
        return f"{explain_events(self.event, at, vocabulary, now, times)}, {since}"

    def needs(self, vocabulary: Vocabulary) -> Needs:  # noqa: ARG002 - the window says it all
        needs = self.needs_of(self.window)
        return Needs(needs.events | {self.then_not}, needs.signals, needs.window_days, needs.page_types)

    def problems(self, vocabulary: Vocabulary) -> list[str]:
        found = super().problems(vocabulary)
        if not is_readable(self.then_not, vocabulary.plan):
            found.append(f'"{self.then_not}" is telemetry, which decisions never read; name another event')
        if self.window.span != "ever":
            found += window_problems(self.event, self.window, vocabulary)
        if self.window.span == "last" and self.wait_ms >= self.window.ms:
            longest = describe_duration(self.window.ms)
            found.append(f"a wait as long as the window never ends; say less than {longest}")
        return found + number_problems(self.event, self.times, vocabulary)


def _read(
    _: Words, happening: Narrowing, times: Times | None, window: Window | None, done: str, wait_ms: int
) -> Sequence:
    comparator, number = times if times is not None else Times("at least", 1)
    return Sequence(
        **happening._asdict(),
        comparator=comparator,
        times=number,
        window=window or EVER,
        then_not=done,
        wait_ms=wait_ms,
    )


def _read_wait(_: Words, duration: Token) -> int:
    return read_inside(duration, parse_duration)

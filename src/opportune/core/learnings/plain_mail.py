"""Mails as text, for who reads no pictures: they say everything the pages say."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from opportune.core.learnings.learning import Learning
from opportune.core.learnings.switched_off import SwitchedOff
from opportune.core.learnings.weekly import Look, QuarterReview, TestLine, Weekly, capitalized
from opportune.core.report.plain import count_words

WIDTH = 72


def plain_of(weekly: Weekly) -> str:
    return "\n".join(_lines(weekly)) + "\n"


def _lines(weekly: Weekly) -> Iterable[str]:
    yield f"{weekly.team}, week of {weekly.week}"
    yield from _heading(f"Is it earning? {capitalized(weekly.answer)}.")
    if weekly.goal:
        yield from _wrapped(f"The goal: {weekly.goal}.")
    yield from _wrapped(weekly.verdict.sentence)
    yield from _wrapped(capitalized(weekly.verdict.date_words), end=".")
    yield from (f"  {bar.label}: {bar.words}" for bar in weekly.bars)
    yield from _wrapped(f"Next: {weekly.verdict.next_step}" if weekly.verdict.next_step else "")
    yield from _heading("Is it working?")
    if not (weekly.tests or weekly.untested):
        yield from _wrapped("No rule is published yet.")
    for line in weekly.tests:
        yield from _test_lines(line)
    yield from _wrapped(weekly.untested)
    if weekly.more_tests:
        yield f"And {count_words(weekly.more_tests, 'more test', 'more tests')}: opportune report"
    yield from _looks("Switched off", weekly.switched_off)
    yield from _looks("To look at", weekly.looks)
    if weekly.coverage:
        yield from _heading("What we could see")
        for words in weekly.coverage:
            yield from _wrapped(words)
    yield from _learned("Learned this week", weekly.learned)
    yield from _review_lines(weekly.review)
    yield from _heading("What to do next")
    if not (weekly.steps or weekly.waiting):
        yield from _wrapped(weekly.nothing)
    for number, step in enumerate(weekly.steps, 1):
        yield from _wrapped(f"{number}. {step.words}", indent=3)
        if step.command:
            yield f"   {step.command}"
    if weekly.waiting:
        yield from _wrapped("Learnings nobody has completed; write down what was decided:")
        for learning in weekly.waiting:
            yield from _wrapped(f"- {learning.rule} ({learning.status}: {learning.brief})", indent=2)
        yield f"  {_complete_command(weekly.waiting[0])}"
    yield ""
    yield "-- "
    yield from _wrapped(f"{weekly.made} Every number is there in full: opportune report".strip())


def _complete_command(learning: Learning) -> str:
    return f'opportune learnings edit "{learning.id}" --decision "..."'


def _test_lines(line: TestLine) -> Iterable[str]:
    yield from _wrapped(f"* {line.title}: {line.state}{f', {line.date}' if line.date else ''}", indent=2)
    for words in (line.sentence if line.sentence != line.title else "", line.words):
        yield from _wrapped(f"  {words}" if words else "", indent=2)
    if line.next_step:
        yield from _wrapped(f"  Next: {line.next_step}", indent=2)


def _looks(heading: str, looks: Sequence[Look]) -> Iterable[str]:
    if looks:
        yield from _heading(heading)
        for look in looks:
            yield from _wrapped(f"- {f'{look.when}: ' if look.when else ''}{look.words}", indent=2)


def _learned(heading: str, learnings: Sequence[Learning]) -> Iterable[str]:
    if learnings:
        yield from _heading(heading)
        for learning in learnings:
            yield from _wrapped(f"- {learning.rule} ({learning.status}): {learning.brief}", indent=2)


def _review_lines(review: QuarterReview | None) -> Iterable[str]:
    if review is None:
        return
    yield from _heading("The quarter's review")
    yield from _wrapped(review.words)
    for line in review.lines:
        yield from _wrapped(f"- {line.verdict}: {line.rule} ({line.reasons})", indent=2)
    if review.more:
        yield f"And {count_words(review.more, 'more rule', 'more rules')}."
    yield from _wrapped(review.unused)
    yield "  opportune review"


def _heading(words: str) -> tuple[str, ...]:
    return ("", words, "-" * min(len(words), WIDTH))


def _wrapped(words: str, *, indent: int = 0, end: str = "") -> list[str]:
    text = f"{words}{end}" if words and not words.endswith((".", "?", "!")) else words
    return textwrap.wrap(text, WIDTH, subsequent_indent=" " * indent, break_long_words=False)


def plain_switched_off(told: SwitchedOff) -> str:
    lines = [told.headline, ""]
    for look in told.looks:
        lines += _wrapped(f"- {f'{look.when}: ' if look.when else ''}{look.words}", indent=2)
    return "\n".join([*lines, "", *_wrapped(told.after), "", *told.commands]) + "\n"

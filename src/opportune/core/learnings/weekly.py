"""The weekly mail as values: is it earning, is it working, what to do next; and the same as plain text.

Pure: everything comes in. `console/mail_page.py` makes HTML of it, so both say the same. Nothing in it is about a
single visitor.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from opportune.core.learnings.learning import Learning
from opportune.core.learnings.review import Review, Reviewed
from opportune.core.report.parts import Conclusion, Line, Overview, Part
from opportune.core.report.plain import count_words

WIDTH = 72
MOST_TESTS = 12
MOST_NOTES = 8
MOST_WAITING = 5
MOST_REVIEWED = 20
MOST_SUBJECT = 120


class Bar(Part, frozen=True, kw_only=True):
    """One bar of a picture, with the words beside it; `share` is of the longest."""

    label: str
    words: str
    share: float
    is_treatment: bool = False


class Range(Part, frozen=True, kw_only=True):
    """Where the truth probably lies, as shares of a strip whose middle is no change; the sentence says it, too."""

    low: float
    high: float


class TestLine(Part, frozen=True, kw_only=True):
    """A test or a rule in the mail."""

    title: str
    sentence: str
    state: str
    date: str
    words: str
    next_step: str = ""
    range: Range | None = None
    people: int = 0


class Look(Part, frozen=True, kw_only=True):
    """Something that happened, or that somebody should look at: `trouble` is worse than `note`."""

    kind: str
    words: str
    when: str = ""


class Step(Part, frozen=True, kw_only=True):
    """Something to do next, with the command that does it."""

    words: str
    command: str = ""


class Seen(Part, frozen=True, kw_only=True):
    """What is beside the reports, from the week before."""

    switched_off: tuple[Look, ...] = ()
    looks: tuple[Look, ...] = ()
    steps: tuple[Step, ...] = ()
    waiting: tuple[Learning, ...] = ()
    """Learnings that nobody completed."""
    learned: tuple[Learning, ...] = ()
    """Those of the week."""
    review: Review | None = None
    """In the first mail of a quarter."""


class ReviewLine(Part, frozen=True, kw_only=True):
    """What to do with one rule: `Retire`, and why."""

    verdict: str
    rule: str
    reasons: str


class QuarterReview(Part, frozen=True, kw_only=True):
    """Which rules to keep, merge or retire; those that ask for an act first."""

    words: str
    lines: tuple[ReviewLine, ...]
    more: int = 0
    unused: str = ""
    """What is collected and nothing goes by, in a sentence."""


class Weekly(Part, frozen=True, kw_only=True):
    """A week's mail."""

    team: str
    subject: str
    week: str
    """`16 Nov to 22 Nov 2026`."""
    number: str
    """The Monday it goes out on, which tells weeks apart."""
    goal: str
    verdict: Conclusion
    answer: str
    """Is it earning, in a few words."""
    bars: tuple[Bar, ...] = ()
    change: str = ""
    tests: tuple[TestLine, ...] = ()
    untested: str = ""
    """The rules that nobody measures, in a sentence."""
    more_tests: int = 0
    switched_off: tuple[Look, ...] = ()
    looks: tuple[Look, ...] = ()
    coverage: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()
    learned: tuple[Learning, ...] = ()
    waiting: tuple[Learning, ...] = ()
    review: QuarterReview | None = None
    made: str = ""

    @property
    def nothing(self) -> str:
        """What stands where there is no step to take."""
        if self.tests or not self.verdict.next_step:
            return "Nothing: let the tests run."
        return self.verdict.next_step


NO_HOLDOUT = Conclusion(
    state="no test",
    sentence="There is no control group: whether all of it earns anything cannot be told.",
    next_step="Write control group: 10% into team.yaml, and publish.",
)
ANSWERS = {
    "keep": "yes",
    "no data": "nobody was in it yet",
    "do not trust this": "the numbers cannot be trusted",
    "collecting": "not known yet",
    "not proven": "not proven",
    "harmless and cheap": "no harm found, no gain proven",
    "rolled back": "no, it was switched off",
    "directional": "a direction, no proof",
    "no test": "cannot be told, there is no control group",
}


def weekly_of(overview: Overview, seen: Seen, *, week: str, number: str) -> Weekly:
    programme = overview.programme
    verdict = programme.conclusion if programme is not None else NO_HOLDOUT
    tests = _by_need(overview.tests)
    return Weekly(
        team=overview.team,
        subject=subject_of(overview, seen),
        week=week,
        number=number,
        goal=overview.goal_words,
        verdict=verdict,
        answer=_answer(overview),
        bars=_bars(overview),
        change=_change_words(overview),
        tests=tuple(_line(line) for line in tests[:MOST_TESTS]),
        untested=_untested_words(overview.untested),
        more_tests=max(0, len(tests) - MOST_TESTS),
        switched_off=seen.switched_off[:MOST_NOTES],
        looks=seen.looks[:MOST_NOTES],
        coverage=(overview.coverage.words, *overview.coverage.blind) if overview.coverage else (),
        steps=seen.steps,
        learned=seen.learned[:MOST_WAITING],
        waiting=seen.waiting[:MOST_WAITING],
        review=_quarter(seen.review),
        made=overview.made_words,
    )


def _quarter(review: Review | None) -> QuarterReview | None:
    if review is None or not review.rules:
        return None
    unused = ", ".join(review.unused)
    return QuarterReview(
        words=f"Since {review.since}. {review.words}",
        lines=tuple(_review_line(each) for each in review.rules[:MOST_REVIEWED]),
        more=max(0, len(review.rules) - MOST_REVIEWED),
        unused=f"Collected, and nothing goes by it: {unused}." if unused else "",
    )


def _review_line(each: Reviewed) -> ReviewLine:
    lift = (f"{each.metric}: {each.lift_words}",) if each.lift_words else ()
    return ReviewLine(verdict=each.verdict_words, rule=each.rule, reasons="; ".join((*each.reasons, *lift)))


_NEED = ("rolled back", "do not trust this", "keep", "harmless and cheap", "not proven", "collecting")


def _by_need(lines: Sequence[Line]) -> list[Line]:
    """What asks for an act first."""
    rank = {state: number for number, state in enumerate(_NEED)}
    return sorted(lines, key=lambda line: rank.get(line.conclusion.state, len(_NEED)))


def _answer(overview: Overview) -> str:
    if overview.programme is None:
        return ANSWERS["no test"]
    return ANSWERS[overview.programme.conclusion.state]


def _untested_words(lines: Sequence[Line]) -> str:
    names = [f"“{line.title}”" for line in lines if line.is_unmeasured]
    if not names:
        return ""
    shown = ", ".join(names[:MOST_TESTS])
    more = f" and {len(names) - MOST_TESTS} more" if len(names) > MOST_TESTS else ""
    they_help, one = ("it helps", "it") if len(names) == 1 else ("they help", "one that matters")
    return (
        f"Nobody measures {shown}{more}: whether {they_help} cannot be told. "
        f"Give {one} a test (test: half and half, on orders)."
    )


def subject_of(overview: Overview, seen: Seen) -> str:
    """The result in words, what is worst first: `Lumen Shoes: 1 rule switched itself off; earning: not known yet`."""
    parts = []
    if seen.switched_off:
        parts.append(f"{count_words(len(seen.switched_off), 'rule')} switched off")
    parts.append(_earning(overview))
    kept = sum(line.conclusion.state == "keep" for line in overview.tests)
    running = sum(line.conclusion.state == "collecting" for line in overview.tests)
    if kept:
        parts.append(f"{count_words(kept, 'test')} to keep")
    elif running:
        parts.append(f"{count_words(running, 'test')} running")
    if seen.review is not None and seen.review.rules:
        parts.append("the quarter's review")
    subject = f"{overview.team}: {'; '.join(parts)}"
    return " ".join(subject.split())[:MOST_SUBJECT]


def _earning(overview: Overview) -> str:
    programme = overview.programme
    if programme is None:
        return "is it earning? No control group tells"
    if programme.conclusion.state == "keep":
        found = _change_words(overview)
        return f"it earns ({found})" if found else "it earns"
    if programme.conclusion.state == "collecting" and programme.conclusion.date_words:
        return f"is it earning? {_capitalized(programme.conclusion.date_words)}"
    return f"is it earning? {_capitalized(ANSWERS[programme.conclusion.state])}"


def _bars(overview: Overview) -> tuple[Bar, ...]:
    main = overview.programme.main if overview.programme else None
    if main is None:
        return ()
    most = max((arm.value or 0.0 for arm in main.arms), default=0.0)
    last = len(main.arms) - 1
    return tuple(
        Bar(
            label=arm.label,
            words=arm.words,
            share=max(0.0, arm.value or 0.0) / most if most > 0 else 0.0,
            is_treatment=number == last,
        )
        for number, arm in enumerate(main.arms)
    )


def _change_words(overview: Overview) -> str:
    main = overview.programme.main if overview.programme else None
    return main.change.words if main is not None and main.change is not None else ""


def _line(line: Line) -> TestLine:
    return TestLine(
        title=line.title,
        sentence=line.sentence,
        state=line.conclusion.state,
        date=line.conclusion.date_words,
        words=line.conclusion.sentence,
        next_step=line.conclusion.next_step,
        range=range_of(line),
        people=line.people,
    )


RANGED = frozenset({"keep", "not proven", "harmless and cheap", "collecting"})
"""States whose sentence tells the range."""


def range_of(line: Line) -> Range | None:
    """The interval on a strip from as much less to as much more, so that the middle is no change.

    While a test collects it is the one that holds however often one looks.
    """
    change, state = line.effect, line.conclusion.state
    if change is None or state not in RANGED or not line.conclusion.has_sample:
        return None
    low, high = change.relative_low, change.relative_high
    if state == "collecting":
        low, high = change.relative_always_low, change.relative_always_high
    if low is None or high is None:
        return None
    side = max(abs(low), abs(high), 0.05) * 1.1
    return Range(low=_at(low, side), high=_at(high, side))


def _at(value: float, side: float) -> float:
    return min(1.0, max(0.0, (value + side) / (2 * side)))


def _capitalized(text: str) -> str:
    return text[:1].upper() + text[1:]


def plain_of(weekly: Weekly) -> str:
    """The mail without pictures, for who reads text only; it says everything the other one says."""
    return "\n".join(_lines(weekly)) + "\n"


def _lines(weekly: Weekly) -> Iterable[str]:
    yield f"{weekly.team}, week of {weekly.week}"
    yield from _heading(f"Is it earning? {_capitalized(weekly.answer)}.")
    if weekly.goal:
        yield from _wrapped(f"The goal: {weekly.goal}.")
    yield from _wrapped(weekly.verdict.sentence)
    yield from _wrapped(_capitalized(weekly.verdict.date_words), end=".")
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
        yield f"  {complete_command(weekly.waiting[0])}"
    yield ""
    yield "-- "
    yield from _wrapped(f"{weekly.made} Every number is there in full: opportune report".strip())


def complete_command(learning: Learning) -> str:
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


class SwitchedOff(Part, frozen=True, kw_only=True):
    """The mail that goes out at once when rules were switched off."""

    team: str
    subject: str
    headline: str
    looks: tuple[Look, ...]
    commands: tuple[str, ...]
    """Where all of it is told."""
    after: str = "It stays off until somebody starts it again; what was learned is waiting to be completed."


def switched_off_of(team: str, looks: Sequence[Look], rules: Sequence[str]) -> SwitchedOff:
    """One mail for all that happened since the last one."""
    if len(rules) == 1:
        headline = f"“{rules[0]}” switched itself off."
    else:
        headline = f"{count_words(len(rules) or len(looks), 'rule')} switched themselves off."
    subject = f"{team}: {headline.removesuffix('.')}"
    return SwitchedOff(
        team=team,
        subject=" ".join(subject.split())[:MOST_SUBJECT],
        headline=headline,
        looks=tuple(looks),
        commands=tuple(f'opportune report "{rule}"' for rule in rules) or ("opportune report",),
    )


def plain_switched_off(told: SwitchedOff) -> str:
    lines = [told.headline, ""]
    for look in told.looks:
        lines += _wrapped(f"- {f'{look.when}: ' if look.when else ''}{look.words}", indent=2)
    return "\n".join([*lines, "", *_wrapped(told.after), "", *told.commands]) + "\n"

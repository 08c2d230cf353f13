"""The weekly mail as values: is it earning, is it working, what to do next.

Pure: everything comes in. `plain_mail.py` makes text of it and `console/mail_page.py` HTML, so both say the same.
Nothing in it is about a single visitor.
"""

from __future__ import annotations

from collections.abc import Sequence

from opportune.core.learnings.learning import Learning
from opportune.core.learnings.review import Review, Reviewed
from opportune.core.report.parts import Conclusion, Line, Overview, Part
from opportune.core.report.plain import count_words

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
    return subject_line(f"{overview.team}: {'; '.join(parts)}")


def subject_line(words: str) -> str:
    """On one line and no longer than mail programs show."""
    return " ".join(words.split())[:MOST_SUBJECT]


def _earning(overview: Overview) -> str:
    programme = overview.programme
    if programme is None:
        return "is it earning? No control group tells"
    if programme.conclusion.state == "keep":
        found = _change_words(overview)
        return f"it earns ({found})" if found else "it earns"
    if programme.conclusion.state == "collecting" and programme.conclusion.date_words:
        return f"is it earning? {capitalized(programme.conclusion.date_words)}"
    return f"is it earning? {capitalized(ANSWERS[programme.conclusion.state])}"


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


def capitalized(text: str) -> str:
    return text[:1].upper() + text[1:]

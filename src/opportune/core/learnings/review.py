"""A quarter's review: of every rule whether to keep, merge or retire it and why; which signals and places pay.

Pure: what happened comes in as facts. Lifts are shrunken towards what all tests say, so that one lucky small test
does not head the list.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from opportune.core.learnings.learning import signed_percent
from opportune.core.report.parts import Part, State
from opportune.core.report.plain import count_words
from opportune.core.statistics.shrinking import Lift, shrink

Verdict = Literal["retire", "merge", "keep"]
SAME_PEOPLE = 0.8
"""Of all people that either of two rules reached, the share both did; from here on they are one rule."""
LONG_ENOUGH_DAYS = 28
"""A rule that is live for less has not had its chance."""
NORMAL_95 = 1.959963984540054


class RuleFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one rule. `change` with its 95% interval is turned so that more is better."""

    rule: str
    sentence: str
    run_state: str
    is_acting: bool
    live_days: float
    people: int
    """Whom it was decided for in the quarter."""
    signals: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    is_always: bool = False
    is_past_end: bool = False
    reason: str = ""
    """Why it was switched off or paused."""
    state: State = "no test"
    state_words: str = ""
    change: float | None = None
    low: float | None = None
    high: float | None = None
    metric: str = ""
    same_people: tuple[tuple[str, float], ...] = ()
    """Other rules in one of its places with the share of people they have in common."""


class Reviewed(Part, frozen=True, kw_only=True):
    """One rule with what to do with it."""

    rule: str
    verdict: Verdict
    reasons: tuple[str, ...]
    sentence: str
    run_state: str
    people: int
    state: State
    metric: str = ""
    lift: float | None = None
    shrunken: float | None = None
    """The lift as all tests together make it likely."""
    lift_words: str = ""
    merge_with: str = ""

    @property
    def verdict_words(self) -> str:
        """`Retire`, `Merge with “Returner”`."""
        return f"{self.verdict.capitalize()}{f' with “{self.merge_with}”' if self.merge_with else ''}"


class Paid(Part, frozen=True, kw_only=True):
    """A signal or a place: how many rules go by it, how many of them were tested, and what those gained."""

    name: str
    rules: int
    tested: int
    lift: float | None
    words: str


class Review(Part, frozen=True, kw_only=True):
    """The quarter's review."""

    since: str
    team: str
    rules: tuple[Reviewed, ...]
    """Those to retire first, then to merge, then to keep."""
    signals: tuple[Paid, ...]
    places: tuple[Paid, ...]
    unused: tuple[str, ...]
    """Signals and details that are collected and that nothing goes by."""
    words: str
    lift_words: str


def review_of(facts: Sequence[RuleFacts], *, since: str, team: str, unused: Iterable[str] = ()) -> Review:
    shrunken = shrunken_lifts(facts)
    rules = [_reviewed(each, shrunken) for each in facts]
    order = ("retire", "merge", "keep")
    rules.sort(key=lambda each: (order.index(each.verdict), -(each.shrunken or 0.0), each.rule))
    counts = [f"{sum(each.verdict == verdict for each in rules)} to {verdict}" for verdict in reversed(order)]
    return Review(
        since=since,
        team=team,
        rules=tuple(rules),
        signals=_paid(facts, shrunken, lambda each: each.signals),
        places=_paid(facts, shrunken, lambda each: each.places),
        unused=tuple(unused),
        words=f"{count_words(len(rules), 'rule')}: {', '.join(counts)}."
        if rules
        else "No rule is published yet.",
        lift_words=_lift_words(facts, shrunken),
    )


def shrunken_lifts(facts: Sequence[RuleFacts]) -> dict[str, float]:
    """By rule; empty with fewer than three lifts, which say nothing of how much lifts differ."""
    lifts = {each.rule: found for each in facts if (found := _lift(each)) is not None}
    together = shrink(tuple(lifts.values()))
    if together is None:
        return {}
    return {rule: lift.value for rule, lift in zip(lifts, together.lifts, strict=True)}


def _lift(facts: RuleFacts) -> Lift | None:
    if facts.change is None or facts.low is None or facts.high is None or facts.high <= facts.low:
        return None
    return Lift(facts.change, (facts.high - facts.low) / (2 * NORMAL_95))


def _differ(lifts: Mapping[str, float]) -> bool:
    """Where tests differ no more than by chance, all are pulled onto one number, which says nothing of a single one."""
    return len({round(lift, 6) for lift in lifts.values()}) > 1


def _lift_words(facts: Sequence[RuleFacts], shrunken: Mapping[str, float]) -> str:
    tested = sum(_lift(each) is not None for each in facts)
    if shrunken and not _differ(shrunken):
        mean = signed_percent(next(iter(shrunken.values())))
        return (
            f"{count_words(tested, 'test')} differ no more than chance alone makes tests differ, so which rule is the "
            f"better one cannot be told; together they say {mean}, each on what decides it."
        )
    if shrunken:
        return (
            f"Lifts of {count_words(tested, 'test')}, each on what decides its test, are read together: "
            "small tests are pulled towards the mean of all, as their luck does not last."
        )
    return f"{count_words(tested, 'test')} with numbers: from three on, their lifts are read together."


def _reviewed(facts: RuleFacts, lifts: Mapping[str, float]) -> Reviewed:
    verdict, reasons, other = judged(facts)
    return Reviewed(
        rule=facts.rule,
        verdict=verdict,
        reasons=reasons,
        sentence=facts.sentence,
        run_state=facts.run_state,
        people=facts.people,
        state=facts.state,
        metric=facts.metric,
        lift=facts.change,
        shrunken=lifts.get(facts.rule),
        lift_words=_words_of(facts, lifts),
        merge_with=other,
    )


def _words_of(facts: RuleFacts, lifts: Mapping[str, float]) -> str:
    if facts.change is None:
        return ""
    shrunken = lifts.get(facts.rule) if _differ(lifts) else None
    among = f", {signed_percent(shrunken)} among all tests" if shrunken is not None else ""
    return f"{signed_percent(facts.change)} in its test{among}"


def judged(facts: RuleFacts) -> tuple[Verdict, tuple[str, ...], str]:
    """What to do with a rule, all reasons for it, and the rule to merge it with."""
    retire = _against(facts)
    if facts.is_always:
        return "keep", ("it acts for decency's sake, whatever it earns", *retire), ""
    if retire:
        return "retire", retire, ""
    same = max(facts.same_people, key=lambda pair: pair[1], default=("", 0.0))
    if same[1] >= SAME_PEOPLE:
        reason = (
            f"{same[1] * 100:.0f} of 100 people it reaches are also those of “{same[0]}”, in the same place"
        )
        return "merge", (reason,), same[0]
    return "keep", (_for(facts),), ""


def _against(facts: RuleFacts) -> tuple[str, ...]:
    found = []
    if facts.is_past_end:
        found.append("its end has passed")
    if facts.run_state == "rolled back":
        why = f": {facts.reason}" if facts.reason else ""
        found.append(f"it switched itself off{why}, and nobody started it again")
    if facts.state == "not proven" and facts.run_state != "rolled back":
        found.append("its test ended without showing that it helps")
    is_old = facts.is_acting and facts.live_days >= LONG_ENOUGH_DAYS
    if is_old and facts.people == 0:
        found.append("it has not acted once in the quarter although it is live")
    return tuple(found)


_A = {"draft": "a", "preview": "in"}


def _for(facts: RuleFacts) -> str:
    if facts.state == "keep":
        return "its test showed a gain"
    if facts.state == "collecting":
        return f"its test runs: {facts.state_words}" if facts.state_words else "its test runs"
    if facts.state == "do not trust this":
        return "its test cannot be trusted: find out why before deciding anything"
    if facts.state == "harmless and cheap":
        return "it does no harm; no gain is proven either"
    if facts.run_state in {"draft", "preview", "paused"}:
        where = facts.run_state if facts.run_state == "paused" else f"{_A[facts.run_state]} {facts.run_state}"
        return f"it is {where}: launch it, or take it out"
    if facts.people == 0:
        return "it is too new to be judged"
    return "nobody measures it: give it a test, so that the next review can tell"


def _paid(
    facts: Sequence[RuleFacts],
    shrunken: Mapping[str, float],
    names_of: Callable[[RuleFacts], Iterable[str]],
) -> tuple[Paid, ...]:
    """The best first; what nobody tested last. Where lifts differ no more than by chance, none is told."""
    is_told = not shrunken or _differ(shrunken)
    by_name: dict[str, list[RuleFacts]] = defaultdict(list)
    for each in facts:
        for name in names_of(each):
            by_name[name].append(each)
    found = []
    for name, rules in by_name.items():
        lifts = [shrunken.get(each.rule, each.change) for each in rules if each.change is not None]
        known = [lift for lift in lifts if lift is not None]
        mean = sum(known) / len(known) if known else None
        told = "not tested"
        if mean is not None:
            told = count_words(len(known), "test")
            told = f"{signed_percent(mean)} on average in {told}" if is_told else told
        found.append(
            Paid(
                name=name,
                rules=len(rules),
                tested=len(known),
                lift=mean,
                words=f"{name}: {count_words(len(rules), 'rule')}, {told}",
            )
        )
    return tuple(sorted(found, key=lambda each: (each.lift is None, -(each.lift or 0.0), each.name)))

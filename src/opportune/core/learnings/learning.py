"""A learning: what one test taught, kept after its rule is gone, and found again when a similar rule is written.

Most of it is drafted from the test; people add what they decided. How sure we are follows from numbers by a rule
that `status_of` states in words, unless somebody says otherwise and why.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from opportune.core.report.parts import Part, State

Status = Literal["emerging", "supported", "confirmed", "rejected"]
STATUSES: tuple[Status, ...] = ("emerging", "supported", "confirmed", "rejected")


class Trait(Part, frozen=True, kw_only=True):
    """By what rules are alike: what they ask (`shape`, without its numbers), know, and where they act."""

    shape: str = ""
    signals: tuple[str, ...] = ()
    """What we know, and events, by name."""
    places: tuple[str, ...] = ()
    """Slots, and what a hiding rule hides."""


class Observed(Part, frozen=True, kw_only=True):
    """What came out, as the test's report said when the learning was drafted."""

    state: State
    metric: str
    did: str = ""
    """Plain past words: `added to cart`."""
    people: int = 0
    change: float | None = None
    """Relative to the control group: 0.08 is 8% more. `low` and `high` are 95%."""
    low: float | None = None
    high: float | None = None
    is_better: bool | None = None
    """Whether the change, if it is one, is a good one."""
    broken: tuple[str, ...] = ()
    """Safety limits that were passed."""
    words: str = ""


class Draft(Part, frozen=True, kw_only=True):
    """What is written by itself when a test ends. `id` is the experiment's."""

    id: str
    rule: str
    subject: str
    trait: Trait
    action: str
    audience: str
    sentence: str
    planned: str
    smallest_gain: float
    observed: Observed
    ended_as: str
    reason: str
    proposal: str
    """The report's next step."""
    ended_at: int
    ended: str
    """The day in the team's time zone: `14 March 2027`."""
    is_final: bool = False
    """Whether nothing more can come in: the numbers stay."""


class Said(Part, frozen=True, kw_only=True):
    """What people made of it; empty where nobody said."""

    decision: str = ""
    next: str = ""
    status: Status | Literal[""] = ""
    reason: str = ""
    """Why another status than the numbers give."""
    by: str = ""
    at: int = 0


class Kept(msgspec.Struct, frozen=True):
    """A learning as it is stored: the draft may be made anew, what people said stays."""

    draft: Draft
    said: Said = Said()


class Learning(Part, frozen=True, kw_only=True):
    """A learning as it is read."""

    id: str
    rule: str
    subject: str
    status: Status
    because: str
    """Why it has that status."""
    brief: str
    """`+8% added to cart, March 2027`."""
    signals: tuple[str, ...]
    places: tuple[str, ...]
    action: str
    audience: str
    sentence: str
    planned: str
    observed: Observed
    ended_as: str
    ended: str
    reason: str
    decision: str
    next: str
    is_proposed: bool
    """Whether `next` is what the report proposes, as nobody said anything."""
    is_final: bool
    said_by: str = ""

    @property
    def is_waiting(self) -> bool:
        """Whether nobody wrote down yet what was decided."""
        return not self.decision


class Alike(Part, frozen=True, kw_only=True):
    """An earlier learning that a rule resembles, and in what."""

    rule: str
    learning: str
    why: str
    words: str
    """`like “Category returner” (supported: +8% added to cart, March 2027)`."""


STATUS_RULES: tuple[tuple[Status, str], ...] = (
    (
        "rejected",
        "a safety limit was passed, it made things worse, or the gain that was hoped for is ruled out",
    ),
    ("confirmed", "a gain was shown, and the test of a similar rule on the same metric had shown one, too"),
    ("supported", "one test showed a gain"),
    ("emerging", "the test gave no answer, or ended before it could"),
)
"""In the order in which they are asked; documentation and `because` follow them."""


def read_learnings(kept: Iterable[Kept]) -> list[Learning]:
    """All of them, newest first, each with its status beside all others."""
    found = sorted(kept, key=lambda each: (each.draft.ended_at, each.draft.id), reverse=True)
    return [_read(each, found) for each in found]


def _read(kept: Kept, all_kept: Sequence[Kept]) -> Learning:
    draft, said = kept.draft, kept.said
    status, because = status_of(draft, [other.draft for other in all_kept])
    if said.status:
        status, because = said.status, f"{said.by or 'somebody'} said so: {said.reason}"
    return Learning(
        id=draft.id,
        rule=draft.rule,
        subject=draft.subject,
        status=status,
        because=because,
        brief=brief_of(draft),
        signals=draft.trait.signals,
        places=draft.trait.places,
        action=draft.action,
        audience=draft.audience,
        sentence=draft.sentence,
        planned=draft.planned,
        observed=draft.observed,
        ended_as=draft.ended_as,
        ended=draft.ended,
        reason=draft.reason,
        decision=said.decision,
        next=said.next or draft.proposal,
        is_proposed=not said.next and bool(draft.proposal),
        is_final=draft.is_final,
        said_by=said.by,
    )


def status_of(draft: Draft, others: Iterable[Draft]) -> tuple[Status, str]:
    """By the numbers, and in words why; the order is that of STATUS_RULES."""
    observed = draft.observed
    if observed.broken:
        return "rejected", f"it passed the safety limit on {' and '.join(observed.broken)}"
    if _is_certain(observed) and observed.is_better is False:
        return "rejected", f"it made things worse: {observed.words or brief_of(draft)}"
    if observed.state == "keep":
        again = next((other for other in others if _agrees(draft, other)), None)
        if again is not None:
            return (
                "confirmed",
                f"a gain was shown, as by the test of “{again.rule}” that ended on {again.ended}",
            )
        return "supported", "one test showed a gain; a second one would confirm it"
    if _is_ruled_out(draft):
        gain = f"{draft.smallest_gain * 100:.3g}%"
        return "rejected", f"the gain of {gain} that was hoped for is ruled out"
    if draft.ended_as in {"stopped", "replaced", "rolled back"}:
        return "emerging", f"its test was {draft.ended_as} before it could answer"
    return "emerging", "its test gave no clear answer"


def _is_certain(observed: Observed) -> bool:
    """Whether the interval lies on one side of no change."""
    low, high = observed.low, observed.high
    return low is not None and high is not None and (low > 0 or high < 0) and is_judged(observed)


def is_judged(observed: Observed) -> bool:
    """Whether its report ended with an answer that may be leant on."""
    return observed.state in {"keep", "not proven", "harmless and cheap", "rolled back"}


def _is_ruled_out(draft: Draft) -> bool:
    """Whether even the better end of the interval is below the gain that was planned for, after a whole test."""
    observed = draft.observed
    if draft.ended_as != "finished" or observed.state not in {"not proven", "harmless and cheap"}:
        return False
    if observed.change is None or observed.low is None or observed.high is None:
        return False
    is_up_better = observed.is_better is None or (observed.change > 0) is observed.is_better
    best = observed.high if is_up_better else -observed.low
    return best < draft.smallest_gain


def _agrees(draft: Draft, other: Draft) -> bool:
    """Whether another test of the same or a similar rule showed a gain in the same metric, earlier."""
    return (
        other.id != draft.id
        and other.subject == draft.subject
        and (other.ended_at, other.id) < (draft.ended_at, draft.id)
        and other.observed.state == "keep"
        and other.observed.metric == draft.observed.metric
        and (other.rule == draft.rule or bool(likeness(draft.trait, other.trait)))
    )


def brief_of(draft: Draft) -> str:
    """`+8% added to cart, March 2027`; without a number, what its report said."""
    month = draft.ended.split(" ", 1)[-1]
    observed = draft.observed
    if observed.change is None or not is_judged(observed):
        return f"{observed.state}, {month}"
    return f"{signed_percent(observed.change)} {observed.did or observed.metric}, {month}"


def signed_percent(share: float) -> str:
    """`+8%`, `-0.4%`."""
    percent = share * 100
    shown = f"{percent:+.1f}" if 0 < abs(percent) < 0.95 else f"{percent:+,.0f}"
    return f"{'0' if shown in {'+0', '-0'} else shown}%"


def likeness(one: Trait, other: Trait) -> str:
    """In what two rules are alike, in words; empty: they are not.

    They ask the same (whatever the numbers in it), know the same, or act in the same place on something both know.
    """
    shared = [name for name in one.signals if name in other.signals]
    places = [name for name in one.places if name in other.places]
    if one.shape and one.shape == other.shape and (shared or places):
        return "it asks the same of a visitor"
    if shared and set(one.signals) == set(other.signals):
        return f"it goes by the same: {', '.join(shared)}"
    if shared and places:
        return f"it acts in the same place ({', '.join(places)}) and goes by {', '.join(shared)}, too"
    return ""


def alike(trait: Trait, learnings: Iterable[tuple[Trait, Learning]], most: int = 2) -> list[Alike]:
    """The learnings a rule resembles, those that ask the very same first, then the surest."""
    found = [(why, learning) for other, learning in learnings if (why := likeness(trait, other))]
    order = ("it asks the same", "it goes by", "it acts")
    sure = ("confirmed", "supported", "rejected", "emerging")
    found.sort(
        key=lambda pair: (
            next(index for index, words in enumerate(order) if pair[0].startswith(words)),
            sure.index(pair[1].status),
        )
    )
    return [
        Alike(
            rule=learning.rule,
            learning=learning.id,
            why=why,
            words=f"like “{learning.rule}” ({learning.status}: {learning.brief}), as {why}",
        )
        for why, learning in found[:most]
    ]


def search(learnings: Sequence[Learning], words: str) -> list[Learning]:
    """Those in which every word stands somewhere, however it is capitalized."""
    wanted = words.casefold().split()
    return [learning for learning in learnings if all(word in _text(learning) for word in wanted)]


def _text(learning: Learning) -> str:
    parts = (
        learning.id, learning.rule, learning.status, learning.action, learning.audience, learning.sentence,
        learning.observed.metric, learning.observed.did, learning.observed.words, learning.reason,
        learning.decision, learning.next, learning.ended, *learning.signals, *learning.places,
    )  # fmt: skip
    return "\n".join(parts).casefold()

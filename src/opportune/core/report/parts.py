"""What a report consists of: each part carries its numbers and the words for them. It is also the JSON of the API.

Shares are between 0 and 1, money is in minor units, changes are shares of the control group's value, dates are
ISO-8601. A number that is not known is null, never NaN.
"""

from __future__ import annotations

from typing import Literal

import msgspec

State = Literal[
    "no data",
    "do not trust this",
    "rolled back",
    "collecting",
    "keep",
    "not proven",
    "harmless and cheap",
    "directional",
    "no test",
]
"""In the order in which they are asked for; `no test` is a rule nobody measures."""

STATES: tuple[State, ...] = (
    "no data",
    "do not trust this",
    "rolled back",
    "collecting",
    "keep",
    "not proven",
    "harmless and cheap",
    "directional",
    "no test",
)


class Part(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The base of all: camel case in JSON, as everywhere at the HTTP edge."""


class Conclusion(Part, frozen=True, kw_only=True):
    """What we may conclude: a state, one sentence, one next step, and a date."""

    state: State
    sentence: str
    next_step: str
    date: str = ""
    """ISO-8601; of the answer that is awaited, or of the end."""
    date_words: str = ""
    has_sample: bool = False
    """Whether enough was counted to speak of a direction."""


class ArmPeople(Part, frozen=True, kw_only=True):
    """Who was in, of one arm: decided, shown and clicked are counted apart."""

    arm: str
    label: str
    decided: int
    shown: int | None = None
    clicked: int | None = None
    expected_share: float | None = None


class ArmValue(Part, frozen=True, kw_only=True):
    """A metric in one arm."""

    arm: str
    label: str
    people: int
    value: float | None = None
    short: str = ""
    """`2.1 of 100`."""
    words: str = ""
    """`2.1 of 100 bought`."""


class Change(Part, frozen=True, kw_only=True):
    """Treatment against control: relative where control is above 0, and in the metric's own unit.

    `low` and `high` are 95% of one look at the end; `always_low` and `always_high` hold at any time.
    """

    difference: float
    low: float
    high: float
    always_low: float | None = None
    always_high: float | None = None
    relative: float | None = None
    relative_low: float | None = None
    relative_high: float | None = None
    relative_always_low: float | None = None
    relative_always_high: float | None = None
    p: float | None = None
    words: str = ""
    between: str = ""


class Reading(Part, frozen=True, kw_only=True):
    """One metric read in one way, in every arm; `change` is null where there is no answer, and `words` say why."""

    title: str
    metric: str
    unit: str
    arms: tuple[ArmValue, ...]
    change: Change | None = None
    words: str = ""
    note: str = ""


class Point(Part, frozen=True, kw_only=True):
    """A day of a picture, in the units of its axis."""

    day: str
    people: int
    value: float | None = None
    low: float | None = None
    high: float | None = None


class Picture(Part, frozen=True, kw_only=True):
    """What a chart draws and the table behind it lists."""

    title: str
    axis: str
    """What is counted upwards: `more of 100 visitors`."""
    points: tuple[Point, ...] = ()
    limit: float | None = None
    """The safety limit on the axis."""
    words: str = ""
    """The picture in a sentence, for who cannot see it."""


LimitState = Literal["kept", "not sure yet", "broken", "no answer"]


class SafetyLimit(Part, frozen=True, kw_only=True):
    """A limit with its state: kept only when a harm of the margin or more can be ruled out."""

    metric: str
    margin: float
    state: LimitState
    words: str
    reading: Reading


class Secondary(Part, frozen=True, kw_only=True):
    """Another metric; `pAdjusted` is after Benjamini and Hochberg over all of them."""

    reading: Reading
    p_adjusted: float | None = None
    words: str = ""


class Segment(Part, frozen=True, kw_only=True):
    """A part of the visitors, just looking: nothing is concluded from it."""

    name: str
    reading: Reading


class SplitPhase(Part, frozen=True, kw_only=True):
    """The sample ratio of one phase: people by arm against the shares they were promised."""

    phase: int
    since: str
    people: tuple[int, ...]
    expected: tuple[float, ...]
    p: float
    is_off: bool
    words: str


class Crossover(Part, frozen=True, kw_only=True):
    """Visitors seen in more than one arm, and what the result would be without them."""

    people: int
    share: float
    by_arm: tuple[float, ...]
    is_off: bool
    words: str
    without: Reading | None = None


class Largest(Part, frozen=True, kw_only=True):
    """Capped beside raw, and the largest single value."""

    cap: int | None
    raw: Reading | None
    words: str
    largest: int = 0
    is_carried: bool = False
    """One single value makes more than half of the difference."""


class Assisted(Part, frozen=True, kw_only=True):
    """Orders in the window by visitors who saw it: descriptive, no effect."""

    orders: int
    words: str


class Seen(Part, frozen=True, kw_only=True):
    """How much of something was seen, of what there was."""

    name: str
    seen: int
    of: int
    words: str


class Coverage(Part, frozen=True, kw_only=True):
    """What the report could see and what it could not."""

    words: str
    rows: tuple[Seen, ...] = ()
    blind: tuple[str, ...] = ()
    """What could not be seen, a sentence each."""


class Planned(Part, frozen=True, kw_only=True):
    """What was fixed before the start."""

    metric: str
    split: str
    days: int
    smallest_gain: float
    people: int
    started: str
    planned_end: str
    limits: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    caps: tuple[str, ...] = ()
    words: str = ""


class Hidden(Part, frozen=True, kw_only=True):
    """A line of the hiding ledger: what was hidden, by which rule, how often."""

    rule: str
    place: str
    people: int
    visits: int
    words: str


class Directional(Part, frozen=True, kw_only=True):
    """The weaker comparison of a rule without a control group: weeks before against weeks after."""

    metric: str
    before: str
    after: str
    change: float | None
    band: float | None
    """How far nine in ten comparisons of the same kind moved by themselves."""
    is_beyond: bool
    words: str
    weeks: tuple[Point, ...] = ()


class Line(Part, frozen=True, kw_only=True):
    """A test in a list."""

    rule: str
    experiment: str = ""
    """What its own report is asked by, where the rule has a newer test."""
    title: str
    sentence: str
    run_state: str
    conclusion: Conclusion
    people: int = 0
    change: str = ""
    effect: Change | None = None
    """The same in numbers."""
    trend: tuple[float, ...] = ()
    """The difference day by day, for a small picture."""
    is_unmeasured: bool = False
    """It acts, and nothing compares it with anything: a draft, or what acts for decency's sake, is not meant."""


class Report(Part, frozen=True, kw_only=True):
    """One test, or one rule without."""

    rule: str
    """Empty for everything we personalize."""
    subject: str
    title: str
    sentence: str
    """The rule's own words, which are the hypothesis and head the report."""
    run_state: str = ""
    experiment: str = ""
    made_at: str
    counted_at: str = ""
    """When the sums were last derived from the events."""
    made_words: str = ""
    conclusion: Conclusion
    warnings: tuple[str, ...] = ()
    people: tuple[ArmPeople, ...] = ()
    people_words: str = ""
    main: Reading | None = None
    shown: Reading | None = None
    over_time: Picture | None = None
    by_first_day: Picture | None = None
    safety: tuple[SafetyLimit, ...] = ()
    others: tuple[Secondary, ...] = ()
    segments: tuple[Segment, ...] = ()
    largest: Largest | None = None
    splits: tuple[SplitPhase, ...] = ()
    splits_together: str = ""
    """How all of them together are off, where none is by itself."""
    crossover: Crossover | None = None
    assisted: Assisted | None = None
    narrower: str = ""
    """What CUPED gained, where it was used."""
    erased: str = ""
    planned: Planned | None = None
    directional: Directional | None = None
    hidden: tuple[Hidden, ...] = ()
    coverage: Coverage | None = None
    earlier: tuple[Line, ...] = ()
    """Earlier tests of the same rule, newest first."""

    @property
    def harm(self) -> tuple[SafetyLimit, ...]:
        """What a rule that switched itself off had broken; empty where something else made it."""
        is_off = self.conclusion.state == "rolled back"
        return tuple(limit for limit in self.safety if is_off and limit.state == "broken")


class Overview(Part, frozen=True, kw_only=True):
    """All of it: is it earning, then every test with its state and date."""

    made_at: str
    made_words: str = ""
    team: str
    goal: str
    goal_words: str
    programme: Report | None
    tests: tuple[Line, ...] = ()
    untested: tuple[Line, ...] = ()
    hidden: tuple[Hidden, ...] = ()
    coverage: Coverage | None = None

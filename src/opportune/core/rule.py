"""A rule as a playbook states it: condition, actions in places, test, limits, and who answers for it."""

from __future__ import annotations

from typing import Literal

import msgspec

from opportune.core.conditions.base import Condition
from opportune.core.experiments.experiment import Design
from opportune.core.moment import DAY

CONTROL = "control"
TREATMENT = "treatment"
NOT_IF_END = "/not if"
"""Behind a rule's name: what its exception found. No rule's own name ends so, or begins with a slash."""


PROGRAMME = "/programme"
"""Under this name the control group of everything has its run state: its share, and the phase it is in."""


class Show(msgspec.Struct, frozen=True, kw_only=True):
    """Show a variant in a slot."""

    slot: str
    variant: str


class Hide(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Hide every slot (or variant) with a tag, or one slot.

    `product` narrows it to pages of products they bought, have in the cart, or viewed.
    """

    tag: str = ""
    slot: str = ""
    product: Literal["", "bought", "in cart", "viewed"] = ""
    in_messages: bool = False


class Test(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule's experiment against what the visitor would have got without it.

    `arms` are (name, weight of 10,000), control first; `metric` is what decides, as it was written (`Rule.design` has
    it as it was understood); `days` the planned length, whole weeks; `smallest_gain` a relative one (0.1: 10%). What
    is not said is the team's.
    """

    __test__ = False  # pytest would collect it otherwise

    arms: tuple[tuple[str, int], ...] = ((CONTROL, 5_000), (TREATMENT, 5_000))
    metric: str = ""
    days: int | None = None
    smallest_gain: float | None = None


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """On-site limits. `at_most` counts visits in which it was given, within `at_most_days` (None: ever).

    `not_after_dismissed_days`: 0 means never again after a dismissal, None means no such limit.
    """

    at_most: int | None = None
    at_most_days: float | None = None
    not_after_dismissed_days: float | None = None


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule. What `team.yaml` gives for all rules is already filled in here."""

    name: str
    when: Condition
    show: tuple[Show, ...] = ()
    hide: tuple[Hide, ...] = ()
    not_if: Condition | None = None
    test: Test | None = None
    design: Design | None = None
    """What its test is measured by; None without a test."""
    limits: Limits = Limits()
    until_at: int | None = None
    lasts_ms: int = 0
    always: bool = False
    launch: str = "live"
    """How a rule starts when first published: `draft`, `preview`, `live`, `slowly` or a share (`20%`)."""
    purpose: str = ""
    owner: str = ""
    reviewer: str = ""
    rollback: str = ""
    safety: str = ""
    inherited: frozenset[str] = frozenset()
    """Names of the fields that came from `team.yaml`."""

    def slots(self) -> tuple[str, ...]:
        return tuple(action.slot for action in self.show)


RunStateName = Literal["draft", "preview", "share", "live", "paused", "rolled back"]


class RunState(msgspec.Struct, frozen=True, kw_only=True):
    """Operator state of one rule, kept apart from the playbook and keyed by the rule's name.

    `run` counts its tests: the experiment's seed is `<rule>/<run>`. `share` is the coverage of 10,000;
    `phase` counts changes of ratio within one run. `behaviour` is the hash the state was given for.
    """

    rule: str
    state: RunStateName = "live"
    share: int = 10_000
    run: int = 1
    phase: int = 1
    behaviour: str = ""
    since_at: int = 0
    by: str = ""
    reason: str = ""
    may_act_unseen: bool = False
    """An operator launched it although some of its events were never seen."""
    ramp_days: int = 0
    """Whole days of each step of a slow launch; 0: it is not launched slowly."""
    stepped_at: int = 0
    """When the last step of a slow launch was taken."""

    @property
    def seed(self) -> str:
        return f"{self.rule}/{self.run}"


LONGEST_LASTS = 90 * DAY

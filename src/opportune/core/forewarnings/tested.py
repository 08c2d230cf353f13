"""Rules with a test that runs or would, and which of the tests this traffic could never answer."""

from __future__ import annotations

from opportune.core.allocation import BUCKETS
from opportune.core.forewarnings.base import Ahead
from opportune.core.programme import ACTING
from opportune.core.rule import Rule
from opportune.core.statistics.power import people_per_arm
from opportune.core.traffic.offer import LONG_WEEKS

TYPICAL_STEP = 0.12
PEOPLE_NEEDED = 2 * people_per_arm(TYPICAL_STEP)
"""In both halves, to show a gain of 20% of a step that 12 of 100 take."""


def tested_rules(ahead: Ahead) -> list[Rule]:
    if not ahead.sample.is_telling:
        return []
    return [
        rule
        for rule in ahead.playbook.rules.values()
        if rule.test is not None and _is_live(rule, ahead) and rule.name not in ahead.tests_over
    ]


def _is_live(rule: Rule, ahead: Ahead) -> bool:
    state = ahead.run_states.get(rule.name)
    return state.state in ACTING if state is not None else rule.launch not in ("draft", "preview")


def scale_of(ahead: Ahead) -> float:
    """From the sample to all who may be in a test: nobody of the programme's control group is."""
    return ahead.sample.scale * (1 - ahead.playbook.team.holdout / BUCKETS)


def people_a_day(rule: Rule, ahead: Ahead) -> float:
    return len(ahead.sample.people_of.get(rule.name, ())) * scale_of(ahead) / ahead.days


def is_hopeless(rule: Rule, ahead: Ahead) -> bool:
    """Not answered within the longest time a test is offered for."""
    return people_a_day(rule, ahead) * LONG_WEEKS * 7 < PEOPLE_NEEDED

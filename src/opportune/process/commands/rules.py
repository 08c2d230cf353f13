"""Whether rules act, and why one does not although it is launched."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from opportune.core.experiments.experiment import Experiment
from opportune.core.language.phrases.test import describe_test
from opportune.core.moment import DAY, to_iso
from opportune.core.playbook import Playbook
from opportune.core.programme import ACTING
from opportune.core.remembering import beyond_the_id
from opportune.core.rule import Rule, RunState, Test
from opportune.process.commands.plain import Result
from opportune.services import operating
from opportune.services.house import House


def list_rules(house: House) -> list[Result]:
    """Every rule with its state, and why it does not act although it is launched."""
    programme = house.programme
    waiting = {found.rule: list(found.events) for found in programme.waiting}
    tests = {each.id: each for each in house.storage.list_experiments()}
    return [
        {
            **_rule(rule, programme.run_states.get(name), waiting.get(name, [])),
            **_test(tests, programme.run_states.get(name), programme.playbook),
            "notes": [doubt for _, doubt in beyond_the_id(rule, programme.playbook)],
        }
        for name, rule in programme.playbook.rules.items()
    ]


def set_rule(house: House, *, rule: str, state: str, unseen: bool, reason: str, by: str) -> Result:
    operating.set_run_state(house, rule, state, unseen=unseen, reason=reason, by=by)
    return next(found for found in list_rules(house) if found["rule"] == rule)


def _test(tests: Mapping[str, Experiment], state: RunState | None, playbook: Playbook) -> Result:
    """When a rule's test is planned to end, as a day in the team's zone, and whether it is over."""
    test = tests.get(state.seed) if state is not None else None
    if test is None or test.planned_end_at is None:
        return {"testEnds": None, "testIsOver": False}
    ends = datetime.fromtimestamp(test.planned_end_at / 1_000, playbook.vocabulary.zone).date()
    return {"testEnds": ends.isoformat(), "testIsOver": test.ended_as == "finished"}


def _rule(rule: Rule, state: RunState | None, waits_for: list[str]) -> Result:
    if state is None:
        return {"rule": rule.name, "state": "draft", "share": None, "waitsFor": [], "acts": False}
    return {
        "rule": rule.name,
        "state": state.state,
        "share": state.share / 100 if state.state == "share" else None,
        "nextStepAt": to_iso(state.stepped_at + state.ramp_days * DAY) if state.ramp_days else None,
        "waitsFor": waits_for,
        "acts": state.state in ACTING and not waits_for,
        "since": to_iso(state.since_at),
        "by": state.by,
        "reason": state.reason,
        "test": state.run if rule.test else None,
        "split": _split(rule.test) if rule.test else None,
    }


def _split(test: Test) -> str:
    try:
        return describe_test(test)
    except ValueError:  # more arms than there are words for
        return ", ".join(f"{weight / 100:g}% {arm}" for arm, weight in test.arms)

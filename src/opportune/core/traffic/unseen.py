"""Why a rule was not seen: what it came to at a moment, and which of a visit's moments came nearest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from opportune.core.decision import Decision, survey
from opportune.core.programme import Place, Programme
from opportune.core.situation import Situation

Reason = Literal[
    "another rule won", "hidden by another rule", "reached its limit", "in the control group", "did not agree",
    "outside its share", "its exception holds", "not sure enough", "no value", "does not match", "ended",
    "another product", "everything was off", "not asked for", "failed",
]  # fmt: skip
NEAREST: tuple[Reason, ...] = (
    "another rule won", "hidden by another rule", "reached its limit", "in the control group", "did not agree",
    "outside its share", "its exception holds", "not sure enough", "no value", "another product", "does not match",
    "ended", "everything was off", "failed", "not asked for",
)  # fmt: skip
"""A visit is counted under the first of these that one of its moments gave."""
OF_VERDICT: Mapping[str, Reason] = {
    "later": "another rule won",
    "matched": "another rule won",
    "limited": "reached its limit",
    "control": "in the control group",
    "outside the share": "outside its share",
    "not if": "its exception holds",
    "not sure enough": "not sure enough",
    "no value": "no value",
    "no match": "does not match",
    "ended": "ended",
    "other product": "another product",
    "hidden": "hidden by another rule",
}
TO_ANOTHER: frozenset[Reason] = frozenset({"another rule won", "hidden by another rule"})
OF_GATE: Mapping[str, Reason] = {"consent": "did not agree", "holdout": "in the control group"}


def reason_of(
    rule: str, place: Place, situation: Situation, programme: Programme, decision: Decision
) -> tuple[Reason, str]:
    """Why the rule is not what was decided; with which rule is, or which value was missing."""
    reason, detail = _found(rule, place, situation, programme, decision)
    return reason, decision.rule if reason in TO_ANOTHER else detail


def _found(
    rule: str, place: Place, situation: Situation, programme: Programme, decision: Decision
) -> tuple[Reason, str]:
    found = _step_of(rule, decision)
    if found is None:
        found = _step_of(rule, survey(place, situation, programme, decision))
    verdict, detail = found or ("not asked for", "")
    if verdict in ("matched", "later"):
        if decision.gate in OF_GATE:
            return OF_GATE[decision.gate], ""
        if decision.outcome == "hidden":
            return "hidden by another rule", ""
    if decision.outcome == "off":
        return "everything was off", ""
    return OF_VERDICT.get(verdict, "not asked for"), detail


def _step_of(rule: str, decision: Decision) -> tuple[str, str] | None:
    """The last that was said of the rule in this place."""
    return next(
        ((verdict, detail) for name, verdict, detail in reversed(decision.steps) if name == rule), None
    )

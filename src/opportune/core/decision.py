"""Deciding: what one slot shows one visitor now, and why. A pure function of situation and programme."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from opportune.core.situation import Assignment, Situation

Reason = Literal["TARGETING_MATCH", "SPLIT", "DEFAULT", "DISABLED", "ERROR"]
"""OpenFeature's words; ours travel in the receipt."""

Outcome = Literal["shown", "hidden", "normal", "off", "error", "bot"]


class Exposed(msgspec.Struct, frozen=True, gc=False):
    """That the unit was given an arm: of a rule, of a hiding rule, or of the programme (`in`, `out`)."""

    subject: Literal["programme", "hide", "rule"]
    slot: str
    rule: str
    rule_hash: str
    arm: str


class Decision(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The answer for one slot, whole: what, which version, why, and what is to be recorded for it."""

    slot: str
    value: Any
    variant: str
    reason: Reason
    outcome: Outcome
    rule: str = ""
    gate: str = ""
    """What replaced the candidate last: `consent`, `always`, `holdout`, `hidden`, `control`, `limits`; or empty."""
    holds_until: int | None = None
    error_code: str = ""
    exposures: tuple[Exposed, ...] = ()
    assignments: tuple[Assignment, ...] = ()
    trace: tuple[Any, ...] = ()
    """The steps taken, as the receipt needs them; `receipt.py` reads them."""


__all__ = ["Assignment", "Decision", "Exposed", "Outcome", "Reason", "Situation"]

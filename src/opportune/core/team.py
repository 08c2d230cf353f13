"""What `team.yaml` says once for all rules: who answers, the control group, the reporting zone, previewers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from opportune.core.experiments.experiment import USUAL_GAIN, Limit
from opportune.core.metrics import AnyMetric
from opportune.core.moment import DAY

VisitorId = Literal["", "set by our server", "set by script"]


class Team(msgspec.Struct, frozen=True, kw_only=True):
    """Defaults every rule inherits, and settings of the whole programme.

    `holdout` is the control group's share of 10,000. `previewers` are ids that see rules in preview
    and never enter tests. `without_consent` decides what happens when consent was never stated.
    """

    name: str = "Our shop"
    time_zone: str = "UTC"
    currency: str = "EUR"
    language: str = "en"
    holdout: int = 0
    holdout_seed: str = "programme/1"
    previewers: frozenset[str] = frozenset()
    needs_consent: bool = False
    """True: nobody is personalized until the purpose `personalize` was consented to."""
    visitor_id: VisitorId = ""
    """Who sets the visitor's id; empty when nobody said yet."""
    owner: str = ""
    reviewer: str = ""
    launch: str = "live"
    """How rules start that do not say it."""
    purpose: str = ""
    rollback: str = ""
    safety: str = ""
    goal: AnyMetric | None = None
    """The one goal of the quarter, which heads everything."""
    metric: AnyMetric | None = None
    """What decides tests that do not say it."""
    others: tuple[AnyMetric, ...] = ()
    """What every test looks at besides."""
    safety_limits: tuple[Limit, ...] = ()
    """What `safety` says, as it was understood."""
    test_days: int = 28
    """How long a test lasts that does not say it; whole weeks."""
    smallest_gain: float = USUAL_GAIN
    facts_last: int = 2 * DAY
    """How old (ms) what the catalogue says may be; older, it is not known."""
    delivery_days: Mapping[str, str] = {}
    """By country, two small letters or `elsewhere`: `2`, `1 to 2`."""

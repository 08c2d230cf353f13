"""The family of conditions: every member in one visible tuple, and the union their structured forms decode to."""

from __future__ import annotations

from opportune.core.conditions.all import All
from opportune.core.conditions.any import Any
from opportune.core.conditions.base import Condition
from opportune.core.conditions.cart import Cart
from opportune.core.conditions.consent import Consent
from opportune.core.conditions.count import Count
from opportune.core.conditions.distinct import Distinct
from opportune.core.conditions.everyone import Everyone
from opportune.core.conditions.not_ import Not
from opportune.core.conditions.page import Page
from opportune.core.conditions.recency import Recency
from opportune.core.conditions.schedule import Schedule
from opportune.core.conditions.sequence import Sequence
from opportune.core.conditions.signal import SignalTest
from opportune.core.conditions.stage import Stage
from opportune.core.conditions.total import Total
from opportune.core.conditions.visitor import Visitor

CONDITIONS: tuple[type[Condition], ...] = (
    Count,
    Distinct,
    Total,
    Recency,
    Sequence,
    SignalTest,
    Page,
    Visitor,
    Stage,
    Cart,
    Consent,
    Schedule,
    Everyone,
    All,
    Any,
    Not,
)

AnyCondition = (
    Count | Distinct | Total | Recency | Sequence | SignalTest | Page | Visitor | Stage | Cart | Consent | Schedule
    | Everyone | All | Any | Not
)  # fmt: skip

__all__ = ["CONDITIONS", "AnyCondition"]

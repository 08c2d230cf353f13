"""The words a playbook's sentences may use: the plan's events, signals, slots, stages, and how time is told."""

from __future__ import annotations

from collections.abc import Mapping
from zoneinfo import ZoneInfo

import msgspec

from opportune.core.history.plan import Plan
from opportune.core.signals.base import Signal
from opportune.core.signals.page import PAGE_TYPES
from opportune.core.situation import UTC_ZONE


class Vocabulary(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that gives a sentence its meaning besides the grammar itself."""

    plan: Plan
    signals: Mapping[str, Signal]
    """Signals by name."""
    attributes: tuple[str, ...] = ()
    """Names of traits and context attributes the playbook declares beyond the signals."""
    stages: tuple[str, ...] = ()
    slots: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    zone: ZoneInfo = UTC_ZONE
    page_types: tuple[str, ...] = PAGE_TYPES

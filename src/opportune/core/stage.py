"""Stages: named lifecycle states from an ordered list of conditions; the first that holds is where they are."""

from __future__ import annotations

import msgspec

from opportune.core.conditions.base import Condition


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """One stage of the list in `stages.yaml`."""

    name: str
    when: Condition
    meaning: str = ""

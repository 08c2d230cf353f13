"""Exposed: that a unit was given an arm, as a decision says it and a token carries it."""

from __future__ import annotations

from typing import Literal

import msgspec

from opportune.core.allocation import IN, OUT, Arms

Subject = Literal["programme", "hide", "rule"]


class Exposed(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """That the unit was given an arm: of a rule, of a hiding rule, or of the programme (`in`, `out`)."""

    subject: Subject
    slot: str
    rule: str
    rule_hash: str
    arm: str


class ExposedByArm(dict[str, Exposed]):
    """What every arm of one rule in one slot is exposed as, made once; under an empty name what is not tested.

    An arm that only a kept assignment still names is made when it is asked for.
    """

    def __init__(self, untested: Exposed, arms: Arms) -> None:
        super().__init__({"": untested})
        for arm, _ in arms:
            self[arm] = self[arm]

    def __missing__(self, arm: str) -> Exposed:
        return msgspec.structs.replace(self[""], arm=arm)


EXPOSED_TO_PROGRAMME = ExposedByArm(Exposed("programme", "", "", "", IN), ((OUT, 0), (IN, 0)))

"""Signs: what tells that a rule does harm, at the size of a small shop. One file each, all of them in SIGNS.

Each looks at one rule's `Watched` and says what it sees in words with numbers. Acting on it is
`services/guard/guarding.py`'s.
"""

from __future__ import annotations

from opportune.core.signs.base import Sign
from opportune.core.signs.bouncing import Bouncing
from opportune.core.signs.dismissed import Dismissed
from opportune.core.signs.failing import Failing
from opportune.core.signs.limit import Broken
from opportune.core.signs.looks import Crossed, Idle, Unclicked, WithoutValue
from opportune.core.signs.plan_broken import PlanBroken
from opportune.core.signs.reach import Reach
from opportune.core.signs.silence import Silent
from opportune.core.signs.sold_out import SoldOut
from opportune.core.signs.split import SplitOff
from opportune.core.signs.troubled import Troubled
from opportune.core.signs.unapplied import Unapplied

SIGNS: tuple[Sign, ...] = (
    Failing(),
    Unapplied(),
    Troubled(),
    SoldOut(),
    Dismissed(),
    Bouncing(),
    Reach(),
    Silent(),
    PlanBroken(),
    Broken(),
    SplitOff(),
    WithoutValue(),
    Idle(),
    Crossed(),
    Unclicked(),
)

__all__ = ["SIGNS", "Sign"]

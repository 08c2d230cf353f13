"""Forewarnings: what would go wrong with a playbook, told before launch. One file each, all of them in FOREWARNINGS.

Each looks at one `Ahead` and says what it finds, where it is written, why it matters and what would be right. Gathering
what they look at is `services/traffic/forewarning.py`'s.
"""

from __future__ import annotations

from opportune.core.forewarnings.base import Forewarning
from opportune.core.forewarnings.competes import Competes
from opportune.core.forewarnings.events_never_seen import EventsNeverSeen
from opportune.core.forewarnings.few_people import FewPeople
from opportune.core.forewarnings.hidden_by_another import HiddenByAnother
from opportune.core.forewarnings.never_true import NeverTrue
from opportune.core.forewarnings.never_wins import NeverWins
from opportune.core.forewarnings.no_answer import NoAnswer
from opportune.core.forewarnings.not_apart import NotApart
from opportune.core.forewarnings.reveals_tracking import RevealsTracking
from opportune.core.forewarnings.sensitive import Sensitive
from opportune.core.forewarnings.unused import Unused

FOREWARNINGS: tuple[Forewarning, ...] = (
    EventsNeverSeen(),
    NeverTrue(),
    FewPeople(),
    NeverWins(),
    Competes(),
    HiddenByAnother(),
    NoAnswer(),
    NotApart(),
    RevealsTracking(),
    Sensitive(),
    Unused(),
)

LOUD = frozenset(each.kind for each in FOREWARNINGS if each.is_loud)

__all__ = ["FOREWARNINGS", "LOUD", "Forewarning"]

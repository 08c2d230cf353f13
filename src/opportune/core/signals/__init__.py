"""The family of signals: every named question about a visitor, in one list.

`stage` depends on a playbook and is made by `stage_signal`; any attribute of a request and any trait is
read by its own name besides (see `Situation.read`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from opportune.core.history.plan import Plan
from opportune.core.history.standard_plan import STANDARD_PLAN
from opportune.core.signals.base import Reading, Signal
from opportune.core.signals.behaviour import BEHAVIOUR
from opportune.core.signals.campaign import CAMPAIGN
from opportune.core.signals.cart import CART
from opportune.core.signals.catalogue import CATALOGUE
from opportune.core.signals.clock import CLOCK
from opportune.core.signals.consent import CONSENT
from opportune.core.signals.device import DEVICE
from opportune.core.signals.interest import INTEREST
from opportune.core.signals.page import PAGE
from opportune.core.signals.place import PLACE
from opportune.core.signals.product import PRODUCT
from opportune.core.signals.purchase import PURCHASE
from opportune.core.signals.referrer import REFERRER
from opportune.core.signals.search import SEARCH
from opportune.core.signals.subscription import SUBSCRIPTION
from opportune.core.signals.support import SUPPORT
from opportune.core.signals.visit import VISIT

if TYPE_CHECKING:
    from opportune.core.situation import Situation

SIGNALS: tuple[Signal, ...] = (
    *PAGE,
    *REFERRER,
    *CAMPAIGN,
    *DEVICE,
    *PLACE,
    *CLOCK,
    *BEHAVIOUR,
    *SEARCH,
    *VISIT,
    *INTEREST,
    *PRODUCT,
    *CATALOGUE,
    *CART,
    *PURCHASE,
    *SUBSCRIPTION,
    *SUPPORT,
    *CONSENT,
)

FAMILY: Mapping[str, Signal] = {name: signal for signal in SIGNALS for name in (signal.name, *signal.aliases)}
"""By name and by every alias."""


def readers(plan: Plan = STANDARD_PLAN) -> dict[str, Callable[[Situation], Reading]]:
    """What a situation reads by name; with a plan, events are found under their former names too."""
    found: dict[str, Callable[[Situation], Reading]] = {}
    for member in SIGNALS:
        signal = type(member)(plan)
        for name in (signal.name, *signal.aliases):
            found[name] = signal.answer
    return found

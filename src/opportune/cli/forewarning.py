"""What `opportune check --data` says: what would go wrong with a playbook on an installation's own traffic."""

from __future__ import annotations

from collections.abc import Iterator

from opportune.core.forewarnings.base import Warned
from opportune.core.traffic.signal_use import SignalUse
from opportune.services.traffic.forewarning import Forewarned

MOST_USERS = 3
HARDLY = 0.05


def say_forewarned(found: Forewarned) -> Iterator[str]:
    """The findings, then the signal map."""
    yield ""
    if not found.looked_at:
        yield "Nobody was here yet, so nothing can be held against past traffic but names and texts."
    else:
        yield f"Held against {found.looked_at:,} visitors of the last {found.days:.0f} days:"
    if not found.warnings:
        yield "  nothing to look at."
    for warning in found.warnings:
        yield from _say(warning)
    if found.learned:
        yield ""
        yield from found.learned
    used = [use for use in found.signals if use.used_by]
    if used:
        yield ""
        yield "What your rules and texts know visitors by:"
    for use in used:
        yield f"  {_of(use)}"
    unused = [use.name for use in found.signals if not use.used_by]
    if unused:
        yield f"Known and used by nothing: {', '.join(unused)}."


def _say(warning: Warned) -> Iterator[str]:
    yield f"  {warning.where}: {warning.what}."
    yield f"      {warning.why}; {warning.right}"


def _of(use: SignalUse) -> str:
    users = ", ".join(use.used_by[:MOST_USERS])
    more = f" and {len(use.used_by) - MOST_USERS} more" if len(use.used_by) > MOST_USERS else ""
    age = f", usually {use.age_days:.0f} days old" if use.age_days is not None and use.age_days >= 1 else ""
    hardly = " (hardly ever known)" if use.coverage < HARDLY else ""
    return f"{use.name}: known of {use.coverage:.0%} of visitors{hardly}{age}; {users}{more}"

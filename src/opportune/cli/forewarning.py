"""What `opportune check --data` and `publish` say of what would go wrong on an installation's own traffic."""

from __future__ import annotations

from collections.abc import Iterator

from opportune.cli.printing import counted
from opportune.core.forewarnings import LOUD
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
    if found.not_asked:
        rules = counted(len(found.not_asked), "rule")
        yield f"  Of {rules} that none of them matched it was not asked whom they reach: opportune backtest RULE"
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


def list_loud(found: Forewarned) -> list[Warned]:
    """What publishing must not keep to itself."""
    return [warning for warning in found.warnings if warning.kind in LOUD]


def say_loud(found: Forewarned, command: str) -> Iterator[str]:
    """Those in full, and how many others there are, with the command that tells them."""
    loud = list_loud(found)
    if loud:
        may = "things that may" if len(loud) > 1 else "thing that may"
        yield ""
        yield f"ATTENTION: {len(loud)} {may} single people out. Nothing was held back."
        for warning in loud:
            yield from _say(warning)
    others = len(found.warnings) - len(loud)
    if others:
        yield f"{counted(others, 'more thing' if loud else 'thing')} to look at: {command}"


def _say(warning: Warned) -> Iterator[str]:
    yield f"  {warning.where}: {warning.what}."
    yield f"      {warning.why}; {warning.right}"


def _of(use: SignalUse) -> str:
    users = ", ".join(use.used_by[:MOST_USERS])
    more = f" and {len(use.used_by) - MOST_USERS} more" if len(use.used_by) > MOST_USERS else ""
    age = f", usually {use.age_days:.0f} days old" if use.age_days is not None and use.age_days >= 1 else ""
    hardly = " (hardly ever known)" if use.coverage < HARDLY else ""
    return f"{use.name}: known of {use.coverage:.0%} of visitors{hardly}{age}; {users}{more}"

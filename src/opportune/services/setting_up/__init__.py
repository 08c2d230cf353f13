"""Setting up: where a shop stands between nothing and a live rule, read from what came in; changes nothing.

`look` reads, within bounds, in the reading process; each step is a pure function of that and says its state,
what was seen and the fix. A step about something that is not there yet gives nothing, and is not listed.
"""

from __future__ import annotations

from collections.abc import Callable

from opportune.core.moment import to_iso
from opportune.services.setting_up import connecting, consents, data, first_events, pages
from opportune.services.setting_up.checklists import checklists
from opportune.services.setting_up.looked import Looked, look
from opportune.services.setting_up.step import Checklist, Setup, State, Step, Task
from opportune.storage.base import Storage

__all__ = ["STEPS", "Checklist", "Looked", "Setup", "State", "Step", "Task", "set_up"]

STEPS: tuple[Callable[[Looked], Step | None], ...] = (
    *connecting.STEPS,
    *first_events.STEPS,
    *pages.STEPS,
    *data.STEPS,
    *consents.STEPS,
)


def set_up(storage: Storage, url: str, now: int) -> Setup:
    """Every step as it stands now, for a server that is reached at `url`."""
    looked = look(storage, url, now)
    steps = tuple(step for ask in STEPS if (step := ask(looked)) is not None)
    return Setup(
        at=to_iso(now),
        steps=steps,
        checklists=checklists(looked, {step.name: step for step in steps}),
        site=_site(looked),
    )


def _site(looked: Looked) -> str:
    found = next((event for event in looked.recent if event.is_script and event.host), None)
    return f"{found.url.split(':', 1)[0]}://{found.host}/" if found is not None else ""

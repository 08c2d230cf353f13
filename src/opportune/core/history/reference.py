"""Renders `docs/reference/events.md` from the standard plan and capture's limits, so that it cannot fall behind."""

from __future__ import annotations

from collections.abc import Mapping

from opportune.core.history.event import (
    MAX_BATCH_BYTES,
    MAX_BATCH_EVENTS,
    MAX_DEPTH,
    MAX_EVENT_BYTES,
    MAX_ID_CHARS,
)
from opportune.core.history.link import MOST_USERS
from opportune.core.history.plan import BEHAVIOUR, KEY_EVENT, TELEMETRY, EventClass, EventPlan
from opportune.core.history.standard_plan import MAIL, ORDERS, PEOPLE, SHOPPING, SITE

CLASSES: Mapping[EventClass, str] = {KEY_EVENT: "key", BEHAVIOUR: "behaviour", TELEMETRY: "telemetry"}
GROUPS: tuple[tuple[str, tuple[EventPlan, ...]], ...] = (
    ("Shopping", SHOPPING),
    ("Orders and refunds", ORDERS),
    ("People", PEOPLE),
    ("E-mail", MAIL),
    ("The site itself", SITE),
)

INTRODUCTION = f"""# Events we know

*Made from the code by `python tools/write_reference.py`; a test fails when it is stale.*

These events are known from the start; a playbook's `plan.yaml` adds to them and changes them. Any other event is taken
too, unless the plan is `strict`. "In a sentence" is the verb that means the event, as in "a visitor **added to
cart** in the last 7 days". "Kept small" names the facts a decision sees; the whole event is kept beside them.

- **key** events count whatever their age, the newest 200 of a visitor; **behaviour** for 90 days, the newest 500;
  **telemetry** is kept for reports and never read by a decision.
- Money is in the plan's currency. An amount in another one is kept, but not counted.
- A page view also tells the referrer, the campaign (UTM parameters) and an advertiser's click id; every event the path.

## What is taken

- Up to {MAX_BATCH_EVENTS:,} events and {MAX_BATCH_BYTES // 1024} KB a request, {MAX_EVENT_BYTES // 1024} KB an event,
  not nested deeper than {MAX_DEPTH}. Ids are texts or numbers of up to {MAX_ID_CHARS} characters.
- **Once.** A message id counts once within a visitor, for a day around. Events with a business key (an order's number)
  are one event in all their versions: a secret key's values win, the earliest time stands.
- **When.** `receivedAt - (sentAt - timestamp)`, so a wrong clock does no harm. Nothing lies in the future; a time that
  cannot be read, or lies before 2005, is the time of arrival.
- **Whose.** The user's, if a secret key or a `context.userToken` proves the `userId`; else the device's. An event that
  names both links the device to the user: with its past for the first user, from there on for a later one. A device
  with more than {MOST_USERS} users links nothing. `alias` joins two users, with a secret key only.
- **Set aside**, with the reason, and never lost: an event without an id or name, too large or too deep, one that breaks
  the plan, and everything beyond 2,000 events of one visitor in a day. The answer's header `Opportune-Set-Aside` says
  how many and why; `opportune set-aside list` shows them, `replay` takes them in once the plan is mended.
"""


def events_page() -> str:
    """`docs/reference/events.md`, whole."""
    return INTRODUCTION + "".join(_group(title, events) for title, events in GROUPS)


def _group(title: str, events: tuple[EventPlan, ...]) -> str:
    head = f"\n## {title}\n\n| event | in a sentence | class | kept small | former names |\n|---|---|---|---|---|\n"
    return head + "".join(_row(event) for event in events)


def _row(event: EventPlan) -> str:
    name = f"**{event.name}**" + (" (key event)" if event.is_key_event else "")
    facts = ", ".join(
        f"{each.name}{' (business key)' * (each.name == event.business_key)}" for each in event.properties
    )
    cells = (name, ", ".join(event.says), CLASSES[event.event_class], facts, ", ".join(event.was))
    return "| " + " | ".join(cell or "-" for cell in cells) + " |\n"

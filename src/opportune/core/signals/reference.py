"""Renders `docs/reference/signals.md` from the family, so that the page cannot fall behind."""

from __future__ import annotations

from opportune.core.signals import SIGNALS
from opportune.core.signals.base import Signal
from opportune.core.signals.stage import stage_signal

INTRODUCTION = """# What we know: signals

*Made from the code by `python tools/write_reference.py`; a test fails when it is stale.*

A signal is a named question about the visitor. Its name stands in sentences (`the cart value is more than €50`) and in
content (`{category}`, `{cart value|nothing yet}`). An answer carries where it came from, how sure it is, and since when
it is known. What the request says (`session`) outranks what was captured (`event`), which outranks what a profile
says (`profile`). What a feed, an import or `team.yaml` says (`catalogue`) is true of the product or the shop; once
older than `product facts last` in `team.yaml` it is not known any more. A `bold` version is shown only on signals that
are of high confidence at that moment.

- Of the request itself: high.
- Of events: high within the visit, medium for seven days, then low. Orders, subscriptions, consent and tickets do not
  age: high.
- Of the catalogue: high, until it is stale.
- Of the profile: medium while the trait is younger than 30 days, then low. A favourite category is always low.

`opportune check` warns about a sentence that waits for a value a signal never has (`the device type is phone`, which is
`mobile`). It is a warning and no error, as a request may state any value of its own.

The table states the best source and confidence a signal can have. "Needs" names events of which one must have been
seen before a rule that uses the signal starts to act.

| signal | answer | source, confidence | what it tells | needs |
|---|---|---|---|---|
"""

CLOSING = """
## Attributes and traits

Anything else a request's `context` carries, and every trait of the person, is read by its own name in the same
places: `loyalty tier` finds the attribute or trait `loyalty tier`, `loyalty_tier`, `loyaltyTier` or `loyalty-tier`. An
attribute of the request outranks a trait of the same name. Nested attributes have dotted names (`account.plan`).

An attribute with a signal's own name (`cart value`, `cartValue`, `subscribed`) is the caller's word about it and
outranks what was captured, as long as it is of the signal's type; money is stated in whole units (`59.90`).

Per request at most 64 attributes are kept: texts up to 1,024 characters, numbers, yes/no, and lists of up to 100 texts;
what is larger or nested deeper than four levels is dropped.
"""


def reference_page() -> str:
    """`docs/reference/signals.md`, whole."""
    return INTRODUCTION + "".join(_row(signal) for signal in (*SIGNALS, stage_signal())) + CLOSING


def _row(signal: Signal) -> str:
    names = f"**{signal.name}**"
    if signal.aliases:
        names += f" ({', '.join(signal.aliases)})"
    needs = " or ".join(signal.events) or "-"
    return (
        f"| {names} | {signal.type} | {signal.source}, {signal.confidence} | {signal.meaning} | {needs} |\n"
    )

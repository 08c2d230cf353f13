"""The reference page of conditions, written from the family itself, so that it cannot say what is not so."""

from __future__ import annotations

import msgspec

from opportune.core.conditions import CONDITIONS
from opportune.core.conditions.base import Condition
from opportune.core.conditions.reach import CLASS_BOUNDS
from opportune.core.history.standard_plan import STANDARD_PLAN
from opportune.core.language.sentence import parse_condition
from opportune.core.language.vocabulary import Vocabulary
from opportune.core.signals import SIGNALS

HEADER = """# Conditions

*Made from the code by `python tools/write_reference.py`; a test fails when it is stale.*

A rule's `when` and `not if`, and every stage, is one sentence. A sentence is read into a condition and read back in
one canonical form; editor, files, receipts and reports show that form. Upper and lower case are the same. What
somebody did is said in the words the plan gives an event (`viewed`, `added to cart`, `bought`), or by its name:
`did "Quiz Finished"`. A value that is more than one plain word stands in quotes.

There is more than one way of saying most things. The subject may be `a visitor`, `the customer`, `someone who`,
`visitors who`, `people who`, or be left out, with `if` or `when` before it; `has bought`, `have bought` and a full
stop at the end change nothing. Numbers up to twelve may be words, and `once`, `twice`, `3 or more times` and
`over` / `under` / `>` / `>=` are understood. A week is 7 days and a month 30. Counting things (`3 products`) counts
different ones; `3 times` counts how often.

Conditions are joined by `and` and `or` (`and` binds closer); parentheses, `either A or B` and `both A and B` group
them; `not (...)` turns one around. Windows are open to the right: "in 7 days" is true up to and including the very
millisecond seven days later. Where a sentence is not understood, the message says at which character, and which
phrases are near.

The structured form below each sentence means the same and is accepted wherever a sentence is. In it money is in the
smallest unit (cents), lengths of time and moments are in milliseconds.
"""


VOCABULARY = Vocabulary(
    plan=STANDARD_PLAN,
    signals={signal.name: signal for signal in SIGNALS},
    attributes=("loyalty tier",),
    stages=("loyal", "at risk"),
)
"""What the examples name."""


def conditions_page() -> str:
    """`docs/reference/conditions.md`, whole."""
    parts = [HEADER, *(_member(member, VOCABULARY) for member in CONDITIONS), WINDOWS, _reach()]
    return "\n".join(parts)


def _member(member: type[Condition], vocabulary: Vocabulary) -> str:
    lines = [f"## {member.__struct_config__.tag}", "", member.meaning, ""]
    lines += [f"- `{example}`" for example in member.examples]
    lines += ["", f"Also understood: {', '.join(f'`{said}`' for said in member.synonyms)}."]
    first = parse_condition(member.examples[0], vocabulary)
    form = msgspec.json.format(msgspec.json.encode(first), indent=2).decode()
    return "\n".join([*lines, "", "```json", form, "```", ""])


WINDOWS = """## Windows

| words | meaning |
|---|---|
| `in 7 days`, `in the last 7 days`, `within a week`, `in the past month` | from that long ago until now |
| `in this visit`, `this visit`, `in the current session` | since the visit that is going on began |
| `today` | since midnight in the shop's time zone |
| `since they last bought` | after the newest such event; nothing when there is none |
| (nothing), `ever` | all that is read of the event |
"""


def _reach() -> str:
    lines = ["## How far back", "", "| class of the event | read of one person |", "|---|---|"]
    names = {0: "key events (orders, sign-ups, consent, support)", 1: "behaviour"}
    for event_class, (most, days) in CLASS_BOUNDS.items():
        age = f"no older than {days} days" if days is not None else "whatever their age"
        lines.append(f"| {names[event_class]} | the newest {most}, {age} |")
    lines += ["| telemetry (scrolling, opens) | none: what the page says itself is a signal |", ""]
    lines.append("A condition that asks for more is refused when the playbook is checked.")
    return "\n".join([*lines, ""])

"""Supposing: what an operator says would be so (`explain --with "cart value=60"`), as signals' answers.

Names are taken in every usual spelling, values as the signal's type wants them: money in whole units,
durations in seconds, moments in ISO 8601, lists with commas.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from opportune.core.history.values import to_minor_units, to_moment
from opportune.core.moment import SECOND, to_iso
from opportune.core.playbook import Playbook
from opportune.core.playbook_files.form import nearest
from opportune.core.signals.base import Reading, Signal, spellings
from opportune.errors import BadRequestError

YES, NO = ("yes", "true"), ("no", "false")
EXAMPLES: Mapping[str, str] = {
    "number": "3",
    "money": "60",
    "yes/no": "yes",
    "duration": "90 (seconds)",
    "moment": to_iso(1_795_356_000_000),
}


def readings_of(assumed: Mapping[str, object], playbook: Playbook, now: int) -> Iterator[tuple[str, Reading]]:
    """By each name under which it may be asked for. Raises BadRequestError for unknown names and unfit values."""
    for given, value in assumed.items():
        names, signal = _named(given, playbook)
        fitting = value if signal is None else _fitting(signal, value, playbook.plan.currency)
        if fitting is None and signal is not None:
            example = EXAMPLES.get(signal.type, "shoes")
            raise BadRequestError(
                wrong=f"{signal.name!r} is {signal.type}, such as {example}; {value!r} is not."
            )
        for name in names:
            yield name, Reading(fitting, "session", "high", now)  # type: ignore[arg-type]  # any JSON value


def _named(given: str, playbook: Playbook) -> tuple[tuple[str, ...], Signal | None]:
    """Every name of the signal or customer detail that is meant."""
    signals = playbook.vocabulary.signals
    for name, signal in signals.items():
        if given in spellings(name):
            return (signal.name, *signal.aliases), signal
    for name in playbook.vocabulary.attributes:
        if given in spellings(name):
            return (name,), None
    right = nearest(given, [*signals, *playbook.vocabulary.attributes])
    hint = right or "customer details of your own are declared in plan.yaml"
    raise BadRequestError(wrong=f"There is no signal {given!r} ({hint}).")


def _fitting(signal: Signal, value: Any, currency: str) -> Any:
    """The value as the signal answers; None when it does not fit."""
    match signal.type:
        case "money":
            return None if isinstance(value, bool) else to_minor_units(value, currency)
        case "yes/no":
            return value if isinstance(value, bool) else _yes_or_no(str(value))
        case "list":
            return (
                list(value) if isinstance(value, list) else [part.strip() for part in str(value).split(",")]
            )
        case "moment":
            return to_moment(value)
        case "number" | "duration":
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            return (value * SECOND if signal.type == "duration" else value) if is_number else None
        case _:
            return str(value)


def _yes_or_no(text: str) -> bool | None:
    return text.lower() in YES if text.lower() in (*YES, *NO) else None

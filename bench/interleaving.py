"""Timing small calls fairly: forms take turns in short batches, so that whatever slows the machine slows them all."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from time import perf_counter_ns

YOUNG_OBJECTS = 20_000
"""As `opportune serve` sets it; for all forms alike."""


@dataclass(frozen=True)
class Timed:
    """Microseconds a call: the median of all batches, and that of each batch over its neighbour of the base form."""

    us: float
    ratio: float


def interleave(
    forms: Mapping[str, Callable[[], object]], *, calls: int = 400, rounds: int = 150
) -> dict[str, Timed]:
    """Times every form; ratios are to the first one."""
    for form in forms.values():
        for _ in range(min(calls, 200)):
            form()
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 10, 10)
    batches: dict[str, list[float]] = {name: [] for name in forms}
    try:
        for _ in range(rounds):
            for name, form in forms.items():
                batches[name].append(_batch(form, calls))
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
    base = next(iter(batches.values()))
    return {
        name: Timed(median(found), median(one / other for one, other in zip(found, base, strict=True)))
        for name, found in batches.items()
    }


def _batch(form: Callable[[], object], calls: int) -> float:
    turns = range(calls)
    started = perf_counter_ns()
    for _ in turns:
        form()
    return (perf_counter_ns() - started) / calls / 1_000

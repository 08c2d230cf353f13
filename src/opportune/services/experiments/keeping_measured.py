"""Keeping what experiments came to: a round measures those that are open and puts their sums into the store.

A round is skipped while nothing changed, and comes the later the longer the last one took. An experiment whose last
window has closed is measured once more and keeps its sums for good.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from time import monotonic

import msgspec

from opportune.core.experiments.experiment import Experiment
from opportune.core.experiments.measured import Measured
from opportune.core.metrics.margin import margins_of
from opportune.services.experiments.measuring import Terms, measure_share, measure_timed
from opportune.services.house import House
from opportune.services.preparing import plan_of
from opportune.storage.base import Storage, Transaction
from opportune.storage.personal import Share

ROUND_SECONDS = 60.0
PAUSE_TIMES = 20
"""After a round as many times as long as it took."""
ANYWAY_SECONDS = 600.0
"""A round is made although nothing seems to have changed, for what no number tells of."""

MeasureAll = Callable[[Sequence[Experiment], Terms, int], tuple[list[Measured], float]]
"""Where a round may be done instead of here: experiments, terms, and the moment now."""


def terms_of(house: House) -> Terms:
    """What measuring needs to know of the house."""
    zone = house.programme.playbook.vocabulary.zone
    return Terms(plan_of(house), zone, margins_of(house.catalogue.list_products()))


def list_unfrozen(storage: Storage) -> list[Experiment]:
    """Experiments whose sums may still change."""
    experiments = storage.list_experiments()
    return [each for each in experiments if not is_frozen(storage, each)]


def is_frozen(storage: Storage, experiment: Experiment) -> bool:
    found = storage.find_measured(experiment.id)
    return found is not None and found.is_frozen


def keep_measured(house: House) -> list[Measured]:
    """Measures every experiment that is not frozen, and keeps what it came to."""
    return keep_timed(house, None)[0]


def keep_timed(house: House, measure: MeasureAll | None) -> tuple[list[Measured], float]:
    """The same, and how many seconds measuring took. `measure` may do it elsewhere."""
    experiments = list_unfrozen(house.storage)
    if not experiments:
        return [], 0.0
    measure = measure or partial(measure_timed, house.storage)
    found, seconds = measure(experiments, terms_of(house), house.clock())
    for measured in found:
        house.storage.write(partial(_put, measured)).result()
    return found, seconds


def _put(measured: Measured, transaction: Transaction) -> None:
    transaction.put_measured(measured)


def keep_erased(house: House, transaction: Transaction, shares: Sequence[Share]) -> int:
    """Before somebody leaves: what they have added to open experiments stays as sums, and their arms leave at once.

    Without arms they count nowhere any more, so that an erasing that is broken off and taken up again adds nothing
    a second time. How many arms left.
    """
    terms = terms_of(house)
    for experiment in list_unfrozen(house.storage):
        cells = measure_share(house.storage, experiment, terms, shares)
        if cells:
            transaction.add_erased_sums(experiment.id, cells)
    return sum(transaction.erase_assignments(share) for share in shares)


class Rounds:
    """When a process makes the next round."""

    def __init__(
        self, clock: Callable[[], float] = monotonic, *, pause_seconds: float = ROUND_SECONDS
    ) -> None:
        self._clock = clock
        self._pause_seconds = pause_seconds
        self._next_at = 0.0
        self._made_at = float("-inf")
        self._seen: object = None
        self._is_settled = False

    @property
    def is_due(self) -> bool:
        return self._clock() >= self._next_at

    def make(self, house: House, measure: MeasureAll | None = None) -> list[Measured]:
        """One round, unless nothing changed since before the last one but one.

        What was about to be committed when a round began has a number already, and is in the next one.
        """
        began = self._clock()
        state = state_of(house)
        is_known = state == self._seen
        if is_known and self._is_settled and began < self._made_at + ANYWAY_SECONDS:
            self._next_at = began + self._pause_seconds
            return []
        found, took = keep_timed(house, measure)
        self._seen, self._is_settled, self._made_at = state, is_known, began
        self._next_at = self._clock() + max(self._pause_seconds, PAUSE_TIMES * took)
        return found


def state_of(house: House) -> object:
    """A value that differs once anything was recorded, erased or published, or a test began or took its course."""
    storage = house.storage
    numbers = storage.find_seq(), storage.find_newest_erasure(), storage.changed_at()
    return *numbers, msgspec.json.encode(list_unfrozen(storage))

"""What is counted about requests and decisions, shown at `/metrics` in Prometheus' text.

Counting is a dictionary's `+= 1` on the event loop; Prometheus' families are built when somebody asks.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

if TYPE_CHECKING:
    from opportune.services.house import House

DECIDE_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)


class Metrics:
    """One process's counts, with a registry of its own."""

    def __init__(self, house: House) -> None:
        self.requests: Counter[tuple[str, str, int]] = Counter()
        self.decisions: Counter[tuple[str, str]] = Counter()
        self.events: Counter[str] = Counter()
        self._decide_counts = [0] * (len(DECIDE_BUCKETS) + 1)
        self._decide_seconds = 0.0
        self._house = house
        self.registry = CollectorRegistry()
        self.registry.register(self)

    def count_decided(self, seconds: float, slots: Iterable[tuple[str, str]]) -> None:
        """One answered request with its (slot, outcome) pairs."""
        self._decide_counts[bisect_left(DECIDE_BUCKETS, seconds)] += 1
        self._decide_seconds += seconds
        counts = self.decisions
        for pair in slots:
            counts[pair] += 1

    def count_events(self, accepted: int, duplicate: int, set_aside: int) -> None:
        """One capture's outcome."""
        self.events["accepted"] += accepted
        self.events["duplicate"] += duplicate
        self.events["set aside"] += set_aside

    def render(self) -> bytes:
        return generate_latest(self.registry)

    def collect(self) -> Iterator[Metric]:
        """Prometheus' families, as its registry asks for them."""
        yield _counter(
            "opportune_requests", "Requests by route.", ("method", "route", "status"), self.requests
        )
        yield _counter("opportune_decisions", "Decisions by slot.", ("slot", "outcome"), self.decisions)
        yield _counter(
            "opportune_fallbacks",
            "Normal content for a fault, by reason.",
            ("reason",),
            self._house.fallbacks,
        )
        yield _counter("opportune_events", "Events taken in, by outcome.", ("outcome",), self.events)
        yield self._decide_histogram()
        waiting = self._house.storage.count_waiting()
        yield GaugeMetricFamily(
            "opportune_writer_queue", "Writes whose turn has not come yet.", value=waiting
        )

    def _decide_histogram(self) -> HistogramMetricFamily:
        total = 0
        buckets: list[tuple[str, float]] = []
        for bound, count in zip((*DECIDE_BUCKETS, None), self._decide_counts, strict=True):
            total += count
            buckets.append(("+Inf" if bound is None else str(bound), float(total)))
        return HistogramMetricFamily(
            "opportune_decide_seconds", "Time to decide a request.", buckets, sum_value=self._decide_seconds
        )


def _counter(
    name: str, meaning: str, labels: tuple[str, ...], counts: Mapping[Any, int]
) -> CounterMetricFamily:
    family = CounterMetricFamily(name, meaning, labels=labels)
    for label, count in list(counts.items()):
        values = (label,) if isinstance(label, str) else tuple(map(str, label))
        family.add_metric(values, count)
    return family

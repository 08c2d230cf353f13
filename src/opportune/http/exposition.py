"""The counts of `metrics.py` in Prometheus' text.

Loaded when somebody asks for it: Prometheus' library brings a web server along and would slow every start down.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from opportune.http.metrics import DECIDE_BUCKETS, Metrics


class Exposition:
    """One process's counts as a collector of a registry of its own."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def render(self) -> bytes:
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """Prometheus' families, as its registry asks for them."""
        metrics, house = self._metrics, self._metrics.house
        yield _counter(
            "opportune_requests", "Requests by route.", ("method", "route", "status"), metrics.requests
        )
        yield _counter("opportune_decisions", "Decisions by slot.", ("slot", "outcome"), metrics.decisions)
        yield _counter(
            "opportune_fallbacks", "Normal content for a fault, by reason.", ("reason",), house.fallbacks
        )
        yield _counter("opportune_events", "Events taken in, by outcome.", ("outcome",), metrics.events)
        yield _counter(
            "opportune_webhooks",
            "Signed webhooks of shops.",
            ("platform", "topic", "outcome"),
            metrics.webhooks,
        )
        yield _decide_histogram(metrics)
        waiting = house.storage.count_waiting()
        yield GaugeMetricFamily(
            "opportune_writer_queue", "Writes whose turn has not come yet.", value=waiting
        )


def _decide_histogram(metrics: Metrics) -> HistogramMetricFamily:
    total = 0
    buckets: list[tuple[str, float]] = []
    for bound, count in zip((*DECIDE_BUCKETS, None), metrics.decide_counts, strict=True):
        total += count
        buckets.append(("+Inf" if bound is None else str(bound), float(total)))
    return HistogramMetricFamily(
        "opportune_decide_seconds", "Time to decide a request.", buckets, sum_value=metrics.decide_seconds
    )


def _counter(
    name: str, meaning: str, labels: tuple[str, ...], counts: Mapping[Any, int]
) -> CounterMetricFamily:
    family = CounterMetricFamily(name, meaning, labels=labels)
    for label, count in list(counts.items()):
        values = (label,) if isinstance(label, str) else tuple(map(str, label))
        family.add_metric(values, count)
    return family

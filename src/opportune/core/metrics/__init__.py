"""The family of metrics: every member in one visible tuple, the union they decode to, and reading one from words."""

from __future__ import annotations

from opportune.core.metrics.base import Metric, Words
from opportune.core.metrics.mean import Mean
from opportune.core.metrics.proportion import Proportion
from opportune.core.metrics.revenue import Revenue

METRICS: tuple[type[Metric], ...] = (Revenue, Mean, Proportion)
"""In the order in which they are asked whether words are theirs: what is said of any event comes last."""

AnyMetric = Revenue | Mean | Proportion

__all__ = ["METRICS", "AnyMetric", "Metric", "Words"]

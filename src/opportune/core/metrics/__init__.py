"""The family of metrics: every member in one visible tuple, and the union their structured forms decode to."""

from __future__ import annotations

from opportune.core.metrics.base import Metric, Words
from opportune.core.metrics.discount import Discount
from opportune.core.metrics.lead_quality import LeadQuality
from opportune.core.metrics.margin import Margin
from opportune.core.metrics.mean import Mean
from opportune.core.metrics.place import PlaceActs
from opportune.core.metrics.proportion import Proportion
from opportune.core.metrics.ratio import Ratio
from opportune.core.metrics.repeat import Repeat
from opportune.core.metrics.revenue import Revenue
from opportune.core.metrics.slow_pages import SlowPages
from opportune.core.metrics.trust import Trust

METRICS: tuple[type[Metric], ...] = (
    Revenue,
    Margin,
    Discount,
    Ratio,
    Repeat,
    LeadQuality,
    PlaceActs,
    SlowPages,
    Trust,
    Mean,
    Proportion,
)
"""In the order in which they are asked whether words are theirs: what is said of any event comes last."""

AnyMetric = (
    Revenue | Margin | Discount | Ratio | Repeat | LeadQuality | PlaceActs | SlowPages | Trust | Mean | Proportion
)  # fmt: skip

__all__ = ["METRICS", "AnyMetric", "Metric", "Words"]

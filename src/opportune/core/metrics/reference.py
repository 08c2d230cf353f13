"""Renders `docs/reference/metrics.md` from the family, so that the page cannot fall behind."""

from __future__ import annotations

from opportune.core.metrics import METRICS
from opportune.core.metrics.base import Metric, Words
from opportune.core.metrics.reading import parse_metric

HEADER = """# Metrics

*Made from the code by `python tools/write_reference.py`; a test fails when it is stale.*

A metric is what a test asks: of visitors who were in it, how many did something, how often, or for how much. It stands
in a rule's `test` behind "on", and in `goal`, `deciding metric` and `safety limit` of `team.yaml`:

```yaml
test: half and half, on orders within 3 days, for 7 weeks
safety limit: bounces a visit up by at most 5%, orders a visitor down by at most 10%
```

`within 3 days` is the window: what a visitor does from the first exposure on, before three days have passed. It may be
1 hour to 365 days; without one the usual window below is taken. `a visitor` and `per visitor` are the same. What the
plan gives an event for words, a metric understands: `added to cart`, `sign-ups`, or `"Quiz Finished"` in quotes.

The visitor is the unit of every metric, also of those a visit or an order: a visitor's sums go in together. Every
value is a whole number; money is in the smallest unit of the reporting currency. What arrives late, twice or is
refunded comes out right, as nothing is kept but the events.

| metric | answer | better | usual window |
|---|---|---|---|
"""
_WORDS = Words(places=("home-hero",), titles={"home-hero": "home hero", "offer-bar": "offer bar"})
_UNITS = {"share": "a share", "money": "money", "number": "a number"}


def metrics_page() -> str:
    """`docs/reference/metrics.md`, whole."""
    read = [(example, parse_metric(example, _WORDS)) for member in METRICS for example in member.examples]
    rows = [_row(metric) for _, metric in read]
    return HEADER + "".join([*dict.fromkeys(rows), *(_member(member) for member in METRICS)])


def _row(metric: Metric) -> str:
    better = "more" if metric.more_is_better else "less"
    usual = parse_metric(metric.phrase, _WORDS).describe().rpartition(" within ")[2]
    return f"| {metric.phrase} | {_UNITS[metric.unit]} | {better} | {usual} |\n"


def _member(member: type[Metric]) -> str:
    kind = str(member.__struct_config__.tag).replace("_", " ")
    lines = ["", f"## {kind}", "", member.meaning, "", *(f"- `{example}`" for example in member.examples)]
    return "\n".join(
        [*lines, "", f"Also understood: {', '.join(f'`{said}`' for said in member.synonyms)}.", ""]
    )

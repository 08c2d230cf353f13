"""Reports as pages: one self-contained file for `--html`, or a page of the console; the same template makes both."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from opportune.console import charts
from opportune.core.report.parts import Directional, Line, Overview, Picture, Report
from opportune.core.report.reading import capitalized

PROGRAMME_PATH = "programme"
STYLES = ("setup.css", "report.css")


def report_html(report: Report, *, root: str = "") -> str:
    """A whole page. With a `root` it links its style sheet and the other reports there; without, all is inside."""
    return _render(
        "report/page.html",
        root,
        title=report.title,
        report=report,
        charts={
            "bars": charts.bars(report.main.arms, "arms", report.main.title) if report.main else "",
            "harm": [
                charts.bars(limit.reading.arms, f"harm-{number}", limit.reading.title)
                for number, limit in enumerate(report.harm)
            ],
            "over_time": _drawn(report.over_time),
            "by_first_day": charts.whiskers(report.by_first_day, "first-day") if report.by_first_day else "",
            **_weeks(report.directional),
        },
    )


def overview_html(overview: Overview, *, root: str = "") -> str:
    """All of it on one page, in the same two ways."""
    main = overview.programme.main if overview.programme else None
    return _render(
        "report/overview.html",
        root,
        title="Reports",
        overview=overview,
        programme_path=PROGRAMME_PATH,
        sparks=sparks_of(overview.tests),
        charts={
            "bars": charts.bars(main.arms, "arms", main.title) if main else "",
            "over_time": _drawn(overview.programme.over_time) if overview.programme else "",
        },
    )


def sparks_of(lines: Sequence[Line]) -> dict[str, Markup]:
    """By rule a small picture of its difference so far."""
    return {
        line.rule: charts.sparkline(line.trend, f"spark-{number}", f"{line.title}: the difference so far")
        for number, line in enumerate(lines)
    }


def _drawn(picture: Picture | None) -> str:
    return charts.difference(picture, "over-time") if picture is not None else ""


def _weeks(directional: Directional | None) -> dict[str, object]:
    if directional is None or not directional.weeks:
        return {"weeks": ""}
    picture = Picture(
        title="Week by week",
        axis=capitalized(directional.metric),
        points=directional.weeks,
        words="Whole weeks of the same weekdays, before and after it began to act.",
    )
    half = len(directional.weeks) // 2
    return {"weeks": charts.columns(picture, "weeks", since=half), "weeks_picture": picture}


def _render(name: str, root: str, **values: object) -> str:
    style = "" if root else Markup(_style())  # noqa: S704 - our own files
    return _templates().get_template(name).render(root=root, style=style, **values)


@cache
def _style() -> str:
    folder = files("opportune.console").joinpath("static")
    return "\n".join(folder.joinpath(name).read_text("utf-8").strip() for name in STYLES)


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("opportune.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["figure"] = _figure
    return environment


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:+,.2f}"

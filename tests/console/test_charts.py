"""Charts: well-formed SVG with a title and words, whatever the numbers are, and none where there is nothing to draw."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opportune.console.charts import HEIGHT, WIDTH, bars, columns, difference, sparkline, whiskers
from opportune.core.report.parts import ArmValue, Picture, Point

SVG = "{http://www.w3.org/2000/svg}"
NUMBERS = st.floats(-1e15, 1e15) | st.integers(-3, 3).map(float)


def picture(*points: tuple[float | None, float | None, float | None], limit: float | None = None) -> Picture:
    return Picture(
        title="The difference <so far>",
        axis="More & fewer",
        limit=limit,
        words="It goes up.",
        points=tuple(
            Point(day=f"2026-11-{day:02}", people=day, value=value, low=low, high=high)
            for day, (value, low, high) in enumerate(points, 1)
        ),
    )


def parsed(text: str) -> ET.Element:
    return ET.fromstring(text)


@given(st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS), min_size=2, max_size=28), st.none() | NUMBERS)
def test_any_numbers_make_a_picture_whose_marks_lie_on_it(
    drawn: list[tuple[float, float, float]], limit: float | None
) -> None:
    rows = [(value, min(low, value), max(high, value)) for value, low, high in drawn]
    for chart in (difference, whiskers):
        root = parsed(chart(picture(*rows, limit=limit), "a"))
        assert "nan" not in ET.tostring(root, "unicode")
        for mark in root.iter(f"{SVG}circle"):
            assert 0 <= float(mark.attrib["cx"]) <= WIDTH
            assert -1 <= float(mark.attrib["cy"]) <= HEIGHT


def test_a_picture_says_in_words_what_it_shows() -> None:
    root = parsed(difference(picture((0.1, -1, 1), (0.2, -0.5, 0.9)), "over"))
    labels = root.attrib["aria-labelledby"].split()
    texts = {each.attrib["id"]: each.text for each in root if "id" in each.attrib}
    assert root.attrib["role"] == "img"
    assert [texts[label] for label in labels] == ["The difference <so far>", "It goes up."]


def test_the_line_of_no_difference_and_the_safety_limit_are_named() -> None:
    text = difference(picture((0.1, -1, 1), (0.2, -0.5, 0.9), limit=-0.4), "over")
    assert 'class="zero"' in text
    assert "safety limit" in text
    assert re.search(r'class="limit"[^>]*stroke-dasharray', text)


def test_days_without_an_answer_leave_a_gap() -> None:
    text = difference(picture((None, None, None), (0.1, -1, 1), (0.3, None, None)), "over")
    assert text.count("<circle") == 2


@pytest.mark.parametrize("chart", [difference, whiskers])
def test_nothing_to_draw_is_no_picture(chart: type[str]) -> None:
    assert chart(picture(), "a") == ""
    assert chart(picture((None, None, None)), "a") == ""


def test_bars_carry_their_words() -> None:
    arms = (
        ArmValue(arm="control", label="Without it", people=10, value=0.1, words="10 of 100 bought"),
        ArmValue(arm="treatment", label="With it", people=10, value=0.2, words="20 of 100 bought"),
    )
    root = parsed(bars(arms, "arms", "Orders"))
    widths = [float(bar.attrib["width"]) for bar in root.iter(f"{SVG}rect")]
    assert widths == [WIDTH / 2, WIDTH]
    assert "20 of 100 bought" in ET.tostring(root, "unicode")
    assert bars((), "arms", "Orders") == ""


def test_a_small_picture_needs_two_values() -> None:
    assert sparkline([1.0], "s", "t") == ""
    assert "now above no difference" in sparkline([-1.0, 0.5], "s", "t")
    assert "now below no difference" in sparkline([0.0, -0.5], "s", "t")
    assert parsed(sparkline([0.0, 0.0], "s", "t")) is not None


def test_weeks_before_and_after_are_told_apart_by_words_too() -> None:
    weeks = picture((10.0, None, None), (20.0, None, None))
    root = parsed(columns(weeks, "weeks", since=1))
    heights = [float(bar.attrib["height"]) for bar in root.iter(f"{SVG}rect")]
    assert heights[1] == pytest.approx(2 * heights[0], abs=0.2)
    assert [text.text for text in root.iter(f"{SVG}text") if text.text in {"before", "after"}] == [
        "before",
        "after",
    ]
    assert columns(picture((0.0, None, None)), "weeks", since=0) == ""

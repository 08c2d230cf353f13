"""Charts as server-rendered SVG, shared by the console, the report file and the mail: no script, no outside file.

Every colour is also told by a shape or a word. Each stands beside a table with the same numbers. Presentation
attributes give the light colours, so that a picture without its style sheet still reads; style sheets may
override them by class.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from math import ceil, floor, log10

import msgspec
from markupsafe import Markup, escape

from opportune.core.report.parts import ArmValue, Picture, Point
from opportune.core.report.plain import short_date_words

WIDTH, HEIGHT = 440, 250
LEFT, RIGHT, TOP, BOTTOM = 46, 12, 26, 34
INK, SOFT, LINE, BAND, HARM = "#1c2321", "#52605b", "#1d4ed8", "#c7d5f7", "#9c1c1c"
FONT = "system-ui, sans-serif"
MOST_TICKS = 6
NARROW = 8
"""Fewer points than this are also marked one by one."""


Place = tuple[float, float]
"""Across and down."""


class _Scale(msgspec.Struct, frozen=True):
    """From values to places on the picture."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 1)


def difference(picture: Picture, name: str) -> Markup:
    """The difference so far, day by day, in its band; the line of no difference and the safety limit with it.

    `name` tells ids apart on one page. Empty where fewer than two days have anything to draw.
    """
    drawn = [(number, point) for number, point in enumerate(picture.points) if point.value is not None]
    if len(drawn) < 2:
        return Markup()
    across = _Scale(0, max(1, len(picture.points) - 1), LEFT + 8, WIDTH - RIGHT - 8)
    up = _upwards(picture, is_growing=True)
    return _svg(
        picture,
        name,
        [
            *_grid(up),
            _band(drawn, across, up),
            _zero(up),
            *_limit(picture.limit, up),
            _line(drawn, across, up),
            *_marks(drawn, across, up),
            *_days(picture.points, across),
        ],
    )


def whiskers(picture: Picture, name: str) -> Markup:
    """A mark with its interval for each point apart: what happened by day or week of first exposure."""
    if not any(point.value is not None for point in picture.points):
        return Markup()
    across = _Scale(0, len(picture.points), LEFT, WIDTH - RIGHT)
    up = _upwards(picture, is_growing=False)
    drawn: list[Markup] = []
    for number, point in enumerate(picture.points):
        if point.value is None:
            continue
        x = across.at(number + 0.5)
        if point.low is not None and point.high is not None:
            drawn.append(_rule((x, up.at(point.low)), (x, up.at(point.high)), "line", LINE, width=2))
        drawn.append(_dot(x, up.at(point.value), 4.5))
    shifted = _Scale(-0.5, len(picture.points) - 0.5, LEFT, WIDTH - RIGHT)
    return _svg(picture, name, [*_grid(up), _zero(up), *drawn, *_days(picture.points, shifted)])


def columns(picture: Picture, name: str, *, since: int) -> Markup:
    """A column for each point, from 0 up; from number `since` on in the other colour, with a line between."""
    values = [point.value or 0.0 for point in picture.points]
    if not any(values):
        return Markup()
    up = _Scale(0, max(values) * 1.06, HEIGHT - BOTTOM, TOP)
    across = _Scale(0, len(values), LEFT, WIDTH - RIGHT)
    drawn: list[Markup] = []
    for number, value in enumerate(values):
        x, width = across.at(number + 0.15), across.at(number + 0.85) - across.at(number + 0.15)
        kind, colour = ("bar treatment", LINE) if number >= since else ("bar", SOFT)
        drawn.append(
            Markup('<rect class="{}" x="{}" y="{}" width="{:.1f}" height="{:.1f}" fill="{}"/>').format(
                kind, x, up.at(value), width, up.at(0) - up.at(value), colour
            )
        )
    x = across.at(since)
    drawn += [
        _rule((x, TOP - 4), (x, HEIGHT - BOTTOM), "zero", INK, dashes="3 3"),
        _text(x - 5, TOP + 8, "before", anchor="end", size=13),
        _text(x + 5, TOP + 8, "after", size=13),
    ]
    shifted = _Scale(-0.5, len(values) - 0.5, LEFT, WIDTH - RIGHT)
    return _svg(picture, name, [*_grid(up, sign=""), *drawn, *_days(picture.points, shifted)])


def bars(arms: Sequence[ArmValue], name: str, title: str) -> Markup:
    """A bar for every arm, with its words on it."""
    most = max((arm.value or 0.0 for arm in arms), default=0.0)
    if most <= 0:
        return Markup()
    row, height = 54, 54 * len(arms)
    drawn: list[Markup] = []
    for number, arm in enumerate(arms):
        top = number * row
        width = round(max(0.0, arm.value or 0.0) / most * WIDTH, 1)
        kind, colour = ("bar treatment", LINE) if number else ("bar", SOFT)
        drawn.append(_text(0, top + 16, arm.label, weight=600))
        drawn.append(_text(WIDTH, top + 16, arm.words, anchor="end"))
        drawn.append(
            Markup('<rect class="{}" x="0" y="{}" width="{}" height="20" rx="3" fill="{}"/>').format(
                kind, top + 24, width, colour
            )
        )
    said = "; ".join(f"{arm.label}: {arm.words}" for arm in arms)
    return _frame(name, title, said, drawn, size=(WIDTH, height))


def sparkline(values: Sequence[float], name: str, title: str) -> Markup:
    """A line of how a difference went, with the line of no difference; empty for fewer than two values."""
    if len(values) < 2:
        return Markup()
    width, height = 120, 32
    low, high = min(*values, 0.0), max(*values, 0.0)
    up = _Scale(low, high if high > low else low + 1, height - 4, 4)
    across = _Scale(0, len(values) - 1, 2, width - 6)
    path = " ".join(f"{across.at(number)},{up.at(value)}" for number, value in enumerate(values))
    end = "above" if values[-1] > 0 else "below" if values[-1] < 0 else "at"
    return _frame(
        name,
        title,
        f"{len(values)} days, now {end} no difference",
        [
            _rule((0, up.at(0)), (width, up.at(0)), "zero", SOFT, dashes="3 3"),
            Markup('<polyline class="line" points="{}" fill="none" stroke="{}" stroke-width="2"/>').format(
                path, LINE
            ),
            _dot(across.at(len(values) - 1), up.at(values[-1]), 3),
        ],
        size=(width, height),
        kind="chart spark",
    )


def _upwards(picture: Picture, *, is_growing: bool) -> _Scale:
    """From the smallest to the largest of all that is drawn, with zero inside.

    Where the number of visitors grows, the first days' bands are so wide that nothing else would be seen: cut.
    """
    values = [value for point in picture.points if (value := point.value) is not None]
    later = [point for point in picture.points if point.low is not None and point.high is not None]
    later = later[len(later) // 4 :] if is_growing else later
    values += [edge for point in later for edge in (point.low, point.high) if edge is not None]
    values += [0.0] if picture.limit is None else [0.0, picture.limit]
    low, high = min(values), max(values)
    room = (high - low) * 0.06 or 1.0
    return _Scale(low - room, high + room, HEIGHT - BOTTOM, TOP)


def _ticks(scale: _Scale) -> list[float]:
    rough = (scale.high - scale.low) / MOST_TICKS
    step = 10.0 ** floor(log10(rough))
    step *= next(factor for factor in (1, 2, 2.5, 5, 10) if step * factor >= rough)
    first, last = ceil(scale.low / step), floor(scale.high / step)
    return [number * step for number in range(first, last + 1)]


def _grid(up: _Scale, sign: str = "+") -> Iterator[Markup]:
    ticks = _ticks(up)
    places = max(0, -floor(log10(ticks[1] - ticks[0]) + 1e-9)) if len(ticks) > 1 else 0
    for tick in ticks:
        y = up.at(tick)
        yield _rule((LEFT, y), (WIDTH - RIGHT, y), "grid", "#e3e2dc")
        words = f"{tick:{sign},.{places}f}" if abs(tick) > 1e-12 else "0"
        yield _text(LEFT - 6, y + 4.5, words, anchor="end", size=13)


def _zero(up: _Scale) -> Markup:
    y = up.at(0)
    return _rule((LEFT, y), (WIDTH - RIGHT, y), "zero", INK, width=1.5)


def _limit(limit: float | None, up: _Scale) -> Iterator[Markup]:
    if limit is not None:
        y = up.at(limit)
        yield _rule((LEFT, y), (WIDTH - RIGHT, y), "limit", HARM, width=1.5, dashes="6 4")
        beyond = y + 15 if limit < 0 else y - 5
        yield _text(LEFT + 4, beyond, "safety limit", size=13, kind="limit", colour=HARM)


def _band(drawn: Sequence[tuple[int, Point]], across: _Scale, up: _Scale) -> Markup:
    inside = [
        (n, point.low, point.high) for n, point in drawn if point.low is not None and point.high is not None
    ]
    if len(inside) < 2:
        return Markup()
    above = [f"{across.at(n)},{_kept(up, high)}" for n, _, high in inside]
    below = [f"{across.at(n)},{_kept(up, low)}" for n, low, _ in reversed(inside)]
    return Markup('<polygon class="band" points="{}" fill="{}" stroke="none"/>').format(
        " ".join(above + below), BAND
    )


def _kept(up: _Scale, value: float) -> float:
    """On the picture, also where an early band reaches far beyond."""
    return up.at(min(max(value, up.low), up.high))


def _line(drawn: Sequence[tuple[int, Point]], across: _Scale, up: _Scale) -> Markup:
    path = " ".join(
        f"{across.at(n)},{_kept(up, point.value)}" for n, point in drawn if point.value is not None
    )
    return Markup(
        '<polyline class="line" points="{}" fill="none" stroke="{}" stroke-width="2.5" stroke-linejoin="round"/>'
    ).format(path, LINE)


def _marks(drawn: Sequence[tuple[int, Point]], across: _Scale, up: _Scale) -> Iterator[Markup]:
    for number, point in drawn if len(drawn) < NARROW else drawn[-1:]:
        if point.value is not None:
            yield _dot(across.at(number), _kept(up, point.value), 4.5)


def _days(points: Sequence[Point], across: _Scale) -> Iterator[Markup]:
    """The first and the last day, and one between where there is room."""
    last = len(points) - 1
    for number in sorted({0, last // 2, last} if last >= 4 else {0, last}):
        x = across.at(number)
        anchor = "middle" if last == 0 or 0 < number < last else "end" if number else "start"
        if anchor != "middle":
            x = WIDTH - RIGHT if number else LEFT
        words = short_date_words(date.fromisoformat(points[number].day))
        yield _text(x, HEIGHT - 12, words, anchor=anchor, size=13)


def _svg(picture: Picture, name: str, drawn: Sequence[Markup]) -> Markup:
    title = _text(0, 14, picture.axis, size=13)
    return _frame(name, picture.title, picture.words, [title, *drawn])


def _frame(
    name: str,
    title: str,
    words: str,
    drawn: Sequence[Markup],
    *,
    size: tuple[int, int] = (WIDTH, HEIGHT),
    kind: str = "chart",
) -> Markup:
    return Markup(
        '<svg class="{kind}" viewBox="0 0 {width} {height}" role="img" aria-labelledby="{name}-t {name}-d" '
        'font-family="{font}" xmlns="http://www.w3.org/2000/svg">'
        '<title id="{name}-t">{title}</title><desc id="{name}-d">{words}</desc>{drawn}</svg>'
    ).format(
        kind=kind,
        width=size[0],
        height=size[1],
        name=name,
        font=FONT,
        title=title,
        words=words,
        drawn=Markup().join(drawn),
    )


def _rule(start: Place, end: Place, kind: str, colour: str, *, width: float = 1, dashes: str = "") -> Markup:
    dashed = Markup(' stroke-dasharray="{}"').format(dashes) if dashes else Markup()
    return Markup(
        '<line class="{}" x1="{}" y1="{}" x2="{}" y2="{}" stroke="{}" stroke-width="{}"{}/>'
    ).format(kind, *start, *end, colour, width, dashed)


def _dot(x: float, y: float, radius: float) -> Markup:
    return Markup('<circle class="dot" cx="{}" cy="{}" r="{}" fill="{}"/>').format(x, y, radius, LINE)


def _text(
    x: float,
    y: float,
    words: str,
    *,
    anchor: str = "start",
    size: int = 14,
    weight: int = 400,
    kind: str = "words",
    colour: str = INK,
) -> Markup:
    return Markup(
        '<text class="{}" x="{}" y="{}" text-anchor="{}" font-size="{}" font-weight="{}" fill="{}">{}</text>'
    ).format(kind, x, y, anchor, size, weight, colour, escape(words))

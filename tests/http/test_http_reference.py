"""The reference of the HTTP edge is the edge's own."""

from __future__ import annotations

from pathlib import Path

from opportune.errors import OpportuneError
from opportune.http.reference import reference_page
from opportune.http.routes import ROUTES

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "http.md"


def test_the_page_is_what_the_routes_and_types_say() -> None:
    assert PAGE.read_text() == reference_page(), "the page is stale: run `python tools/write_reference.py`"


def test_every_route_stands_on_the_page() -> None:
    page = reference_page()
    for route in ROUTES:
        assert route.path.replace(":path}", "}") in page, route.path


def test_every_error_stands_on_the_page() -> None:
    page = reference_page()
    for kind in OpportuneError.__subclasses__():
        assert f"| {kind.status} | `{kind.code}` |" in page

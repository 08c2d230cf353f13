"""The mail to the team as HTML, and its plain twin: both say the same, whatever names are in it."""

from __future__ import annotations

from html import unescape

import msgspec
import pytest

from opportune.console.mail_page import weekly_html
from opportune.core.learnings.plain_mail import plain_of
from opportune.core.learnings.weekly import NO_HOLDOUT, QuarterReview, ReviewLine, Weekly

LINES = (
    ReviewLine(verdict="Retire", rule="Summer <sale>", reasons="its end has passed"),
    ReviewLine(
        verdict="Merge with “Returner”",
        rule="Looked again",
        reasons="92 of 100 people it reaches are also those of “Returner”, in the same place",
    ),
    ReviewLine(
        verdict="Keep",
        rule="Welcome",
        reasons="its test showed a gain; orders: +12% in its test, +8% among all tests",
    ),
)
REVIEW = QuarterReview(
    words="Since 4 January 2027. 3 rules: 1 to keep, 1 to merge, 1 to retire.",
    lines=LINES,
    unused="Collected, and nothing goes by it: customer detail shoe size.",
)
QUIET = Weekly(
    team="Corner shop",
    subject="Corner shop: is it earning? Not known yet",
    week="29 Mar to 4 Apr 2027",
    number="2027-04-05",
    goal="orders",
    verdict=NO_HOLDOUT,
    answer="cannot be told, there is no control group",
    made="Counted until 4 April 2027.",
)


def squeezed(text: str) -> str:
    return " ".join(unescape(text).split())


@pytest.mark.parametrize("kind", ["html", "plain"])
def test_the_quarters_review_stands_in_both_forms_with_every_reason(kind: str) -> None:
    weekly = msgspec.structs.replace(QUIET, review=REVIEW)
    text = squeezed(weekly_html(weekly) if kind == "html" else plain_of(weekly))
    assert "The quarter's review" in text
    assert REVIEW.words in text
    assert REVIEW.unused in text
    assert "opportune review" in text
    for line in LINES:
        assert line.rule in text
        assert f"{line.verdict}:" in text
        assert line.reasons[1:] in text


def test_names_are_text_and_no_markup() -> None:
    page = weekly_html(msgspec.structs.replace(QUIET, review=REVIEW))
    assert "Summer &lt;sale&gt;" in page
    assert "<sale>" not in page


@pytest.mark.parametrize("kind", ["html", "plain"])
def test_what_does_not_fit_is_counted(kind: str) -> None:
    for more, words in ((1, "And 1 more rule."), (7, "And 7 more rules.")):
        weekly = msgspec.structs.replace(QUIET, review=msgspec.structs.replace(REVIEW, more=more))
        assert words in squeezed(weekly_html(weekly) if kind == "html" else plain_of(weekly))


@pytest.mark.parametrize("kind", ["html", "plain"])
def test_an_ordinary_week_has_no_such_part(kind: str) -> None:
    assert "quarter" not in (weekly_html(QUIET) if kind == "html" else plain_of(QUIET))

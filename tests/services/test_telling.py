"""What the weekly mail says of what really happened, on every store; in the first week of a quarter with its review."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from tests.building import NOW, programme
from tests.services.test_mailing import at
from tests.services.test_reporting import FILES, Clock, take, viewed
from tests.services.test_reviewing import ENDED

from opportune.core.learnings.plain_mail import plain_of
from opportune.core.learnings.weekly import ReviewLine
from opportune.core.moment import HOUR
from opportune.services.house import House
from opportune.services.learnings.mailing import begins_quarter
from opportune.services.learnings.telling import weekly
from opportune.services.publishing import publish
from opportune.storage.base import Storage

ZONE = ZoneInfo("Europe/Berlin")
FIRST_MONDAY, SECOND_MONDAY = at("2027-04-05 07:00"), at("2027-04-12 07:00")


@pytest.fixture
def house(storage: Storage) -> House:
    house = House(
        storage=storage, clock=Clock(), secret=b"s" * 32, programme=programme(), deadline_seconds=30
    )
    take(house, viewed("v-0", NOW - HOUR))
    publish(house, {**FILES, "rules/summer.yaml": ENDED})
    return house


def test_the_first_mail_of_a_quarter_says_of_every_rule_what_to_do_with_it(house: House) -> None:
    found = weekly(house.storage, FIRST_MONDAY)
    assert found.review is not None
    assert found.review.words.startswith("Since ")
    assert "4 rules:" in found.review.words
    assert {line.rule for line in found.review.lines} == {"Viewed something", "Plain one", "Quiet", "Summer"}
    assert found.review.lines[0].verdict == "Retire"
    [summer] = [line for line in found.review.lines if line.rule == "Summer"]
    assert summer == ReviewLine(verdict="Retire", rule="Summer", reasons=summer.reasons)
    assert summer.reasons.startswith("its end has passed")
    assert "the quarter's review" in found.subject
    assert "Retire: Summer" in plain_of(found)


def test_other_weeks_carry_none(house: House) -> None:
    found = weekly(house.storage, SECOND_MONDAY)
    assert found.review is None
    assert "quarter" not in found.subject + plain_of(found)


def test_a_shop_without_rules_is_not_asked_which_to_keep(storage: Storage) -> None:
    House(storage=storage, clock=Clock(), secret=b"s" * 32, programme=programme(), deadline_seconds=30)
    found = weekly(storage, FIRST_MONDAY)
    assert found.review is None
    assert "quarter" not in found.subject


@pytest.mark.parametrize(
    ("now", "is_first"),
    [
        ("2027-01-04 07:00", True),
        ("2027-01-08 12:00", True),
        ("2027-01-03 23:00", False),
        ("2027-01-11 07:00", False),
        ("2027-02-01 07:00", False),
        ("2027-03-29 07:00", False),
        ("2027-04-05 07:00", True),
        ("2027-07-05 07:00", True),
        ("2026-10-05 07:00", True),
        ("2024-01-01 07:00", True),
        ("2024-10-07 07:00", True),
    ],
)
def test_a_quarter_begins_with_the_first_monday_of_its_first_month(now: str, *, is_first: bool) -> None:
    assert begins_quarter(at(now), ZONE) == is_first

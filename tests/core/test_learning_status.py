"""What a learning's status follows from, which rules are alike, and finding one again."""

from __future__ import annotations

import msgspec
import pytest
from tests.contract.test_storage_learnings import draft

from opportune.core.learnings.learning import (
    STATUS_RULES,
    STATUSES,
    Draft,
    Kept,
    Said,
    Status,
    Trait,
    alike,
    brief_of,
    likeness,
    read_learnings,
    search,
)
from opportune.core.learnings.resemblance import trait_of
from opportune.core.moment import DAY
from opportune.core.playbook import Playbook
from opportune.core.playbook_files.folder import read_playbook

TEAM = "owner: Mia\nreviewer: Tom\npurpose: Help\nsafety limit: none\nrollback: by hand\n"
SLOT = "slot: {name}\ntype: text\nfallback: Welcome\nvariants:\n  Shoes: Shoes\n  Boots: Boots\n"


def observed(made: Draft, **other: object) -> Draft:
    return msgspec.structs.replace(made, observed=msgspec.structs.replace(made.observed, **other))


def playbook(**rules: str) -> Playbook:
    """Rules by name, each a condition, in the home hero unless it says another place behind `@`."""
    files = {"team.yaml": TEAM}
    for name in ("home hero", "offer bar"):
        files[f"slots/{name.replace(' ', '-')}.yaml"] = SLOT.format(name=name)
    for name, said in rules.items():
        when, _, place = said.partition(" @ ")
        files[f"rules/{name}.yaml"] = f"rule: {name}\nwhen: {when}\nshow:\n  {place or 'home hero'}: Shoes\n"
    return read_playbook(files)


def trait(when: str) -> Trait:
    found = playbook(rule=when)
    return trait_of(found.rules["rule"], found.vocabulary)


def test_the_rules_of_status_cover_every_status_once() -> None:
    assert sorted(status for status, _ in STATUS_RULES) == sorted(STATUSES)


@pytest.mark.parametrize(
    ("made", "status", "because"),
    [
        (draft(), "supported", "one test showed a gain"),
        (observed(draft(), broken=("bounces a visit",), state="rolled back"), "rejected", "bounces a visit"),
        (
            observed(draft(), state="not proven", change=-0.2, low=-0.3, high=-0.1, is_better=False),
            "rejected",
            "made things worse",
        ),
        (
            observed(draft(), state="not proven", change=0.02, low=-0.05, high=0.09),
            "rejected",
            "20% that was hoped for is ruled out",
        ),
        (observed(draft(), state="not proven", low=-0.1, high=0.3), "emerging", "no clear answer"),
        (
            msgspec.structs.replace(
                observed(draft(), state="not proven", low=-0.05, high=0.09), ended_as="stopped"
            ),
            "emerging",
            "stopped before it could answer",
        ),
        (observed(draft(), state="do not trust this", low=0.1, high=0.2), "emerging", "no clear answer"),
        (
            observed(draft(), state="not proven", change=-0.02, low=-0.08, high=0.04, is_better=True),
            "rejected",
            "ruled out",
        ),
    ],
    ids=[
        "gain",
        "limit passed",
        "worse",
        "ruled out",
        "open",
        "stopped",
        "not to be trusted",
        "fewer is better",
    ],
)
def test_a_status_follows_from_the_numbers_and_says_why(made: Draft, status: Status, because: str) -> None:
    (learning,) = read_learnings([Kept(made)])
    assert learning.status == status
    assert because in learning.because


def test_a_second_gain_of_a_similar_rule_confirms_and_the_first_stays_supported() -> None:
    first, second = draft("Returner/1"), draft("Came back/1")
    second = msgspec.structs.replace(second, ended_at=first.ended_at + DAY)
    newer, older = read_learnings([Kept(first), Kept(second)])
    assert (newer.id, newer.status, older.status) == ("Came back/1", "confirmed", "supported")
    assert "“Returner”" in newer.because


def test_a_gain_in_another_metric_confirms_nothing() -> None:
    first = draft("Returner/1")
    second = msgspec.structs.replace(
        observed(draft("Returner/2"), metric="clicks"), ended_at=first.ended_at + DAY
    )
    assert {each.status for each in read_learnings([Kept(first), Kept(second)])} == {"supported"}


def test_what_somebody_says_of_the_status_stands_with_the_reason() -> None:
    said = Said(status="rejected", reason="The coupon cost more than it brought", by="Mia")
    (learning,) = read_learnings([Kept(draft(), said)])
    assert learning.status == "rejected"
    assert learning.because == "Mia said so: The coupon cost more than it brought"


def test_the_proposal_stands_until_somebody_says_what_is_next() -> None:
    (proposed,), (said,) = (
        read_learnings([Kept(draft())]),
        read_learnings([Kept(draft(), Said(next="Try boots"))]),
    )
    assert (proposed.next, proposed.is_proposed) == ("Keep it.", True)
    assert (said.next, said.is_proposed) == ("Try boots", False)


@pytest.mark.parametrize(
    ("change", "words"),
    [(0.08, "+8%"), (-0.31, "-31%"), (0.004, "+0.4%"), (0.0, "0%"), (12.0, "+1,200%")],
)
def test_a_brief_has_the_change_with_its_sign(change: float, words: str) -> None:
    assert brief_of(observed(draft(), change=change)) == f"{words} bought, November 2026"


def test_a_brief_without_an_answer_says_how_it_ended() -> None:
    assert brief_of(observed(draft(), state="do not trust this")) == "do not trust this, November 2026"


@pytest.mark.parametrize(
    ("one", "other", "why"),
    [
        (
            "a visitor viewed the same category at least 2 times in 7 days",
            "a visitor viewed the same category at least 3 times in 14 days",
            "asks the same",
        ),
        (
            "a visitor viewed the same category at least 2 times in 7 days",
            "a visitor viewed a product at least 2 times in 7 days @ offer bar",
            "goes by the same: Product Viewed",
        ),
        (
            "a returning visitor viewed a product in the last 7 days",
            "a visitor viewed a product at least 2 times in 7 days",
            "acts in the same place (home-hero)",
        ),
        ("a visitor viewed a product at least 2 times in 7 days", "a visitor is on a help page", ""),
        ("everyone", "everyone @ offer bar", ""),
    ],
)
def test_rules_are_alike_in_what_they_ask_know_or_where_they_act(one: str, other: str, why: str) -> None:
    found = likeness(trait(one), trait(other))
    assert why in found
    assert bool(found) == bool(why)


def test_the_very_same_question_comes_first_then_the_surest() -> None:
    asked = trait("a visitor viewed the same category at least 2 times in 7 days")
    other = trait("a visitor viewed a product at least 2 times in 7 days")
    (supported,) = read_learnings([Kept(draft("Product/1"))])
    (emerging,) = read_learnings(
        [Kept(observed(draft("Category/1"), state="not proven", low=-0.2, high=0.4))]
    )
    found = alike(asked, [(other, supported), (asked, emerging)])
    assert [each.rule for each in found] == ["Category", "Product"]
    assert found[1].words.startswith("like “Product” (supported: +8% bought, November 2026), as it goes by")


def test_every_word_is_looked_for_everywhere() -> None:
    found = read_learnings([Kept(draft("Returner/1"), Said(decision="Keep")), Kept(draft("Basket/1"))])
    assert [each.rule for each in search(found, "RETURNER größe keep")] == ["Returner"]
    assert search(found, "returner coupon") == []
    assert search(found, "") == found

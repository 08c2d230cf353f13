"""Learnings as every store keeps them: a draft that may be made anew, and what people said, which stays."""

from __future__ import annotations

import msgspec
from tests.contract.stored import NOW, written

from opportune.core.learnings.learning import Draft, Kept, Observed, Said, Trait
from opportune.storage.base import Storage


def draft(name: str = "Returner/1", **other: object) -> Draft:
    made = Draft(
        id=name,
        rule=name.split("/", maxsplit=1)[0],
        subject="rule",
        trait=Trait(shape='{"kind":"count"}', signals=("Product Viewed", "returning"), places=("home-hero",)),
        action="shows Größe 44 in Home hero",
        audience="a returning visitor",
        sentence="A returning visitor: shows Größe 44 in Home hero",
        planned="orders within 7 days, for 28 days",
        smallest_gain=0.2,
        observed=Observed(
            state="keep", metric="orders within 7 days", did="bought", people=5_600, change=0.08, low=0.02,
            high=0.14, is_better=True, words="2.1 of 100 bought",
        ),
        ended_as="finished",
        reason="",
        proposal="Keep it.",
        ended_at=NOW,
        ended="22 November 2026",
    )  # fmt: skip
    return msgspec.structs.replace(made, **other)


SAID = Said(
    decision="We keep it", next="Try it for boots", status="confirmed", reason="Seen twice", by="Mia", at=NOW
)


def put(storage: Storage, *drafts: Draft) -> None:
    for each in drafts:
        written(storage, lambda transaction, each=each: transaction.put_draft(each))


def test_there_is_none_at_first(storage: Storage) -> None:
    assert storage.list_learnings() == []


def test_drafts_come_back_as_they_were_put_by_id(storage: Storage) -> None:
    put(storage, draft("B/1"), draft("A/2"))
    assert storage.list_learnings() == [Kept(draft("A/2")), Kept(draft("B/1"))]


def test_what_people_said_stays_when_a_draft_is_made_anew(storage: Storage) -> None:
    put(storage, draft())
    written(storage, lambda transaction: transaction.put_said("Returner/1", SAID))
    put(storage, draft(is_final=True))
    assert storage.list_learnings() == [Kept(draft(is_final=True), SAID)]


def test_nothing_is_said_of_a_learning_that_is_not_there(storage: Storage) -> None:
    put(storage, draft())
    written(storage, lambda transaction: transaction.put_said("Another/1", SAID))
    assert storage.list_learnings() == [Kept(draft())]

"""A test that ends leaves a draft of what it taught; people complete it, and it is found when a similar rule comes."""

from __future__ import annotations

import msgspec
import pytest
from tests.building import NOW, programme
from tests.experiments import experiment, measured
from tests.services.test_reporting import FILES, Clock, take, viewed

from opportune.core.experiments.experiment import Experiment
from opportune.core.experiments.measured import Measured
from opportune.core.learnings.learning import Learning
from opportune.core.moment import DAY, HOUR
from opportune.errors import BadRequestError, NotFoundError
from opportune.services.house import House
from opportune.services.learnings.learning import draft, draft_missing, draft_rule, edit, list_learnings
from opportune.services.publishing import publish
from opportune.storage.base import Storage

BEGAN = NOW - 40 * DAY
MORE_RULES = {
    "rules/again.yaml": "rule: Looked again\nwhen: a visitor viewed a product at least 3 times in 14 days\n"
    "show:\n  home hero: Shoes\n"
}


@pytest.fixture
def house(storage: Storage) -> House:
    house = House(
        storage=storage, clock=Clock(), secret=b"s" * 32, programme=programme(), deadline_seconds=30
    )
    take(house, viewed("v-0", NOW - HOUR))
    publish(house, FILES)
    return house


def over(house: House, *, bought: tuple[int, int] = (20, 40), **other: object) -> Experiment:
    """A test of four weeks that ended, with its sums."""
    of = experiment(
        BEGAN,
        revision=house.programme.revision,
        **{"ended_at": BEGAN + 28 * DAY, "ended_as": "finished", **other},
    )
    keep(house, of, measured(of, people=(400, 400), bought=bought))
    return of


def keep(house: House, of: Experiment, sums: Measured) -> None:
    house.storage.write(lambda transaction: transaction.put_experiment(of)).result()
    house.storage.write(lambda transaction: transaction.put_measured(sums)).result()


def only(house: House) -> Learning:
    (learning,) = list_learnings(house.storage)
    return learning


def test_a_test_that_ended_leaves_what_it_was_and_what_came_out(house: House) -> None:
    over(house)
    assert draft_missing(house) == 1
    learning = only(house)
    assert learning.rule == "Viewed something"
    assert learning.audience == "a visitor viewed at least 2 times in 7 days"
    assert learning.action == "shows Shoes in home hero"
    assert learning.signals == ("Product Viewed",)
    assert (
        learning.planned == "orders within 7 days, for 28 days, to find a change of 20%, with 8,000 visitors"
    )
    assert learning.observed.people == 28 * 800
    assert learning.observed.change == pytest.approx(1.0)
    assert learning.observed.low is not None
    assert learning.observed.low > 0.5
    assert (learning.status, learning.is_waiting, learning.is_proposed) == ("supported", True, True)
    assert learning.brief.startswith("+100% bought, ")


def test_nothing_is_drafted_twice_nor_while_a_test_is_open(house: House) -> None:
    over(house, ended_at=None, ended_as="")
    assert draft_missing(house) == 0
    over(house)
    assert (draft_missing(house), draft_missing(house)) == (1, 0)


def test_a_test_that_nobody_was_in_taught_nothing(house: House) -> None:
    of = experiment(BEGAN, ended_at=BEGAN + HOUR, ended_as="replaced")
    keep(house, of, measured(of, days=0))
    assert draft(house, of) is None
    assert draft_missing(house) == 0


def test_numbers_that_come_in_later_are_taken_over_and_what_people_said_stays(house: House) -> None:
    of = over(house, bought=(20, 20))
    draft(house, of)
    edit(house, of.id, decision="We wait", by="Mia")
    keep(house, of, measured(of, people=(400, 400), bought=(20, 40), is_frozen=True))
    assert (draft_missing(house), draft_missing(house)) == (1, 0)
    learning = only(house)
    assert (learning.is_final, learning.decision, learning.status) == (True, "We wait", "supported")


def test_the_rule_is_told_as_it_was_when_it_was_tested(house: House) -> None:
    of = over(house)
    changed = FILES["rules/viewed.yaml"].replace("2 times", "5 times")
    publish(house, {**FILES, "rules/viewed.yaml": changed}, new_test=True)
    made = draft(house, of)
    assert made is not None
    assert "at least 2 times" in made.audience


def test_a_rule_that_was_switched_off_without_a_test_leaves_why(house: House) -> None:
    made = draft_rule(house, "Plain one", "its product is sold out")
    assert made is not None
    assert (made.ended_as, made.reason, made.status) == ("rolled back", "its product is sold out", "emerging")
    assert made.sentence.endswith("shows Shoes in home hero")
    assert draft_rule(house, "Never heard of", "why") is None


def test_a_rule_that_was_switched_off_in_its_test_leaves_the_numbers(house: House) -> None:
    of = over(house, ended_as="rolled back", reason="harm", ended_at=BEGAN + 8 * DAY)
    made = draft_rule(house, "Viewed something", "harm")
    assert made is not None
    assert (made.id, made.observed.people, made.observed.state) == (of.id, 28 * 800, "rolled back")


def test_the_whole_programme_teaches_too(house: House) -> None:
    of = over(house, id="programme/1", subject="programme", rule="", sentence="")
    made = draft(house, of)
    assert made is not None
    assert (made.rule, made.audience) == ("Everything we personalize", "every visitor")


def test_what_people_write_is_kept_and_audited(house: House) -> None:
    of = over(house)
    draft(house, of)
    edit(house, "viewed SOMETHING", decision="Keep it", next_step="Try boots", by="Mia")
    learning = edit(house, of.id, status="rejected", reason="It cost more than it brought", by="Tom")
    assert (learning.decision, learning.next, learning.status) == ("Keep it", "Try boots", "rejected")
    assert learning.because == "Tom said so: It cost more than it brought"
    assert edit(house, of.id, status="", by="Tom").status == "supported"
    acts = [(entry.by, entry.act, entry.what) for entry in house.storage.list_audit()]
    assert ("Mia", "learning edited", of.id) in acts
    assert ("opportune", "learning drafted", of.id) in acts


def test_what_cannot_be_written_is_refused_in_words(house: House) -> None:
    draft(house, over(house))
    for arguments, words in (
        ({}, "Say what to write"),
        ({"status": "great", "reason": "x"}, "'great' is no status"),
        ({"status": "rejected"}, "needs a reason"),
        ({"decision": "x" * 2_001}, "2,001 characters"),
    ):
        with pytest.raises(BadRequestError, match=words):
            edit(house, "Viewed something", **arguments)
    with pytest.raises(NotFoundError, match="did you mean 'Viewed something'"):
        edit(house, "Viewed somthing", decision="x")


def test_publishing_a_similar_rule_says_what_was_learned(house: House) -> None:
    draft(house, over(house))
    notes = publish(house, {**FILES, **MORE_RULES}).notes
    (found,) = [note for note in notes if "is like" in note]
    said = f"(supported: {only(house).brief}), as it asks the same of a visitor."
    assert found == f'"Looked again" is like “Viewed something” {said}'


def test_publishing_what_did_not_change_says_nothing_again(house: House) -> None:
    draft(house, over(house))
    notes = publish(house, {**FILES, "team.yaml": FILES["team.yaml"].replace("Corner", "Other")}).notes
    assert not [note for note in notes if "is like" in note or "tested before" in note]


def test_it_is_found_by_any_of_its_words(house: House) -> None:
    draft(house, over(house))
    assert list_learnings(house.storage, "PRODUCT shoes supported") == [only(house)]
    assert list_learnings(house.storage, "coupon") == []
    assert msgspec.json.decode(msgspec.json.encode(only(house)), type=Learning) == only(house)

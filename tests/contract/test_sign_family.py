"""What every sign promises: it says nothing of a quiet rule, what it sees in words with numbers, and never raises."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.building import NOW
from tests.experiments import experiment, measured

from opportune.core.experiments.watched import (
    AHEAD,
    AHEAD_CONTROL,
    APPLIED,
    APPLIED_CONTROL,
    ASKED,
    CLICKED,
    DISMISSED,
    FAILED,
    GIVEN,
    NO_VALUE,
    REACHED,
    SHOWN,
    Broken,
    Expected,
    Named,
    Sighting,
    Silence,
    Watched,
)
from opportune.core.moment import DAY, HOUR
from opportune.core.signs import SIGNS, Sign
from opportune.core.statistics.moments import Moments
from opportune.core.traffic.bounced import Bounced

PAGE = Path(__file__).parents[2] / "docs" / "how" / "off-by-itself.md"
TEST = experiment(NOW - 10 * DAY)


def visits(bounces: int, made: int) -> Moments:
    """Each by a visitor who came once."""
    return Moments(n=made, y=bounces, yy=bounces, d=made, dd=made, yd=bounces)


BEFORE = Bounced(reached=visits(400, 900), others=visits(13_000, 29_000))
EXPECTED = Expected(share=0.03, high=0.04, visits=900, people_a_day=60, before=BEFORE)
QUIET = Watched(
    now=NOW,
    rule="Viewed something",
    run="Viewed something/1",
    launched_at=NOW - 10 * DAY,
    needs=frozenset({"Product Viewed"}),
    counts={
        "hero": {GIVEN: 900, SHOWN: 800, DISMISSED: 20, CLICKED: 40, REACHED: 500}
        | {AHEAD: 400, APPLIED: 300, AHEAD_CONTROL: 400, APPLIED_CONTROL: 310}
    },
    today={REACHED: 60, ASKED: 2_000},
    usual={SHOWN: 4_000, DISMISSED: 90, CLICKED: 210},
    expected=EXPECTED,
    bounced=Bounced(reached=visits(230, 500), others=visits(7_000, 15_500)),
    products=(Named("Shoes", "Boot", True),),
    broken=(Broken(event="Product Viewed", came=900, set_aside=3),),
    experiment=TEST,
    measured=measured(TEST, days=9, people=(100, 101), bought=(3, 3)),
    until_day="9999-12-31",
)
SILENT = Silence(
    event="Order Completed", words="orders", since_at=NOW - 9 * HOUR, hours=9, expected=26, weeks=4
)


def but(**other: object) -> Watched:
    return msgspec.structs.replace(QUIET, **other)


HARMED: dict[str, Watched] = {
    "answers fail": but(counts={"hero": {GIVEN: 28, FAILED: 12}}),
    "content does not reach the page": but(
        counts={"hero": {AHEAD: 300, APPLIED: 2, AHEAD_CONTROL: 310, APPLIED_CONTROL: 240}}
    ),
    "content cannot be put": but(not_put=(31, 2)),
    "sold out": but(products=(Named("Shoes", "Boot", False),)),
    "closed far too often": but(counts={"hero": {SHOWN: 100, DISMISSED: 61, CLICKED: 5, REACHED: 80}}),
    "bounces far above normal": but(bounced=Bounced(reached=visits(216, 300), others=visits(7_000, 15_500))),
    "reach": but(today={REACHED: 412, ASKED: 2_000}),
    "a key event is silent": but(silences=(SILENT,), launched_at=NOW - 10 * HOUR),
    "the plan is broken": but(broken=(Broken(event="Product Viewed", came=60, set_aside=40),)),
    "a safety limit is broken": but(measured=measured(TEST, days=9, people=(300, 300), bought=(18, 4))),
    "split off": but(measured=measured(TEST, days=9, people=(100, 60))),
}
LOOKED_AT: dict[str, Watched] = {
    "content has no value": but(counts={"hero": {GIVEN: 2, NO_VALUE: 98}}),
    "never matches": but(counts={}, today={ASKED: 2_000}),
    "exposed twice": but(measured=measured(TEST, days=9, people=(100, 100), crossed=(3, 3))),
    "clicked far less": but(counts={"hero": {SHOWN: 900, CLICKED: 4}}),
}
FEW = st.integers(-1, 3)
SOME = st.one_of(FEW, st.integers(0, 10**9))
counts = st.dictionaries(
    st.sampled_from([AHEAD, APPLIED, GIVEN, FAILED, SHOWN, DISMISSED, CLICKED, ASKED]), SOME
)


def test_every_sign_has_an_example_here() -> None:
    assert [sign.name for sign in SIGNS] == [*HARMED, *LOOKED_AT]
    assert all(sign.is_harm == (sign.name in HARMED) for sign in SIGNS)


@pytest.mark.parametrize("sign", SIGNS, ids=lambda sign: sign.name)
class TestSign:
    def test_says_nothing_of_a_quiet_rule(self, sign: Sign) -> None:
        assert not list(sign.look(QUIET))

    def test_says_nothing_where_nothing_is_known(self, sign: Sign) -> None:
        assert not list(sign.look(Watched(now=NOW)))

    def test_says_what_it_sees_with_numbers(self, sign: Sign) -> None:
        [seen] = sign.look({**HARMED, **LOOKED_AT}[sign.name])
        assert seen.is_harm == sign.is_harm
        assert any(letter.isdigit() for letter in seen.words) or sign.name == "sold out"
        assert not seen.words.endswith(".")

    def test_is_the_only_one_that_sees_it(self, sign: Sign) -> None:
        watched = {**HARMED, **LOOKED_AT}[sign.name]
        assert [other.name for other in SIGNS if list(other.look(watched))] == [sign.name]

    def test_explains_itself_to_a_marketer(self, sign: Sign) -> None:
        assert sign.meaning.endswith(".")

    @given(
        of=counts,
        today=counts,
        usual=counts,
        beside=counts,
        people=st.tuples(SOME, SOME),
        bought=st.tuples(FEW, FEW),
        bounced=st.tuples(SOME, SOME, SOME, SOME),
    )
    def test_never_raises(
        self,
        sign: Sign,
        of: dict[str, int],
        today: dict[str, int],
        usual: dict[str, int],
        beside: dict[str, int],
        people: tuple[int, int],
        bought: tuple[int, int],
        bounced: tuple[int, int, int, int],
    ) -> None:
        reached, others, then, rest = (visits(each // 2, each) for each in bounced)
        expected = msgspec.structs.replace(EXPECTED, before=Bounced(reached=then, others=rest))
        few = tuple(min(abs(each), 400) for each in people)
        sums = measured(
            TEST,
            days=2,
            people=few,
            bought=tuple(min(max(b, 0), p) for b, p in zip(bought, few, strict=True)),
        )
        watched = but(
            counts={"hero": of}, today=today, usual=usual, beside=beside, measured=sums, expected=expected
        )
        list(sign.look(msgspec.structs.replace(watched, bounced=Bounced(reached=reached, others=others))))


def test_every_sign_is_in_the_page_that_tells_of_them() -> None:
    named = [
        line.split(" | ")[0].removeprefix("| ")
        for line in PAGE.read_text().splitlines()
        if line.startswith("| ")
    ]
    assert named[0] == "sign"
    assert named[1 : named.index("stale feed")] == [sign.name for sign in SIGNS]


def test_a_silence_concerns_who_was_launched_not_long_before_it_and_who_reads_the_event() -> None:
    [sign] = [each for each in SIGNS if each.name == "a key event is silent"]
    old = but(silences=(SILENT,))
    assert not list(sign.look(old))
    [reads] = sign.look(msgspec.structs.replace(old, needs=frozenset({"Order Completed"})))
    assert reads.words == (
        "no orders for 9 hours, where 26 were expected from the same hours of past weeks; its condition reads them"
    )
    few = msgspec.structs.replace(SILENT, expected=19)
    assert not list(sign.look(msgspec.structs.replace(old, silences=(few,), launched_at=NOW)))
    [warned] = sign.look(Watched(now=NOW, silences=(few,)))
    assert not warned.is_harm


def test_a_reach_that_the_log_could_not_tell_is_a_warning() -> None:
    [sign] = [each for each in SIGNS if each.name == "reach"]
    unknown = Expected(share=0.0, high=0.003, visits=0, people_a_day=0)
    [seen] = sign.look(but(expected=unknown, today={REACHED: 100, ASKED: 2_000}))
    assert not seen.is_harm
    assert seen.words == "it reached 100 of 2,000 visits in 24 hours, where about 0 were expected"


def test_more_visitors_than_ever_are_no_sign_of_a_wrong_reach() -> None:
    [sign] = [each for each in SIGNS if each.name == "reach"]
    assert not list(sign.look(but(today={REACHED: 600, ASKED: 20_000})))


def test_words_carry_both_sides() -> None:
    [sign] = [each for each in SIGNS if each.name == "closed far too often"]
    [seen] = sign.look(HARMED[sign.name])
    assert seen.words == "closed by 61 of 100 visitors who saw it (61 of 100), 2.2 usually"


def test_some_of_several_products_sold_out_is_a_warning() -> None:
    [sign] = [each for each in SIGNS if each.name == "sold out"]
    [seen] = sign.look(but(products=(Named("Shoes", "Boot", False), Named("Shoes", "Sock", True))))
    assert (seen.is_harm, seen.words) == (
        False,
        "sold out: Boot, which its version “Shoes” shows (1 of 2 products)",
    )


def bouncing(**other: object) -> list[Sighting]:
    [sign] = [each for each in SIGNS if each.name == "bounces far above normal"]
    return list(sign.look(msgspec.structs.replace(HARMED[sign.name], **other)))


def test_bounces_are_told_beside_those_of_the_same_visits_before() -> None:
    [seen] = bouncing()
    assert seen.words == (
        "72 of 100 visits it reached ended after one page (216 of 300), 44 of 100 such visits before its launch"
    )


def test_bounces_that_rose_everywhere_are_not_its_fault() -> None:
    assert not bouncing(bounced=Bounced(reached=visits(216, 300), others=visits(10_500, 15_500)))


def test_while_it_is_live_for_some_the_visits_it_would_reach_are_among_the_others() -> None:
    """Half of all visits are its, and bounce more readily: at 5% most of them are others, which did not get worse."""
    before = Bounced(reached=visits(3_000, 5_000), others=visits(1_000, 5_000))
    at_five = Bounced(reached=visits(228, 250), others=visits(1_000 + 2_850, 9_750))
    assert bouncing(expected=msgspec.structs.replace(EXPECTED, before=before), bounced=at_five)
    worse = Bounced(reached=visits(228, 250), others=visits(2_000 + 4_000, 9_750))
    assert not bouncing(expected=msgspec.structs.replace(EXPECTED, before=before), bounced=worse)


def test_bounces_in_a_place_that_is_new_are_a_warning() -> None:
    [seen] = bouncing(expected=msgspec.structs.replace(EXPECTED, is_estimated=True))
    assert not seen.is_harm
    assert seen.words.endswith("as its place is new, that is estimated from page views")


def test_of_few_visits_nobody_says_that_they_bounce_too_often() -> None:
    assert not bouncing(bounced=Bounced(reached=visits(60, 80)))
    assert not bouncing(expected=msgspec.structs.replace(EXPECTED, before=Bounced(reached=visits(20, 150))))
    assert bouncing(bounced=Bounced(reached=visits(120, 120)))

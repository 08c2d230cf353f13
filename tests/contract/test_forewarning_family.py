"""What every forewarning promises: silent where all is well, else what, where, why and what would be right."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opportune.core.forewarnings import FOREWARNINGS, LOUD, Forewarning
from opportune.core.forewarnings.base import Ahead, Kind, Reached
from opportune.core.history.key import LANES
from opportune.core.playbook_files.folder import read_playbook
from opportune.core.playbook_files.lines import Lines
from opportune.core.traffic.sample import FEWEST_LOOKED_AT, Rivals, Sample

PAGE = Path(__file__).parents[2] / "docs" / "how" / "ask-your-traffic.md"
TEAM = "owner: Mia\nreviewer: Tom\npurpose: To test\nsafety limit: none\nrollback: by hand\ncontrol group: none\n"
HERO = """\
slot: home hero
type: text
tags: promo
fallback: Welcome
variants:
  Again: Welcome back
  Saved: Your cart is saved
"""
RETURNER = "rule: Returner\nwhen: a visitor viewed in the last 7 days\nshow:\n  home hero: Again\n"
SAVED = "rule: Saved\nwhen: a visitor added to cart in the last 30 days\nshow:\n  home hero: Saved\n"
FILES = {"team.yaml": TEAM, "slots/hero.yaml": HERO, "rules/a.yaml": RETURNER, "rules/b.yaml": SAVED}
TESTED = "test: half and half, on added to cart, for 4 weeks\n"
SEEN = frozenset({"Page Viewed", "Product Viewed", "Product Added"})
PEOPLE = frozenset(range(3_000))
BOTH: Rivals = ("home-hero", "Returner", "Saved")


def sample(**other: object) -> Sample:
    usual = Sample(
        lanes=LANES,
        visits=3_000,
        people=set(PEOPLE),
        matched=Counter(Returner=900, Saved=400),
        won=Counter(Returner=900, Saved=380),
        people_of={"Returner": set(range(900)), "Saved": set(range(2_000, 2_400))},
    )
    return msgspec.structs.replace(usual, **other)


def ahead(*, seen: frozenset[str] = SEEN, reached: dict[str, Reached] | None = None, **files: str) -> Ahead:
    texts = FILES | {f"{name.replace('_', '/', 1)}.yaml": text for name, text in files.items()}
    return Ahead(
        playbook=read_playbook(texts),
        lines=Lines(texts),
        sample=sample(),
        days=28.0,
        reached=reached or {},
        seen_events=seen,
        came=dict.fromkeys(SEEN, 900),
    )


def counted(found: Ahead, **other: object) -> Ahead:
    return msgspec.structs.replace(found, sample=sample(**other))


QUIET = ahead()
WRONG: dict[Kind, Ahead] = {
    "events never seen": ahead(seen=frozenset({"Product Viewed"})),
    "never true": ahead(reached={"Saved": Reached(0, 400)}),
    "few people": ahead(reached={"Saved": Reached(7.4, 400)}),
    "never wins": counted(QUIET, won=Counter(Returner=900), beaten=Counter({BOTH: 12})),
    "competes": counted(QUIET, beaten=Counter({BOTH: 120})),
    "hidden by another": counted(QUIET, hidden=Counter({BOTH: 120})),
    "no answer at this traffic": ahead(rules_b=SAVED + TESTED),
    "tests cannot be told apart": counted(
        ahead(rules_a=RETURNER + TESTED, rules_b=SAVED + TESTED),
        people=set(range(90_000)),
        people_of={"Returner": set(range(60_000)), "Saved": set(range(20_000, 70_000))},
    ),
    "copy reveals tracking": ahead(slots_hero=HERO.replace("Welcome back", "We saw you looking at boots")),
    "sensitive": ahead(plan="customer details:\n  - religion\n", rules_c=(
        "rule: Holidays\nwhen: religion is known\nshow:\n  home hero: Again\n"
    )),
    "nobody uses it": ahead(plan="customer details:\n  - shoe size\n"),
}  # fmt: skip
KINDS = [each.kind for each in FOREWARNINGS]
COUNTS = st.dictionaries(st.sampled_from(["Returner", "Saved", "gone"]), st.integers(0, 10**6)).map(Counter)
RIVALS = st.dictionaries(
    st.tuples(
        st.just("home-hero"), st.sampled_from(["Returner", "Saved"]), st.sampled_from(["Saved", "gone"])
    ),
    st.integers(0, 10**6),
).map(Counter)
SOME = st.sets(st.integers(0, 10**4), max_size=30)


def test_every_kind_has_one_member_and_an_example_here() -> None:
    assert list(Kind.__args__) == KINDS == list(WRONG)


def test_publishing_says_what_may_single_people_out() -> None:
    assert {"few people", "copy reveals tracking", "sensitive"} == LOUD


@pytest.mark.parametrize("each", FOREWARNINGS, ids=lambda each: each.kind)
class TestForewarning:
    def test_says_nothing_where_all_is_well(self, each: Forewarning) -> None:
        assert not list(each.look(QUIET))

    def test_says_what_is_wrong_where_it_is_why_and_what_would_be_right(self, each: Forewarning) -> None:
        [warned] = each.look(WRONG[each.kind])
        assert warned.kind == each.kind
        for words in (warned.what, warned.why, warned.right, warned.where):
            assert words, warned
            assert not words.endswith("."), words

    def test_is_the_only_one_that_says_so(self, each: Forewarning) -> None:
        found = [other.kind for other in FOREWARNINGS if list(other.look(WRONG[each.kind]))]
        assert found == [each.kind]

    def test_explains_itself_to_a_marketer(self, each: Forewarning) -> None:
        assert each.meaning.endswith(".")

    @given(
        matched=COUNTS, won=COUNTS, beaten=RIVALS, hidden=RIVALS, people=SOME, theirs=SOME,
        reached=st.floats(0, 1e9),
    )  # fmt: skip
    def test_never_raises(
        self,
        each: Forewarning,
        matched: Counter[str],
        won: Counter[str],
        beaten: Counter[Rivals],
        hidden: Counter[Rivals],
        people: set[int],
        theirs: set[int],
        reached: float,
    ) -> None:
        found = sample(
            lanes=len(people),
            people=people | set(range(FEWEST_LOOKED_AT * len(theirs))),
            people_of={"Saved": theirs},
            matched=matched,
            won=won,
            beaten=beaten,
            hidden=hidden,
        )
        base = WRONG["tests cannot be told apart"]
        known = {"Saved": Reached(reached, len(people))}
        list(each.look(msgspec.structs.replace(base, sample=found, reached=known)))


def test_of_hardly_any_visitors_it_is_not_said_that_something_never_happens() -> None:
    few = set(range(FEWEST_LOOKED_AT - 1))
    for kind in ("never wins", "competes", "hidden by another", "no answer at this traffic"):
        [each] = [one for one in FOREWARNINGS if one.kind == kind]
        found = WRONG[kind]
        thin = msgspec.structs.replace(found.sample, people=few)
        assert not list(each.look(msgspec.structs.replace(found, sample=thin))), kind


def test_of_a_test_that_is_over_nothing_more_is_asked_and_the_control_group_is_in_none() -> None:
    found = WRONG["tests cannot be told apart"]
    [each] = [one for one in FOREWARNINGS if one.kind == "tests cannot be told apart"]
    [shared] = each.look(found)
    team = msgspec.structs.replace(found.playbook.team, holdout=5_000)
    halved = msgspec.structs.replace(found, playbook=msgspec.structs.replace(found.playbook, team=team))
    [fewer] = each.look(halved)
    assert (shared.count, fewer.count) == (40_000, 20_000)
    assert not list(each.look(msgspec.structs.replace(found, tests_over=frozenset({"Saved"}))))


def test_of_many_tests_only_the_pairs_with_the_most_people_are_named() -> None:
    numbers = range(5)
    rules = {
        f"rules_{number}": RETURNER.replace("Returner", f"Returner {number}") + TESTED for number in numbers
    }
    found = counted(
        ahead(**rules),
        people=set(range(90_000)),
        people_of={f"Returner {number}": set(range(60_000 - number)) for number in numbers},
    )
    [each] = [one for one in FOREWARNINGS if one.kind == "tests cannot be told apart"]
    _too_many, *pairs, more = each.look(found)
    assert [pair.count for pair in pairs] == [59_999, 59_998, 59_998, 59_997, 59_997]
    assert more.what == "5 more pairs of tests share people, about 59,997 and fewer"


def test_the_page_lists_every_kind_in_the_order_it_is_told() -> None:
    lines = [line.split(" | ")[0].removeprefix("| ") for line in PAGE.read_text().splitlines()]
    first = lines.index("its name") + 2
    assert lines[first : first + len(KINDS)] == KINDS

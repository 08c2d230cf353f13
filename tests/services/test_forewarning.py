"""Before launch: what would go wrong with a playbook, found in the log of every store, with counts and places."""

from __future__ import annotations

import pytest
from tests.services.test_backtesting import FILES, HERO, SAVED, Clock, ask, looked, pass_by, track

from opportune.app.house import build_house
from opportune.cli.forewarning import say_forewarned
from opportune.core.forewarnings.base import Warned
from opportune.core.moment import MINUTE
from opportune.errors import PlaybookError
from opportune.services.capturing import CaptureSource, capture
from opportune.services.house import House
from opportune.services.publishing import publish
from opportune.services.traffic.forewarning import Forewarned, forewarn
from opportune.storage.base import Storage

VISITORS = 60


@pytest.fixture
def house(storage: Storage) -> House:
    made = build_house(storage, clock=Clock())
    made.deadline_seconds = 30
    made.seen_events |= {"Product Viewed", "Product Added", "Page Viewed"}
    publish(made, FILES)
    return made


def busy(house: House) -> None:
    """Sixty visitors: all looked twice, ten have something in the cart besides."""
    for number in range(VISITORS):
        looked(house, f"v-{number}", 2)
        if number < 10:
            track(house, "Product Added", f"v-{number}", house.clock())
    pass_by(house, MINUTE)
    for number in range(VISITORS):
        ask(house, f"v-{number}")


def warned(house: House, **files: str) -> Forewarned:
    draft = FILES | {f"{name.replace('_', '/', 1)}.yaml": text for name, text in files.items()}
    return forewarn(house.storage, house.clock() + MINUTE, draft if files else None, seconds=60)


def of(found: Forewarned, kind: str) -> list[Warned]:
    return [warning for warning in found.warnings if warning.kind == kind]


def test_two_rules_in_one_place_are_counted_and_the_one_that_never_wins_is_named(house: House) -> None:
    busy(house)
    [competing] = of(warned(house), "competes")
    assert (competing.where, competing.count) == ("rules/a.yaml:1", 10)
    assert (
        "“Saved” and “Returner” both match for home hero in about 10 visits; “Saved” wins" in competing.what
    )
    everyone = "rule: All\nwhen: everyone\nshow:\n  home hero: Saved\n"
    first = HERO.replace("  - Saved\n  - Returner\n", "  - All\n  - Saved\n  - Returner\n")
    never = of(warned(house, rules_z=everyone, slots_hero=first), "never wins")
    assert {(each.where, each.count) for each in never} == {("rules/a.yaml:1", 60), ("rules/b.yaml:1", 10)}
    assert all("always behind “All”" in each.what for each in never)


def test_a_rule_nobody_met_and_one_for_few_are_told_with_numbers(house: House) -> None:
    track(house, "Product Added", "v-1", house.clock())
    busy(house)
    found = warned(
        house,
        rules_n="rule: Eager\nwhen: a visitor viewed at least 9 times in 7 days\nshow:\n  home hero: Again\n",
    )
    [never] = of(found, "never true")
    assert never.where == "rules/n.yaml:1"
    assert "none of 60 visitors" in never.what
    few = FILES | {"rules/b.yaml": SAVED.replace("in the last 30 days", "at least 2 times in 7 days")}
    found = forewarn(house.storage, house.clock() + MINUTE, few, seconds=60)
    assert [(each.count, each.where) for each in of(found, "few people")] == [(1, "rules/b.yaml:1")]


def test_of_a_rule_that_there_is_no_time_left_to_ask_about_nothing_is_said(house: House) -> None:
    busy(house)
    eager = "rule: Eager\nwhen: a visitor viewed at least 9 times in 7 days\nshow:\n  home hero: Again\n"
    draft = FILES | {"rules/n.yaml": eager}
    now = house.clock() + MINUTE
    whole = forewarn(house.storage, now, draft, seconds=60, rule_seconds=1)
    assert (len(of(whole, "never true")), whole.not_asked) == (1, ())
    hurried = forewarn(house.storage, now, draft, seconds=60, rule_seconds=0)
    assert (of(hurried, "never true"), hurried.not_asked) == ([], ("Eager",))
    assert any("Of 1 rule that none of them matched" in line for line in say_forewarned(hurried))


def test_content_that_another_rule_takes_away_is_a_contradiction(house: House) -> None:
    busy(house)
    quiet = "rule: Quiet\nwhen: a visitor added to cart in the last 7 days\nhide: everything marked promo\n"
    [hidden] = of(warned(house, rules_q=quiet), "hidden by another")
    assert hidden.count == 10
    assert "“Quiet” hides what “Saved” shows in home hero" in hidden.what or "“Returner”" in hidden.what


def test_events_never_seen_are_told_before_anything_waits_for_them(house: House) -> None:
    busy(house)
    checkout = "rule: Paying\nwhen: a visitor started checkout today\nshow:\n  home hero: Saved\n"
    [unseen] = of(warned(house, rules_c=checkout), "events never seen")
    assert (unseen.where, "Checkout Started" in unseen.what) == ("rules/c.yaml:1", True)


def test_tests_that_this_traffic_cannot_answer_or_tell_apart_are_told_with_numbers(house: House) -> None:
    busy(house)
    tested = SAVED + "test: half and half, on added to cart, for 4 weeks\n"
    found = warned(house, rules_b=tested)
    assert {each.where for each in of(found, "no answer at this traffic")} == {"rules/b.yaml:1"}
    assert "10.0 people a day" in of(found, "no answer at this traffic")[0].what
    second = tested.replace("added to cart in the last 30 days", "viewed in the last 30 days")
    [shared] = of(warned(house, rules_b=second), "tests cannot be told apart")
    assert shared.count == 60
    assert "in the tests of both “Returner” and “Saved”" in shared.what


def test_copy_that_reveals_tracking_and_sensitive_names_are_found_with_their_line(house: House) -> None:
    creepy = HERO.replace("Saved: Your cart is saved", "Saved: We saw you looking at boots")
    named = creepy.replace('"{city} loves this"', '"{religion} days are near"')
    found = warned(house, slots_hero=named, plan="customer details:\n  - religion\n")
    [revealing] = of(found, "copy reveals tracking")
    assert (revealing.where, "We saw you" in revealing.what) == ("slots/hero.yaml:7", True)
    assert {each.where for each in of(found, "sensitive")} == {"slots/hero.yaml:8", "plan.yaml:2"}


def test_the_signal_map_says_who_uses_what_and_how_widely_it_is_known(house: House) -> None:
    for number in range(4):
        traits = {"loyalty tier": "gold"} if number == 0 else {}
        message = {
            "type": "identify",
            "anonymousId": f"v-{number}",
            "userId": f"u-{number}",
            "traits": traits,
        }
        capture(house, CaptureSource(name="shop", is_secret=True), [message]).result()
        looked(house, f"v-{number}", 1)
        pass_by(house, MINUTE)
        ask(house, f"v-{number}")
    hero = HERO.replace('"{city} loves this"', '"{category} for you"')
    found = warned(house, slots_hero=hero)
    uses = {use.name: use for use in found.signals}
    assert uses["category"].used_by == ("Named in home hero",)
    assert uses["category"].coverage == 1.0
    assert uses["loyalty tier"].coverage == 0.25
    assert [each.where for each in of(found, "nobody uses it")] == ["customer detail loyalty tier"]


def test_a_new_shop_is_told_of_texts_and_events_only(house: House) -> None:
    found = warned(house)
    assert found.looked_at == 0
    assert {each.kind for each in found.warnings} == {"events never seen"}


def test_files_that_do_not_check_are_refused(house: House) -> None:
    with pytest.raises(PlaybookError):
        warned(house, rules_a="rule: Returner\nwhen: purple\n")

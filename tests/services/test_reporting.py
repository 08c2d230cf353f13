"""Reports from what really came in, on every store: tests, rules without one, the whole programme, what was seen."""

from __future__ import annotations

from typing import Any

import pytest
from tests.building import NOW, programme
from tests.experiments import REVENUE, experiment, measured
from tests.stores import settle

from opportune.core.experiments.experiment import Experiment
from opportune.core.experiments.measured import Measured
from opportune.core.history.key import key_of
from opportune.core.moment import DAY, HOUR, from_iso, to_iso
from opportune.core.situation import Assignment
from opportune.errors import NotFoundError
from opportune.services.capturing import CaptureSource, capture
from opportune.services.experiments.keeping_measured import keep_measured
from opportune.services.experiments.reporting import fresh_report, overview, report
from opportune.services.house import House
from opportune.services.operating import set_run_state
from opportune.services.publishing import publish
from opportune.storage.base import ConsentCount, Exposure, Storage

BROWSER, SHOP = CaptureSource(name="site"), CaptureSource(name="backend", is_secret=True)
TEAM = (
    "team: Corner shop\npurpose: p\nowner: Mia\nreviewer: Tom\nsafety limit: none\nrollback: by hand\n"
    "control group: 10%\n"
)
SLOT = """slot: home hero
fields: headline
tags: promo
fallback:
  headline: Welcome
variants:
  Shoes:
    headline: Shoes for you
rules:
  - Viewed something
  - Plain one
"""
WHEN = "when: a visitor viewed a product at least 2 times in 7 days\n"
FILES = {
    "team.yaml": TEAM,
    "slots/home-hero.yaml": SLOT,
    "rules/viewed.yaml": f"rule: Viewed something\n{WHEN}show:\n  home hero: Shoes\ntest: half and half, on orders\n",
    "rules/plain.yaml": f"rule: Plain one\n{WHEN}show:\n  home hero: Shoes\n",
    "rules/quiet.yaml": "rule: Quiet\nwhen: a visitor is on a help page\nhide: everything marked promo\n",
}
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.0 Mobile/15E148 Safari/604.1"
)


class Clock:
    now = NOW

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def house(storage: Storage) -> House:
    return House(storage=storage, clock=Clock(), secret=b"s" * 32, programme=programme(), deadline_seconds=30)


@pytest.fixture
def shop(house: House) -> House:
    take(house, viewed("v-0", NOW - HOUR))
    publish(house, FILES)
    return house


def take(house: House, *messages: dict[str, Any], source: CaptureSource = BROWSER) -> None:
    assert capture(house, source, messages).result().set_aside == 0


def viewed(visitor: str, at: int, event: str = "Product Viewed") -> dict[str, Any]:
    return {
        "type": "track",
        "event": event,
        "anonymousId": visitor,
        "messageId": f"{visitor} {event} {at}",
        "timestamp": to_iso(at),
        "properties": {"product_id": "boot-1"},
    }


def bought(visitor: str, at: int, number: int, agent: str = "") -> dict[str, Any]:
    return {
        **viewed(visitor, at, "Order Completed"),
        "messageId": f"order {number} {agent}",
        "properties": {"order_id": str(number), "total": 50, "currency": "EUR"},
        "context": {"userAgent": agent} if agent else {},
    }


def put(house: House, of: Experiment, sums: Measured | None = None) -> None:
    def job(transaction: Any) -> None:
        transaction.put_experiment(of)
        if sums is not None:
            transaction.put_measured(sums)

    house.storage.write(job).result()


def test_a_rules_report_is_read_from_the_sums_that_were_kept(shop: House) -> None:
    of = experiment(NOW)
    put(shop, of, measured(of, people=(1000, 1000), bought=(20, 30)))
    found = report(shop.storage, "viewed  SOMETHING", NOW + 40 * DAY)
    assert found.conclusion.state == "keep"
    assert found.run_state == "live"
    assert [arm.decided for arm in found.people] == [28_000, 28_000]


def test_the_newest_test_of_a_rule_is_reported(shop: House) -> None:
    old = experiment(NOW - 90 * DAY, ended_at=NOW, ended_as="replaced")
    new = experiment(NOW, id="Viewed something/2")
    put(shop, old, measured(old))
    put(shop, new, measured(new, days=3))
    found = report(shop.storage, "Viewed something", NOW + 4 * DAY)
    assert found.experiment == "Viewed something/2"
    assert [(line.experiment, line.conclusion.state) for line in found.earlier] == [
        ("Viewed something/1", "not proven")
    ]
    earlier = report(shop.storage, "Viewed something/1", NOW + 4 * DAY)
    assert earlier.conclusion == found.earlier[0].conclusion


def test_fresh_derives_everything_from_the_events(shop: House) -> None:
    of = experiment(NOW, days=7)
    put(shop, of, measured(of, days=1, people=(9, 9), bought=(1, 1)))
    units = {"control": ["c-1", "c-2", "c-3"], "treatment": ["t-1", "t-2", "t-3"]}
    for arm, visitors in units.items():
        for visitor in visitors:
            expose(shop, visitor, arm, of.id)
    take(shop, *(bought(visitor, NOW + HOUR, number) for number, visitor in enumerate(["c-1", "t-1", "t-2"])))
    shop.clock.now = NOW + 20 * DAY  # type: ignore[attr-defined]  # the test's own clock
    kept = report(shop.storage, "Viewed something", shop.clock())
    assert [arm.decided for arm in kept.people] == [9, 9]
    fresh = fresh_report(shop.storage, "Viewed something", shop.clock())
    assert [arm.decided for arm in fresh.people] == [3, 3]
    assert fresh.main is not None
    assert [arm.words for arm in fresh.main.arms] == ["33.3 of 100 bought", "66.7 of 100 bought"]
    keep_measured(shop)
    assert report(shop.storage, "Viewed something", shop.clock()).main == fresh.main


@pytest.mark.parametrize(
    ("currency", "total", "one", "half"),
    [
        ("JPY", 5_000, "¥5,000", "¥2,500"),
        ("KWD", 12.344, "12.344 KWD", "6.172 KWD"),
        ("EUR", 50, "€50", "€25"),
    ],
)
def test_money_is_told_in_the_digits_its_currency_has(
    house: House, currency: str, total: float, one: str, half: str
) -> None:
    take(house, viewed("v-0", NOW - HOUR))
    publish(house, {**FILES, "team.yaml": f"{TEAM}currency: {currency}\n"})
    of = experiment(NOW, metric=REVENUE, others=(), limits=(), caps={}, days=7)
    put(house, of)
    for visitor, arm in (("c-1", "control"), ("c-2", "control"), ("t-1", "treatment")):
        expose(house, visitor, arm, of.id)
    orders = [bought(visitor, NOW + HOUR, number) for number, visitor in enumerate(["c-1", "t-1"])]
    for order in orders:
        order["properties"] |= {"total": total, "currency": currency}
    take(house, *orders)
    house.clock.now = NOW + 20 * DAY  # type: ignore[attr-defined]  # the test's own clock
    found = fresh_report(house.storage, "Viewed something", house.clock())
    assert found.main is not None
    assert [arm.words for arm in found.main.arms] == [f"{half} revenue a visitor", f"{one} revenue a visitor"]


def expose(house: House, visitor: str, arm: str, seed: str) -> None:
    key = key_of("anonymous", visitor)
    exposure = Exposure(
        subject="rule",
        unit=key,
        slot="home-hero",
        rule="Viewed something",
        rule_hash=house.programme.playbook.behaviours["Viewed something"],
        arm=arm,
        session=NOW,
        at=NOW,
    )

    def job(transaction: Any) -> None:
        transaction.put_key(key, "anonymous", visitor)
        transaction.add_exposures([exposure])
        transaction.add_assignments(key, [Assignment(experiment=seed, arm=arm, phase=1, unit=key)])

    house.storage.write(job, about=[key]).result()
    settle(house.storage)


def test_an_unknown_rule_is_answered_with_what_was_probably_meant(shop: House) -> None:
    with pytest.raises(NotFoundError, match="did you mean 'Viewed something'"):
        report(shop.storage, "Viewd someting", NOW)
    with pytest.raises(NotFoundError, match=r"A rule named 'zzz' .there are: Plain one.* was not found"):
        report(shop.storage, "zzz", NOW)


def test_nothing_published_is_an_overview_of_nothing(house: House) -> None:
    found = overview(house.storage, NOW)
    assert (found.programme, found.tests, found.untested, found.hidden) == (None, (), (), ())
    assert found.coverage is not None
    assert found.coverage.words == "No order was seen since 18 December 2026."


def test_the_overview_asks_first_whether_it_earns(shop: House) -> None:
    whole = experiment(
        NOW, id="programme/1", subject="programme", rule="", sentence="", arms=(("out", 1_000), ("in", 9_000))
    )
    put(shop, whole, measured(whole, people=(100, 900), bought=(2, 27)))
    of = experiment(NOW)
    put(shop, of, measured(of))
    found = overview(shop.storage, NOW + 40 * DAY)
    assert found.team == "Corner shop"
    assert found.programme is not None
    assert found.programme.main is not None
    assert [arm.label for arm in found.programme.main.arms] == [
        "Without personalization",
        "With personalization",
    ]
    assert [line.rule for line in found.tests] == ["Viewed something"]
    assert len(found.tests[0].trend) > 2
    assert [line.rule for line in found.untested] == ["Plain one", "Quiet"]
    assert [line.rule for line in found.untested if line.is_unmeasured] == ["Plain one", "Quiet"]
    assert report(shop.storage, "programme", NOW + 40 * DAY).main == found.programme.main


def test_a_programme_without_control_group_says_what_to_write(house: House) -> None:
    files = {**FILES, "team.yaml": TEAM.replace("control group: 10%\n", "")}
    publish(house, files)
    found = report(house.storage, "Everything we personalize", NOW)
    assert found.conclusion.state == "no test"
    assert "control group: 10%" in found.conclusion.next_step


def test_a_rule_that_does_not_act_yet_says_how_it_is_launched(shop: House) -> None:
    set_run_state(shop, "Plain one", "preview")
    found = report(shop.storage, "Plain one", NOW)
    assert found.conclusion.state == "no data"
    assert found.conclusion.next_step == 'Launch it: opportune rule "Plain one" live.'


def test_a_rule_without_a_test_is_compared_with_the_weeks_before_and_called_directional(shop: House) -> None:
    shop.clock.now = NOW + 22 * DAY  # type: ignore[attr-defined]  # the test's own clock
    for week in range(-20, 3):
        for day in range(7):
            at = NOW + (7 * week + day) * DAY + HOUR
            orders = 6 if week >= 0 else 2 + week % 2
            take(
                shop,
                *(viewed(f"p-{number}", at + number, "Page Viewed") for number in range(30)),
                *(bought(f"b-{number}", at + number, number + at // DAY * 100) for number in range(orders)),
            )
    found = report(shop.storage, "Plain one", NOW + 20 * DAY)
    assert found.conclusion.state == "directional"
    assert found.directional is not None
    assert found.directional.is_beyond
    assert found.directional.change is not None
    assert found.directional.change > 1
    assert "In your own history 9 in 10 such comparisons moved by up to" in found.directional.words
    assert len(found.directional.weeks) == 4
    assert found.conclusion.date_words == "weeks up to 29 January 2027"
    assert found.main is None


def test_a_rule_without_a_test_and_without_a_past_says_when_it_can_be_told(shop: House) -> None:
    found = report(shop.storage, "Plain one", NOW + DAY)
    assert found.conclusion.state == "no test"
    assert "the first whole week is over on" in found.conclusion.date_words
    later = report(shop.storage, "Plain one", NOW + 30 * DAY)
    assert later.conclusion.state == "no test"
    assert "no weeks before to compare with" in later.conclusion.sentence


def test_the_first_whole_week_is_over_on_a_day_of_the_teams_clock(shop: House) -> None:
    """The week is over at midnight in UTC, as totals are kept by: in Hawaii in the afternoon before."""
    publish(shop, FILES | {"team.yaml": f"{TEAM}time zone: Pacific/Honolulu\n"})
    found = report(shop.storage, "Plain one", NOW + DAY).conclusion
    assert (found.date, found.date_words) == ("2027-01-22", "the first whole week is over on 22 January 2027")


@pytest.mark.parametrize(
    ("zone", "since", "day"),
    [
        ("America/New_York", "2027-01-16T02:00:00Z", "2027-01-15"),
        ("Asia/Tokyo", "2027-01-15T22:30:00Z", "2027-01-16"),
    ],
)
def test_visits_of_the_first_day_are_covered_at_any_hour_of_any_zone(
    shop: House, zone: str, since: str, day: str
) -> None:
    publish(shop, FILES | {"team.yaml": f"{TEAM}time zone: {zone}\n"})
    since_at = from_iso(since)
    put(shop, experiment(since_at))
    rows = [ConsentCount(each, "cookiebot", False, "yes", 9) for each in ("2027-01-14", day)]
    shop.storage.write(lambda transaction: transaction.add_consents(rows)).result()
    found = report(shop.storage, "Viewed something", since_at + HOUR).coverage
    assert found is not None
    assert [(row.seen, row.of) for row in found.rows] == [(9, 9)]


def test_orders_that_no_browser_told_of_are_said(shop: House) -> None:
    of = experiment(NOW)
    put(shop, of, measured(of))
    told = [bought("", NOW + number * HOUR, number) | {"userId": f"u-{number}"} for number in range(1, 6)]
    take(
        shop,
        *({name: value for name, value in each.items() if name != "anonymousId"} for each in told),
        source=SHOP,
    )
    take(shop, *(bought(f"v-{number}", NOW + number * HOUR, number, SAFARI) for number in range(1, 5)))
    found = report(shop.storage, "Viewed something", NOW + 40 * DAY).coverage
    assert found is not None
    assert found.words == "4 of 5 orders seen since 15 January 2027, 80%: of the others no browser told."
    first = found.rows[0]
    assert (first.name, first.seen, first.of) == ("Orders the shop told of", 4, 5)
    assert any("iPhone ids live 7 days in Safari" in words for words in found.blind)


def test_the_ledger_says_what_was_hidden_how_often(shop: House) -> None:
    exposure = Exposure(
        subject="hide", unit=7, slot="home-hero", rule="Quiet", rule_hash="h", arm="", session=1, at=NOW
    )
    shop.storage.write(lambda transaction: transaction.add_exposures([exposure])).result()
    [hidden] = overview(shop.storage, NOW + DAY).hidden
    assert (hidden.rule, hidden.place, hidden.people, hidden.visits) == ("Quiet", "home-hero", 1, 1)
    assert hidden.words.startswith("Quiet hid home hero in 1 visit of 1 visitor since ")
    assert report(shop.storage, "Quiet", NOW + DAY).hidden != ()


def test_a_rule_that_always_acts_needs_no_test(house: House) -> None:
    always = f"{FILES['rules/quiet.yaml']}always: yes\n"
    publish(house, {**FILES, "rules/quiet.yaml": always})
    [quiet] = [line for line in overview(house.storage, NOW).untested if line.rule == "Quiet"]
    assert not quiet.is_unmeasured
    found = report(house.storage, "Quiet", NOW + 30 * DAY)
    assert found.conclusion.state == "no test"
    assert "there is nothing to prove" in found.conclusion.sentence

"""A playbook's folder becomes one value, or every problem at once, each with its file and line."""

# ruff: noqa: E501 - a table of mistakes reads best with one on a line

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.searching import examples

from opportune.core.moment import HOUR, from_iso
from opportune.core.playbook import Playbook
from opportune.core.playbook_files.folder import check_files, playbook_files, read_playbook, revision_of
from opportune.core.playbook_files.rule_text import describe_rule, playbook_document
from opportune.core.rule import Hide, Limits, Show, Test
from opportune.errors import PlaybookError

NOW = from_iso("2026-11-22T12:00:00Z")

TEAM = """\
team: Lumen
time zone: Europe/Berlin
currency: EUR
control group: 10%
previewers: [mia, tom]
owner: Mia
reviewer: Tom
purpose: Sell more
safety limit: bounce rate up by at most 5%
rollback: the owner decides
"""
HERO = """\
slot: home hero
fields: headline, link
fallback:
  headline: Welcome
variants:
  Promise:
    headline: More {category}
    link: /c/{category}
  Loud:
    headline: SHOES!
    intensity: bold
    tags: discount
"""
BAR = "slot: offer bar\ntype: text\ntags: promo\nfallback: Free shipping\nvariants:\n  Saved: Your cart is saved\n"
SENTENCE = "a visitor viewed at least 2 different products in 7 days"
RULE = f"rule: Returner\nwhen: {SENTENCE}\nshow:\n  home hero: Promise\n"

FILES = {
    "team.yaml": TEAM,
    "slots/home-hero.yaml": HERO,
    "slots/offer-bar.yaml": BAR,
    "rules/returner.yaml": RULE,
}


def read(**changed: str) -> Playbook:
    return read_playbook({**FILES, **named(changed)}, NOW)


def named(changed: dict[str, str]) -> dict[str, str]:
    """`rules_a` is `rules/a.yaml`."""
    return {f"{name.replace('_', '/', 1)}.yaml": text for name, text in changed.items()}


def problems(files: dict[str, str] | None = None, **changed: str) -> list[str]:
    checked = check_files({**FILES, **named(changed)} if files is None else files, NOW)
    return [("warning: " if problem.is_warning else "") + str(problem) for problem in checked.problems]


def only_problem(**changed: str) -> str:
    found = problems(**changed)
    assert len(found) == 1, found
    return found[0]


def test_a_good_folder_is_one_playbook_without_warnings() -> None:
    assert problems() == []
    playbook = read()
    assert list(playbook.slots) == ["home-hero", "offer-bar"]
    assert playbook.slots["home-hero"].rules == ("Returner",)
    assert playbook.team.holdout == 1_000
    assert playbook.team.previewers == {"mia", "tom"}
    assert playbook.vocabulary.zone.key == "Europe/Berlin"
    rule = playbook.rules["Returner"]
    assert rule.show == (Show(slot="home-hero", variant="Promise"),)
    assert (rule.owner, rule.reviewer, rule.safety) == ("Mia", "Tom", "bounce rate up by at most 5%")
    assert rule.inherited == {"purpose", "owner", "reviewer", "safety limit", "rollback"}


def test_a_rule_may_say_everything_there_is() -> None:
    whole = """\
rule: Whole
when: a visitor viewed at least 2 different products in 7 days
show:
  home hero: Promise
also show:
  offer-bar: Saved
hide: everything marked discount
not if: a visitor is subscribed
at most: 3 times in 7 days
not after dismissed: 30 days
test: 1 in 10 get nothing, on orders within 3 days, for 7 weeks
until: 31 March 2027
lasts: 48 hours after the last of these
launch: 20%
purpose: Try it
owner: Ida
reviewer: Jo
safety limit: none
rollback: Ida
"""
    rule = read(rules_whole=whole).rules["Whole"]
    assert rule.show == (Show(slot="home-hero", variant="Promise"), Show(slot="offer-bar", variant="Saved"))
    assert rule.hide == (Hide(tag="discount"),)
    assert rule.not_if is not None
    assert rule.limits == Limits(at_most=3, at_most_days=7, not_after_dismissed_days=30)
    assert rule.test == Test(
        arms=(("control", 1_000), ("treatment", 9_000)), metric="orders within 3 days", days=49
    )
    assert rule.until_at == from_iso("2027-03-31T22:00:00Z")
    assert rule.lasts_ms == 48 * HOUR
    assert rule.launch == "20%"
    assert (rule.owner, rule.inherited) == ("Ida", frozenset())


def test_several_rules_stand_in_one_file() -> None:
    second = RULE.replace("Returner", "Second").replace("7 days", "8 days")
    playbook = read(rules_returner=RULE + "---\n" + second)
    assert list(playbook.rules) == ["Returner", "Second"]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("hide: promo", (Hide(tag="promo"),)),
        ("hide: offer bar", (Hide(slot="offer-bar"),)),
        ("hide: offer-bar", (Hide(slot="offer-bar"),)),
        ("hide: everything marked promo or discount", (Hide(tag="promo"), Hide(tag="discount"))),
        ("hide: discount for a product they bought", (Hide(tag="discount", product="bought"),)),
        ("hide: {tag: promo, product: viewed}", (Hide(tag="promo", product="viewed"),)),
        ("hide:\n  - promo\n  - slot: home hero", (Hide(tag="promo"), Hide(slot="home-hero"))),
    ],
)
def test_hiding_names_tags_places_and_products(lines: str, expected: tuple[Hide, ...]) -> None:
    text = f"rule: Quiet\nwhen: a visitor is subscribed\n{lines}\n"
    assert read(rules_quiet=text).rules["Quiet"].hide == expected


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("at most: once", Limits(at_most=1)),
        ("at most: 2 times in 1 day", Limits(at_most=2, at_most_days=1)),
        ("not after dismissed: yes", Limits(not_after_dismissed_days=0)),
        ("not after dismissed: for 7 days", Limits(not_after_dismissed_days=7)),
        ("not after dismissed: no", Limits()),
        (
            "limits: at most once in 7 days, not after dismissed",
            Limits(at_most=1, at_most_days=7, not_after_dismissed_days=0),
        ),
        ("limits: {at_most: 1, at_most_days: 0.5}", Limits(at_most=1, at_most_days=0.5)),
    ],
)
def test_limits_are_sentences_or_values(lines: str, expected: Limits) -> None:
    assert read(rules_returner=f"{RULE}{lines}\n").rules["Returner"].limits == expected


def test_a_test_may_be_given_in_its_structured_form() -> None:
    text = RULE + "test: {arms: [[control, 2000], [treatment, 8000]], metric: orders, days: 14}\n"
    assert read(rules_returner=text).rules["Returner"].test == Test(
        arms=(("control", 2_000), ("treatment", 8_000)), metric="orders", days=14
    )


@pytest.mark.parametrize(
    ("lines", "kind", "fallback", "hidden"),
    [
        ("fallback: 50", "number", 50, 50),
        ("fallback: 1.5\nhidden: 0", "number", 1.5, 0),
        ("type: yes/no\nfallback: no", "yes/no", False, False),
        ("fallback: true\nhidden: false", "yes/no", True, False),
        ("fallback: hello", "text", "hello", None),
        ("type: text\nfallback: 2026", "text", "2026", None),
        ("fallback: [1, two]", "list", [1, "two"], None),
        ("fallback: {a: {b: [1.0, true, null]}}", "object", {"a": {"b": [1.0, True, None]}}, None),
        ("fallback: nothing", "object", None, None),
        ("fallback:", "object", None, None),
    ],
)
def test_a_place_serves_as_a_flag_of_any_type(
    lines: str, kind: str, fallback: object, hidden: object
) -> None:
    slot = read(slots_flag=f"slot: flag\n{lines}\n").slots["flag"]
    assert (slot.type, slot.fallback, slot.hidden) == (kind, fallback, hidden)


def test_a_version_may_write_its_content_apart() -> None:
    text = "slot: flag\nfallback: 50\nvariants:\n  Low: 35\n  High:\n    content: 80\n    intensity: bold\n    tags: [a, b]\n"
    low, high = read(slots_flag=text).slots["flag"].variants
    assert (low.value, low.intensity, low.tags) == (35, "subtle", frozenset())
    assert (high.value, high.intensity, high.tags) == (80, "bold", {"a", "b"})


def test_rules_of_a_place_come_in_its_order_then_by_name() -> None:
    others = "".join(
        f"---\n{RULE.replace('Returner', name).replace('2 different', f'{n} different')}"
        for n, name in enumerate("CBA", 3)
    )
    rules = (
        read(rules_returner=RULE + others, **{"slots_home-hero": HERO + "rules: [B, Returner]\n"})
        .slots["home-hero"]
        .rules
    )
    assert rules == ("B", "Returner", "A", "C")


def test_stages_are_an_ordered_list() -> None:
    text = "- stage: Customer\n  when: a visitor bought\n  meaning: Ordered once\n- stage: New\n  when: a visitor is new\n"
    stages = read(stages=text).stages
    assert [(stage.name, stage.meaning) for stage in stages] == [("Customer", "Ordered once"), ("New", "")]


def test_the_plan_adds_to_the_standard_events_and_changes_them() -> None:
    text = """\
mode: strict
customer details: [loyalty tier]
events:
  Quote Asked:
    says: asked for a quote
    things: quote
    class: key
    key event: no
    business key: quote_id
    was: [Offer Asked]
    properties:
      quote_id: text
      amount: {type: money, path: total.amount, required: yes}
  Product Viewed:
    properties:
      color: text
  Order Completed:
"""
    plan = read(plan=text).plan
    quote = plan.events["Quote Asked"]
    assert (plan.mode, quote.event_class, quote.was, quote.business_key) == (
        "strict",
        0,
        ("Offer Asked",),
        "quote_id",
    )
    amount = quote.properties[1]
    assert (amount.type, amount.path, amount.is_required) == ("money", "total.amount", True)
    viewed = plan.events["Product Viewed"]
    assert {"product", "category", "color"} <= {each.name for each in viewed.properties}
    assert viewed.says[0] == "viewed"
    assert "Order Completed" in plan.events


def test_the_revision_follows_the_texts_only() -> None:
    same = {path: text.replace("\n", "\r\n") + "\n\n" for path, text in FILES.items()} | {
        "README.md": "hello"
    }
    assert revision_of(same) == revision_of(FILES) == read().revision
    assert len(read().revision) == 12
    assert read(rules_returner=RULE.replace("2", "3")).revision != read().revision
    assert set(playbook_files(same)) == set(FILES)


def test_a_rules_behaviour_is_not_its_paperwork() -> None:
    before = read(rules_returner=RULE).behaviours["Returner"]
    paperwork = "purpose: Other\nowner: Ida\nlaunch: draft\nuntil: 31 March 2027\n"
    assert read(rules_returner=RULE + paperwork).behaviours["Returner"] == before
    assert read(rules_other=RULE.replace("Returner", "Other")).behaviours["Returner"] == before
    changes = [
        {"rules_returner": RULE.replace("2 different", "3 different")},
        {"rules_returner": RULE.replace("Promise", "Loud")},
        {"rules_returner": RULE + "test: half and half\n"},
        {"rules_returner": RULE + "at most: once\n"},
        {"rules_returner": RULE + "hide: promo\n"},
        {"rules_returner": RULE + "lasts: 1 hour\n"},
        {"rules_returner": RULE + "not if: a visitor is subscribed\n"},
        {"rules_returner": RULE + "always: yes\n"},
        {"slots_home-hero": HERO.replace("More {category}", "Most {category}")},
    ]
    hashes = {read(**change).behaviours["Returner"] for change in changes}
    assert len(hashes | {before}) == len(changes) + 1


def test_a_stages_condition_is_part_of_the_behaviour_of_rules_that_ask_for_it() -> None:
    rule = "rule: Staged\nwhen: the stage is Customer\nhide: promo\n"
    stages = "- stage: Customer\n  when: a visitor bought\n"
    once = read(rules_staged=rule, stages=stages)
    again = read(rules_staged=rule, stages=stages.replace("bought", "bought at least 2 times"))
    assert once.behaviours["Staged"] != again.behaviours["Staged"]
    assert once.behaviours["Returner"] == again.behaviours["Returner"]


def test_a_rule_reads_itself_back() -> None:
    text = RULE + (
        "hide: everything marked promo or discount; offer bar for a product they bought\n"
        "not if: a visitor is subscribed\nat most: 3 times in 7 days\nnot after dismissed: yes\n"
        "test: half and half, on added to cart, for 7 weeks\nuntil: 31 March 2027\nlasts: 48 hours\n"
        'launch: draft\nowner: "Ida: the owner"\n'
    )
    playbook = read(rules_returner=text)
    rule = playbook.rules["Returner"]
    again = read(rules_returner=describe_rule(rule, playbook)).rules["Returner"]
    assert again == rule
    assert describe_rule(again, playbook) == describe_rule(rule, playbook)


def test_the_playbook_can_be_read_as_a_document() -> None:
    document = playbook_document(read(stages="- stage: Customer\n  when: a visitor bought\n"))
    for text in (
        "# Lumen: what we personalize", "### Returner", "| owner | Mia *(for all rules)* |", "| show | Promise in home hero |",
        "| otherwise | the normal home hero |", "1. **Customer**", "| version Promise | headline: More {category}; link: /c/{category} |",
    ):  # fmt: skip
        assert text in document


# -- what is wrong ---------------------------------------------------------------------------


def test_all_problems_come_at_once_in_order() -> None:
    found = problems(
        rules_returner="rule: A\nwhen: a visitor is subscribed\nhide: promotion\n",
        rules_b="rule: B\nwen: x\n",
        team=TEAM.replace("Berlin", "Berlyn"),
        slots_bad="slot: bad\n",
    )
    assert [problem.split(" ")[0] for problem in found] == [
        "rules/b.yaml:1:", "rules/b.yaml:2:", "rules/returner.yaml:3:", "slots/bad.yaml:1:", "team.yaml:2:",
    ]  # fmt: skip


def test_the_error_carries_every_problem() -> None:
    with pytest.raises(PlaybookError, match="2 problem") as caught:
        read(rules_returner="rule: A\nwen: x\n")
    assert [problem.line for problem in caught.value.problems] == [1, 2]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (RULE + "shwo: x\n", 'rules/returner.yaml:5: shwo: this field is unknown (did you mean "show"?)'),
        (RULE + "not_if: x\n", 'rules/returner.yaml:5: not_if: this field is unknown (did you mean "not if"?)'),
        (RULE + "tell: Klaviyo\n", "rules/returner.yaml:5: tell: needs Klaviyo (not available yet) (remove it)"),
        (RULE + "join: x\n", "rules/returner.yaml:5: join: needs ad audiences (not available yet) (remove it)"),
        ("rule: Returner\nshow:\n  home hero: Promise\n", "rules/returner.yaml:1: when: is missing (add `when: a visitor bought`)"),
        ("- just a text\n", "rules/returner.yaml:1: fields were expected here (write `rule: ...` and the other fields, one on a line)"),
        ("rule: Returner\nwhen: a visitor is subscribed\n", 'rules/returner.yaml:1: rule: "Returner" does nothing (add `show` or `hide`)'),
        (RULE.replace("home hero", "home heroo"), 'rules/returner.yaml:4: show.home heroo: no place is called "home heroo" (did you mean "home hero"?)'),
        (RULE.replace("Promise", "Promize"), 'rules/returner.yaml:4: show.home hero: "home hero" has no version called "Promize" (did you mean "Promise"?)'),
        (RULE.replace("Promise", "best sellers in {category}, 4"), "rules/returner.yaml:4: show.home hero: \"home hero\" has no place for a list of products (give it"),
        (RULE.replace("Returner", "Returner/not if"), "rules/returner.yaml:1: rule: names that begin with / or end in /not if are used"),
        (RULE.replace("Returner", "/consent"), "rules/returner.yaml:1: rule: names that begin with / or end in /not if are used"),
        (RULE.replace("Promise", "[a]"), "rules/returner.yaml:4: show.home hero: the name of one version was expected"),
        ("rule: R\nwhen: a visitor is subscribed\nshow: home hero\n", "rules/returner.yaml:3: show: places and versions were expected"),
        (RULE + "also show:\n  home-hero: Loud\n", 'rules/returner.yaml:4: show: two versions for "home-hero" (keep one)'),
        (RULE + "hide: home hero\n", 'rules/returner.yaml:5: hide: shows and hides "home-hero" (keep one of both)'),
        (RULE + "always: yes\ntest: half and half\n", "rules/returner.yaml:6: test: an always-rule acts for everybody"),
        (RULE + "always: perhaps\n", 'rules/returner.yaml:5: always: "perhaps" is neither yes nor no (write yes or no)'),
        (RULE + "launch: soon\n", 'rules/returner.yaml:5: launch: "soon" is no state (one of: live, slowly, draft, preview, or a share such as 20%)'),
        (RULE + "launch: 120%\n", "rules/returner.yaml:5: launch:"),
        (RULE + "launch: 0%\n", "rules/returner.yaml:5: launch: a share of nobody"),
        (RULE + "at most: often\n", "rules/returner.yaml:5: at most:"),
        (RULE + "test: nobody knows\n", "rules/returner.yaml:5: test:"),
        (RULE + "test: {arms: [[a, 1]]}\n", "rules/returner.yaml:5: test: the weights of the arms do not add up to 10000"),
        (RULE + "test: {arms: [[a, 5000], [b, 5000]]}\n", "rules/returner.yaml:5: test: the first arm is the control group"),
        (RULE + 'test: {arms: [[control, 5000], ["a\\x1fb", 5000]]}\n', "rules/returner.yaml:5: test: the name of an arm has a sign in it that nobody sees"),
        (RULE + "test: {days: 40}\n", "rules/returner.yaml:5: test: 40 days are no whole weeks (days: 42)"),
        (RULE + "test: {smallest_gain: 7}\n", "rules/returner.yaml:5: test: a smallest gain of 7 is nothing to plan for (0.2 is 20%)"),
        (RULE + "test: half and half, for 40 days\n", 'rules/returner.yaml:5: test: “40 days”: a test lasts 1 to 52 whole weeks, so that every weekday counts alike (did you mean "6 weeks"?)'),
        (RULE + "test: half and half, to find 300%\n", "rules/returner.yaml:5: test: a gain of 300% is nothing to plan for"),
        (RULE + "test: half and half, on odrers\n", 'rules/returner.yaml:5: test: “odrers” is nothing that is measured (did you mean "orders"'),
        (RULE + "safety limit: bounce rat up by 5%\n", "rules/returner.yaml:5: safety limit: “bounce rat” is nothing that is measured"),
        (RULE + "safety limit: orders up by at most 5%\n", 'rules/returner.yaml:5: safety limit: “orders up by at most 5%”: that would be no harm (did you mean "orders down by at most 5%"?)'),
        (RULE + "safety limit: orders down by at most 200%\n", "rules/returner.yaml:5: safety limit: “orders down by at most 200%”: a limit lies above 0% and up to 90%"),
        (RULE + "safety limit: be careful\n", "rules/returner.yaml:5: safety limit: “be careful” is not a safety limit"),
        ("rule: R\nwhen: a visitor is subscribed\nhide: promo\ntest: half and half, on clicks\n", 'rules/returner.yaml:4: test: “clicks on the place” asks for the rule\'s place, and it shows nothing (name another'),
        (RULE + "test:\n  arms: 5\n", "rules/returner.yaml:6: test: the structured form does not fit: Expected `array`, got `int` (arms)"),
        (RULE + "until: 31 February 2027\n", "rules/returner.yaml:5: until:"),
        (RULE + "lasts: a while\n", "rules/returner.yaml:5: lasts:"),
        (RULE + "lasts: 200 days\n", "rules/returner.yaml:5: lasts: that is longer than behaviour is read back (at most 90 days)"),
        (RULE + "hide: everything marked nonsense\n", "rules/returner.yaml:5: hide:"),
        (RULE + "hide: {tag: promos}\n", 'rules/returner.yaml:5: hide: nothing is marked "promos" (did you mean "promo"?)'),
        (RULE + "hide: {slot: offer bra}\n", 'rules/returner.yaml:5: hide: no place is called "offer-bra" (did you mean "offer-bar"?)'),
        (RULE + "hide: {tga: promo}\n", "rules/returner.yaml:5: hide: the structured form does not fit: Object contains unknown field `tga`"),
        (RULE + "when: x\n", 'rules/returner.yaml:5: when: "when" stands twice, first in line 2 (keep one of them)'),
        (RULE.replace("a visitor viewed", "a visitor viewd"), "rules/returner.yaml:2: when:"),
        ("rule: R\nwhen: {kind: nothing}\nhide: promo\n", "rules/returner.yaml:2: when: the structured form does not fit"),
        ("rule: R\nwhen: [a]\nhide: promo\n", "rules/returner.yaml:2: when: the structured form does not fit"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_rule_is_said_where_it_stands(text: str, said: str) -> None:
    assert only_problem(rules_returner=text).startswith(said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("fallback: x\n", "slots/x.yaml:1: slot: is missing (add `slot: home hero`)"),
        ("slot: x\n", "slots/x.yaml:1: fallback: is missing"),
        ("slot: 日本\nfallback: x\n", 'slots/x.yaml:1: slot: "日本" has no letter or digit'),
        ("slot: Home Hero\nfallback: x\n", 'slots/x.yaml:1: slot: the place "home hero" has the same name on the wire (home-hero)'),
        ("slot: x\nfallback: 5\ntype: txt\n", 'slots/x.yaml:3: type: "txt" is not known here'),
        ("slot: x\ntype: number\nfallback:\n", "slots/x.yaml:3: fallback: a place of type number always needs a value"),
        ("slot: x\ntype: number\nfallback: five\n", "slots/x.yaml:3: fallback: this place holds a number (write a number)"),
        ("slot: x\ntype: yes/no\nfallback: 5\n", "slots/x.yaml:3: fallback: this place holds yes or no"),
        ("slot: x\nfields: a\nfallback: text\n", "slots/x.yaml:3: fallback: this place holds fields (write `a: ...`)"),
        ("slot: x\nfields: headline, tags\nfallback: {headline: a}\n", 'slots/x.yaml:2: fields: "tags" is a word versions use'),
        ("slot: x\nfields: headline\nfallback:\n  headlin: a\n", 'slots/x.yaml:4: fallback.headlin: "x" has no such field (did you mean "headline"?)'),
        ("slot: x\nfallback: a {catgory}\n", 'slots/x.yaml:2: fallback: nothing we know is called "catgory" (did you mean "category"?)'),
        ("slot: x\nfallback: a {\n", "slots/x.yaml:2: fallback: a lone { (write {signal}, or {{ and }} for braces)"),
        ("slot: x\nfields: a\nfallback:\n  a: {category}\n", 'slots/x.yaml:4: fallback: a text that begins with { must be in quotes (write "{category}")'),
        ("slot: x\nfallback:\n  link: javascript:alert(1)\n", "slots/x.yaml:3: fallback.link: this address may not be followed"),
        ("slot: x\nfallback: x\nvariants: [a]\n", "slots/x.yaml:3: variants: versions by name were expected"),
        ("slot: x\nfallback: x\nvariants:\n  A: {content: y, loud: yes}\n", "slots/x.yaml:4: variants.A.loud: this field is unknown"),
        ("slot: x\nfallback: {a: x}\nvariants:\n  A:\n    a: y\n    intensity: loud\n", 'slots/x.yaml:6: variants.A.intensity: "loud" is not known here'),
        ("slot: x\nfallback: x\ntemplate: |\n  <p>\n  {{ value|safe }}</p>\n", 'slots/x.yaml:5: template: the filter "safe" is not available'),
        ("slot: x\nfallback: x\nrules: [Returnr]\n", 'slots/x.yaml:3: rules: no rule is called "Returnr" (did you mean "Returner"?)'),
        ("slot: x\nfallback: x\nrules: [Returner]\n", 'slots/x.yaml:3: rules: "Returner" shows nothing in x (remove it from the order)'),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_place_is_said_where_it_stands(text: str, said: str) -> None:
    assert only_problem(slots_x=text).startswith(said)


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("team", TEAM + "time-zone: x\n", 'team.yaml:11: time-zone: this field is unknown (did you mean "time zone"?)'),
        ("team", TEAM.replace("Europe/Berlin", "Berlin"), 'team.yaml:2: time zone: the time zone "Berlin" is not known (write "Europe/Berlin")'),
        ("team", TEAM.replace("EUR", "euro"), 'team.yaml:3: currency: "euro" is not a currency (did you mean "EUR"?)'),
        ("team", TEAM.replace("EUR", "XQZ"), 'team.yaml:3: currency: "XQZ" is not a currency (three capital letters, like EUR or USD)'),
        ("plan", "rates:\n  CHF: 1.05\n  EURO: 1.2\n", 'plan.yaml:3: rates.EURO: "EURO" is not a currency (did you mean "EUR"?)'),
        ("team", TEAM.replace("10%", "much"), "team.yaml:4: control group:"),
        ("team", TEAM.replace("10%", "95%"), "team.yaml:4: control group: nearly nobody would be left"),
        ("team", TEAM.replace("[mia, tom]", "{a: b}"), "team.yaml:5: previewers: a list of texts was expected"),
        ("team", TEAM + "language: Engl!sh\n", 'team.yaml:11: language: "Engl!sh" is not a language tag'),
        ("team", TEAM + "---\nteam: B\n", "team.yaml:12: a second document (only rules may stand several in a file)"),
        ("team", TEAM.replace("owner: Mia\n", ""), "rules/returner.yaml:1: owner: nobody said the owner (write `owner:` here, or once for all rules in team.yaml)"),
        ("plan", "mode: lax\n", 'plan.yaml:1: mode: "lax" is not known here (one of: learning, strict)'),
        ("plan", "rates:\n  CAD: much\n", "plan.yaml:2: rates.CAD: this is not a rate"),
        ("plan", "rates:\n  CAD:\n    May: 0.68\n", 'plan.yaml:3: rates.CAD: "May" is not a day'),
        ("plan", "events: [a]\n", "plan.yaml:1: events: events by name were expected"),
        ("plan", "events:\n  X:\n    clas: key\n", 'plan.yaml:3: events.X.clas: this field is unknown (did you mean "class"?)'),
        ("plan", "events:\n  X:\n    class: keyish\n", 'plan.yaml:3: events.X.class: "keyish" is not known here (one of: key, behaviour, telemetry)'),
        ("plan", "events:\n  X:\n    properties:\n      a: cash\n", 'plan.yaml:4: events.X.properties.a: "cash" is not a type'),
        ("plan", "events:\n  X:\n    properties: {a: {type: cash}}\n", 'plan.yaml:3: events.X.properties.a.type: "cash" is not a type'),
        ("plan", "events:\n  X:\n    business key: id\n", 'plan.yaml:3: events.X.business key: no property is called "id"'),
        ("plan", "events:\n  X:\n    was: Y\n  Y:\n", 'plan.yaml:2: events: "Y" is declared, and a former name of "X" too'),
        ("plan", "key events: [Order Compleded]\n", 'plan.yaml:1: key events: no event is called "Order Compleded" (did you mean "Order Completed"?)'),
        ("stages", "stage: A\n", "stages.yaml:1: a list of stages was expected (write `- stage: Name`)"),
        ("stages", "- stage: A\n  when: a visitor viewed at least 2 times in 400 days\n", "stages.yaml:2: when:"),
        ("stages", "- stage: A\n", "stages.yaml:1: when: is missing"),
        ("stages", "- stage: A\n  when: a visitor is new\n- stage: a\n  when: a visitor is new\n", 'stages.yaml:3: stage: two stages are called "a"'),
        ("stages", "- stage: A\n  when: a visitor iz new\n", "stages.yaml:2: when:"),
        ("stages", "- stage: A\n  when: the stage is A\n", "stages.yaml:2: when: a stage cannot depend on the stage somebody is in"),
        ("rules_two", RULE.replace("Returner", "RETURNER").replace("2 pro", "3 pro"), 'rules/two.yaml:1: rule: another rule is called "Returner"'),
        ("extra", "a: 1\n", "extra.yaml: this file is not read"),
        ("team", "", "rules/returner.yaml:1: owner: nobody said the owner"),
    ],
)  # fmt: skip
def test_what_is_wrong_elsewhere_is_said_where_it_stands(file: str, text: str, said: str) -> None:
    assert any(problem.startswith(said) for problem in problems(**{file: text})), problems(**{file: text})


def test_a_folder_without_playbook_files_says_what_it_looked_for() -> None:
    assert problems({}) == [
        ".: no playbook file is in here (team.yaml, plan.yaml, stages.yaml, slots/*.yaml and rules/*.yaml are read)"
    ]
    assert (
        problems({"rules/a.yml": "x"})[1] == "rules/a.yml: this file is not read (rename it to rules/a.yaml)"
    )


def test_a_mistake_in_a_folded_sentence_is_found_on_its_own_line() -> None:
    text = "rule: R\nwhen: a visitor is subscribed\n  or is a kangaroo\n  or is new\nhide: promo\n"
    assert only_problem(rules_returner=text).startswith("rules/returner.yaml:3: when:")


def test_a_condition_that_reaches_past_what_is_read_is_refused() -> None:
    text = RULE.replace("7 days", "400 days")
    assert only_problem(rules_returner=text).startswith("rules/returner.yaml:2: when:")


# -- what is allowed, and probably not meant ---------------------------------------------------


def test_a_day_that_is_over_is_warned_about() -> None:
    said = "warning: rules/returner.yaml:5: until: this day is over, so the rule never acts"
    assert only_problem(rules_returner=RULE + "until: 31 March 2026\n").startswith(said)


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ("the page type is categry", 'the page type is never "categry", unless you send it like that (did you mean "category"?)'),
        ("the device type is not phone", 'the device type is never "phone", unless you send it like that (did you mean "mobile"?)'),
        ("the country is de or Germany", 'the country is never "Germany", unless you send it like that (did you mean "de"?)'),
        ("not (the language is German)", 'the language is never "German", unless you send it like that (did you mean "de"?)'),
        ("a visitor bought and the country is Atlantis", 'the country is never "Atlantis", unless you send it like that (write the code, such as de)'),
        ("the weekday is Christmas", "(one of: Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday)"),
    ],
)  # fmt: skip
def test_a_value_that_a_signal_never_has_is_warned_about(when: str, said: str) -> None:
    found = only_problem(rules_returner=RULE.replace(SENTENCE, when))
    assert found.startswith("warning: rules/returner.yaml:2: when: ")
    assert found.endswith(said)


def test_a_value_in_another_case_and_a_part_of_one_are_not_warned_about() -> None:
    when = "the device type is Mobile and the country is AT and the language is DE and the page type contains cat"
    assert not problems(rules_returner=RULE.replace(SENTENCE, when))


def test_more_than_three_rules_at_once_are_warned_about() -> None:
    many = "---\n".join(
        RULE.replace("Returner", f"R{n}").replace("2 different", f"{n} different") for n in range(2, 6)
    )
    assert only_problem(rules_returner=many).startswith(
        "warning: rules/returner.yaml:16: launch: 4 rules are launched at once"
    )
    assert problems(rules_returner=many.replace("rule: R5", "launch: draft\nrule: R5")) == []


@pytest.mark.parametrize(
    ("changed", "field", "far"),
    [
        (RULE.replace("7 days", "30 days"), "2: when", "30 days"),
        (RULE + "not if: bought in the last 8 days\n", "5: not if", "8 days"),
        (RULE + "at most: 3 times in 14 days\n", "5: at most", "14 days"),
        (RULE.replace(SENTENCE, "a visitor has never bought"), "2: when", "as far as there is history"),
    ],
)
def test_a_rule_that_looks_back_further_than_ids_live_is_warned_about(
    changed: str, field: str, far: str
) -> None:
    said = (
        f"warning: rules/returner.yaml:{field}: it looks back {far}, and an id set by a script lives 7 days"
    )
    assert only_problem(team=TEAM + "visitor id: set by script\n", rules_returner=changed).startswith(said)
    assert problems(team=TEAM + "visitor id: set by our server\n", rules_returner=changed) == []
    assert problems(rules_returner=changed) == []
    assert problems(team=TEAM + "visitor id: set by script\n") == []


def test_who_sets_the_id_is_one_of_two() -> None:
    said = 'team.yaml:11: visitor id: "set by magic" is not known here (one of: set by our server, set by script)'
    assert only_problem(team=TEAM + "visitor id: set by magic\n") == said


def test_a_rule_behind_its_double_is_warned_about() -> None:
    double = RULE.replace("Returner", "Second")
    said = 'warning: rules/two.yaml:2: when: in home hero it is never asked: "Returner" comes first'
    assert only_problem(rules_two=double).startswith(said)
    assert problems(rules_two=double, rules_returner=RULE + "test: half and half\n") == []


def test_bold_on_what_is_hardly_ever_sure_is_warned_about() -> None:
    plan = "customer details: loyalty tier\n"
    unsure = "rule: Gold\nwhen: the loyalty tier is gold\nshow:\n  home hero: Loud\n"
    said = 'warning: rules/gold.yaml:4: show: "Loud" is bold, and "loyalty tier" is sure only where a request states it'
    assert only_problem(rules_gold=unsure, plan=plan).startswith(said)
    assert problems(rules_gold=unsure.replace("Loud", "Promise"), plan=plan) == []
    assert problems(rules_returner=RULE.replace("Promise", "Loud")) == []


def test_limits_of_a_rule_that_only_hides_are_warned_about() -> None:
    text = "rule: Quiet\nwhen: a visitor is subscribed\nhide: promo\nat most: once\n"
    assert only_problem(rules_quiet=text).startswith(
        "warning: rules/quiet.yaml:4: at most: limits concern what a rule shows"
    )


def test_more_than_seven_key_events_are_warned_about() -> None:
    text = "events:\n" + "".join(f"  E{n}:\n    key event: yes\n" for n in range(8))
    assert "nobody watches that many" in only_problem(plan=text)


# -- hostile ----------------------------------------------------------------------------------


@given(
    st.dictionaries(
        st.sampled_from(["team.yaml", "plan.yaml", "stages.yaml", "slots/a.yaml", "rules/a.yaml"]),
        st.text(max_size=200),
    )
)
@settings(max_examples=examples(50))
def test_no_text_makes_checking_crash(files: dict[str, str]) -> None:
    checked = check_files(files, NOW)
    assert checked.playbook is not None or checked.problems


WORDS = ["rule", "when", "show", "hide", "test", "slot", "fallback", "fields", "variants", "stage", "events", "team", "at most", "limits", "until", "kind", "home hero", "x", "1", "null"]  # fmt: skip
JUNK = st.recursive(
    st.sampled_from([*WORDS, "{a}", "", "yes", "20%", "a visitor is new"]) | st.integers() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4),
    max_leaves=12,
)


@given(st.sampled_from(["team.yaml", "plan.yaml", "stages.yaml", "slots/a.yaml", "rules/a.yaml"]), JUNK)
@settings(max_examples=examples(80))
def test_no_shape_of_fields_makes_checking_crash(path: str, value: object) -> None:
    text = msgspec.json.encode(value).decode()
    checked = check_files({**FILES, path: text}, NOW)
    assert checked.playbook is not None or checked.problems


def test_hundreds_of_rules_are_read() -> None:
    many = "---\n".join(
        RULE.replace("Returner", f"R{n}").replace("2 different", f"{n} different") for n in range(1, 301)
    )
    assert len(read(rules_returner=many).rules) == 300


# -- structured conditions ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ("{kind: cuont, event: Product Viewed}", "2: when: the structured form does not fit: Invalid value 'cuont' (kind)"),
        ("{kind: count, event: Product Viewed, tims: 2}", '2: when: the structured form has no field tims (did you mean "times"?)'),
        ("\n  kind: any\n  conditions:\n    - kind: count\n      event: Product Viewed\n    - kind: count\n", "7: when: the structured form does not fit: Object missing required field `event` (conditions[1])"),
        ("{kind: count, event: Product Vieewd}", '2: when: no event is called "Product Vieewd" (did you mean "Product Viewed"?)'),
        ("{kind: count, event: Scrolled}", "2: when:"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_structured_condition_is_said_where_it_stands(when: str, said: str) -> None:
    text = f"rule: R\nwhen: {when}\nhide: promo\n"
    assert only_problem(rules_returner=text).startswith(f"rules/returner.yaml:{said}")


def test_a_structured_condition_is_the_sentence_it_reads_as() -> None:
    text = RULE.replace(
        "a visitor viewed at least 2 different products in 7 days",
        "{kind: count, event: Product Viewed, same: category, times: 2, window: {span: last, ms: 604800000}}",
    )
    rule = read(rules_returner=text).rules["Returner"]
    sentence = "a visitor viewed the same category at least 2 times in 7 days"
    said = read(
        rules_returner=RULE.replace("a visitor viewed at least 2 different products in 7 days", sentence)
    )
    assert rule.when == said.rules["Returner"].when
    assert f"when: {sentence}" in describe_rule(rule, said)


def test_sentences_read_before_need_no_parsing() -> None:
    first = check_files(FILES, NOW)
    assert set(first.sentences) == {"a visitor viewed at least 2 different products in 7 days"}
    other = check_files(
        {**FILES, "rules/returner.yaml": RULE.replace("a visitor viewed", "gibberish viewed")}
    )
    assert other.playbook is None
    known = {text.replace("a visitor", "gibberish"): condition for text, condition in first.sentences.items()}
    again = check_files(
        {**FILES, "rules/returner.yaml": RULE.replace("a visitor viewed", "gibberish viewed")},
        sentences=known,
    )
    assert again.playbook is not None
    assert first.playbook is not None
    assert again.playbook.rules == first.playbook.rules

"""A decision as the page script gets it: only what is safe, and only as far as it holds."""

from __future__ import annotations

import pytest

from opportune.core.placement import OnPage, held, on_page
from opportune.core.playbook_files.folder import read_playbook
from opportune.core.programme import Place, Programme
from opportune.core.rule import RunState
from opportune.core.slot import Again, Placement, Slot
from opportune.errors import PlaybookError

HERO = Slot(name="hero", placement=Placement(put=(("cta", "a.go", "text"), ("link", "a.go", "href"))))
TEAM = "team: Shop\nowner: Mia\nreviewer: Tom\npurpose: To sell\nsafety limit: none\nrollback: by hand\n"
SLOT = "slot: offer bar\nfields: text\nfallback:\n  text: Hello\nvariants:\n  Sale:\n    text: {text}\n"


def put(
    slot: Slot,
    value: object,
    outcome: str = "shown",
    types: frozenset[str] = frozenset(),
    asked: str = "home",
) -> OnPage:
    found = on_page(slot, value, outcome=outcome, page_types=types, page_type=asked)
    assert found is not None
    return found


def test_fields_go_where_the_file_says_and_else_to_elements_with_their_name() -> None:
    found = put(HERO, {"headline": "Hello", "cta": "Go", "link": "/new", "image": "/a.svg"})
    assert found.find == '[data-slot="hero"]'
    assert found.put == (
        ('[data-field="headline"]', "text", "Hello"),
        ("a.go", "text", "Go"),
        ("a.go", "href", "/new"),
        ('[data-field="image"]', "src", "/a.svg"),
        ('[data-field="image"]', "srcset", None),
    )
    assert found.images == ("/a.svg",)


def test_an_address_that_may_run_or_lead_elsewhere_is_left_out() -> None:
    found = put(HERO, {"link": "javascript:alert(1)", "image": "data:text/html,x"})
    assert found.put == ()
    assert found.images == ()


def test_html_is_cleaned_whatever_the_visitor_searched_for() -> None:
    slot = Slot(name="hero", placement=Placement(put=(("text", "p", "html"),)))
    found = put(
        slot, {"text": 'Back for <b>boots</b><img src=x onerror="alert(1)"><script>alert(2)</script>?'}
    )
    assert found.put == (("p", "html", 'Back for <b>boots</b><img src="x">?'),)


@pytest.mark.parametrize("method", ["html", "shadow"])
def test_a_template_goes_in_whole_and_is_cleaned_too(method: str) -> None:
    placement = Placement(method=method)  # type: ignore[arg-type]  # a parametrized literal
    slot = Slot(name="hero", template='<h2 onclick="x()">{{ headline }}</h2>', placement=placement)
    found = put(slot, {"headline": "<i>Hi</i>", "image": "/b.svg"})
    assert found.put == (("", method, "<h2>&lt;i&gt;Hi&lt;/i&gt;</h2>"),)
    assert found.images == ("/b.svg",)


def test_normal_content_is_left_as_it_is_and_a_hidden_place_is_hidden() -> None:
    assert put(HERO, {"headline": "Hello"}, "normal").put == ()
    assert put(HERO, None, "hidden").put == (("", "hide", ""),)
    assert put(HERO, {"headline": "Quiet"}, "hidden").put == (('[data-field="headline"]', "text", "Quiet"),)
    assert put(HERO, {"headline": "Hello"}, "error").put == ()


def test_the_tag_names_places_that_keep_their_room() -> None:
    waiting = Slot(name="hero", placement=Placement(hold_ms=200, height="400px"))
    chosen = Slot(name="bar", placement=Placement(selector=".bar > p", hold_ms=100, height="2rem"))
    assert held((HERO, waiting, chosen)) == '[data-slot="hero"]{min-height:400px}.bar > p{min-height:2rem}'


def test_a_switch_for_code_stands_on_no_page() -> None:
    slot = Slot(name="ratio", type="number", fallback=1)
    assert on_page(slot, 1, outcome="normal", page_types=frozenset(), page_type="home") is None


def test_an_answer_that_looked_at_the_page_holds_only_there() -> None:
    assert put(HERO, None, "normal", frozenset({"*"})).here
    assert put(HERO, None, "normal", frozenset({"help"}), asked="help").here
    elsewhere = put(HERO, None, "normal", frozenset({"help"}), asked="product")
    assert not elsewhere.here
    assert {"help", "faq", "support"} <= set(elsewhere.not_on)
    assert "" in put(HERO, None, "normal", frozenset({"home"}), asked="product").not_on
    assert put(HERO, None, "normal").not_on == ()


RULES = (
    ("a visitor is on a help or account page", frozenset({"help", "account"})),
    ('a visitor is on the page "/sale/*"', frozenset({"*"})),
    ("a visitor viewed the product on the page at least twice in 7 days", frozenset({"*"})),
    ("a visitor is in support", frozenset({"help", "returns"})),
    ("a visitor viewed a product at least twice in 7 days", frozenset()),
    ("the device type is mobile", frozenset()),
    (
        "a visitor viewed a product at least twice in 7 days and is not on a checkout page",
        frozenset({"checkout"}),
    ),
)


@pytest.mark.parametrize(("when", "types"), RULES, ids=[when for when, _ in RULES])
def test_which_pages_matter_is_read_from_the_rules(when: str, types: frozenset[str]) -> None:
    assert place_of(when).page_types == types


def test_a_text_that_names_the_page_holds_only_there() -> None:
    assert place_of(
        "a visitor viewed a product at least twice in 7 days", "More of {page product}"
    ).page_types == {"*"}


def test_what_hides_a_place_matters_too() -> None:
    hiding = "rule: Quiet\nwhen: a visitor is on a help page\nhide: offer bar\n"
    assert place_of("a visitor viewed a product at least twice in 7 days", more=hiding).page_types == {"help"}


def place_of(when: str, text: str = "Hi", *, more: str = "") -> Place:
    files = {"rules/r.yaml": f"rule: R\nwhen: {when}\nshow:\n  offer bar: Sale\n"}
    if more:
        files["rules/more.yaml"] = more
    playbook = read_playbook({**slot_files(text), **files})
    states = {name: RunState(rule=name, may_act_unseen=True) for name in playbook.rules}
    return Programme(playbook, states).places["offer-bar"]


def slot_files(text: str = "Hi", page: str = "") -> dict[str, str]:
    return {"team.yaml": TEAM, "slots/bar.yaml": SLOT.replace("{text}", text) + page}


PAGE = """  selector: "#bar"
  paths: /, /collections/*
  put:
    text: p.words @html
  hold: 150 ms
  height: 3rem
  ask again: exit intent, scroll 50%, after 30 seconds
"""


def test_the_section_page_is_read_whole() -> None:
    placement = read_playbook(slot_files(page="page:\n" + PAGE)).slots["offer-bar"].placement
    assert placement == Placement(
        selector="#bar",
        paths=("/", "/collections/*"),
        put=(("text", "p.words", "html"),),
        hold_ms=150,
        height="3rem",
        again=Again(exit=True, scroll=50, seconds=30),
    )


WRONG = (
    ('selector: "#bar["', "is not a CSS selector"),
    ("paths: collections/*", "is no path"),
    ("put:\n    headline: h1", "the place has no such field"),
    ("put:\n    text: a @onclick", 'the attribute "onclick" is not filled'),
    ("hold: 1 second\n  height: 4px", "200 ms"),
    ("hold: 100 ms", "needs its room"),
    ("height: tall", "is not a height"),
    ("ask again: at noon", "asks nothing again"),
    ("method: magic", "is not known here"),
)


@pytest.mark.parametrize(("line", "wrong"), WRONG, ids=[line for line, _ in WRONG])
def test_what_cannot_be_done_is_said_before_it_is_published(line: str, wrong: str) -> None:
    with pytest.raises(PlaybookError) as raised:
        read_playbook(slot_files(page=f"page:\n  {line}\n"))
    assert wrong in " ".join(f"{problem.wrong} {problem.right}" for problem in raised.value.problems)

"""Fragments escape what was filled in, and no address leads to a script."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opportune.core.fragment import safe_link, template_problems, to_html
from opportune.core.slot import Slot

HERO = Slot(name="home-hero", fields=("headline", "text", "cta", "link", "image"))


def test_fields_become_plain_markup() -> None:
    value = {
        "headline": "Back for <shoes>?",
        "text": "a & b",
        "cta": "See",
        "link": "/c/shoes",
        "image": "/p/1.svg",
    }
    assert to_html(HERO, value) == (
        '<div data-slot="home-hero"><h2>Back for &lt;shoes&gt;?</h2><p>a &amp; b</p>'
        '<a href="/c/shoes">See</a><img src="/p/1.svg" alt=""></div>'
    )


def test_nothing_gives_nothing() -> None:
    assert to_html(HERO, None) == ""


def test_every_kind_of_value_has_a_markup() -> None:
    assert to_html(HERO, "a<b") == '<div data-slot="home-hero">a&lt;b</div>'
    assert to_html(HERO, True) == '<div data-slot="home-hero">yes</div>'
    assert to_html(HERO, 3.5) == '<div data-slot="home-hero">3.5</div>'
    assert to_html(HERO, ["a", {"note": "b"}]) == (
        '<div data-slot="home-hero"><ul><li>a</li><li><div class="note">b</div></li></ul></div>'
    )


def test_a_template_gets_its_fields_escaped() -> None:
    slot = Slot(
        name="x",
        template='<a href="{{ cta_link }}">{{ headline }}</a>{% if text %}<p>{{ text }}</p>{% endif %}',
    )
    value = {"headline": "<b>", "cta link": "/a?b=1&c=2", "text": ""}
    assert to_html(slot, value) == '<a href="/a?b=1&amp;c=2">&lt;b&gt;</a>'


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)", " JaVa\tScRiPt:alert(1)", "data:text/html,x", "vbscript:x", "//evil.example",
        "\\\\evil.example", "/\\evil.example", "\x01javascript:x", "mailto:a@b.example", "/\t/evil.example",
    ],
)  # fmt: skip
def test_an_address_that_leads_elsewhere_is_emptied(link: str) -> None:
    assert safe_link(link) == ""
    slot = Slot(name="x", template='<a href="{{ link }}">x</a>')
    assert to_html(slot, {"link": link}) == '<a href="">x</a>'


@pytest.mark.parametrize(
    "link", ["/a", "a/b", "?q=a:b", "#x", "https://shop.example/a", "HTTP://shop.example", "/a:b"]
)
def test_an_ordinary_address_stays(link: str) -> None:
    assert safe_link(link) == link


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{{ headline|safe }}", 'the filter "safe" is not available'),
        ("{% autoescape false %}{{ headline }}{% endautoescape %}", "only fields, conditions and loops"),
        ("{{ headline.__class__.mro() }}", "only fields, conditions and loops"),
        ("{% include 'x' %}", "only fields, conditions and loops"),
        ("{{ 'a' * 999999999 }}", "only fields, conditions and loops"),
        ("{{ headline", "not a template"),
        ("{% for x in y %}", "not a template"),
        ('<p onclick="{{ text }}">x</p>', "a field inside onclick"),
        ('<p style="color: {{ text }}">x</p>', "a field inside style"),
        ("<script>var a = '{{ text }}'</script>", "a field inside <script>"),
        ("<p class={{ text }}>x</p>", "an attribute without quotes"),
        ('<a href="{{ text }}">x</a>', '"text" as an address'),
    ],
)
def test_a_template_that_would_not_be_safe_is_a_problem(template: str, said: str) -> None:
    found = template_problems(f"<p>\n{template}", ("text", "headline"))
    assert said in found[0][1]
    assert found[0][0] in (1, 2)


def test_a_good_template_has_no_problem() -> None:
    link = '<a class="{{ text }}" href="{{ link }}">{{ headline|default("x") }}</a>'
    template = link + "{% for i in items %}{{ i }}{% endfor %}"
    assert template_problems(template, ("text", "link", "headline")) == []


@given(
    st.dictionaries(
        st.sampled_from(["headline", "text", "cta", "link", "image", "note"]), st.text(max_size=30)
    )
)
def test_no_text_breaks_out_of_the_markup(value: dict[str, str]) -> None:
    html = to_html(HERO, value)
    opened = html.replace("</", "\0").count("<")
    closed = html.count("</") + html.count("<img")
    assert opened == closed
    assert (
        "javascript:" not in html.replace(" ", "").lower() or "javascript:" in "".join(value.values()).lower()
    )


PRODUCTS = [
    {"id": "1", "name": "Boot & co", "url": "/p/1", "image": "/1.jpg", "price": "€9", "was": "€12"},
    {"id": "2", "name": "Sock", "url": "javascript:alert(1)"},
]


def test_products_become_links_around_picture_name_and_price() -> None:
    boot = '<a href="/p/1"><img src="/1.jpg" alt=""><span>Boot &amp; co</span><b>€9</b><s>€12</s></a>'
    sock = '<a href=""><span>Sock</span></a>'
    found = to_html(Slot(name="x", type="list"), PRODUCTS)
    assert found == f'<div data-slot="x"><ul><li>{boot}</li><li>{sock}</li></ul></div>'


def test_a_template_may_loop_over_products() -> None:
    template = '{% for product in products %}<a href="{{ product.url }}">{{ product.name }}</a>{% endfor %}'
    assert template_problems(template, ("products",)) == []
    assert to_html(Slot(name="x", template=template), {"products": PRODUCTS}) == (
        '<a href="/p/1">Boot &amp; co</a><a href="">Sock</a>'
    )


def test_a_products_name_is_no_address() -> None:
    [(_, wrong, _)] = template_problems('<a href="{{ product.name }}">x</a>', ())
    assert wrong == '"product.name" as an address'

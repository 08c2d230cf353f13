"""Reading a request's context: many spellings, no exceptions, and nothing larger than a sane caller sends."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opportune.core.situation import Context
from opportune.core.visitor.context import from_request, page_type_of

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/131.0.0.0 Safari/537.36"


def test_the_native_form_is_read() -> None:
    context = from_request({
        "page": {
            "url": "https://shop.example/c/shoes?utm_source=News&utm_medium=email&utm_campaign=Spring&gclid=1",
            "title": "Shoes",
            "referrer": "https://mail.google.com/",
            "type": "Category",
            "category": "shoes",
            "product": 17,
        },
        "userAgent": CHROME,
        "locale": "de-AT",
        "country": "AT",
        "scrollDepth": 55,
        "exitIntent": True,
        "timeOnPage": 12.5,
        "loyalty": "gold",
    })  # fmt: skip
    assert context.page_path == "/c/shoes"
    assert context.page_type == "category"
    assert (context.page_category, context.page_product, context.page_title) == ("shoes", "17", "Shoes")
    assert context.referrer == "https://mail.google.com/"
    assert context.campaign == {"source": "News", "medium": "email", "name": "Spring", "click_id": "google"}
    assert (context.user_agent, context.language, context.country) == (CHROME, "de", "AT")
    assert (context.scroll_depth, context.exit_intent, context.time_on_page_seconds) == (55, True, 12.5)
    assert context.attributes == {"loyalty": "gold"}
    assert not context.is_machine


@pytest.mark.parametrize(
    "stated",
    [
        {"page": {"url": "https://shop.example/help", "type": "help"}, "targetingKey": "u-1"},
        {"page.url": "https://shop.example/help", "page.type": "help", "targetingKey": "u-1"},
        {"pageUrl": "https://shop.example/help", "pageType": "help", "targetingKey": "u-1"},
        {"page_url": "https://shop.example/help", "page_type": "help", "targetingKey": "u-1"},
        {"url": "https://shop.example/help", "targetingKey": "u-1"},
    ],
)
def test_nested_dotted_and_flat_names_mean_the_same(stated: dict[str, object]) -> None:
    context = from_request(stated)
    assert context.page_url == "https://shop.example/help"
    assert context.page_type == "help"
    assert context.attributes == {}


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "home"),
        ("/products/red-shoe", "product"),
        ("/collections/shoes/products/red-shoe", "product"),
        ("/collections/shoes", "category"),
        ("/pages/faq", "help"),
        ("/help/returns", "returns"),
        ("/policies/refund-policy", "returns"),
        ("/pages/shipping.html", "shipping"),
        ("/account/orders/17", "account"),
        ("/cart", "cart"),
        ("/checkout/thank-you", "thank-you"),
        ("/checkout/step-2", "checkout"),
        ("/search", "search"),
        ("/about-us", "other"),
    ],
)
def test_a_path_tells_what_kind_of_page_it_is(path: str, kind: str) -> None:
    assert page_type_of(path) == kind


def test_a_shop_adds_its_own_words_for_pages() -> None:
    words = (("sale", "category"), ("shop", "home"))
    assert page_type_of("/sale", words) == "category"
    context = from_request({"page": {"path": "/sale"}}, words=words)
    assert context.page_type == "category"


def test_what_the_caller_states_outranks_what_the_address_tells() -> None:
    context = from_request(
        {"page": {"url": "https://shop.example/help?q=a", "type": "product", "search": "?q=b"}}
    )
    assert context.page_type == "product"
    assert context.search == "a"


@pytest.mark.parametrize("query", ["q=red+shoes", "s=red%20shoes", "query=red shoes", "search=red+shoes"])
def test_search_terms_are_read_from_the_address(query: str) -> None:
    context = from_request({"page": {"url": f"https://shop.example/?{query}"}})
    assert context.search == "red shoes"
    assert context.page_type == "search"


def test_segments_page_search_is_read() -> None:
    assert from_request({"page": {"path": "/find", "search": "?q=boots"}}).search == "boots"


def test_segments_campaign_is_read() -> None:
    context = from_request({"campaign": {"name": "Spring", "source": "news", "gclid": "abc", "other": "x"}})
    assert context.campaign == {"name": "Spring", "source": "news", "click_id": "google"}


def test_flat_campaign_names_are_read() -> None:
    context = from_request({"utm_campaign": "Spring", "campaignSource": "news", "fbclid": "abc"})
    assert context.campaign == {"name": "Spring", "source": "news", "click_id": "facebook"}


def test_the_visitors_own_browser_tells_language_country_and_device() -> None:
    headers = {"accept-language": "fr-CH, fr;q=0.9, en;q=0.8", "cf-ipcountry": "ch", "user-agent": CHROME}
    context = from_request({}, headers=headers, country_header="CF-IPCountry")
    assert (context.language, context.country, context.user_agent) == ("fr", "CH", CHROME)


def test_a_country_header_counts_only_where_it_is_trusted() -> None:
    assert from_request({}, headers={"cf-ipcountry": "CH"}).country == ""
    assert from_request({}, headers={"cf-ipcountry": "XX"}, country_header="cf-ipcountry").country == ""


def test_bots_and_prefetches_are_machines_also_when_a_server_passes_them_on() -> None:
    assert from_request({"userAgent": "Googlebot/2.1"}).is_machine
    assert from_request({"userAgent": CHROME}, headers={"sec-purpose": "prefetch"}).is_machine
    assert from_request({"userAgent": CHROME, "secPurpose": "prefetch"}).is_machine


def test_consent_is_read_in_its_usual_forms() -> None:
    assert from_request({"consent": {"measure": True, "ads": False}}).purposes == {"measure"}
    assert from_request({"consent": ["measure", "personalize"]}).purposes == {"measure", "personalize"}
    assert from_request({"consent": {"categoryPreferences": {"ads": True}}}).purposes == {"ads"}
    assert from_request({"consent": []}).purposes == frozenset()
    assert from_request({"consent": 7}).purposes is None
    assert from_request({}).purposes is None


def test_global_privacy_control_takes_back_advertising() -> None:
    headers = {"sec-gpc": "1"}
    assert from_request({"consent": ["measure", "ads"]}, headers=headers).purposes == {"measure"}


def test_a_preview_counts_only_from_callers_who_proved_themselves() -> None:
    assert not from_request({"preview": True}).is_preview
    assert from_request({"preview": True}, may_preview=True).is_preview
    assert not from_request({"preview": False}, may_preview=True).is_preview


def test_ids_and_secrets_are_no_attributes() -> None:
    context = from_request({"targetingKey": "u-1", "userToken": "secret", "writeKey": "owk_1", "plan": "pro"})
    assert context.attributes == {"plan": "pro"}


def test_a_page_described_flatly_is_understood() -> None:
    context = from_request({"targetingKey": "u-1", "category": "shoes", "product": "p1", "query": "red"})
    assert (context.page_category, context.page_product, context.search) == ("shoes", "p1", "red")


def test_nested_attributes_have_dotted_names() -> None:
    context = from_request({"account": {"plan": {"name": "pro"}}, "tags": ["a", "b"], "age": 3, "vip": True})
    assert context.attributes == {"account.plan.name": "pro", "tags": ["a", "b"], "age": 3, "vip": True}


def test_what_is_too_large_or_too_deep_is_dropped_and_the_rest_stays() -> None:
    deep: dict[str, object] = {"leaf": 1}
    for _ in range(50):
        deep = {"down": deep}
    context = from_request({
        "long": "x" * 5_000, "list": ["x"] * 500, "mixed": [1, "a"], "huge": 10**40, "n" * 300: 1, "deep": deep,
        "page": {"url": "https://shop.example/" + "x" * 9_000, "title": "Kept"}, "kept": "yes", 7: "number",
    })  # fmt: skip
    assert context.attributes == {"kept": "yes"}
    assert (context.page_url, context.page_title) == ("", "Kept")
    many = from_request({f"a{number}": number for number in range(10_000)})
    assert len(many.attributes) == 64


@pytest.mark.parametrize("stated", [None, [], "text", 7, True, {"page": "text"}, {"page": {"url": []}}])
def test_what_is_no_context_says_nothing(stated: object) -> None:
    context = from_request(stated)
    assert context.page_url == ""


def test_nothing_unstorable_stays_in_a_text() -> None:
    context = from_request({"page": {"title": "a\0b\ud800c"}, "name": "x\0\udfff"})
    assert context.page_title == "abc"
    assert context.attributes == {"name": "x"}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
known_names = st.sampled_from(
    [
        "page",
        "page.url",
        "url",
        "pageType",
        "campaign",
        "consent",
        "locale",
        "userAgent",
        "scrollDepth",
        "exitIntent",
    ]
)
contexts = st.dictionaries(known_names | st.text(max_size=8), json_values, max_size=8)


@given(contexts | json_values)
def test_no_context_ever_raises(stated: object) -> None:
    context = from_request(stated, headers={"accept-language": "\0", "purpose": ""})
    for field in (
        "page_url",
        "page_path",
        "page_title",
        "page_type",
        "referrer",
        "language",
        "country",
        "search",
    ):
        assert isinstance(getattr(context, field), str)
    assert all(isinstance(value, str) for value in context.campaign.values())
    assert isinstance(context, Context)


@given(st.text())
def test_no_address_ever_raises(url: str) -> None:
    context = from_request({"page": {"url": url}})
    assert isinstance(context.page_path, str)
    assert isinstance(from_request({"page": {"url": f"https://[{url}"}}).page_type, str)


def test_attributes_are_kept_up_to_a_size_that_can_be_remembered_of_many_strangers() -> None:
    wordy = {f"a{number}": "x" * 1_000 for number in range(20)} | {"last": ["y" * 1_000] * 50, "small": "z"}
    kept = from_request(wordy).attributes
    assert [*kept] == [*(f"a{number}" for number in range(8)), "small"]

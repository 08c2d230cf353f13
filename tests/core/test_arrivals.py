"""Arrivals: which site outside a visitor came from, and what kind of arrival that makes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opportune.core.visitor.arrival import arrived_from, host_of, kind_of, kind_of_host, site_of

KINDS = {
    "": "direct",
    "www.google.com": "search",
    "google.co.uk": "search",
    "www.bing.com": "search",
    "search.yahoo.com": "search",
    "duckduckgo.com": "search",
    "l.facebook.com": "social",
    "instagram.com": "social",
    "t.co": "social",
    "x.com": "social",
    "www.linkedin.com": "social",
    "mail.google.com": "e-mail",
    "outlook.live.com": "e-mail",
    "webmail.example.org": "e-mail",
    "deref-gmx.net": "referral",
    "navigator.gmx.net": "e-mail",
    "some-blog.example": "referral",
    "shop.example.co.uk": "referral",
    "netflix.com": "referral",
}


@pytest.mark.parametrize(("host", "kind"), KINDS.items())
def test_a_host_tells_what_kind_of_place_it_is(host: str, kind: str) -> None:
    assert kind_of_host(host) == kind


@pytest.mark.parametrize(
    ("campaign", "kind"),
    [
        ({"medium": "cpc", "source": "google"}, "paid"),
        ({"medium": "paid_social", "source": "facebook"}, "paid"),
        ({"medium": "Paid-Search"}, "paid"),
        ({"click_id": "google"}, "paid"),
        ({"click_id": "bing"}, "paid"),
        ({"medium": "email"}, "e-mail"),
        ({"click_id": "mailchimp"}, "e-mail"),
        ({"medium": "social"}, "social"),
        ({"medium": "organic"}, "search"),
        ({"name": "spring"}, "search"),
    ],
)
def test_what_a_campaign_says_outranks_the_host(campaign: dict[str, str], kind: str) -> None:
    assert kind_of("google.com", campaign) == kind


def test_a_mark_that_every_shared_link_gets_is_no_proof_of_payment() -> None:
    assert kind_of("l.facebook.com", {"click_id": "facebook"}) == "social"
    assert kind_of("l.facebook.com", {"click_id": "facebook", "medium": "cpc"}) == "paid"


def test_our_own_pages_and_payment_pages_are_no_arrivals() -> None:
    assert arrived_from("https://shop.example/shoes", "shop.example") == ""
    assert arrived_from("https://www.shop.example/shoes", "shop.example") == ""
    assert arrived_from("https://www.paypal.com/checkout", "shop.example") == ""
    assert arrived_from("https://accounts.google.com/signin", "shop.example") == ""
    assert arrived_from("https://www.google.com/", "shop.example") == "google.com"


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("https://User:Pass@Shop.Example:8443/a?b=c#d", "shop.example"),
        ("google.com", "google.com"),
        ("//cdn.example/x", "cdn.example"),
        ("$direct", ""),
        ("/shoes", ""),
        ("about:blank", ""),
        ("no host", ""),
        ("", ""),
    ],
)
def test_a_host_is_read_from_what_callers_send(address: str, host: str) -> None:
    assert host_of(address) == host


def test_the_distinctive_word_of_a_host_is_found() -> None:
    assert site_of("news.google.co.uk") == "google"
    assert site_of("google.com") == "google"
    assert site_of("localhost") == "localhost"


@given(st.text(), st.text(), st.dictionaries(st.sampled_from(["medium", "click_id", "name"]), st.text()))
def test_any_text_has_a_kind(referrer: str, own: str, campaign: dict[str, str]) -> None:
    kinds = {"paid", "search", "social", "e-mail", "referral", "direct"}
    assert kind_of(arrived_from(referrer, own), campaign) in kinds

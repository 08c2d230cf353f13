"""Arrivals: the site a visitor came from, the campaign in the address, and what kind of arrival that makes.

The table of sites is small on purpose and names hosts by their distinctive word (`google` of `www.google.co.uk`).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

UTM = {
    "utm_source": "source",
    "utm_medium": "medium",
    "utm_campaign": "name",
    "utm_term": "term",
    "utm_content": "content",
}

CLICK_IDS: Mapping[str, str] = {
    "gclid": "google", "gbraid": "google", "wbraid": "google", "dclid": "google", "gad_source": "google",
    "msclkid": "bing", "yclid": "yandex", "ttclid": "tiktok", "twclid": "x", "li_fat_id": "linkedin",
    "rdt_cid": "reddit", "sccid": "snapchat", "qclid": "quora",
    "fbclid": "facebook", "igshid": "instagram", "igsh": "instagram", "epik": "pinterest",
    "mc_eid": "mailchimp", "mc_cid": "mailchimp", "_kx": "klaviyo", "_hsenc": "hubspot", "mkt_tok": "marketo",
}  # fmt: skip
"""Parameters that networks and mail tools add to a link, and whose they are."""
SHARING_NETWORKS = frozenset({"facebook", "instagram", "pinterest"})
"""They mark every link that people share, so their mark alone is no sign that anybody paid."""
MAIL_NETWORKS = frozenset({"mailchimp", "klaviyo", "hubspot", "marketo"})

PAID_MEDIA = frozenset(
    {"cpc", "ppc", "cpm", "cpv", "cpa", "sem", "display", "banner", "ads", "ad", "retargeting"}
)
SOCIAL_MEDIA = frozenset({"social", "social-media", "social_media", "socialmedia", "social network", "sm"})
MAIL_MEDIA = frozenset({"email", "e-mail", "mail", "newsletter", "e_mail"})
SEARCH_MEDIA = frozenset({"organic", "search"})

SEARCH_SITES = frozenset({
    "google", "bing", "duckduckgo", "yahoo", "ecosia", "yandex", "baidu", "qwant", "startpage", "seznam",
    "naver", "sogou", "kagi", "mojeek", "swisscows", "metager", "ask", "aol", "so", "daum",
})  # fmt: skip
SEARCH_HOSTS = frozenset({"search.brave.com", "search.marginalia.nu", "search.aol.com"})
SOCIAL_SITES = frozenset({
    "facebook", "instagram", "twitter", "linkedin", "pinterest", "tiktok", "youtube", "reddit", "snapchat",
    "threads", "tumblr", "xing", "vk", "weibo", "quora", "mastodon", "bsky", "whatsapp", "telegram", "discord",
    "messenger", "twitch", "vimeo",
})  # fmt: skip
SOCIAL_HOSTS = frozenset(
    {"t.co", "x.com", "lnkd.in", "fb.me", "fb.com", "youtu.be", "t.me", "pin.it", "redd.it", "wa.me", "m.me"}
)
MAIL_SITES = frozenset(
    {
        "outlook",
        "hotmail",
        "gmx",
        "protonmail",
        "proton",
        "mailchimp",
        "list-manage",
        "klaviyo",
        "roundcube",
        "fastmail",
    }
)
MAIL_HOSTS = frozenset({
    "mail.google.com", "mail.yahoo.com", "mail.aol.com", "mail.yandex.ru", "mail.yandex.com", "web.de",
    "mail.ru", "e.mail.ru", "email.t-online.de", "com.google.android.gm", "mail.zoho.com", "outlook.live.com",
})  # fmt: skip
MAIL_WORDS = frozenset({"mail", "webmail", "email", "newsletter"})
PASSED_THROUGH = frozenset({
    "paypal", "klarna", "stripe", "mollie", "adyen", "sofort", "giropay", "afterpay", "clearpay", "affirm",
    "accounts.google.com", "appleid.apple.com", "shop.app", "pay.amazon.com", "pay.google.com",
})  # fmt: skip
"""Payment and sign-in pages that a visitor comes back from: no arrivals."""
SECOND_LEVELS = frozenset({"co", "com", "org", "net", "ac", "gov", "edu", "ne", "or"})
LONGEST_HOST = 253


@lru_cache(maxsize=1_024)
def host_of(address: str) -> str:
    """The lower-case host of a web address, or of a text that is a host itself; empty for anything else."""
    text = address.strip().removeprefix("//")
    if not text or text.startswith(("$", "/", "about:", "data:", "blob:", "javascript:")):
        return ""
    text = text.split("://", 1)[-1]
    for end in "/?#":
        text = text.split(end, 1)[0]
    host = text.rsplit("@", 1)[-1].split(":", 1)[0].lower().strip(".")
    is_host = 0 < len(host) <= LONGEST_HOST and "." in host and not any(mark.isspace() for mark in host)
    return host if is_host or host == "localhost" else ""


def without_www(host: str) -> str:
    return host.removeprefix("www.")


@lru_cache(maxsize=1_024)
def arrived_from(referrer: str, own: str) -> str:
    """The site outside that a referrer names; empty for our own pages and for payment or sign-in pages."""
    host = without_www(host_of(referrer)) if referrer else ""
    is_outside = host and host != without_www(own) and host not in PASSED_THROUGH
    return host if is_outside and site_of(host) not in PASSED_THROUGH else ""


def kind_of(host: str, campaign: Mapping[str, str]) -> str:
    """`paid`, `search`, `social`, `e-mail`, `referral` or `direct`; what a campaign says outranks the host."""
    return _kind_of_campaign(campaign) or kind_of_host(host)


def _kind_of_campaign(campaign: Mapping[str, str]) -> str:
    if not campaign:
        return ""
    medium = campaign.get("medium", "").strip().lower()
    network = campaign.get("click_id", "")
    if medium in PAID_MEDIA or medium.startswith("paid"):
        return "paid"
    if medium in MAIL_MEDIA or network in MAIL_NETWORKS:
        return "e-mail"
    if medium in SOCIAL_MEDIA or network in SHARING_NETWORKS:
        return "social"
    if network:
        return "paid"
    return "search" if medium in SEARCH_MEDIA else ""


@lru_cache(maxsize=1_024)
def kind_of_host(host: str) -> str:
    """`search`, `social`, `e-mail` or `referral` for a referring host; `direct` for none."""
    if not host:
        return "direct"
    bare = without_www(host)
    word = site_of(bare)
    if bare in MAIL_HOSTS or word in MAIL_SITES or bare.split(".", 1)[0] in MAIL_WORDS:
        return "e-mail"
    if bare in SOCIAL_HOSTS or word in SOCIAL_SITES:
        return "social"
    if bare in SEARCH_HOSTS or word in SEARCH_SITES:
        return "search"
    return "referral"


def site_of(host: str) -> str:
    """The distinctive word of a host: `google` of `www.google.co.uk` and of `news.google.com`."""
    labels = host.split(".")
    if len(labels) < 2:
        return host
    is_second_level = len(labels) > 2 and labels[-2] in SECOND_LEVELS and len(labels[-1]) == 2
    return labels[-3] if is_second_level else labels[-2]

"""HTML that may go into a shop's page: marks for text, lists, pictures and links; nothing that runs or frames.

The work is nh3's (Mozilla's and Servo's parser, in Rust): cleaning HTML is nothing to do oneself.
"""

from __future__ import annotations

from functools import cache
from typing import Any

TEXT_TAGS = "abbr b blockquote br code del em h1 h2 h3 h4 h5 h6 hr i ins mark p pre s small span strong sub sup time u"
BLOCK_TAGS = (
    "article aside details div figcaption figure footer header li nav ol section summary table tbody td th"
)
OTHER_TAGS = "a button img picture source thead tr ul"
TAGS = frozenset(f"{TEXT_TAGS} {BLOCK_TAGS} {OTHER_TAGS}".split())
ATTRIBUTES = frozenset({"class", "id", "title", "role", "lang", "dir", "hidden"})
BY_TAG = {
    "a": frozenset({"href", "target"}),
    "button": frozenset({"type"}),
    "img": frozenset({"src", "srcset", "sizes", "alt", "width", "height", "loading"}),
    "source": frozenset({"srcset", "sizes", "media", "type"}),
    "time": frozenset({"datetime"}),
}


def sanitized(html: str) -> str:
    """The same HTML without scripts, styles, frames, forms, event attributes and addresses of other schemes."""
    return str(_cleaner().clean(html))


@cache
def _cleaner() -> Any:
    """Loaded when a place first needs it; most take texts."""
    import nh3  # noqa: PLC0415 - said above

    return nh3.Cleaner(
        tags=set(TAGS),
        attributes={"*": set(ATTRIBUTES), **{tag: set(names) for tag, names in BY_TAG.items()}},
        url_schemes={"http", "https", "mailto", "tel"},
        generic_attribute_prefixes={"data-", "aria-"},
        link_rel="noopener",
    )

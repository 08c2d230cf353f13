"""Placement: where a slot stands on a shop's own pages, and how its content gets into them.

The page script finds the element and carries out what `put` says; it knows nothing of fields and templates.
Everything unsafe is left out here: addresses are checked, attributes are from a short list, HTML is sanitized.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from opportune.core.content import is_link_field, texts_of
from opportune.core.fragment import safe_link, to_html
from opportune.core.safe_html import sanitized
from opportune.core.slot import Again, Slot
from opportune.core.visitor.context import PAGE_WORDS

Put = tuple[str, str, str | None]
"""Selector inside the place (empty: the place itself); `text`, `html`, `shadow`, `hide` or an attribute; the value."""

ANY_PAGE = "*"
"""Stands among kinds of pages for: whatever the next page is, its answer may be another one."""
HIDE: Put = ("", "hide", "")
ADDRESS_ATTRIBUTES = ("href", "src")
ATTRIBUTES = (*ADDRESS_ATTRIBUTES, "alt", "title", "aria-label", "placeholder", "class")
TARGETS = ("text", "html", *ATTRIBUTES)
UNUSUAL = frozenset({"number", "yes/no"})
"""Types of slots that are switches for code, and stand nowhere on a page."""


class OnPage(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel", kw_only=True):
    """How one decision is applied to a page; what is left out does not matter.

    `here`: the answer holds only for the path it was asked for. `notOn`: nor on a page with one of these words
    in its path; there the place is asked for anew.
    """

    find: str
    paths: tuple[str, ...] = ()
    put: tuple[Put, ...] = ()
    images: tuple[str, ...] = ()
    hold: int = 0
    height: str = ""
    here: bool = False
    not_on: tuple[str, ...] = ()
    again: Again | None = None


def on_page(
    slot: Slot, value: Any, *, outcome: str, page_types: frozenset[str], page_type: str
) -> OnPage | None:
    """The decision as the page script needs it; None for a slot that stands on no page.

    `page_types` are the kinds of pages its rules look at, `page_type` the kind it was asked for.
    """
    if slot.type in UNUSUAL:
        return None
    placement = slot.placement
    put = _puts(slot, value, outcome)
    has_own_page = bool(assumed_path(slot))
    is_here = not has_own_page and bool({ANY_PAGE, "other", page_type} & page_types)
    return OnPage(
        find=_found_by(slot),
        paths=placement.paths,
        put=put,
        images=tuple(dict.fromkeys(_images(value, put))) if put and put != (HIDE,) else (),
        hold=placement.hold_ms,
        height=placement.height,
        here=is_here,
        not_on=() if is_here or has_own_page else _words_of(page_types),
        again=placement.again,
    )


def held(slots: Iterable[Slot]) -> str:
    """How places that ask for it keep their room on a visit's very first page, when nothing is known yet, as CSS."""
    return "".join(
        f"{_found_by(slot)}{{min-height:{slot.placement.height}}}" for slot in slots if slot.placement.hold_ms
    )


def _found_by(slot: Slot) -> str:
    return slot.placement.selector or f'[data-slot="{slot.name}"]'


def assumed_path(slot: Slot) -> str:
    """The one path a slot can stand on, empty when there may be several: its answer is worked out for that page."""
    paths = slot.placement.paths
    return paths[0] if len(paths) == 1 and "*" not in paths[0] else ""


def _puts(slot: Slot, value: Any, outcome: str) -> tuple[Put, ...]:
    if outcome == "hidden" and value is None:
        return (HIDE,)
    if outcome not in ("shown", "hidden") or value is None:
        return ()
    method = slot.placement.method
    if method == "fields":
        return tuple(_fields(slot, value))
    return (("", method, sanitized(to_html(slot, value))),)


def _fields(slot: Slot, value: Any) -> Iterator[Put]:
    if not isinstance(value, Mapping):
        yield "", "text", "" if isinstance(value, list) else str(value)
        return
    named = {field: (inner, target) for field, inner, target in slot.placement.put}
    for field, item in value.items():
        if isinstance(item, (str, int, float)) and not isinstance(item, bool):
            inner, target = named.get(field) or (f'[data-field="{field}"]', _usual_target(field))
            yield from _put(inner, target, str(item))


def _usual_target(field: str) -> str:
    if not is_link_field(field):
        return "text"
    return "src" if _is_image(field) else "href"


def _put(inner: str, target: str, text: str) -> Iterator[Put]:
    if target in ADDRESS_ATTRIBUTES:
        address = safe_link(text)
        if address:
            yield inner, target, address
            if target == "src":
                yield inner, "srcset", None  # or the browser would go on showing one of the old pictures
    elif target == "html":
        yield inner, "html", sanitized(text)
    else:
        yield inner, target, text


def _images(value: Any, put: tuple[Put, ...]) -> Iterator[str]:
    for _, target, text in put:
        if target == "src" and text:
            yield text
    if put and put[0][1] in ("html", "shadow"):
        for path, text in texts_of(value):
            if _is_image(path) and (address := safe_link(text)):
                yield address


def _is_image(path: str) -> bool:
    name = next(part for part in reversed(path.split(".")) if not part.isdigit())
    return re.split(r"[ _-]+", name.lower())[-1] in ("image", "src")


def _words_of(page_types: frozenset[str]) -> tuple[str, ...]:
    """Words of a path that tell of these kinds of pages; the empty one is the front page."""
    words = [word for word, kind in PAGE_WORDS.items() if kind in page_types]
    return (*words, *([""] if "home" in page_types else ()))

"""A slot: a place that may vary, its variants, what it shows normally and what it shows when hidden.

A slot's content is any JSON value; its texts may hold `{signal}` or `{signal|default}`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Any, Literal

import msgspec

from opportune.core.situation import Situation

Intensity = Literal["subtle", "bold"]
Method = Literal["fields", "html", "shadow"]
Fill = Callable[[Situation], Any]
"""Gives the finished value; raises `Unfilled` when a placeholder has no value and no default."""


class UnfilledError(Exception):
    """A placeholder's signal is unknown and it has no default; the variant cannot be shown."""

    def __init__(self, signal: str) -> None:
        self.signal = signal
        super().__init__(signal)


def slot_id(name: str) -> str:
    """A slot's name on the wire, of letters, digits and `._-` only: `home hero` is `home-hero`.

    A name that is already fit for the wire stays as it is; any other is written in lower case without
    accents, every other character a dash. Empty when nothing of the name is left.
    """
    if re.fullmatch(r"[A-Za-z0-9._-]+", name):
        return name
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9._]+", "-", plain).strip("-")


class Variant(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a slot's content."""

    name: str
    value: Any
    intensity: Intensity = "subtle"
    tags: frozenset[str] = frozenset()


class Again(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What on the page makes a place ask once more during the visit; 0 is never."""

    exit: bool = False
    scroll: int = 0
    """Percent of the page."""
    seconds: int = 0


class Placement(msgspec.Struct, frozen=True, kw_only=True):
    """Where a slot stands on the shop's own pages; see `core/placement.py`."""

    selector: str = ""
    """Empty: the element with `data-slot`."""
    paths: tuple[str, ...] = ()
    """`*` stands for anything; none: every page."""
    put: tuple[tuple[str, str, str], ...] = ()
    """(field, selector inside the place, target)"""
    method: Method = "fields"
    hold_ms: int = 0
    height: str = ""
    again: Again | None = None


class Slot(msgspec.Struct, frozen=True, kw_only=True):
    """A place as the playbook declares it. `rules` is the order in which rules are asked, first wins.

    `name` is its name on the wire (`home-hero`), `title` the one on the screen (`home hero`).
    `rules` names every rule that shows something here: those the file lists, then the others by name.
    """

    name: str
    title: str = ""
    purpose: str = ""
    type: Literal["object", "text", "number", "yes/no", "list"] = "object"
    fields: tuple[str, ...] = ()
    tags: frozenset[str] = frozenset()
    fallback: Any = None
    hidden: Any = None
    variants: tuple[Variant, ...] = ()
    rules: tuple[str, ...] = ()
    placement: Placement = Placement()
    template: str = ""
    """HTML for `/v1/fragments`, with the fields as escaped `{{ field }}`; empty: a plain list of fields."""

    def find_variant(self, name: str) -> Variant | None:
        return next((variant for variant in self.variants if variant.name == name), None)

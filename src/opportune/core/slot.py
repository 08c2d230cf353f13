"""A slot: a place that may vary, its variants, what it shows normally and what it shows when hidden.

A slot's content is any JSON value; an object's texts may hold `{signal}` or `{signal|default}`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import msgspec

from opportune.core.situation import Situation

Intensity = Literal["subtle", "bold"]
Fill = Callable[[Situation], Any]
"""Gives the finished value; raises `Unfilled` when a placeholder has no value and no default."""


class UnfilledError(Exception):
    """A placeholder's signal is unknown and it has no default; the variant cannot be shown."""

    def __init__(self, signal: str) -> None:
        self.signal = signal
        super().__init__(signal)


class Variant(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a slot's content."""

    name: str
    value: Any
    intensity: Intensity = "subtle"
    tags: frozenset[str] = frozenset()


class Slot(msgspec.Struct, frozen=True, kw_only=True):
    """A place as the playbook declares it. `rules` is the order in which rules are asked, first wins."""

    name: str
    purpose: str = ""
    type: Literal["object", "text", "number", "yes/no", "list"] = "object"
    fields: tuple[str, ...] = ()
    tags: frozenset[str] = frozenset()
    fallback: Any = None
    hidden: Any = None
    variants: tuple[Variant, ...] = ()
    rules: tuple[str, ...] = ()
    template: str = ""
    """HTML for `/v1/fragments`, with the fields as escaped `{{ field }}`; empty: a plain list of fields."""

    def find_variant(self, name: str) -> Variant | None:
        return next((variant for variant in self.variants if variant.name == name), None)

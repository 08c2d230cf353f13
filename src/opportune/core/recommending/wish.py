"""A wish: the list of products that a playbook asks for, as plain values."""

from __future__ import annotations

import msgspec

USUAL_COUNT = 4
MOST = 24


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """`kind` names a recommender; `about` is a category or product, often `{category}`, or empty."""

    kind: str
    about: str = ""
    count: int = 0
    """How many at most; 0: nobody said, so the usual number."""
    is_in_stock: bool = False
    is_not_bought: bool = False
    is_not_viewed: bool = False
    is_not_shown: bool = False
    """Nothing that another place of the same answer, or the page itself, shows already."""


class Given(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One product of a list as it was given, and the plain facts of why; words are made when somebody asks."""

    product: dict[str, str]
    reason: tuple[str | int, ...] = ()

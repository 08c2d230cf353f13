"""How many examples a property is searched with: some in every run, many where `make soak` asks for them."""

from __future__ import annotations

from hypothesis import settings

SOAKS = settings().max_examples > 100


def examples(usual: int) -> int:
    """This many, or as many as the soak's profile says."""
    return max(usual, settings().max_examples) if SOAKS else usual

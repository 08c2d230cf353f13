"""Resembling: which earlier learnings a rule is like, said when it is checked and when it is published."""

from __future__ import annotations

from collections.abc import Iterable

from opportune.core.learnings.learning import Alike, alike, read_learnings
from opportune.core.learnings.resemblance import trait_of
from opportune.core.playbook import Playbook
from opportune.storage.base import Storage


def find_alike(storage: Storage, playbook: Playbook, names: Iterable[str]) -> dict[str, list[Alike]]:
    """By rule the learnings it resembles; rules that resemble none are left out."""
    kept = storage.list_learnings()
    if not kept:
        return {}
    traits = {each.draft.id: each.draft.trait for each in kept}
    known = [(traits[learning.id], learning) for learning in read_learnings(kept)]
    found = {
        name: alike(trait_of(playbook.rules[name], playbook.vocabulary), known)
        for name in names
        if name in playbook.rules
    }
    return {name: each for name, each in found.items() if each}


def alike_notes(storage: Storage, playbook: Playbook, names: Iterable[str]) -> tuple[str, ...]:
    """A line for each: `"Returner" is like “Category returner” (supported: ...), as it asks the same of a visitor.`."""
    found = find_alike(storage, playbook, names)
    return tuple(
        f'"{name}" was tested before: {each.words.removeprefix(f"like “{name}” ")}.'
        if each.rule == name
        else f'"{name}" is {each.words}.'
        for name, alikes in found.items()
        for each in alikes
    )

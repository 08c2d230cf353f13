"""Traits: what an identify call says about a person, as flat profile facts with source and age."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from opportune.core.history.event import Event
from opportune.core.history.timeline import FactValue
from opportune.core.history.values import to_text
from opportune.core.situation import Trait

MAX_TRAITS = 100
MAX_TRAIT_CHARS = 500
MAX_LIST_CHARS = 2_000
_UNREADABLE = object()


def traits_of(event: Event) -> dict[str, Trait]:
    """The traits an event asserts, by name; `address: {city}` is `address.city`, null takes a trait away."""
    if event.type != "identify" or not event.traits:
        return {}
    found: dict[str, Trait] = {}
    for name, value in _flat(event.traits):
        if len(found) == MAX_TRAITS:
            break
        read = _read(value)
        if read is not _UNREADABLE and name:
            found[name[:MAX_TRAIT_CHARS]] = Trait(read, event.source, event.occurred_at)  # type: ignore[arg-type]
    return found


def _flat(traits: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    for name, value in traits.items():
        if isinstance(value, dict):
            for inner, inner_value in value.items():
                yield f"{name}.{inner}", inner_value
        else:
            yield name, value


def _read(value: object) -> FactValue | object:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return value if abs(value) < 2**53 else to_text(value)
    if isinstance(value, str):
        return value[:MAX_TRAIT_CHARS]
    if isinstance(value, list):
        return list(_texts(value))
    return _UNREADABLE


def _texts(items: list[object]) -> Iterator[str]:
    """The list's texts as far as they fit together."""
    room = MAX_LIST_CHARS
    for item in items[:MAX_TRAITS]:
        text = to_text(item, MAX_TRAIT_CHARS)
        if text is None:
            continue
        room -= len(text)
        if room < 0:
            return
        yield text

"""Lists of products in a playbook: checking their words, and the version that a rule makes by naming products."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from opportune.core.content import OWN_NAMES, BrokenTextError, Placeholder, split_text
from opportune.core.language.phrases.recommend import (
    describe_wish,
    find_wish,
    is_list_field,
    looks_like_wish,
    parse_wish,
)
from opportune.core.playbook_files.form import Form, one_of
from opportune.core.playbook_files.yaml_text import Scalar
from opportune.core.rule import Rule
from opportune.core.slot import Slot, Variant


def is_wish(path: str, text: str, *, is_list: bool) -> bool:
    """Whether a text was meant as a list of products. `is_list`: the whole place is a list."""
    return (is_list or is_list_field(path)) and looks_like_wish(text)


def check_wish(form: Form, path: str, scalar: Scalar, known: Sequence[str]) -> str:
    """The canonical words; empty, and a problem, where they are not understood or name nothing we know."""
    wish = form.said_in(path, scalar, parse_wish)
    if wish is None:
        return ""
    try:
        parts = split_text(wish.about)
    except BrokenTextError as error:
        form.wrong(path, str(error), "write {category}, or a category's name", line=scalar.line)
        return ""
    for part in parts:
        if isinstance(part, Placeholder) and part.signal not in known and part.signal not in OWN_NAMES:
            right = one_of(part.signal, [*known, *OWN_NAMES], most=8)
            form.wrong(path, f'nothing we know is called "{part.signal}"', right, line=scalar.line)
            return ""
    return describe_wish(wish)


def warn_of_wish(form: Form, path: str, scalar: Scalar) -> None:
    """Products named where a text stands would be shown as these words."""
    if "," in scalar.text and find_wish(scalar.text) is not None:
        right = "call the field `products`, or leave the words as they are if a visitor shall read them"
        form.warn(
            path,
            "products are listed in a field whose name ends in products, items or recommendations",
            right,
            line=scalar.line,
        )


def listed_variant(slot: Slot, words: str) -> Variant | None:
    """The version that shows these products: normal content with the list in its place; None where it has none."""
    if slot.type == "list":
        return Variant(name=words, value=words)
    content = slot.fallback if isinstance(slot.fallback, Mapping) else {}
    field = next((name for name in (slot.fields or content) if is_list_field(name)), None)
    if slot.type != "object" or field is None:
        return None
    return Variant(name=words, value={**content, field: words})


def with_listed(slots: Mapping[str, Slot], rules: Iterable[Rule]) -> Mapping[str, Slot]:
    """The places with a version for every list that a rule names itself."""
    found = dict(slots)
    for rule in rules:
        for show in rule.show:
            slot = found[show.slot]
            variant = None if slot.find_variant(show.variant) else listed_variant(slot, show.variant)
            if variant is not None:
                found[show.slot] = msgspec.structs.replace(slot, variants=(*slot.variants, variant))
    return found

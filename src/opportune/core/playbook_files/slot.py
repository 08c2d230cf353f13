"""`slots/*.yaml`: one place each, with its versions; content is checked against the place's type and fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, cast

import msgspec

from opportune.core.content import BrokenTextError, Placeholder, is_link_field, split_text
from opportune.core.fragment import safe_link, template_problems
from opportune.core.language.phrases.recommend import find_wish
from opportune.core.language.vocabulary import Vocabulary
from opportune.core.playbook_files.form import ANYTHING, TEXT, TEXTS, Field, Form, one_of
from opportune.core.playbook_files.listing import check_wish, is_wish, warn_of_wish
from opportune.core.playbook_files.placement import read_placement
from opportune.core.playbook_files.yaml_text import Entries, Items, Node, Scalar, to_json
from opportune.core.problem import Problem
from opportune.core.signals import FAMILY
from opportune.core.slot import Placement, Slot, Variant, slot_id

SlotType = Literal["object", "text", "number", "yes/no", "list"]
TYPES: tuple[SlotType, ...] = ("object", "text", "number", "yes/no", "list")
RESERVED = ("content", "intensity", "tags")
"""Words a version uses for itself, so that no field of a place can have them."""

SLOT_FIELDS = (
    Field(
        "slot",
        "The place's name; on the wire it has dashes (`home-hero`).",
        TEXT,
        "home hero",
        is_required=True,
    ),
    Field("purpose", "What the place is for."),
    Field("type", "What its content is; an object of texts unless said.", {"enum": list(TYPES)}, "object"),
    Field("fields", "The fields its content may have.", TEXTS, "headline, text, cta, link"),
    Field("tags", "Words that hiding rules name (`promo`, `upsell`, `signup`).", TEXTS, "promo"),
    Field(
        "fallback", "Normal content, shown whenever no rule says otherwise.", ANYTHING, "", is_required=True
    ),
    Field("hidden", "What a hidden place shows; nothing unless said.", ANYTHING),
    Field(
        "variants",
        "Versions by name: the content, and beside it `intensity` (subtle or bold) and `tags`.",
        {"type": "object", "additionalProperties": {"$ref": "#/$defs/variant"}},
    ),
    Field("rules", "The order in which rules are asked, first wins; the others follow by name.", TEXTS),
    Field("template", "HTML for fragments, with fields as {{ field }}.", TEXT),
    Field(
        "page",
        "How the page script finds the place and fills it; see its own fields below.",
        {"$ref": "#/$defs/page"},
    ),
)
VARIANT_FIELDS = (
    Field("content", "Any JSON value, where the fields are not written directly.", ANYTHING),
    Field("intensity", "bold needs signals we are sure of.", {"enum": ["subtle", "bold"]}, "bold"),
    Field("tags", "Words that hiding rules name, for this version only.", TEXTS, "discount"),
)


class SlotDraft(msgspec.Struct, frozen=True):
    """A slot with the places its contents were written at, for checks that need the whole playbook."""

    slot: Slot
    form: Form
    contents: tuple[tuple[str, Node], ...]


def read_slot(node: Node, file: str, problems: list[Problem]) -> SlotDraft | None:
    """One slot; None when it has no usable name."""
    form = Form.of(node, SLOT_FIELDS, file, problems)
    if form is None:
        return None
    title = form.text("slot")
    name = slot_id(title)
    if not name:
        if "slot" in form:
            form.wrong(
                "slot", f'"{title}" has no letter or digit that may stand in an address', "like `home hero`"
            )
        return None
    return _Reader(form, title, name).read()


class _Reader:
    """Reads one slot and remembers where its contents stand."""

    def __init__(self, form: Form, title: str, name: str) -> None:
        self.form = form
        self.title = title
        self.name = name
        self.fields = form.texts("fields")
        self.contents: list[tuple[str, Node]] = []
        self.type = self._type()

    def read(self) -> SlotDraft:
        form = self.form
        for field in sorted(set(self.fields) & set(RESERVED)):
            form.wrong("fields", f'"{field}" is a word versions use for themselves', "choose another name")
        fallback = self._content("fallback")
        is_flag = self.type in ("number", "yes/no")
        node = form.find("fallback")
        if is_flag and node is not None and _is_nothing(node):
            form.wrong("fallback", f"a place of type {self.type} always needs a value", "write the usual one")
        slot = Slot(
            name=self.name,
            title=self.title,
            purpose=form.text("purpose"),
            type=self.type,
            fields=self.fields,
            tags=frozenset(form.texts("tags")),
            fallback=fallback,
            hidden=self._content("hidden") if "hidden" in form or not is_flag else fallback,
            variants=tuple(self._variants()),
            rules=form.texts("rules"),
            template=self._template(),
            placement=self._placement(),
        )
        return SlotDraft(slot, form, tuple(self.contents))

    def _placement(self) -> Placement:
        node = self.form.find("page")
        if node is None:
            return Placement()
        placement = read_placement(node, self.form, self.fields)
        if placement.method != "fields" and "template" not in self.form:
            self.form.warn(
                "page.method",
                "the place has no template, so a plain one is made",
                "add `template: <p>...</p>`",
            )
        return placement

    def _type(self) -> SlotType:
        return cast("SlotType", self.form.choice("type", TYPES, self._likely_type()))

    def _likely_type(self) -> SlotType:
        node = self.form.find("fallback")
        if self.fields or node is None or isinstance(node, Entries):
            return "object"
        if isinstance(node, Items):
            return "list"
        if isinstance(node.value, bool):
            return "yes/no"
        if _is_nothing(node):
            return "object"
        if find_wish(node.text) is not None:
            return "list"
        return "text" if isinstance(node.value, str) else "number"

    def _variants(self) -> Iterator[Variant]:
        node = self.form.find("variants")
        if node is None:
            return
        if not isinstance(node, Entries):
            self.form.wrong(
                "variants", "versions by name were expected", "write `Name:` and the content below"
            )
            return
        for key, value in node.entries:
            yield self._variant(key.text, value)

    def _variant(self, name: str, node: Node) -> Variant:
        where = f"variants.{name}"
        about: Entries | None = None
        if isinstance(node, Entries):
            about, node = _split_variant(node)
        value = self._value(where, node)
        if about is None:
            return Variant(name=name, value=value)
        form = Form(about, VARIANT_FIELDS, self.form.file, self.form.problems, where)
        intensity = form.choice("intensity", ("subtle", "bold"), "subtle")
        return Variant(
            name=name,
            value=value,
            intensity="bold" if intensity == "bold" else "subtle",
            tags=frozenset(form.texts("tags")),
        )

    def _content(self, field: str) -> Any:
        node = self.form.find(field)
        return self._value(field, node) if node is not None else None

    def _value(self, where: str, node: Node) -> Any:
        """The JSON value of a content, checked against the slot's type."""
        if _is_nothing(node):
            return None
        self.contents.append((where, node))
        quoted = _unquoted_placeholder(node)
        if quoted is not None:
            self.form.wrong(where, "a text that begins with { must be in quotes", quoted[1], line=quoted[0])
            return None
        if self.type == "object":
            self._check_fields(where, node)
            return to_json(node)
        return self._plain_value(where, node)

    def _plain_value(self, where: str, node: Node) -> Any:
        if self.type == "list" and isinstance(node, Items):
            return to_json(node)
        if isinstance(node, Scalar):
            if self.type == "list" and is_wish(where, node.text, is_list=True):
                return node.text
            if self.type == "text":
                return node.text
            if self.type == "yes/no" and node.text.lower() in ("yes", "no", "true", "false"):
                return node.text.lower() in ("yes", "true")
            if (
                self.type == "number"
                and isinstance(node.value, (int, float))
                and not isinstance(node.value, bool)
            ):
                return node.value
        self.form.wrong(
            where, f"this place holds {_said(self.type)}", f"write {_said(self.type)}", line=node.line
        )
        return None

    def _check_fields(self, where: str, node: Node) -> None:
        if not isinstance(node, Entries):
            right = (
                f"write {', '.join(f'`{field}: ...`' for field in self.fields[:3])}" if self.fields else ""
            )
            self.form.wrong(where, "this place holds fields", right or "or set its `type`", line=node.line)
            return
        for key, _ in node.entries:
            if self.fields and key.text not in self.fields:
                right = one_of(key.text, self.fields)
                self.form.wrong(
                    f"{where}.{key.text}", f'"{self.title}" has no such field', right, line=key.line
                )

    def _template(self) -> str:
        node = self.form.find("template")
        if not isinstance(node, Scalar):
            return self.form.text("template")
        for line, wrong, right in template_problems(node.text, self.fields):
            written = line if node.source else 0
            self.form.wrong("template", wrong, right, line=node.line + written)
        return node.text


def _is_nothing(node: Node) -> bool:
    return isinstance(node, Scalar) and (node.value is None or node.text == "nothing")


def _split_variant(node: Entries) -> tuple[Entries | None, Node]:
    """What a version says about itself, and its content."""
    about = tuple((key, value) for key, value in node.entries if key.text in RESERVED)
    if not about:
        return None, node
    content = next((value for key, value in about if key.text == "content"), None)
    if content is None:
        rest = tuple((key, value) for key, value in node.entries if key.text not in RESERVED)
        return Entries(line=node.line, entries=about), Entries(line=node.line, entries=rest)
    return Entries(line=node.line, entries=node.entries), content


def _unquoted_placeholder(node: Node) -> tuple[int, str] | None:
    """`headline: {category}` without quotes is a mapping to YAML; its line, and how to write it."""
    if isinstance(node, Entries):
        if node.is_flow and len(node.entries) == 1:
            key, value = node.entries[0]
            if isinstance(value, Scalar) and value.value is None:
                return node.line, f'write "{{{key.text}}}"'
        inner = [value for _, value in node.entries]
    else:
        inner = list(node.items) if isinstance(node, Items) else []
    return next((found for child in inner if (found := _unquoted_placeholder(child)) is not None), None)


def _said(kind: SlotType) -> str:
    return {"text": "a text", "number": "a number", "yes/no": "yes or no", "list": "a list"}.get(
        kind, "fields"
    )


def check_texts(draft: SlotDraft, vocabulary: Vocabulary) -> None:
    """Placeholders must name something we can know; addresses must lead to pages."""
    known = list(dict.fromkeys([*vocabulary.signals, *FAMILY, *vocabulary.attributes]))
    for where, node in draft.contents:
        for path, scalar in _scalars(node, where):
            if is_wish(path, scalar.text, is_list=draft.slot.type == "list" and path == where):
                check_wish(draft.form, path, scalar, known)
            else:
                _check_text(draft.form, path, scalar, known)


def _check_text(form: Form, path: str, scalar: Scalar, known: list[str]) -> None:
    warn_of_wish(form, path, scalar)
    try:
        parts = split_text(scalar.text)
    except BrokenTextError as error:
        form.wrong(path, str(error), "write {signal}, or {{ and }} for braces", line=scalar.line)
        return
    for part in parts:
        if isinstance(part, Placeholder) and part.signal not in known:
            right = one_of(part.signal, known, most=8)
            form.wrong(path, f'nothing we know is called "{part.signal}"', right, line=scalar.line)
    first = parts[0]
    if is_link_field(path) and isinstance(first, str) and first and not safe_link(first):
        form.wrong(
            path, "this address may not be followed", "begin it with /, http:// or https://", line=scalar.line
        )


def _scalars(node: Node, path: str) -> Iterator[tuple[str, Scalar]]:
    if isinstance(node, Scalar):
        if isinstance(node.value, str):
            yield path, node
    elif isinstance(node, Items):
        for number, item in enumerate(node.items):
            yield from _scalars(item, f"{path}.{number}")
    else:
        for key, value in node.entries:
            yield from _scalars(value, f"{path}.{key.text}")


def in_order(slot: Slot, showing: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Every rule that shows something in a slot: those the file lists, then the others by name."""
    here = {rule for rule, slots in showing.items() if slot.name in slots}
    listed = [rule for rule in slot.rules if rule in here]
    return (*listed, *sorted(here.difference(listed)))

"""The section `page:` of a slot's file: how the page script finds the place and fills it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import cast

from opportune.core.language.phrases.duration import parse_duration
from opportune.core.placement import ATTRIBUTES, TARGETS
from opportune.core.playbook_files.form import TEXTS, Field, Form, one_of
from opportune.core.playbook_files.yaml_text import Entries, Node, Scalar
from opportune.core.slot import Again, Method, Placement

METHODS: tuple[Method, ...] = ("fields", "html", "shadow")
LONGEST_HOLD_MS = 200
PLACEMENT_FIELDS = (
    Field("selector", 'CSS selector of the place; `[data-slot="its name"]` unless said.', example="#hero"),
    Field(
        "paths",
        "The pages it stands on; `*` is anything. Every page unless said.",
        TEXTS,
        "/, /collections/*",
    ),
    Field(
        "put",
        "Where fields go inside the place: `h1` for its text, `a.cta @href` for an attribute, `p @html` for HTML.",
        {"type": "object", "additionalProperties": {"type": "string"}},
    ),
    Field(
        "method",
        "fields: into the shop's own elements; html: the template instead of what is there; shadow: the template over "
        "it, which a framework that owns the elements does not notice.",
        {"enum": list(METHODS)},
        "fields",
    ),
    Field(
        "hold", "On a visit's first page the place may stay empty so long; at most 200 ms.", example="200 ms"
    ),
    Field("height", "Room that is kept while it is empty; needed with `hold`.", example="400px"),
    Field(
        "ask again", "What asks once more: exit intent, scroll 50%, after 30 seconds.", TEXTS, "exit intent"
    ),
)


def read_placement(node: Node, outer: Form, fields: tuple[str, ...]) -> Placement:
    """The placement; what is wrong becomes a problem of the slot's file."""
    form = Form.of(node, PLACEMENT_FIELDS, outer.file, outer.problems, "page")
    if form is None:
        return Placement()
    hold = _hold(form)
    height = form.text("height")
    if height and not re.fullmatch(r"\d+(\.\d+)?(px|rem|em|vh|vw|svh)", height):
        form.wrong("height", f'"{height}" is not a height', "like 400px or 20rem")
        height = ""
    if hold and not height:
        form.wrong(
            "hold", "a place that is held back needs its room, or the page jumps", "add `height: 400px`"
        )
    return Placement(
        selector=_selector(form),
        paths=tuple(_paths(form)),
        put=tuple(_puts(form, fields)),
        method=cast("Method", form.choice("method", METHODS, "fields")),
        hold_ms=hold if height else 0,
        height=height,
        again=_again(form),
    )


def _selector(form: Form) -> str:
    """Cut short of what no browser reads; the rest is tried on the page, which reports what it cannot read."""
    text = form.text("selector")
    if text.count("[") != text.count("]") or text.count("(") != text.count(")") or "{" in text or "<" in text:
        form.wrong("selector", f"`{text}` is not a CSS selector", "like #hero or .banner h2")
        return ""
    return text


def _paths(form: Form) -> Iterator[str]:
    for path in form.texts("paths"):
        if path.startswith(("/", "*")):
            yield path
        else:
            form.wrong("paths", f'"{path}" is no path', f"begin it with /, like /{path.rpartition('//')[2]}")


def _hold(form: Form) -> int:
    ms = form.said("hold", parse_duration)
    if ms is not None and ms > LONGEST_HOLD_MS:
        form.wrong("hold", "nobody should wait longer than 200 ms for a place", "write 200 ms or less")
        return 0
    return ms or 0


def _puts(form: Form, fields: tuple[str, ...]) -> Iterator[tuple[str, str, str]]:
    node = form.find("put")
    if node is None:
        return
    if not isinstance(node, Entries):
        form.wrong(
            "put", "fields with their elements were expected", "write `headline: h1` and so on below it"
        )
        return
    for key, value in node.entries:
        if fields and key.text not in fields:
            form.wrong(
                f"put.{key.text}", "the place has no such field", one_of(key.text, fields), line=key.line
            )
        elif not isinstance(value, Scalar):
            form.wrong(
                f"put.{key.text}", "one selector was expected", "like `h1` or `a.cta @href`", line=key.line
            )
        else:
            inner, target = _target(value.text)
            if target in TARGETS or re.fullmatch(r"data-[a-z0-9-]+", target):
                yield key.text, inner, target
            else:
                right = one_of(target, ATTRIBUTES)
                form.wrong(
                    f"put.{key.text}", f'the attribute "{target}" is not filled', right, line=value.line
                )


def _target(text: str) -> tuple[str, str]:
    """`a.cta @href` is (`a.cta`, `href`); without @ the text is meant."""
    inner, _, target = text.rpartition("@") if "@" in text else (text, "", "text")
    return inner.strip(), target.strip().lower()


def _again(form: Form) -> Again | None:
    is_exit, scroll, seconds = False, 0, 0
    for text in form.texts("ask again"):
        said = text.lower()
        if said == "exit intent":
            is_exit = True
        elif (found := re.fullmatch(r"scroll(?:ed)? (\d{1,2}) ?%", said)) and int(found[1]):
            scroll = int(found[1])
        elif (found := re.fullmatch(r"(?:after )?(\d{1,4}) seconds?", said)) and int(found[1]):
            seconds = int(found[1])
        else:
            right = "exit intent, scroll 50%, or after 30 seconds"
            form.wrong("ask again", f'"{text}" asks nothing again', right)
    return Again(exit=is_exit, scroll=scroll, seconds=seconds) if is_exit or scroll or seconds else None

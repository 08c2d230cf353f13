"""Fragments: a slot's value as HTML, with everything that was filled in escaped and every address checked.

A slot's own template is a sandboxed Jinja template over its fields; without one, a plain markup is made.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from html import escape
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

from opportune.core.content import is_link_field
from opportune.core.slot import Slot

if TYPE_CHECKING:
    from jinja2.sandbox import ImmutableSandboxedEnvironment

_ADDRESSES = frozenset(
    {"href", "src", "srcset", "action", "formaction", "poster", "data", "xlink:href", "ping", "cite"}
)
_GAP = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_ALLOWED_FILTERS = frozenset(
    {
        "default",
        "d",
        "length",
        "upper",
        "lower",
        "title",
        "capitalize",
        "trim",
        "join",
        "first",
        "last",
        "round",
    }
)


def to_html(slot: Slot, value: Any) -> str:
    """The fragment for a value; nothing for nothing."""
    if value is None:
        return ""
    if slot.template:
        return str(_compiled(slot.template).render(_fields_of(value)))
    return f'<div data-slot="{escape(slot.name)}">{_plain(value)}</div>'


def safe_link(text: str) -> str:
    """The address when it is relative or http(s), else nothing: no script, no data, no other host by `//`."""
    address = re.sub(r"[\x00-\x20\x7f]+", "", text)
    if address.startswith(("//", "\\", "/\\")):
        return ""
    scheme = re.match(r"[^/?#]*?:", address)
    if scheme is not None and scheme.group().lower() not in ("http:", "https:"):
        return ""
    return text.strip()


def template_problems(template: str, fields: tuple[str, ...]) -> list[tuple[int, str, str]]:
    """(line inside the template, what is wrong, what would be right) for what is unsafe to render."""
    from jinja2 import TemplateError, nodes  # noqa: PLC0415 - see _environment

    try:
        tree = _environment().parse(template)
    except TemplateError as error:
        return [(getattr(error, "lineno", 1) or 1, f"not a template: {error}", "write fields as {{ field }}")]
    found: list[tuple[int, str, str]] = []
    for node in tree.find_all(nodes.Filter):
        if node.name not in _ALLOWED_FILTERS:
            right = f"use {', '.join(sorted(_ALLOWED_FILTERS))}"
            found.append((node.lineno, f'the filter "{node.name}" is not available', right))
    for kind in (
        nodes.ScopedEvalContextModifier,
        nodes.EvalContextModifier,
        nodes.Call,
        nodes.Include,
        nodes.Import,
        nodes.Extends,
        nodes.Mul,
        nodes.Pow,
    ):
        found += [
            (node.lineno, "only fields, conditions and loops may stand in a template", "")
            for node in tree.find_all(kind)
        ]
    if not found:
        reader = _TemplateReader(fields)
        reader.feed(template)
        reader.close()
        found += reader.found
    return found


class _TemplateReader(HTMLParser):
    """Finds gaps where escaping does not protect: addresses, scripts, styles, unquoted attributes."""

    def __init__(self, fields: tuple[str, ...]) -> None:
        super().__init__(convert_charrefs=True)
        self.fields = fields
        self.found: list[tuple[int, str, str]] = []
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag if tag in ("script", "style") else ""
        line = self.getpos()[0]
        if re.search(r"=\s*\{\{", self.get_starttag_text() or ""):
            self.found.append((line, "an attribute without quotes", 'write attribute="{{ field }}"'))
        for name, value in attrs:
            self._check_attribute(line, name, value or "")

    def _check_attribute(self, line: int, name: str, value: str) -> None:
        gaps = [gap.strip() for gap in _GAP.findall(value)]
        if not gaps:
            return
        if name.startswith("on") or name == "style":
            self.found.append(
                (line, f"a field inside {name}", "put fields in texts, addresses and plain attributes only")
            )
        elif name in _ADDRESSES and not is_link_field(re.split(r"[| ]", gaps[0])[0].replace("_", " ")):
            wrong = f'"{gaps[0]}" as an address'
            self.found.append((line, wrong, "an address field's name ends in link, url, image, href or src"))

    def handle_data(self, data: str) -> None:
        if self._inside and "{{" in data:
            self.found.append(
                (
                    self.getpos()[0],
                    f"a field inside <{self._inside}>",
                    "put fields in texts and attributes only",
                )
            )

    def handle_endtag(self, tag: str) -> None:
        if tag == self._inside:
            self._inside = ""


@cache
def _environment() -> ImmutableSandboxedEnvironment:
    """Jinja, loaded with the first template: it takes a tenth of a server's start, and most slots have none."""
    from jinja2.sandbox import ImmutableSandboxedEnvironment  # noqa: PLC0415 - said above

    environment = ImmutableSandboxedEnvironment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.globals.clear()
    return environment


@lru_cache(maxsize=256)
def _compiled(template: str) -> Any:
    return _environment().from_string(template)


def _fields_of(value: Any) -> dict[str, Any]:
    """Fields by name, spaces as underscores; addresses that may lead elsewhere are emptied."""
    if not isinstance(value, Mapping):
        return {"value": value}
    return {str(name).replace(" ", "_"): _checked(str(name), item) for name, item in value.items()}


def _checked(name: str, value: Any) -> Any:
    if isinstance(value, str):
        return safe_link(value) if is_link_field(name) else value
    if isinstance(value, list):
        return [_checked(name, item) for item in value]
    return _fields_of(value) if isinstance(value, Mapping) else value


def _plain(value: Any) -> str:
    if isinstance(value, Mapping) and {"id", "name", "url"} <= value.keys():
        return _plain_product(_fields_of(value))
    if isinstance(value, Mapping):
        return _plain_object({str(name): _checked(str(name), item) for name, item in value.items()})
    if isinstance(value, list):
        return "<ul>" + "".join(f"<li>{_plain(item)}</li>" for item in value) + "</ul>"
    return _said(value)


def _plain_object(fields: dict[str, Any]) -> str:
    """Fields in their order; `cta` with `link` makes one link, `headline` a heading, `image` a picture."""
    parts = []
    for name, value in fields.items():
        if value in (None, "") or (name == "link" and fields.get("cta")):
            continue
        special = _MARKUP.get(name)
        parts.append(
            special(value, fields) if special else f'<div class="{escape(name)}">{_plain(value)}</div>'
        )
    return "".join(parts)


def _plain_product(fields: Mapping[str, Any]) -> str:
    """One of a list of products: a link around picture, name and price."""
    image = f'<img src="{escape(str(fields["image"]))}" alt="">' if fields.get("image") else ""
    prices = "".join(
        f"<{tag}>{_said(fields[name])}</{tag}>"
        for name, tag in (("price", "b"), ("was", "s"))
        if fields.get(name)
    )
    return f'<a href="{escape(str(fields["url"]))}">{image}<span>{_said(fields["name"])}</span>{prices}</a>'


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return escape(str(value))


_MARKUP: dict[str, Callable[[Any, dict[str, Any]], str]] = {
    "headline": lambda value, _: f"<h2>{_said(value)}</h2>",
    "text": lambda value, _: f"<p>{_said(value)}</p>",
    "image": lambda value, _: f'<img src="{escape(str(value))}" alt="">',
    "link": lambda value, _: f'<a href="{escape(str(value))}">{escape(str(value))}</a>',
    "cta": lambda value, fields: (
        f'<a href="{escape(str(fields["link"]))}">{_said(value)}</a>'
        if fields.get("link")
        else f"<span>{_said(value)}</span>"
    ),
}

"""`{% slot "home hero" %}...{% endslot %}`: a place whose fields are in `slot`; and the page script's tag."""

from __future__ import annotations

from typing import Any

from django import template
from django.template.base import FilterExpression, NodeList, Parser, Token
from django.template.context import Context
from django.utils.safestring import SafeString, mark_safe

from opportune.web.page import NORMAL, Fields, Page

register = template.Library()


class SlotNode(template.Node):
    """The block renders once as normal content, and again with the fields when a version is shown."""

    def __init__(self, name: FilterExpression, variable: str, nodelist: NodeList) -> None:
        self.name, self.variable, self.nodelist = name, variable, nodelist

    def render(self, context: Context) -> SafeString:
        page = page_in(context)

        def render(fields: Fields) -> str:
            with kept.push(**{self.variable: fields}):
                return str(self.nodelist.render(kept))

        kept = context if page is None else _snapshot(context)
        html = render(NORMAL) if page is None else page.slot(str(self.name.resolve(context)), render)
        return mark_safe(html)  # noqa: S308  rendered by Django, escaped as everything in the template


@register.tag
def slot(parser: Parser, token: Token) -> SlotNode:
    """`{% slot "home hero" %}` or `{% slot "home hero" as hero %}`, up to `{% endslot %}`."""
    words = token.split_contents()
    if not (len(words) == 2 or (len(words) == 4 and words[2] == "as")):
        raise template.TemplateSyntaxError('write {% slot "home hero" %} or {% slot "home hero" as hero %}')
    nodelist = parser.parse(("endslot",))
    parser.delete_first_token()
    return SlotNode(parser.compile_filter(words[1]), words[3] if len(words) == 4 else "slot", nodelist)


@register.simple_tag(takes_context=True)
def opportune_script(context: Context) -> SafeString:
    """The page script's tag, with what the view said of its page."""
    page = page_in(context)
    return mark_safe(page.script() if page is not None else "")  # noqa: S308  attributes are escaped


def page_in(context: Context) -> Page | None:
    """The request's page; none outside of a request, where places stay normal."""
    found: Any = getattr(context.get("request"), "opportune", None)
    return found if isinstance(found, Page) else None


def _snapshot(context: Context) -> Context:
    """The variables as they are here: the block renders again when loops around it have gone on."""
    values = context.flatten()
    if isinstance(values.get("forloop"), dict):
        values["forloop"] = dict(values["forloop"])
    return context.new(values)

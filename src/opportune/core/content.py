"""Content: a JSON value whose texts may name signals, compiled once to a closure that fills them in.

A text that names products (`best sellers in {category}, 4`) in a field for products becomes their list.
`{signal}` stands for what is known, `{signal|default}` for that or the default; `{{` and `}}` are braces.
Values are filled as plain text; escaping is `fragment.py`'s work, where HTML is made.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import msgspec

from opportune.core.history.values import DECIMALS
from opportune.core.language.phrases.recommend import describe_wish, find_wish, is_list_field
from opportune.core.language.vocabulary import Vocabulary
from opportune.core.moment import DAY, HOUR, MINUTE, SECOND
from opportune.core.product import Product
from opportune.core.recommending import BY_NAME, choose
from opportune.core.recommending.wish import Given, Wish
from opportune.core.signals import FAMILY
from opportune.core.signals.base import SignalType
from opportune.core.signals.catalogue import knows_price
from opportune.core.situation import Situation
from opportune.core.slot import Fill, UnfilledError

_PIECE = re.compile(r"\{\{|\}\}|\{([^{}|]*)(?:\|([^{}]*))?\}|[{}]")
_LINK_WORDS = frozenset({"link", "links", "url", "image", "href", "src"})
_SYMBOLS = {
    "EUR": "€",
    "USD": "$",
    "GBP": "£",
    "JPY": "¥",
    "INR": "₹",
    "PLN": "zł ",
    "CAD": "CA$",
    "AUD": "A$",
}
_UNITS = ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute"), (SECOND, "second"))


class Placeholder(msgspec.Struct, frozen=True):
    """One gap in a text. `default` is None when there is none, and then the text needs the signal."""

    signal: str
    default: str | None = None


class BrokenTextError(ValueError):
    """A lone brace, or a placeholder without a name."""


def placeholders_of(value: Any) -> Iterator[tuple[str, Placeholder]]:
    """Every placeholder of a content with the field it stands in (`headline`, `items.0.text`)."""
    for path, text in texts_of(value):
        for part in split_text(text):
            if isinstance(part, Placeholder):
                yield path, part


def texts_of(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text of a content with its field."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from texts_of(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from texts_of(inner, f"{path}.{number}" if path else str(number))


def split_text(text: str) -> list[str | Placeholder]:
    """A text as pieces of plain text and placeholders. Raises BrokenTextError."""
    parts: list[str | Placeholder] = []
    plain, end = "", 0
    for match in _PIECE.finditer(text):
        plain += text[end : match.start()]
        end = match.end()
        piece = match.group()
        if piece in ("{{", "}}"):
            plain += piece[0]
            continue
        name = (match.group(1) or "").strip()
        if not name:
            raise BrokenTextError(f"a lone {piece[0]}" if len(piece) == 1 else "a placeholder without a name")
        if plain:
            parts.append(plain)
        default = match.group(2)
        parts.append(Placeholder(name, default.strip() if default is not None else None))
        plain = ""
    plain += text[end:]
    if plain or not parts:
        parts.append(plain)
    return parts


def is_link_field(path: str) -> bool:
    """Whether a field holds an address, by its name: `link`, `image`, `cta link`, `image_url`."""
    last = path.rsplit(".", 2)
    name = last[-2] if last[-1].isdigit() and len(last) > 1 else last[-1]
    return re.split(r"[ _-]+", name.lower())[-1] in _LINK_WORDS


def compile_content(
    value: Any, vocabulary: Vocabulary, *, name: str = "", is_list: bool = False, may_lack: bool = False
) -> Fill:
    """A closure that gives the finished value; content without placeholders is given as it is, uncopied.

    `name` tells its lists of products from those of other contents. `is_list`: as a whole it is such a list. With
    `may_lack` a list without products is empty; else the content cannot be shown.
    """
    return _Compiling(vocabulary, name, is_list=is_list, may_lack=may_lack).compile(value, "")[0]


def is_varied(value: Any, *, is_list: bool = False) -> bool:
    """Whether a content names signals or products, so that it differs by visitor."""
    return any(
        isinstance(part, Placeholder) for _, text in texts_of(value) for part in split_text(text)
    ) or any(
        (is_list_field(path) or (is_list and not path)) and find_wish(text) is not None
        for path, text in texts_of(value)
    )


class _Compiling:
    """One content on its way to closures."""

    def __init__(self, vocabulary: Vocabulary, name: str, *, is_list: bool, may_lack: bool) -> None:
        self.vocabulary = vocabulary
        self.name = name
        self.is_list = is_list
        self.may_lack = may_lack

    def compile(self, value: Any, path: str) -> tuple[Fill, bool]:
        """The closure, and whether its value is ever another than the one written."""
        if isinstance(value, str):
            wish = find_wish(value) if is_list_field(path) or (self.is_list and not path) else None
            return (
                _compile_text(value, path, self.vocabulary)
                if wish is None
                else (self._list(wish, path), True)
            )
        if isinstance(value, Mapping):
            inner = {
                name: self.compile(item, f"{path}.{name}" if path else str(name))
                for name, item in value.items()
            }
            if any(varies for _, varies in inner.values()):
                fills = tuple((name, fill) for name, (fill, _) in inner.items())
                return lambda situation: {name: fill(situation) for name, fill in fills}, True
        elif isinstance(value, list):
            items = [self.compile(item, f"{path}.{number}") for number, item in enumerate(value)]
            if any(varies for _, varies in items):
                only = tuple(fill for fill, _ in items)
                return lambda situation: [fill(situation) for fill in only], True
        return lambda _: value, False

    def _list(self, wish: Wish, path: str) -> Fill:
        """A list of products, made once for a situation; a receipt's is given again as it was."""
        recommender = BY_NAME[wish.kind](self.vocabulary.plan)
        words, may_lack, currency = describe_wish(wish), self.may_lack, self.vocabulary.plan.currency
        name = f"{self.name}/{path}" if path else self.name
        parts = tuple(split_text(wish.about)) if wish.about else ()

        def fill(situation: Situation) -> list[dict[str, str]]:
            given = situation.lists.get(name)
            if given is None:
                try:
                    about = _about(parts, situation)
                except UnfilledError:
                    if not may_lack:
                        raise
                    return []
                chosen = choose(wish, recommender, about, situation, situation.shelf)
                given = tuple(
                    Given(fields_of(product, currency, has_price=knows_price(situation, product)), reason)
                    for product, reason in chosen
                )
                situation.lists[name] = given
            if not given and not may_lack:
                raise UnfilledError(words)
            return [each.product for each in given]

        return fill


PRODUCT_SIGNAL = "last viewed product"
OWN_NAMES = {"product": PRODUCT_SIGNAL}
"""What a list of products may call a signal besides its name."""


def _about(parts: tuple[str | Placeholder, ...], situation: Situation) -> list[str]:
    """What a list is about: one text, or several where a signal has several."""
    if len(parts) == 1 and isinstance(parts[0], Placeholder):
        gap = parts[0]
        value = situation.value(OWN_NAMES.get(gap.signal, gap.signal))
        if value is None or value in ("", []):
            if gap.default is None:
                raise UnfilledError(gap.signal)
            value = gap.default
        return [str(each) for each in value] if isinstance(value, list) else [str(value)]
    texts = (part if isinstance(part, str) else _about((part,), situation)[0] for part in parts)
    return ["".join(texts)] if parts else []


def fields_of(product: Product, currency: str, *, has_price: bool = True) -> dict[str, str]:
    """A product as content has it: texts, without what is not known."""
    price = product.current_price if has_price else None
    fields = {
        "id": product.id,
        "name": product.name,
        "url": product.url,
        "image": product.image,
        "price": "" if price is None else say_money(price, currency),
    }
    if price is not None and product.price is not None and price != product.price:
        fields["was"] = say_money(product.price, currency)
    return {name: text for name, text in fields.items() if text}


def _compile_text(text: str, path: str, vocabulary: Vocabulary) -> tuple[Fill, bool]:
    parts = split_text(text)
    if not any(isinstance(part, Placeholder) for part in parts):
        finished = "".join(part for part in parts if isinstance(part, str))
        return lambda _: finished, finished != text
    pieces = tuple(
        part
        if isinstance(part, str)
        else _compile_gap(part, vocabulary, quotes=position > 0 and is_link_field(path))
        for position, part in enumerate(parts)
    )

    def fill(situation: Situation) -> str:
        return "".join([piece if isinstance(piece, str) else piece(situation) for piece in pieces])

    return fill, True


def _compile_gap(gap: Placeholder, vocabulary: Vocabulary, *, quotes: bool) -> Callable[[Situation], str]:
    """What stands in a gap; inside an address it is quoted, so a value cannot change where a link leads."""
    signal = vocabulary.signals.get(gap.signal) or FAMILY.get(gap.signal)
    kind = signal.type if signal is not None else None
    name, default, currency = gap.signal, gap.default, vocabulary.plan.currency

    def fill(situation: Situation) -> str:
        value = situation.value(name)
        if value is None or value in ("", []):
            if default is None:
                raise UnfilledError(name)
            return default
        text = value if isinstance(value, str) else say(value, kind, currency, situation)
        return quote(text, safe="") if quotes else text

    return fill


def say(value: Any, kind: SignalType | None, currency: str, situation: Situation) -> str:
    """A signal's value as a visitor reads it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return say_list([str(item) for item in value])
    if isinstance(value, (int, float)):
        if kind == "money":
            return say_money(round(value), currency)
        if kind == "duration":
            return say_duration(round(value))
        if kind == "moment":
            return _say_moment(round(value), situation)
        return str(int(value)) if float(value).is_integer() else f"{value:g}"
    return str(value)


def say_list(items: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def say_money(minor: int, currency: str) -> str:
    """`€49.90`, `€1,250`, `CHF 12`: minor units in the words of a price tag."""
    sign = "-" if minor < 0 else ""
    symbol = _SYMBOLS.get(currency, f"{currency} ")
    decimals = DECIMALS.get(currency, 2)
    units, rest = divmod(abs(minor), 10**decimals)
    return f"{sign}{symbol}{units:,}.{rest:0{decimals}}" if rest else f"{sign}{symbol}{units:,}"


def say_duration(span: int) -> str:
    """The largest unit that fits, rounded down: `3 days`, `1 hour`."""
    size, unit = next(((size, unit) for size, unit in _UNITS if abs(span) >= size), (SECOND, "second"))
    count = abs(span) // size
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"


def _say_moment(at: int, situation: Situation) -> str:
    then, now = (
        datetime.fromtimestamp(value / SECOND, UTC).astimezone(situation.zone)
        for value in (at, situation.now)
    )
    return f"{then.day} {then:%B}" if then.year == now.year else f"{then.day} {then:%B %Y}"

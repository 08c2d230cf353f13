"""The page being looked at: `is on a help, returns or account page`, `is on the page "/sale"`."""

from __future__ import annotations

import re
from collections.abc import Callable
from fnmatch import translate
from typing import TYPE_CHECKING

from opportune.core.conditions.base import Check, Condition, Needs, Readers
from opportune.core.conditions.not_ import Not
from opportune.core.finding import Finding
from opportune.core.language.phrases.wording import article, join_words, misread, nearest, squeezed, unquote
from opportune.core.language.spoken import at_of, read_text
from opportune.core.language.words import Words, words_of

if TYPE_CHECKING:
    from lark import Token  # only the grammar loads Lark

    from opportune.core.language.vocabulary import Vocabulary
    from opportune.core.situation import Situation

SIGNALS = {
    "types": "page type",
    "paths": "page path",
    "categories": "page category",
    "products": "page product",
}


class Page(Condition, frozen=True, kw_only=True, omit_defaults=True, tag="page"):
    """One of these types, paths (`*` stands for anything), categories or products; exactly one of the four is given."""

    types: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    products: tuple[str, ...] = ()

    meaning = (
        "What page the visitor is on: its kind, its address after the host (`*` stands for anything), or the category "
        "or product it shows. Upper and lower case are the same."
    )
    grammar = """
        page_predicate: "is on|is at|is looking at|is viewing|are on|are at|are looking at" page_where -> page
            | "is not on|is not at|is not looking at|isn't on|isn't at|are not on" page_where -> page_not
        page_where: page_article page_type ((COMMA | _OR) page_article page_type)* "page|pages" -> page_types
            | "the page|the pages|page|pages" values -> page_paths
            | "a page of category|a page of the category|a page in category" values -> page_categories
            | "a page of product|a page of the product|the page of product" values -> page_products
        page_article: ["a|an|the"]
        ?page_type: PAGE_TYPE | QUOTED
    """
    examples = (
        "a visitor is on a help, returns, shipping or account page",
        "a visitor is on an account page",
        "a visitor is not on a checkout page",
        'a visitor is on the page "/sale/*" or "/outlet"',
        "a visitor is on a page of category shoes or boots",
        "a visitor is on a page of product SKU-1",
    )
    synonyms = (
        "is at the checkout page",
        "is viewing a product page",
        "is on page /sale",
    )

    @classmethod
    def readers(cls) -> Readers:
        return {
            "page": lambda _, page: page,
            "page_not": lambda _, page: Not(condition=page),
            "page_types": _read_types,
            "page_article": lambda *_: None,
            "page_paths": lambda _, values: Page(paths=_texts(values)),
            "page_categories": lambda _, values: Page(categories=_texts(values)),
            "page_products": lambda _, values: Page(products=_texts(values)),
        }

    def __post_init__(self) -> None:
        if sum(map(bool, (self.types, self.paths, self.categories, self.products))) != 1:
            msg = "a page is told by one of `types`, `paths`, `categories` and `products`"
            raise ValueError(msg)

    @property
    def _field(self) -> str:
        return next(name for name in SIGNALS if getattr(self, name))

    @property
    def _wanted(self) -> tuple[str, ...]:
        return self.types or self.paths or self.categories or self.products

    def compile(self, vocabulary: Vocabulary) -> Check:  # noqa: ARG002 - the same in every vocabulary
        signal = SIGNALS[self._field]
        holds = _path_test(self.paths) if self.paths else _text_test(self._wanted)
        remembered: dict[object, Finding] = {}

        def check(situation: Situation) -> Finding:
            value = (situation.readings.get(signal) or situation.read(signal)).value
            finding = remembered.get(value) if type(value) is str else None
            if finding is None:
                held = isinstance(value, str) and holds(value)
                finding = Finding(held, (value,), 1.0 if held else 0.0)
                if type(value) is str and len(remembered) < _MOST_REMEMBERED:
                    remembered[value] = finding
            return finding

        return check

    def clause(self, words: Words) -> str:
        return f"is on {self._where(words)}"

    def clause_not(self, words: Words) -> str | None:
        return f"is not on {self._where(words)}"

    def _where(self, words: Words) -> str:
        if self.types:
            types = [words.says_name(kind, words.page_types) for kind in self.types]
            return f"{article(self.types[0])} {join_words(types)} page"
        listed = join_words([words.says_text(value) for value in self._wanted])
        if self.paths:
            return f"the page {listed}"
        return f"a page of {'category' if self.categories else 'product'} {listed}"

    def explain(self, finding: Finding, vocabulary: Vocabulary, now: int) -> str:  # noqa: ARG002 - told without a time
        value = finding.facts[0]
        name = SIGNALS[self._field]
        return f"the {name} is {value}" if value else f"the {name} is not known"

    def needs(self, vocabulary: Vocabulary) -> Needs:  # noqa: ARG002 - the same in every vocabulary
        return Needs(signals=frozenset({SIGNALS[self._field]}), page_types=frozenset(self.types or "*"))

    def problems(self, vocabulary: Vocabulary) -> list[str]:
        known = words_of(vocabulary).vocabulary.page_types
        return [
            f'no kind of page is called "{kind}"; there are {join_words(known, "and")}'
            for kind in self.types
            if kind not in known
        ]

    def equality(self) -> tuple[str, str] | None:
        if self.paths or len(self._wanted) > 1:
            return None
        return SIGNALS[self._field], self._wanted[0].casefold()


_MOST_REMEMBERED = 1_000


def _text_test(wanted: tuple[str, ...]) -> Callable[[str], bool]:
    folded = frozenset(value.casefold() for value in wanted)
    return lambda value: value.casefold() in folded


def _path_test(paths: tuple[str, ...]) -> Callable[[str], bool]:
    patterns = [re.compile(translate(_escaped(path.casefold()))) for path in paths]
    return lambda value: any(pattern.match(value.casefold()) for pattern in patterns)


def _escaped(path: str) -> str:
    """Only `*` is special; a trailing slash makes no difference where none was asked for."""
    return re.sub(r"([?\[])", r"[\1]", path)


def _texts(values: tuple[Token, ...]) -> tuple[str, ...]:
    return tuple(read_text(value) for value in values)


def _read_types(words: Words, *parts: Token | None) -> Page:
    kinds = [part for part in parts if part is not None and part.type != "COMMA"]
    return Page(types=tuple(_read_type(kind, words) for kind in kinds))


def _read_type(token: Token, words: Words) -> str:
    said = unquote(token) if token.type == "QUOTED" else str(token)
    for kind in words.vocabulary.page_types:
        if said == kind or squeezed(said) == squeezed(kind):
            return kind
    known = words.vocabulary.page_types
    raise misread("", at_of(token), f"no kind of page is called “{said}”", nearest(said, known) or known)

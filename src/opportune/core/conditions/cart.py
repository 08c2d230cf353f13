"""What the cart holds: `the cart holds a product in category shoes`, `the cart is empty`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opportune.core.conditions.base import Check, Condition, Needs, Readers
from opportune.core.conditions.happening import items_of
from opportune.core.conditions.not_ import Not
from opportune.core.finding import Finding
from opportune.core.language.phrases.wording import join_words
from opportune.core.language.spoken import read_text
from opportune.core.language.words import Words

if TYPE_CHECKING:
    from lark import Token  # only the grammar loads Lark

    from opportune.core.language.vocabulary import Vocabulary
    from opportune.core.situation import Situation

SIGNAL = "cart items"
ADDED = "Product Added"


class Cart(Condition, frozen=True, kw_only=True, omit_defaults=True, tag="cart"):
    """A product of one of these, or of one of these categories, or anything at all when neither is given."""

    products: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()

    meaning = (
        "What is in the cart now. A product's category is the one it was added with. The cart's value and the number "
        "of its pieces are signals: `the cart value is more than €50`."
    )
    grammar = """
        cart_statement: _CART "holds|contains|has" cart_what -> cart
            | _CART "does not hold|does not contain|doesn't hold|doesn't contain|does not have" cart_what -> cart_not
            | _CART "is not empty|isn't empty" -> cart_any
            | _CART "is empty" -> cart_empty
        cart_predicate: _HAS "something|a product|products|anything|items|an item" _IN_CART -> cart_any
            | _HAS "nothing|no products|no items" _IN_CART -> cart_empty
            | _HAS "an empty cart|an empty basket" -> cart_empty
        cart_what: "a product in category|a product of category|products in category" values -> cart_categories
            | "the product|product|the products|products" values -> cart_products
            | "something|a product|products|anything|items|an item" -> cart_any
    """
    examples = (
        "the cart holds a product in category shoes or boots",
        'the cart holds the product "SKU 1"',
        "the cart does not hold a product in category shoes",
        "the cart is not empty",
        "the cart is empty",
    )
    synonyms = (
        "the cart contains products in category shoes",
        "has something in the cart",
        "has an empty cart",
    )

    @classmethod
    def readers(cls) -> Readers:
        return {
            "cart": lambda _, cart: cart,
            "cart_not": lambda _, cart: Not(condition=cart),
            "cart_any": lambda _: Cart(),
            "cart_empty": lambda _: Not(condition=Cart()),
            "cart_categories": lambda _, values: Cart(categories=_texts(values)),
            "cart_products": lambda _, values: Cart(products=_texts(values)),
        }

    def __post_init__(self) -> None:
        if self.products and self.categories:
            msg = "a cart is told by `products` or `categories`, not both"
            raise ValueError(msg)

    def compile(self, vocabulary: Vocabulary) -> Check:
        if self.categories:
            return self._compile_categories(vocabulary.plan.names_of(ADDED))
        wanted = frozenset(product.casefold() for product in self.products)

        def check(situation: Situation) -> Finding:
            items = situation.read(SIGNAL).value
            if not isinstance(items, list) or not items:
                return Finding(False, (0,))
            found = next((item for item in items if item.casefold() in wanted), "") if wanted else items[0]
            return Finding(bool(found), (len(items), found), 1.0 if found else 0.0)

        return check

    def _compile_categories(self, added: tuple[str, ...]) -> Check:
        wanted = frozenset(category.casefold() for category in self.categories)

        def check(situation: Situation) -> Finding:
            items = situation.read(SIGNAL).value
            if not isinstance(items, list) or not items:
                return Finding(False, (0,))
            waiting = set(items)
            for event in situation.timeline.named(added):
                for product in items_of(event.facts.get("product")):
                    if product not in waiting:
                        continue
                    waiting.discard(str(product))
                    if any(str(each).casefold() in wanted for each in items_of(event.facts.get("category"))):
                        return Finding(True, (len(items), product), 1.0)
            return Finding(False, (len(items), ""))

        return check

    def clause(self, words: Words) -> str:
        return (
            f"the cart holds {self._what(words)}"
            if self.products or self.categories
            else "the cart is not empty"
        )

    def clause_not(self, words: Words) -> str | None:
        if self.products or self.categories:
            return f"the cart does not hold {self._what(words)}"
        return "the cart is empty"

    def _what(self, words: Words) -> str:
        listed = join_words([words.says_text(value) for value in self.products or self.categories])
        return f"the product {listed}" if self.products else f"a product in category {listed}"

    def is_said_of_visitor(self, words: Words) -> bool:  # noqa: ARG002 - the same in every vocabulary
        return False

    def explain(self, finding: Finding, vocabulary: Vocabulary, now: int) -> str:  # noqa: ARG002 - told without a time
        number, *found = finding.facts
        if not number:
            return "the cart is empty"
        products = f"{number} product{'' if number == 1 else 's'} in the cart"
        return f"{products}, one is {found[0]}" if found and found[0] else f"{products}, none of these"

    def needs(self, vocabulary: Vocabulary) -> Needs:  # noqa: ARG002 - the same in every vocabulary
        events = frozenset({ADDED}) if self.categories else frozenset()
        return Needs(events, frozenset({SIGNAL}), None)


def _texts(values: tuple[Token, ...]) -> tuple[str, ...]:
    return tuple(read_text(value) for value in values)

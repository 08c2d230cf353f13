"""What we know about somebody, compared: `the cart value is more than €50`, `the loyalty tier is gold or platinum`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec.structs import replace

from opportune.core.conditions.base import Check, Condition, Needs, Readers
from opportune.core.conditions.comparing import (
    AGO_TESTS,
    Holds,
    Test,
    Value,
    ago_change,
    check_values,
    compile_test,
)
from opportune.core.conditions.count import Times
from opportune.core.conditions.not_ import Not
from opportune.core.finding import Finding
from opportune.core.language.idioms import BY_PHRASE, say_idiom, say_idiom_turned
from opportune.core.language.phrases.duration import describe_duration, parse_duration
from opportune.core.language.phrases.wording import misread, nearest, quote, squeezed, unquote
from opportune.core.language.spoken import (
    Said,
    at_of,
    describe_known,
    describe_test,
    read_inside,
    read_test,
    type_problem,
)
from opportune.core.language.words import Words, words_of
from opportune.core.moment import to_clock
from opportune.core.signals.base import Signal, SignalType, SignalValue

if TYPE_CHECKING:
    from lark import Token  # only the grammar loads Lark

    from opportune.core.language.vocabulary import Vocabulary
    from opportune.core.situation import Situation


class SignalTest(Condition, frozen=True, kw_only=True, omit_defaults=True, tag="signal"):
    """A signal, trait or attribute of the request, tested. With `within_ms`, the answer may not be older than that.

    Money is in minor units, durations and moments in milliseconds.
    """

    signal: str
    test: Test
    values: tuple[Value, ...] = ()
    within_ms: int | None = None

    meaning = (
        "Compares anything we know: see the list of signals. A detail of a customer or of the request that no list "
        'names is said in quotes: `the "shoe size" is 42`. Upper and lower case are the same; of a list one item is '
        "enough; what is not known is not equal to anything."
    )
    grammar = """
        signal_statement: (_SIGNAL_THE | _SIGNAL_OF)? SIGNAL signal_test [age] -> signal
            | (_SIGNAL_THE | _SIGNAL_OF) QUOTED signal_test [age] -> signal
            | _CART "is worth|worth"? worth -> cart_worth
            | _CART "holds|contains|has" how_many (_PIECES | THINGS) -> cart_count
        idiom_predicate: IDIOM -> idiom
            | IDIOM_NOT -> idiom_not
            | _HAS _A_CART worth -> cart_worth
            | _HAS comparator MONEY _IN_CART -> cart_money
            | _HAS how_many _PIECES_IN_CART -> cart_count
        signal_test: _IS values -> test_is
            | _IS_NOT values -> test_is_not
            | _IS "one of|any of" values -> test_is
            | _IS_NOT "one of|any of" values -> test_is_not
            | _IS? comparator amount -> test_order
            | _IS amount "or more|or above|or over" -> test_or_more
            | _IS amount "or less|or fewer|or below|or under" -> test_or_less
            | _IS "between" amount _AND amount -> test_between
            | "contains|contain|includes|include" values -> test_contains
            | "does not contain|do not contain|does not include|do not include" values -> test_lacks
            | "starts with|start with|begins with|begin with" values -> test_starts
            | "ends with|end with" values -> test_ends
            | _IS _KNOWN -> test_known
            | _IS_NOT _KNOWN -> test_not_known
            | "is unknown|are unknown" -> test_not_known
            | _IS _YES -> test_yes
            | _IS _NO -> test_no
            | _IS "before" DATE -> test_before
            | _IS "after|since" DATE -> test_after
            | _IS comparator DURATION "ago" -> test_ago
        age: _NOT_OLDER DURATION
    """
    examples = (
        "the loyalty tier is gold or platinum",
        "the campaign contains shoes or boots",
        'the search terms do not contain "winter boots"',
        "the cart value is more than €50",
        "the cart value is between €20 and €49.90",
        "the purchases are at least 3",
        "the time on page is at least 30 seconds",
        "the cart changed is more than 1 hour ago",
        "the country is not de, at or ch",
        "the search terms are known",
        "the loyalty tier is not known",
        "the loyalty tier is gold, not older than 30 days",
        'the "shoe size" is 42',
        'the page url starts with "https://shop.example/sale"',
        "a visitor is subscribed",
        "a visitor is not subscribed",
        "a visitor has an open ticket",
        "a visitor is in support",
        "a visitor came from an ad",
        "a visitor is about to leave",
        "a visitor is on a phone",
        "a visitor is not on a phone",
        "a visitor came from Google",
    )
    synonyms = (
        "cart value over 50 euros",
        "cart is worth more than €50",
        "has at least 2 items in the cart",
        "the device type is mobile",
        "uses a laptop",
        "came from a paid search",
        "the country is one of de or at",
    )

    @classmethod
    def readers(cls) -> Readers:
        return {
            "signal": _read,
            "age": lambda _, duration: read_inside(duration, parse_duration),
            "idiom": lambda _, phrase: _read_idiom(phrase),
            "idiom_not": lambda _, phrase: _read_idiom_not(phrase),
            "cart_worth": lambda words, said: _read_of_cart("cart value", said, words),
            "cart_money": lambda words, comparator, amount: _read_of_cart(
                "cart value", _order(words, comparator, amount), words
            ),
            "cart_count": _read_cart_count,
            **TEST_READERS,
        }

    def __post_init__(self) -> None:
        check_values(self.test, self.values)
        if self.within_ms is not None and self.within_ms <= 0:
            msg = "`within_ms` is more than 0"
            raise ValueError(msg)

    def compile(self, vocabulary: Vocabulary) -> Check:
        name, holds = self.signal, compile_test(self.test, self.values)
        if self.within_ms is not None:
            return self._compile_fresh(self.within_ms)
        if self.test in AGO_TESTS:
            return self._compile_ago()
        known = vocabulary.signals.get(name)
        if known is not None and type(known).changes_at is not Signal.changes_at:
            return _compile_drifting(known, holds)
        return _compile_usual(name, known, holds)

    def _compile_ago(self) -> Check:
        name, test, span = self.signal, self.test, int(self.values[0])
        holds = compile_test(self.test, self.values)

        def check(situation: Situation) -> Finding:
            value, now = situation.read(name).value, situation.now
            held = holds(value, now)
            return Finding(held, (value,), 1.0 if held else 0.0, ago_change(test, span, value, now))

        return check

    def _compile_fresh(self, within_ms: int) -> Check:
        name, test, values = self.signal, self.test, self.values
        holds = compile_test(test, values)
        span = int(values[0]) if test in AGO_TESTS else 0

        def check(situation: Situation) -> Finding:
            reading, now = situation.read(name), situation.now
            at = reading.at
            is_fresh = at is not None and now - at <= within_ms
            held = is_fresh and holds(reading.value, now)
            near = 1.0 if held else 0.5 if holds(reading.value, now) else 0.0
            stale_at = at + within_ms + 1 if at is not None and is_fresh else None
            turn = ago_change(test, span, reading.value, now) if span else None
            if stale_at is None or (turn is None and not held):
                until = None
            elif held:
                until = stale_at if turn is None else min(stale_at, turn)
            else:
                until = turn if turn is not None and turn < stale_at else None
            return Finding(held, (reading.value, at), near, until)

        return check

    def clause(self, words: Words) -> str:
        idiom = self._idiom(words)
        if idiom:
            return idiom
        said = words.says_signal(self.signal)
        kind = words.signal_type(self.signal)
        test = describe_test(self.test, self.values, kind, words, is_many=is_many(said))
        age = f", not older than {describe_duration(self.within_ms)}" if self.within_ms is not None else ""
        return f"{said} {test}{age}"

    def clause_not(self, words: Words) -> str | None:
        if self.within_ms is not None:
            return None
        return say_idiom_turned(words, self.signal, self.test, self.values) or None

    def is_said_of_visitor(self, words: Words) -> bool:
        return bool(self._idiom(words))

    def _idiom(self, words: Words) -> str:
        """Empty where none says this, as idioms do not say an age."""
        return "" if self.within_ms is not None else say_idiom(words, self.signal, self.test, self.values)

    def explain(self, finding: Finding, vocabulary: Vocabulary, now: int) -> str:
        words = words_of(vocabulary)
        said = words.says_signal(self.signal)
        value, *moments = finding.facts
        told = describe_known(value, words.signal_type(self.signal), words)
        at = moments[0] if moments else None
        since = f", known since {to_clock(at, now, vocabulary.zone)}" if isinstance(at, int) else ""
        if words.signal_type(self.signal) == "yes/no":
            return f"{said.removeprefix('the ')}: {told}{since}"
        if isinstance(value, str) and (idiom := say_idiom(words, self.signal, "is", (value,))):
            return f"{idiom.removeprefix('is ')}{since}"
        return f"{said} {'are' if is_many(said) else 'is'} {told}{since}"

    def needs(self, vocabulary: Vocabulary) -> Needs:
        """Signals say themselves how far back they look."""
        signal = vocabulary.signals.get(self.signal)
        page_types = signal.page_types if signal is not None else frozenset()
        return Needs(signals=frozenset({self.signal}), window_days=None, page_types=page_types)

    def problems(self, vocabulary: Vocabulary) -> list[str]:
        words = words_of(vocabulary)
        problem = type_problem(self.test, self.values, words.signal_type(self.signal), words)
        return [f"{words.says_signal(self.signal)}: {problem}"] if problem else []

    def doubts(self, vocabulary: Vocabulary) -> list[str]:
        known = vocabulary.signals.get(self.signal)
        if known is None or self.test not in ("is", "is not"):
            return []
        texts = [value for value in self.values if isinstance(value, str) and not known.can_be(value)]
        said = words_of(vocabulary).says_signal(self.signal)
        return [
            f"{said} is never {quote(text)}, unless you send it like that; {_meant(known, text)}"
            for text in texts
        ]

    def equality(self) -> tuple[str, str] | None:
        if self.test != "is" or len(self.values) != 1 or not isinstance(self.values[0], str):
            return None
        return self.signal, self.values[0].casefold()


def _meant(signal: Signal, text: str) -> str:
    """The value somebody had in mind, else all there are, else what one looks like."""
    folded = text.casefold()
    if folded in signal.meant:
        return f"did you mean {quote(signal.meant[folded])}?"
    close = nearest(text, (*signal.values, *signal.meant), limit=1, likeness_at_least=0.75)
    if close:
        return f"did you mean {quote(signal.meant.get(close[0], close[0]))}?"
    if signal.values:
        return f"one of: {', '.join(signal.values)}"
    return "write the code, such as de"


def _compile_drifting(signal: Signal, holds: Holds) -> Check:
    """For a signal whose answer time alone can change."""
    name = signal.name

    def check(situation: Situation) -> Finding:
        reading, now = situation.read(name), situation.now
        held = holds(reading.value, now)
        return Finding(held, (reading.value,), 1.0 if held else 0.0, signal.changes_at(reading, now))

    return check


def _compile_usual(name: str, known: Signal | None, holds: Holds) -> Check:
    """For a signal whose answer stands still: its finding depends on the value alone, so it is made once for each.

    A value stated under the signal's very name is the shortest way, and taken first.
    """
    told = known.told if known is not None and known.type != "money" else _nothing_told
    types = _QUICK_TYPES.get(known.type if known is not None else None, frozenset[type]())
    remembered: dict[object, Finding] = {}

    def check(situation: Situation) -> Finding:
        if name not in situation.readings:
            value = situation.context.attributes.get(name)
            if type(value) in types:
                finding = remembered.get(value)
                if finding is not None:
                    return finding
        return check_answer(situation)

    def check_answer(situation: Situation) -> Finding:
        reading = situation.readings.get(name)
        value = told(situation) if reading is None else reading.value
        if value is None:
            value = situation.read(name).value
        finding = remembered.get(value) if type(value) in types else None
        if finding is None:
            held = holds(value, 0)
            finding = Finding(held, (value,), 1.0 if held else 0.0)
            if type(value) in types and value != "" and len(remembered) < _MOST_REMEMBERED:
                remembered[value] = finding
        return finding

    return check


def _nothing_told(_: Situation) -> SignalValue:
    return None


_QUICK_TYPES: Mapping[SignalType | None, frozenset[type]] = {
    None: frozenset({str, int}),
    "text": frozenset({str}),
    "number": frozenset({int}),
}
"""Types of values whose findings are remembered, by the signal's type (None: a signal that no list names)."""

_MOST_REMEMBERED = 1_000
"""Findings by text value are kept, as few values make up most requests; a request's own texts must not fill memory."""


def is_many(said: str) -> bool:
    """Whether a signal's name takes "are": the noun before "of", "since" or "this" is a plural."""
    noun = squeezed(said).split(" of ")[0].split(" since ")[0].split(" this ")[0]
    return noun.endswith("s") and not noun.endswith(("ss", "us", "is", "news"))


def _read_idiom(phrase: Token) -> SignalTest:
    idiom = BY_PHRASE[squeezed(phrase)]
    return SignalTest(signal=idiom.signal, test=idiom.test, values=idiom.values)


def _read_idiom_not(phrase: Token) -> SignalTest | Not:
    test, opposite = _read_idiom(phrase), BY_PHRASE[squeezed(phrase)].opposite
    return replace(test, test=opposite) if opposite else Not(condition=test)


def _read_of_cart(signal: str, said: Said, words: Words) -> SignalTest:
    at = at_of(said.values[0])
    test, values = read_test(said, words.signal_type(signal), signal, at, words)
    return SignalTest(signal=signal, test=test, values=values)


def _read_cart_count(_: Words, times: Times, noun: Token | None = None) -> SignalTest:
    if noun is not None and squeezed(noun) not in ("product", "products"):
        raise misread("", at_of(noun), f"a cart holds items, not {noun}", ("items",))
    test: Test = {"exactly": "is", "fewer than": "less than"}.get(times.comparator, times.comparator)  # type: ignore[assignment]  # every other one is a test
    return SignalTest(signal="cart count", test=test, values=(times.number,))


def _read(words: Words, name: Token, said: Said, within_ms: int | None) -> SignalTest:
    signal = unquote(name) if name.type == "QUOTED" else words.signals[squeezed(name)]
    test, values = read_test(said, words.signal_type(signal), signal, at_of(name), words)
    return SignalTest(signal=signal, test=test, values=values, within_ms=within_ms)


def _order(_: Words, comparator: str, amount: Token) -> Said:
    return Said("less than" if comparator == "fewer than" else comparator, (amount,))


def _ago(words: Words, comparator: str, duration: Token) -> Said:
    said = _order(words, comparator, duration)
    return said._replace(test=f"{said.test} ago")


TEST_READERS: Readers = {
    "test_is": lambda _, values: Said("is", values),
    "test_is_not": lambda _, values: Said("is not", values),
    "test_order": _order,
    "test_or_more": lambda words, amount: _order(words, "at least", amount),
    "test_or_less": lambda words, amount: _order(words, "at most", amount),
    "test_between": lambda _, low, high: Said("between", (low, high)),
    "test_contains": lambda _, values: Said("contains", values),
    "test_lacks": lambda _, values: Said("does not contain", values),
    "test_starts": lambda _, values: Said("starts with", values),
    "test_ends": lambda _, values: Said("ends with", values),
    "test_known": lambda _: Said("known"),
    "test_not_known": lambda _: Said("not known"),
    "test_yes": lambda _: Said("yes"),
    "test_no": lambda _: Said("no"),
    "test_before": lambda _, date: Said("before", (date,)),
    "test_after": lambda _, date: Said("after", (date,)),
    "test_ago": _ago,
}

"""The grammar of sentences, assembled from the family of conditions and the words of a vocabulary.

LALR(1) on purpose: a conflict between two members fails the assembly, so no sentence has two meanings, and a
sentence takes a fraction of a millisecond. What a single next word cannot tell (is this "or" inside a list of
values, or between conditions?) is told by terminals that look further ahead.

In a member's productions `"at least|no less than"` stands for a phrase and its synonyms; names in capitals are
the terminals below. A production ending in `_predicate` follows "a visitor", one ending in `_statement` has a
subject of its own, one ending in `_group` stands alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from lark import Lark, Token, Transformer
from lark.exceptions import UnexpectedInput

from opportune.core.conditions import CONDITIONS
from opportune.core.conditions.base import Condition, Readers
from opportune.core.conditions.comparing import Comparator
from opportune.core.conditions.count import Times
from opportune.core.conditions.happening import Filters, Narrowing, OnPage, read_filters
from opportune.core.conditions.window import THIS_VISIT, TODAY, Window
from opportune.core.language.idioms import list_idiom_phrases, list_idioms
from opportune.core.language.parser import make_parser
from opportune.core.language.phrases import date, duration, money
from opportune.core.language.phrases.wording import NUMBER_WORDS, QUOTED, article, plural, squeezed, unquote
from opportune.core.language.spoken import Said, read_inside, read_whole
from opportune.core.language.words import FREE_ALONE, PEOPLE, Words, base_forms

END = r"(?:(?<!\w)|(?!-?\w))"
"""The end of a word; what a hyphen joins is one word."""

SHARED = """
start: "if|when"? body
?body: disjunction | of_kind | not_body
?clause: _SUBJECT? predicate | statement | group

happening: event [on_page] filters -> happening
    | _HAS done [on_page] filters -> happening
    | _HAS? EVENT_FOR values filters -> happening_for
undone: done [on_page] filters -> happening
    | EVENT_FOR values filters -> happening_for
undo: do [on_page] filters -> happening
    | EVENT_FOR values filters -> happening_for
event: EVENT_DID _THING? -> did
    | "did" QUOTED -> did_named
done: EVENT_DONE _THING? -> done
    | "done" QUOTED -> did_named
do: EVENT_DO _THING? -> do
    | "do" QUOTED -> did_named
on_page: _THE_PRODUCT_ON_PAGE -> on_product
    | _THE_CATEGORY_ON_PAGE -> on_category
filters: filter* -> filters
filter: (_WITH | _AND_WITH) "the"? fact fact_test -> filter
    | "the"? FACT fact_test -> filter_bare
    | _THING_IN values -> filter_in
    | _FOR worth -> filter_worth
worth: comparator amount -> test_order
fact: FACT -> fact
    | QUOTED -> fact_named
facts: FACTS -> facts
    | QUOTED -> fact_named
same: "the same" fact -> same

fact_test: values -> test_is
    | _NOT values -> test_is_not
    | "one of|any of" values -> test_is
    | comparator amount -> test_order
    | "between" amount _AND amount -> test_between
    | "containing" values -> test_contains
    | "not containing" values -> test_lacks
    | "starting with" values -> test_starts
    | "ending with" values -> test_ends
    | _KNOWN -> test_known
    | "not known|unknown" -> test_not_known
    | _YES -> test_yes
    | _NO -> test_no
    | "before" DATE -> test_before
    | "after" DATE -> test_after
    | comparator DURATION "ago" -> test_ago

how_many: [comparator] NUMBER -> how_many
    | NUMBER "or more|or above|or over" -> how_many_or_more
    | NUMBER "or less|or fewer|or below|or under" -> how_many_or_less
times: how_many "times|time" -> times
    | NUMBER "times or more|time or more" -> how_many_or_more
    | [comparator] "once" -> times_once
    | [comparator] "twice" -> times_twice
    | "once or more" -> times_once_or_more
    | "twice or more" -> times_twice_or_more
comparator: "at least|no less than|no fewer than|not less than|a minimum of|>=|≥" -> at_least
    | "at most|no more than|not more than|up to|a maximum of|<=|≤" -> at_most
    | "exactly|only|just" -> exactly
    | "more than|over|above|greater than|higher than|>" -> more_than
    | "fewer than|less than|under|below|lower than|<" -> fewer_than
window: (_IN | _OVER) DURATION -> in_last
    | (_IN | _OVER) UNIT -> in_last
    | "in this visit|this visit|during this visit|on this visit|within this visit|in the current visit|
        during the current visit|in their current visit|during their visit|in this session|this session|
        during this session|in the current session|during the current session" -> in_visit
    | "today" -> today
    | "ever|yet|so far" -> ever
    | "since they last" event -> since

?amount: NUMBER | MONEY | DURATION | PERCENT
?value: QUOTED | BARE | NUMBER | MONEY | DURATION | PERCENT | DATE
values: value ((COMMA | LIST_OR) value)* -> values
"""

_NOUN = "(?:visitor|customer|shopper|person|user)"
_PEOPLE = f"(?:{_NOUN}s?|people)"
_VALUES_FOLLOW = r"(?!\s+\w+\s+(?:is|are|was|contains?|starts?|ends?)(?!\w))"
_PIECES = "(?:items?|things?|pieces?|articles?)"
_CART_NOUN = r"(?:shopping\s+)?(?:cart|basket|bag)"
TERMINALS: Mapping[str, tuple[int, str]] = {
    "_SUBJECT": (
        13,
        (
            rf"(?:every(?:one|body)|(?:all|every)\s+(?:the\s+|our\s+)?{_PEOPLE})\s+(?:who|that)"
            rf"|(?:(?:an?|the|any|this|that|those|our)\s+{_PEOPLE}|someone|somebody|anyone|anybody|they|those|whoever)"
            rf"(?:\s+(?:who|that))?|{_PEOPLE}(?:\s+(?:who|that)|{_VALUES_FOLLOW})"
        ),
    ),
    "KIND": (
        41,
        rf"(?:(?:an?|the|any|all|every)\s+)?(?:returning|new|first[-\s]time)\s+{_PEOPLE}(?:\s+(?:who|that))?",
    ),
    "_AND": (11, r"(?:,\s*)?(?:and|but)(?:\s+then)?"),
    "_OR": (11, r"(?:,\s*)?or"),
    "_AND_WITH": (15, r"(?:,\s*)?and\s+with"),
    "_WITH": (13, r"with|(?:in|from)(?=\s+(?:the\s+)?category(?!\w))|of(?=\s+(?:the\s+)?category(?!\w))"),
    "_NOT": (11, "not"),
    "_HAS": (11, "has|have"),
    "_IN": (
        12,
        (
            r"(?:in|within|during|for)(?:\s+(?:the\s+)?(?:last|past|previous))?"
            rf"|(?:the\s+)?(?:last|past|previous)(?=\s+{duration.PATTERN})"
        ),
    ),
    "_OVER": (13, r"over\s+(?:the\s+)?(?:last|past|previous)"),
    "_FOR": (14, r"for(?=\s+(?:at\s+(?:least|most)|(?:more|less)\s+than|over|under|above|below)\s)"),
    "_THE_PRODUCT_ON_PAGE": (
        15,
        r"the\s+product\s+on\s+(?:the|this)\s+page|this\s+product|the\s+page's\s+product",
    ),
    "_THE_CATEGORY_ON_PAGE": (
        15,
        r"the\s+category\s+on\s+(?:the|this)\s+page|this\s+category|the\s+page's\s+category",
    ),
    "_SIGNAL_OF": (14, rf"(?:an?|the)\s+{_NOUN}['\u2019]s"),
    "_SIGNAL_THE": (11, r"the(?:ir)?"),
    "_CART": (
        42,
        (
            rf"(?:(?:the|their|a)\s+)?{_CART_NOUN}(?=\s+(?:holds|contains|has|is\s+(?:not\s+)?empty|isn['\u2019]t\s+empty"
            r"|does\s+not|doesn['\u2019]t|(?:is\s+)?worth|over|above|under|below)(?!\w))"
        ),
    ),
    "_PIECES": (45, _PIECES),
    "_PIECES_IN_CART": (
        50,
        rf"(?:{_PIECES}|products?)\s+(?:in|inside)\s+(?:(?:the|their|a)\s+)?{_CART_NOUN}",
    ),
    "_IN_CART": (15, rf"(?:in|inside)\s+(?:(?:the|their|a)\s+)?{_CART_NOUN}"),
    "_A_CART": (15, rf"(?:a|their)\s+{_CART_NOUN}(?:\s+(?:worth|of|with))?"),
    "_IS": (11, "is|are|was|="),
    "_IS_NOT": (12, r"is\s+not|are\s+not|isn['\u2019]t|aren['\u2019]t|!="),
    "_KNOWN": (11, "known"),
    "_YES": (11, "yes|true"),
    "_NO": (11, "no|false"),
    "_NOT_OLDER": (15, r"(?:,\s*)?(?:and\s+)?not\s+older\s+than"),
    "DAY": (
        12,
        r"(?:mon|tues|wednes|thurs|fri|satur|sun)days?|weekdays?|weekends?|weekend\s+days?|working\s+days?",
    ),
    "TIME": (40, r"\d{1,2}(?:[:.]\d{2})?(?:\s*(?:am|pm))?(?:\s*o'clock)?"),
    "NUMBER": (
        20,
        rf"-?\d{{1,3}}(?:,\d{{3}})+(?:\.\d+)?|-?\d+(?:\.\d+)?|(?:{'|'.join(NUMBER_WORDS)})(?!\s+of\s)",
    ),
    "PERCENT": (31, r"-?\d+(?:\.\d+)?\s*%"),
    "DURATION": (30, duration.PATTERN),
    "UNIT": (29, duration.UNIT_PATTERN),
    "DATE": (33, date.PATTERN),
    "QUOTED": (50, QUOTED),
}
"""Terminals of every vocabulary: priority, and pattern (matched without regard to case)."""

EXAMPLES_OF: Mapping[str, tuple[str, ...]] = {
    "_SUBJECT": ("a visitor", "someone"),
    "KIND": ("a returning visitor", "a new visitor"),
    "_AND": ("and",), "_OR": ("or",), "_WITH": ("with category",), "_NOT": ("not",), "_HAS": ("has",),
    "_IN": ("in", "in the last"), "_IS": ("is",), "_IS_NOT": ("is not",), "_KNOWN": ("known",),
    "_YES": ("yes",), "_NO": ("no",), "_NOT_OLDER": (", not older than",), "_SIGNAL_THE": ("the",),
    "_CART": ("the cart",),
    "_AND_HAS_NOT_SINCE": ("and has not",), "_THE_PRODUCT_ON_PAGE": ("the product on the page",),
    "_THE_CATEGORY_ON_PAGE": ("the category on the page",), "DAY": ("Monday", "weekday", "weekend"),
    "TIME": ("9:00",), "NUMBER": ("2",), "DURATION": ("7 days", "1 hour"), "DATE": ("31 March 2027",),
    "UNIT": ("week",), "PERCENT": ("50%",), "_LPAR": ("(",), "_RPAR": (")",), "LIST_OR": ("or",),
    "NOT_COLON": ("not:",),
    "_AND_WITH": ("and with",), "COMMA": (",",),
}  # fmt: skip
"""What is offered where a terminal could have stood."""


BEGINNINGS = (
    "the", "their", "cart", "stage", "has", "have",
    "hasn['\u2019]t", "haven['\u2019]t", "is", "are", "it", "last", "spent", "not", "never",
    "did", "didn['\u2019]t", "doesn['\u2019]t", "either", "both", "agreed", "consented", "came", "returned",
    "everyone", "everybody", "nobody", "all", "every", "more", "less", "fewer", "isn['\u2019]t", "aren['\u2019]t",
    "opted", "gave", "basket", "today\\s+is",
)  # fmt: skip
"""Words that begin a condition, or go on with an amount: an "or" before them does not belong to a list of values."""


class Grammar(NamedTuple):
    """A parser for one vocabulary, and the phrases to offer by terminal."""

    parser: Lark
    phrases: Mapping[str, tuple[str, ...]]


def assemble(words: Words) -> Grammar:
    """The grammar of one vocabulary; takes some tenths of a second, so callers keep it."""
    written, phrases = write(words)
    return Grammar(make_parser(written, _transformer(words)), phrases)


def write(words: Words) -> tuple[str, Mapping[str, tuple[str, ...]]]:
    """The grammar's text for Lark, and by terminal the phrases to offer."""
    literals: dict[str, str] = {}
    rules = _with_literals(
        "\n".join([SHARED, *(_dedented(member.grammar) for member in CONDITIONS)]), literals
    )
    rules += "".join(_collected(kind, rules) for kind in ("predicate", "statement", "group"))
    rules += "\nbracket_group: _LPAR body _RPAR -> bracket\n"
    patterns: dict[str, tuple[int, str]] = dict(TERMINALS)
    phrases: dict[str, tuple[str, ...]] = dict(EXAMPLES_OF)
    for name, synonyms in _vocabulary_phrases(words).items():
        patterns[name] = (_PRIORITIES[name], _alternation(synonyms))
        phrases[name] = tuple(synonyms)
    for name, is_not in (("IDIOM", False), ("IDIOM_NOT", True)):
        phrases[name] = tuple(
            says[0] for idiom in list_idioms(words) if (says := idiom.says_not if is_not else idiom.says)
        )
    phrases["EVENT_DO"] = tuple(base for phrase in words.did for base in base_forms(phrase)[-1:])
    patterns |= _looking_ahead(words, patterns)
    for literal, name in literals.items():
        synonyms = literal.split("|")
        patterns[name] = (10 + max(each.count(" ") + 1 for each in synonyms), _alternation(synonyms))
        phrases[name] = (synonyms[0],)
    lines = [rules, *(_terminal(name, *patterns[name]) for name in patterns)]
    lines += ['_LPAR.60: "("', '_RPAR.60: ")"', r"NOT_COLON.61: /not\s*:/i", r"%ignore /\s+/"]
    return "\n".join(lines), phrases


NOT_COUNTED = frozenset({"time", "times", "different", "distinct"})
"""What stands behind a number already; a thing or fact called so is not counted by its name."""
_PRIORITIES = {
    "IDIOM": 60, "IDIOM_NOT": 61, "EVENT_DID": 48, "EVENT_DONE": 47, "SIGNAL": 40, "STAGE": 45, "PAGE_TYPE": 45,
    "FACT": 45, "FACTS": 45, "_THING": 44, "THINGS": 44, "EVENT_DO": 46,
}  # fmt: skip


def _vocabulary_phrases(words: Words) -> dict[str, Sequence[str]]:
    things = [phrase for thing in words.things for phrase in (f"{article(thing)} {thing}", plural(thing))]
    things += ["something", "anything"]
    return {
        "EVENT_DID": list(words.did),
        "EVENT_DONE": list(words.done),
        "EVENT_DO": list(words.do),
        "FACT": list(words.facts),
        "FACTS": list(words.plural_facts),
        "SIGNAL": list(words.signals),
        "STAGE": list(words.stages),
        "PAGE_TYPE": list(words.page_types),
        "IDIOM": list_idiom_phrases(words, is_not=False),
        "IDIOM_NOT": list_idiom_phrases(words, is_not=True),
        "_THING": things,
        "THINGS": [phrase for phrase in words.counted if phrase not in NOT_COUNTED],
    }


def _looking_ahead(words: Words, patterns: Mapping[str, tuple[int, str]]) -> dict[str, tuple[int, str]]:
    """Terminals whose meaning depends on what follows further on."""
    done = patterns["EVENT_DONE"][1]
    verbs = r"(?=\s+(?:is|are|was|isn't|aren't|contains?|includes?|does|do|starts?|begins?|ends?)(?!\w))"
    named = [patterns[name][1] for name in ("_SUBJECT", "KIND", "EVENT_DID", "IDIOM", "IDIOM_NOT")]
    begins = "|".join([*named, f"{patterns['SIGNAL'][1]}{verbs}", *BEGINNINGS])
    reserved = "|".join(re.escape(word) for word in sorted(words.reserved, key=len, reverse=True))
    first = "|".join(re.escape(word) for word in sorted(words.reserved - FREE_ALONE, key=len, reverse=True))
    do, thing = patterns["EVENT_DO"][1], patterns["_THING"][1]
    has_not = r"(?:(?:has|have)\s+(?:not|never)|hasn['\u2019]t|haven['\u2019]t|never)"
    did_not = r"(?:did\s+not|didn['\u2019]t)"
    since = rf"(?:since(?!\s+they)|after(?:wards|\s+that)|(?:{duration.PATTERN})\s+later)"
    joint = r"(?:,\s*)?(?:and|but)(?:\s+then)?"
    in_values = (
        rf"in(?!\s+(?:(?:the|this|their|our|a|an|half|its)(?!\w)|category|(?:last|past|previous)\s|{duration.UNIT_PATTERN}"
        rf"|{duration.PATTERN}|\d))(?=\s+(?:{QUOTED}|(?!(?:{reserved}){END})/?[^\W\d_]))"
    )
    letters = r"/?[^\W\d_](?:[\w'&+./*-]*[\w*/])?"
    details = [phrase for phrase in words.signals if re.match(rf"{PEOPLE}\s", phrase)]
    no_detail = rf"(?!(?:(?:the|their|an?)\s+)?{_alternation(details)}{verbs})" if details else ""
    return {
        **{name: (patterns[name][0], f"{no_detail}(?:{patterns[name][1]})") for name in ("_SUBJECT", "KIND")},
        "_AND_HAS_NOT_SINCE": (
            90,
            rf"{joint}\s+{has_not}\s+(?=(?:{done}(?:\s+{thing})?|done\s+(?:{QUOTED}))\s+{since}{END})",
        ),
        "_AND_DID_NOT_SINCE": (
            90,
            rf"{joint}\s+{did_not}\s+(?=(?:{do}(?:\s+{thing})?|do\s+(?:{QUOTED}))\s+{since}{END})",
        ),
        "_THING_IN": (46, rf"{patterns['_THING'][1]}\s+{in_values}"),
        "THINGS_IN": (46, rf"{patterns['THINGS'][1]}\s+{in_values}"),
        "EVENT_FOR": (
            49,
            rf"{_alternation(words.searched)}(?=\s+(?:{QUOTED}|(?!(?:{reserved}){END}){letters}))",
        ),
        "LIST_OR": (16, rf"(?:,\s*)?or(?!\s+(?:(?:{begins}){END}))(?!\s*\()"),
        "COMMA": (13, rf",(?!\s*(?:or|and|but|not\s+older){END})"),
        "BARE": (0, rf"(?!(?:{first}){END}){letters}(?:\s+(?!(?:{reserved}){END}){letters})*"),
        "MONEY": (32, money.pattern(words.currency)),
    }


def _dedented(text: str) -> str:
    return "\n".join(line.removeprefix("        ") for line in text.splitlines())


def _with_literals(rules: str, literals: dict[str, str]) -> str:
    """Quoted phrases become named terminals, one for each list of synonyms."""

    def name_of(match: re.Match[str]) -> str:
        literal = "|".join(" ".join(synonym.split()) for synonym in match[1].split("|"))
        if literal in ("(", ")"):
            return "_LPAR" if literal == "(" else "_RPAR"
        if literal not in literals:
            slug = re.sub(r"\W+", "_", literal.split("|")[0]).strip("_").upper()
            taken = set(literals.values())
            literals[literal] = next(
                name for number in range(99) if (name := f"_W{number or ''}_{slug}") not in taken
            )
        return literals[literal]

    return re.sub(r'"([^"]*)"', name_of, rules)


def _collected(kind: str, rules: str) -> str:
    names = re.findall(rf"^\??(\w+_{kind})\s*:", rules, re.MULTILINE)
    if kind == "group":
        names.append("bracket_group")
    return f"\n?{kind}: {' | '.join(names)}\n"


def _alternation(phrases: Iterable[str]) -> str:
    """Any of the phrases as whole words, the longest first; something no text can match when there is none."""
    ordered = sorted({squeezed(phrase) for phrase in phrases}, key=lambda phrase: (-len(phrase), phrase))
    return (
        "(?:"
        + "|".join(
            r"\s+".join(map(re.escape, phrase.split())).replace("'", "['\u2019]") for phrase in ordered
        )
        + ")"
        if ordered
        else "(?!x)x"
    )


def _terminal(name: str, priority: int, pattern: str) -> str:
    end = (
        ""
        if name in ("QUOTED", "COMMA", "PERCENT", "MONEY", "_AND_HAS_NOT_SINCE", "_AND_DID_NOT_SINCE")
        else END
    )
    escaped = re.sub(r"(?<!\\)/", r"\\/", f"(?:{pattern}){end}")
    return f"{name}.{priority}: /{escaped}/is"


def _transformer(words: Words) -> Transformer[Token, Condition]:
    """Builds the condition while parsing: by production, the member's reader with the vocabulary's words."""
    readers: dict[str, object] = dict(SHARED_READERS)
    for member in CONDITIONS:
        readers.update(member.readers())
    methods = {name: _method(words, read) for name, read in readers.items()}
    reading: type[Transformer[Token, Condition]] = type("Reading", (Transformer,), methods)
    return reading()


def _method(words: Words, read: object) -> object:
    return lambda _, children: read(words, *children)  # type: ignore[operator]  # a reader takes its parts


def _how_many(_: Words, comparator: Comparator | None, number: Token) -> Times:
    return Times(comparator or "at least", read_whole(number))


def _last(_: Words, token: Token) -> Window:
    ms = duration.unit_ms(str(token)) if token.type == "UNIT" else read_inside(token, duration.parse_duration)
    return Window("last", max(ms, 1))


def _read_happening(words: Words, event: str, on_page: OnPage | None, where: Filters) -> Narrowing:
    return Narrowing(event, read_filters(words, event, where), on_page or "")


def _read_happening_for(words: Words, phrase: Token, values: Sequence[Token], where: Filters) -> Narrowing:
    event, fact = words.searched[squeezed(phrase)]
    return _read_happening(words, event, None, [(fact, Said("contains", tuple(values))), *where])


SHARED_READERS: Readers = {
    "start": lambda _, condition: condition,
    "bracket": lambda _, condition: condition,
    "happening": _read_happening,
    "happening_for": _read_happening_for,
    "did": lambda words, phrase: words.did[squeezed(phrase)],
    "done": lambda words, phrase: words.done[squeezed(phrase)],
    "do": lambda words, phrase: words.do[squeezed(phrase)],
    "did_named": lambda _, name: unquote(name),
    "on_product": lambda _: "product",
    "on_category": lambda _: "category",
    "filters": lambda _, *filters: filters,
    "filter": lambda _, fact, said: (fact, said),
    "filter_bare": lambda words, phrase, said: (words.facts[squeezed(phrase)], said),
    "filter_in": lambda _, values: ("category", Said("is", values)),
    "filter_worth": lambda _, said: ("value", said),
    "fact": lambda words, phrase: words.facts[squeezed(phrase)],
    "facts": lambda words, phrase: words.plural_facts[squeezed(phrase)],
    "fact_named": lambda _, name: unquote(name),
    "same": lambda _, fact: fact,
    "how_many": _how_many,
    "how_many_or_more": lambda words, number: _how_many(words, "at least", number),
    "how_many_or_less": lambda words, number: _how_many(words, "at most", number),
    "times": lambda _, times: times,
    "times_once": lambda _, comparator: Times(comparator or "at least", 1),
    "times_twice": lambda _, comparator: Times(comparator or "at least", 2),
    "times_once_or_more": lambda _: Times("at least", 1),
    "times_twice_or_more": lambda _: Times("at least", 2),
    "at_least": lambda _: "at least",
    "at_most": lambda _: "at most",
    "exactly": lambda _: "exactly",
    "more_than": lambda _: "more than",
    "fewer_than": lambda _: "fewer than",
    "in_last": _last,
    "in_visit": lambda _: THIS_VISIT,
    "today": lambda _: TODAY,
    "ever": lambda _: Window(),
    "since": lambda _, event: Window("since", 0, event),
    "values": lambda _, *parts: tuple(part for part in parts if part.type not in ("COMMA", "LIST_OR")),
}

__all__ = ["Grammar", "UnexpectedInput", "assemble"]

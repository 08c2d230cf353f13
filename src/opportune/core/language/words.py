"""Words: the phrases one vocabulary gives to sentences, and which of them read back to the same thing.

A name that could be taken for something else (two events with one phrase, a signal called `not`) gets no
phrase of its own here and is told in quotes instead.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from opportune.core.history.plan import EventPlan, PropertyPlan
from opportune.core.language.phrases.wording import plural, quote, squeezed
from opportune.core.language.vocabulary import Vocabulary

STANDARD_FACTS: Mapping[str, str] = {
    "product": "product",
    "category": "category",
    "value": "money",
    "path": "text",
    "page_type": "text",
    "title": "text",
    "referrer": "text",
    "campaign": "text",
    "query": "text",
    "order_id": "text",
    "slot": "text",
    "rule": "text",
}
"""Facts that events of any name may carry, with their types."""

_PLAIN = re.compile(r"[^\W\d_](?:[\w'-]*\w)?(?: \w(?:[\w'-]*\w)?)*")
_WORD = re.compile(r"[^\W\d_](?:[\w-]*\w)?")
_FIRST_WORDS = """
a an and are both did either everyone has have is it last never no not of or somebody someone spent that
the they this who with
"""
FIRST_WORDS = frozenset(_FIRST_WORDS.split())
"""Words a clause may begin with; an event's phrase beginning with one would be taken for something else."""
AFTER_THE = (
    "stage",
    "cart holds",
    "cart is",
    "same",
    "product on the page",
    "category on the page",
)
"""What "the" already begins; a signal called so is told in quotes."""
PEOPLE = r"(?:(?:new|returning|first[-\s]time)\s+)?(?:(?:visitor|customer|shopper|person|user)s?|people)"
"""Whom sentences are about. A signal called no more than that is told in quotes, as it would be the subject."""
_GRAMMAR_WORDS = """
if a about above account ads advertising after afterwards ago agree agreed all always am an and any
anybody anyone anything are articles at back bag basket been before begin begins being below between
both bought by came cart category changed consent consented contain containing contains current customer
customers day days did different directly distinct do does done dozen during each either empty end
ending ends equals ever every everybody everyone exactly except false far fewer first for friday
from gave got greater had half has have here higher hold holds hour hours in include includes inside
is it item items its just known last later least less likes looking lower marked marketing maximum
may me measured measurement measuring message messages minimum minute minutes monday month months
more most never new no nobody not nothing of older on once one only opposite opted or order other
our over page pages past people person personalisation personalization persons pieces previous
product products purchase returned returning same saturday second seconds session sessions shop
shopper shoppers shopping since so somebody someone something spent stage start starting starts
sunday than that the their them then they thing things third this those thursday till time times to
today total true tuesday twice two under unknown until up user users uses using viewing visit
visitor visitors was wednesday week weekday weekend weeks were when which who whoever whole will
with within worth year years yes yesterday yet
"""
GRAMMAR_WORDS = frozenset(_GRAMMAR_WORDS.split())
"""Every word the grammar itself uses, and some it might; a text value that is one of them is quoted."""
FREE_ALONE = frozenset({"at", "in", "by", "me", "am", "so", "to"})
"""Of those, what can mean nothing else where a value is expected; country codes are among them."""
TEXT_TYPES = frozenset({"text", "product", "category", "list"})

Phrases = Mapping[str, str]


class Words:
    """What each phrase means, and the one phrase each thing is read back with."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.currency = vocabulary.plan.currency
        events = tuple(vocabulary.plan.events.values())
        self.did: Phrases = _phrases_of(events, lambda event: event.says)
        self.done: Phrases = _phrases_of(events, _done_phrases)
        self.do: Phrases = {base: event for phrase, event in self.did.items() for base in base_forms(phrase)}
        self.do = {**self.done, **self.do}
        self._says = _canonical(self.did, [(event.name, event.says) for event in events])
        self._says_done = _canonical(self.done, [(event.name, _done_phrases(event)) for event in events])
        facts = list(
            dict.fromkeys([*STANDARD_FACTS, *(each.name for event in events for each in event.properties)])
        )
        self.facts: Phrases = _spoken(facts)
        self.plural_facts: Phrases = {plural(phrase): fact for phrase, fact in self.facts.items()}
        self._fact_says = {fact: phrase for phrase, fact in self.facts.items()}
        self._properties: dict[tuple[str, str], PropertyPlan] = {
            (event.name, each.name): each for event in events for each in event.properties
        }
        self._things = {event.name: squeezed(event.things) for event in events}
        self.counted: Phrases = _counted(self, events)
        self.searched: Mapping[str, tuple[str, str]] = _searched(self, events)
        self.things = sorted({event.things for event in events if _PLAIN.fullmatch(event.things)})
        self.signals: Phrases = _signal_phrases(vocabulary)
        self._signal_says = _first_phrases(self.signals, vocabulary)
        self.stages: Phrases = {
            squeezed(stage): stage for stage in vocabulary.stages if _PLAIN.fullmatch(stage)
        }
        self.page_types: Phrases = {
            squeezed(kind): kind for kind in vocabulary.page_types if _PLAIN.fullmatch(kind)
        }
        firsts = {phrase.split()[0] for phrase in (*self.did, *self.done, *self.signals)}
        self.reserved = GRAMMAR_WORDS | firsts
        self._beginnings = FIRST_WORDS | firsts | {"in", "came", "returned", "agreed", "consented"}

    def says(self, event: str) -> str:
        """`viewed`, or `did "Product Viewed"` where no phrase is its own."""
        return self._says.get(event) or f"did {quote(event)}"

    def says_done(self, event: str) -> str:
        """What stands after "has not": `bought`."""
        return self._says_done.get(event) or f"done {quote(event)}"

    def says_fact(self, fact: str) -> str:
        return self._fact_says.get(fact) or quote(fact)

    def says_facts(self, fact: str) -> str:
        """The plural: `products`."""
        phrase = self._fact_says.get(fact)
        return plural(phrase) if phrase is not None else quote(fact)

    def says_signal(self, signal: str) -> str:
        """With its article: `the cart value`."""
        return f"the {self._signal_says.get(signal) or quote(signal)}"

    def says_text(self, text: str) -> str:
        """A text value; quoted unless it is a single word that can mean nothing else."""
        return (
            text
            if _WORD.fullmatch(text) and text.casefold() not in self.reserved - FREE_ALONE
            else quote(text)
        )

    def says_name(self, name: str, known: Phrases) -> str:
        """A stage or a kind of page."""
        phrase = squeezed(name)
        is_own = known.get(phrase) == name and phrase.split()[0] not in self._beginnings
        return name if is_own and " ".join(name.split()) == name else quote(name)

    def fact_type(self, event: str, fact: str) -> str:
        """The plan's type of a fact, `text` when nobody declared it."""
        declared = self._properties.get((event, fact))
        kind = declared.type if declared is not None else STANDARD_FACTS.get(fact, "text")
        return "text" if kind in TEXT_TYPES else kind

    def thing_of(self, event: str) -> str:
        """The noun of what an event makes: `product`."""
        return self._things.get(event, "")

    def carries(self, event: str, fact: str) -> bool:
        """Whether the plan says so, or says nothing of the event."""
        return (event, fact) in self._properties or event not in self._things

    def has_fact(self, event: str, fact: str) -> bool:
        """Whether events of this name may carry it at all."""
        return (
            (event, fact) in self._properties
            or fact in STANDARD_FACTS
            or event not in self.vocabulary.plan.events
        )

    def signal_type(self, signal: str) -> str:
        """A signal's type; empty for a trait or attribute, which may be anything."""
        known = self.vocabulary.signals.get(signal)
        return known.type if known is not None else ""

    def is_known_signal(self, signal: str) -> bool:
        return signal in self.vocabulary.signals


def _counted(words: Words, events: Iterable[EventPlan]) -> dict[str, str]:
    """Nouns behind a number, one and many, with the fact they count; none for what is only counted in times."""
    nouns = {form: fact for phrase, fact in words.facts.items() for form in (phrase, plural(phrase))}
    for event in events:
        thing = squeezed(event.things)
        if _PLAIN.fullmatch(thing):
            nouns = {thing: "", plural(thing): ""} | nouns
    return nouns


def _searched(words: Words, events: Iterable[EventPlan]) -> dict[str, tuple[str, str]]:
    """Phrases ending in "for" of events that carry one text, with the event and that text's fact."""
    texts = {
        event.name: event.properties[0].name
        for event in events
        if len(event.properties) == 1 and event.properties[0].type == "text"
    }
    return {
        phrase: (event, texts[event])
        for phrases in (words.did, words.done, words.do)
        for phrase, event in phrases.items()
        if phrase.endswith(" for") and event in texts
    }


_IRREGULAR = {
    "bought": "buy", "made": "make", "took": "take", "saw": "see", "began": "begin", "left": "leave",
    "got": "get", "sent": "send", "put": "put", "gave": "give", "went": "go", "came": "come", "found": "find",
    "read": "read", "wrote": "write", "paid": "pay", "chose": "choose", "won": "win", "lost": "lose", "let": "let",
    "kept": "keep", "told": "tell", "sold": "sell", "built": "build", "hit": "hit", "ran": "run",
}  # fmt: skip


def base_forms(phrase: str) -> tuple[str, ...]:
    """What may stand behind "did not": buy for bought, add for added; a spelling nobody uses does no harm."""
    first, space, rest = phrase.partition(" ")
    if first in _IRREGULAR:
        bases = [_IRREGULAR[first]]
    elif first.endswith("ied"):
        bases = [f"{first[:-3]}y"]
    elif first.endswith("ed") and len(first) > 4:
        bases = [first[:-2], first[:-1], *([first[:-3]] if first[-3] == first[-4] else [])]
    else:
        bases = []
    return tuple(f"{base}{space}{rest}" for base in bases if base not in FIRST_WORDS)


def _done_phrases(event: EventPlan) -> tuple[str, ...]:
    return (event.has_not, *event.says) if event.has_not else event.says


def _phrases_of(events: Iterable[EventPlan], says: Callable[[EventPlan], tuple[str, ...]]) -> dict[str, str]:
    """Phrases by the event they mean; the first event to claim a phrase keeps it."""
    found: dict[str, str] = {}
    for event in events:
        for phrase in says(event):
            key = squeezed(phrase)
            if _PLAIN.fullmatch(key) and key.split()[0] not in FIRST_WORDS:
                found.setdefault(key, event.name)
    return found


def _canonical(phrases: Phrases, events: Iterable[tuple[str, tuple[str, ...]]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, says in events:
        own = next((squeezed(phrase) for phrase in says if phrases.get(squeezed(phrase)) == name), None)
        if own is not None:
            found[name] = own
    return found


def _spoken(names: Iterable[str]) -> dict[str, str]:
    """Names with spaces for underscores, as far as they are plain words and their own."""
    found: dict[str, str] = {}
    for name in names:
        phrase = squeezed(name.replace("_", " "))
        if _PLAIN.fullmatch(phrase) and phrase.split()[0] not in FIRST_WORDS:
            found.setdefault(phrase, name)
    return found


def _signal_phrases(vocabulary: Vocabulary) -> dict[str, str]:
    """Names of signals first, then their other names, then what the playbook declares besides."""
    found: dict[str, str] = {}
    spoken = [signal for signal in vocabulary.signals.values() if signal.is_spoken]
    names = [(signal.name, signal.name) for signal in spoken]
    names += [(alias, signal.name) for signal in spoken for alias in signal.aliases]
    names += [(attribute, attribute) for attribute in vocabulary.attributes]
    for words, name in names:
        phrase = squeezed(words.replace("_", " "))
        is_taken = re.fullmatch(PEOPLE, phrase) is not None or any(
            phrase == taken or phrase.startswith(f"{taken} ") for taken in AFTER_THE
        )
        first, _, more = phrase.partition(" ")
        is_clause = first in FIRST_WORDS and not (first == "last" and more)
        if _PLAIN.fullmatch(phrase) and not is_taken and not is_clause:
            found.setdefault(phrase, name)
    return found


def _first_phrases(phrases: Phrases, vocabulary: Vocabulary) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in (*(signal.name for signal in vocabulary.signals.values()), *vocabulary.attributes):
        phrase = squeezed(name.replace("_", " "))
        if phrases.get(phrase) == name:
            found.setdefault(name, phrase)
    return found


def words_of(vocabulary: Vocabulary) -> Words:
    """The words of a vocabulary; made once and remembered while few vocabularies are in use."""
    known = _KNOWN.get(id(vocabulary))
    if known is None:
        while len(_KNOWN) >= _MOST_KNOWN:
            _KNOWN.pop(next(iter(_KNOWN)))
        known = _KNOWN[id(vocabulary)] = Words(vocabulary)
    return known


_MOST_KNOWN = 16
_KNOWN: dict[int, Words] = {}
"""By identity; a Words holds its vocabulary, so that the identity is not given to another one."""

"""Why, in words: a receipt read aloud for people. The one place that does it, for console, panel and command line.

The sentence is the rule's own; the facts are the finding's. Near misses say what is missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from opportune.core.conditions.base import Condition
from opportune.core.finding import Finding
from opportune.core.language.phrases.recommend import find_wish
from opportune.core.moment import to_clock
from opportune.core.playbook import Playbook
from opportune.core.receipt import Receipt
from opportune.core.recommending.reason import say_reason
from opportune.core.rule import NOT_IF_END, Rule


class WhyNot(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that did not act here. `near` is 0 to 1; `missing` is the smallest change that would make it match."""

    rule: str
    words: str
    near: float = 0.0
    missing: tuple[str, ...] = ()


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """What happened in one slot: one line, the reasons, and why other rules did not act."""

    slot: str
    headline: str
    because: tuple[str, ...] = ()
    why_not: tuple[WhyNot, ...] = ()


GATES: Mapping[str, str] = {
    "off": "everything is switched off",
    "consent": "this visitor has not agreed to personalization",
    "holdout": "this visitor is in the control group, which nothing personalizes",
    "control": "of a test",
    "limits": "the limit on how often it may be shown was reached",
}

PRODUCT_VERBS: Mapping[str, str] = {"bought": "bought", "in cart": "have in the cart", "viewed": "viewed"}


def explain(receipt: Receipt, playbook: Playbook) -> Explanation:
    """Reads a receipt aloud with the playbook it was decided by."""
    slot = playbook.slots.get(receipt.slot)
    place = (slot.title or slot.name) if slot is not None else receipt.slot
    return Explanation(
        slot=receipt.slot,
        headline=_headline(receipt, place),
        because=tuple(_because(receipt, playbook)),
        why_not=tuple(sorted(_why_nots(receipt, playbook), key=lambda found: -found.near)),
    )


def missing_in(condition: Condition, finding: Finding) -> list[tuple[Condition, Finding]]:
    """The smallest set of inner conditions that would have to turn true for the whole to be true.

    Of `all`: every part that failed; of `any`: the nearest part; anything else stands for itself.
    """
    if finding.held:
        return []
    parts = getattr(condition, "conditions", None)
    if parts is None or len(parts) != len(finding.parts):
        return [(condition, finding)]
    pairs = list(zip(parts, finding.parts, strict=True))
    if type(condition).__name__ == "Any":
        part, found = max(pairs, key=lambda pair: pair[1].near)
        return missing_in(part, found)
    return [missing for part, found in pairs for missing in missing_in(part, found)]


def _headline(receipt: Receipt, place: str) -> str:
    match receipt.outcome:
        case "shown":
            return f"{place}: shows “{receipt.variant}” by the rule “{receipt.rule}”"
        case "hidden":
            return f"{place}: hidden by the rule “{receipt.rule}”"
        case "error":
            return f"{place}: normal content, because deciding failed or took too long"
        case "bot":
            return f"{place}: normal content, because this looks like a machine and not a visitor"
        case _:
            reason = GATES.get(receipt.gate)
            return f"{place}: normal content, " + (f"because {reason}" if reason else "no rule matched")


def _because(receipt: Receipt, playbook: Playbook) -> Iterator[str]:
    """What made the outcome so: the acting rule's sentence with its facts, then the gates it met."""
    for name, verdict, detail in receipt.steps:
        rule = playbook.rules.get(name)
        if rule is None or verdict not in ("shown", "hidden", "matched", "control", "limited"):
            continue
        yield sentence_with_facts(rule, receipt, playbook)
        if verdict == "control":
            yield f"in the test of “{name}”, this visitor is among those who see what they would have seen without it"
        elif verdict == "limited":
            yield _limit_words(name, receipt, playbook)
        elif verdict == "matched" and receipt.gate in GATES:
            yield f"“{name}” would have acted, but {GATES[receipt.gate]}"
        elif detail == "preview":
            yield f"“{name}”: shown because you preview; tests and the control group do not hold you"
        if verdict == "shown":
            yield from _lists(receipt)
        for kind, verb in PRODUCT_VERBS.items():
            product = receipt.findings.get(f"{name}/product {kind}")
            if product is not None and product.held:
                yield f"this product ({product.facts[0]}) is one they {verb}"


def _lists(receipt: Receipt) -> Iterator[str]:
    """`gives Fell runner (bought 12 times), Ridge boot (viewed 3 times)`."""
    for name, given in receipt.lists.items():
        if name == receipt.variant or name.startswith(f"{receipt.variant}/"):
            said = (f"{each.product['name']} ({say_reason(each.reason)})" for each in given)
            yield f"gives {', '.join(said)}"


def sentence_with_facts(rule: Rule, receipt: Receipt, playbook: Playbook) -> str:
    """`a returning visitor viewed ...: Product Viewed, shoes, 2 times, last 14:02`."""
    vocabulary = playbook.vocabulary
    sentence = rule.when.describe(vocabulary)
    finding = receipt.findings.get(rule.name)
    if finding is None:
        return sentence
    facts = rule.when.explain(finding, vocabulary, receipt.at)
    words = f"{sentence}: {facts}" if facts else sentence
    return words + _lasting_words(rule, receipt, playbook)


def _lasting_words(rule: Rule, receipt: Receipt, playbook: Playbook) -> str:
    """When a rule that lasts held for the last time, and until when it goes on."""
    lasted = receipt.findings.get(f"{rule.name}/lasts")
    if lasted is None:
        return ""
    zone = playbook.vocabulary.zone
    held_at, until = (to_clock(int(str(at)), receipt.at, zone) for at in lasted.facts)
    return f" (at {held_at}; it lasts until {until})"


VERDICTS: Mapping[str, tuple[float, str]] = {
    "not if": (1.0, "its exception holds: {not_if}"),
    "ended": (0.0, "its last day is over"),
    "preview only": (0.0, "it is in preview: only previewers see it"),
    "outside the share": (1.0, "it is launched to a share of visitors, and this one is outside"),
    "not sure enough": (1.0, "its version is a bold one, and what we know here is not sure enough for that"),
    "no value": (1.0, "its text needs “{detail}”, which is not known for this visitor"),
    "no id": (1.0, "it is being tested, and a request without an id cannot take part"),
    "later": (1.0, "it matches too, but an earlier rule or gate came first"),
    "other product": (0.5, "this product is not one they {verb}"),
}
"""By verdict: how near the rule came, and the words."""


def _why_nots(receipt: Receipt, playbook: Playbook) -> Iterator[WhyNot]:
    for name, verdict, detail in receipt.steps:
        rule = playbook.rules.get(name)
        finding = receipt.findings.get(name)
        if rule is None:
            continue
        if verdict == "no match" and finding is not None:
            yield _no_match(rule, finding, receipt, playbook)
        elif verdict in VERDICTS:
            near, words = VERDICTS[verdict]
            not_if = _not_if_words(rule, receipt, playbook) if verdict == "not if" else ""
            if verdict == "no value" and find_wish(detail) is not None:
                words = "its list “{detail}” has no products for this visitor now"
            words = words.format(not_if=not_if, detail=detail, verb=_product_verb(rule))
            yield WhyNot(rule=name, words=words, near=near)


def _no_match(rule: Rule, finding: Finding, receipt: Receipt, playbook: Playbook) -> WhyNot:
    vocabulary = playbook.vocabulary
    missing = missing_in(rule.when, finding)
    words = tuple(
        _joined(part.describe(vocabulary), part.explain(found, vocabulary, receipt.at))
        for part, found in missing
    )
    return WhyNot(
        rule=rule.name,
        words=_joined(rule.when.describe(vocabulary), rule.when.explain(finding, vocabulary, receipt.at)),
        near=finding.near,
        missing=words,
    )


def _joined(sentence: str, facts: str) -> str:
    return f"{sentence} (now: {facts})" if facts else sentence


def _not_if_words(rule: Rule, receipt: Receipt, playbook: Playbook) -> str:
    if rule.not_if is None:
        return ""
    vocabulary = playbook.vocabulary
    sentence = rule.not_if.describe(vocabulary)
    finding = receipt.findings.get(rule.name + NOT_IF_END)
    return (
        _joined(sentence, rule.not_if.explain(finding, vocabulary, receipt.at))
        if finding is not None
        else sentence
    )


def _limit_words(name: str, receipt: Receipt, playbook: Playbook) -> str:
    finding = receipt.findings.get(f"{name}/limits/{receipt.slot}")
    if finding is None or not finding.facts:
        return f"“{name}”: {GATES['limits']}"
    if finding.facts[0] == "dismissed" and isinstance(finding.facts[1], int):
        return f"“{name}”: they dismissed it at {to_clock(finding.facts[1], receipt.at, playbook.vocabulary.zone)}"
    return f"“{name}”: given in {finding.facts[1]} visits, and at most {finding.facts[2]} are allowed"


def _product_verb(rule: Rule) -> str:
    return " or ".join(dict.fromkeys(PRODUCT_VERBS[hide.product] for hide in rule.hide if hide.product))

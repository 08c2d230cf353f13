"""Tact: texts that tell a visitor they were watched, and names of things nobody should be singled out by.

Both are lists of words in English and German and of patterns over them. They miss things and flag harmless ones: what
they find is for a person to look at, not a refusal.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_WATCHED = (
    r"we(?:'ve| have)? (?:saw|seen|noticed|know|tracked|watched|remember(?:ed)?)(?: that)? (?:you|your)\b",
    r"(?:because|since|as) you(?:'ve| have)? (?:viewed|looked|visited|browsed|clicked|searched|opened|read)\b",
    r"you(?:'ve| have| were| are)? (?:been )?(?:looking at|looked at|viewed|browsing|browsed|visited|checked out)\b",
    r"(?:based on|from) your (?:browsing|activity|history|visits|behaviou?r|clicks|location)\b",
    r"your (?:browsing|activity|click) history\b",
    r"(?:still )?thinking about (?:it|that|those|the|your)\b",
    r"we(?:'re| are) watching\b",
    r"(?:you live|you are|you're) in \{(?:city|region|country)",
    r"wir haben (?:gesehen|bemerkt|gemerkt), dass (?:du|sie|ihr)\b",
    r"weil (?:du|sie|ihr)\b.*\b(?:angesehen|angeschaut|besucht|gesucht|geklickt) (?:hast|haben|habt)\b",
    r"(?:du hast|sie haben|ihr habt)\b.*\b(?:angesehen|angeschaut|besucht|gesucht)\b",
    r"(?:dein|deine|deinem|deinen|ihr|ihrem) (?:surf|klick|such)?verlauf\b",
)
_REVEALING = re.compile("|".join(f"(?:{pattern})" for pattern in _WATCHED), re.IGNORECASE)
MEASURED = frozenset(
    {
        "visits",
        "pages this visit",
        "time this visit",
        "time on page",
        "scroll depth",
        "days since last visit",
        "exit intent",
        "click id",
    }
)
"""Signals that say how closely somebody was measured; a text that names one of them says so to their face."""

_TOPICS: Mapping[str, str] = {
    "health": r"health|medical|diagnos\w*|disease|illness|disab\w*|pregnan\w*|allerg\w*|diabet\w*|cancer|therap\w*|"
    r"medic(?:ine|ation)s?|prescription|fertility|mental|depress\w*|weight loss|hiv|std|schwanger\w*|krankheit\w*|"
    r"gesundheit\w*|behinder\w*",
    "religion or belief": r"relig\w*|faith|church|mosque|synagogue|christian|muslim|jewish|islam\w*|catholic|"
    r"konfession\w*|glaube",
    "politics or a union": r"politic\w*|party member\w*|trade union|union member\w*|vote[rd]?|partei\w*|"
    r"gewerkschaft\w*",
    "sexual life or orientation": r"sexual\w*|sex life|orientation|lgbt\w*|gay|lesbian|queer|gender identity",
    "origin": r"ethnic\w*|race|racial|nationality|migra\w*|skin colou?r|herkunft",
    "body data": r"biometric\w*|genetic\w*|dna|fingerprint|face id",
    "a crime": r"criminal\w*|conviction|offen[cs]e record|vorstrafe\w*",
    "money trouble": r"debt\w*|bankrupt\w*|credit score|overdue|schulden|insolven\w*",
    "a child": r"child(?:'s)? (?:name|age|birthday)|minor\b|kid(?:'s)? (?:name|age)|is under ?age",
}
_SENSITIVE = {
    topic: re.compile(rf"(?<![a-z])(?:{words})(?![a-z])", re.IGNORECASE) for topic, words in _TOPICS.items()
}
_WORDS = re.compile(r"[_\-.\s]+|(?<=[a-z])(?=[A-Z])")


def reveals_tracking(text: str) -> str | None:
    """The words of a text that tell somebody they were watched; None when none do."""
    found = _REVEALING.search(" ".join(text.split()))
    return found[0] if found is not None else None


def sensitive_topic(name: str) -> str | None:
    """What a name of a detail, property or signal is about, where nobody should be singled out by that."""
    said = " ".join(part for part in _WORDS.split(name) if part)
    return next((topic for topic, pattern in _SENSITIVE.items() if pattern.search(said)), None)

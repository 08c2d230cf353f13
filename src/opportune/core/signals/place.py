"""Where the visitor is and which language they read: the request's word, else the profile's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opportune.core.signals.base import NOTHING, Reading, Signal, from_request, read_text_trait
from opportune.core.signals.codes import COUNTRY_CODES, LANGUAGE_CODES

if TYPE_CHECKING:
    from opportune.core.situation import Situation


class Language(Signal):
    name = "language"
    meant = LANGUAGE_CODES
    type = "text"
    source = "session"
    confidence = "high"
    meaning = "The language they read, as two or three letters such as de."

    def read(self, situation: Situation) -> Reading:
        if situation.context.language:
            return from_request(situation, language_of(situation.context.language))
        trait = read_text_trait(situation, "language", "locale", "lang")
        return (
            Reading(language_of(str(trait.value)) or None, trait.source, trait.confidence, trait.at)
            if trait.value
            else NOTHING
        )

    def can_be(self, text: str) -> bool:
        return language_of(text) == text.lower()


class Country(Signal):
    name = "country"
    meant = COUNTRY_CODES
    aliases = ("location",)
    field = "country"
    type = "text"
    source = "session"
    confidence = "high"
    meaning = (
        "The country they are in, as two letters such as de, from the request or a trusted header, "
        "else from their profile."
    )

    def read(self, situation: Situation) -> Reading:
        return read_text_trait(
            situation, "country", "country_code", "countryCode", "address.country", "location"
        )

    def can_be(self, text: str) -> bool:
        return len(text) == 2 and text.isalpha() and text.casefold() not in COUNTRY_CODES


class City(Signal):
    name = "city"
    type = "text"
    source = "session"
    confidence = "high"
    meaning = "The town they are in, from the request, else from their profile."

    def read(self, situation: Situation) -> Reading:
        told = situation.context.attributes.get("city")
        if isinstance(told, str) and told:
            return from_request(situation, told)
        return read_text_trait(situation, "city", "town", "address.city")


def language_of(locale: str) -> str:
    """`de` of `de-AT`, `de_AT.UTF-8` or `DE`; empty when it is no locale."""
    word = locale.strip().replace("_", "-").split("-", 1)[0].lower()
    return word if 2 <= len(word) <= 3 and word.isascii() and word.isalpha() else ""


PLACE = (Language(), Country(), City())

"""Names of countries and languages with the codes that requests and profiles carry: for advice, not for deciding."""

from __future__ import annotations

from collections.abc import Mapping

_COUNTRIES = """
ar Argentina|au Australia|at Austria|at Österreich|be Belgium|br Brazil|bg Bulgaria|ca Canada|cl Chile|cn China
co Colombia|hr Croatia|cy Cyprus|cz Czechia|cz Czech Republic|dk Denmark|eg Egypt|ee Estonia|fi Finland|fr France
de Germany|de Deutschland|gr Greece|hk Hong Kong|hu Hungary|is Iceland|in India|id Indonesia|ie Ireland|il Israel
it Italy|it Italia|jp Japan|ke Kenya|lv Latvia|li Liechtenstein|lt Lithuania|lu Luxembourg|my Malaysia|mt Malta
mx Mexico|ma Morocco|nl Netherlands|nl Holland|nl The Netherlands|nz New Zealand|ng Nigeria|no Norway|pk Pakistan
pe Peru|ph Philippines|pl Poland|pt Portugal|ro Romania|ru Russia|sa Saudi Arabia|rs Serbia|sg Singapore
sk Slovakia|si Slovenia|za South Africa|kr South Korea|es Spain|es España|se Sweden|ch Switzerland|ch Schweiz
tw Taiwan|th Thailand|tr Turkey|tr Türkiye|ua Ukraine|ae United Arab Emirates|gb United Kingdom|gb UK
gb Great Britain|gb Britain|gb England|us United States|us USA|us America|vn Vietnam
"""
_LANGUAGES = """
ar Arabic|bg Bulgarian|ca Catalan|zh Chinese|hr Croatian|cs Czech|da Danish|nl Dutch|en English|et Estonian
fi Finnish|fr French|fr Français|de German|de Deutsch|el Greek|he Hebrew|hi Hindi|hu Hungarian|is Icelandic
id Indonesian|ga Irish|it Italian|it Italiano|ja Japanese|ko Korean|lv Latvian|lt Lithuanian|no Norwegian
fa Persian|pl Polish|pt Portuguese|ro Romanian|ru Russian|sr Serbian|sk Slovak|sl Slovenian|es Spanish|es Español
sv Swedish|th Thai|tr Turkish|uk Ukrainian|vi Vietnamese
"""


def _codes(listed: str) -> Mapping[str, str]:
    pairs = [pair.split(" ", 1) for line in listed.strip().splitlines() for pair in line.split("|")]
    return {name.casefold(): code for code, name in pairs}


COUNTRY_CODES = _codes(_COUNTRIES)
"""Codes of ISO 3166 by the country's name in lower case: those a shop is likely to name."""
LANGUAGE_CODES = _codes(_LANGUAGES)
"""Codes of ISO 639 by the language's name in lower case."""

"""The product it shows cannot be had any more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from opportune.core.experiments.watched import Sighting, Watched
from opportune.core.signs.base import Sign


class SoldOut(Sign):
    name: ClassVar[str] = "sold out"
    meaning: ClassVar[str] = (
        "Every product that its version names, or links to, is out of stock by the catalogue. Some of several is a "
        "warning. Recommended products are chosen from what is in stock anyway."
    )
    is_harm: ClassVar[bool] = True

    def look(self, watched: Watched) -> Iterator[Sighting]:
        for version in dict.fromkeys(each.version for each in watched.products):
            named = [each for each in watched.products if each.version == version]
            gone = [each.product for each in named if not each.is_in_stock]
            if gone:
                words = f"sold out: {', '.join(gone[:3])}, which its version “{version}” shows"
                if len(named) > 1:
                    words += f" ({len(gone)} of {len(named)} products)"
                yield Sighting(words=words, is_harm=len(gone) == len(named), about=f"{version}/{len(gone)}")

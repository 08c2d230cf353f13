"""Whether visitors are asked, and how many agreed: also those of whom nothing is kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from opportune.core.signals.consent import PURPOSES
from opportune.services.setting_up.looked import Looked
from opportune.services.setting_up.step import State, Step
from opportune.storage.base import ConsentCount

GROUP = "Is it whole?"
TITLES = {
    "cookiebot": "Cookiebot",
    "onetrust": "OneTrust",
    "complianz": "Complianz",
    "shopify": "Shopify's banner",
    "google": "Google's Consent Mode",
    "own": "your own call",
}
"""Banners as people call them."""
MOST_BANNERS = 3
NAME_IT = (
    'Say in the tag what the shop has: data-consent="cookiebot", "onetrust", "complianz", "shopify" or "google"; '
    'for any other banner data-consent="own", and have the banner call opportune.consent({measure: true, '
    "personalize: true, ads: true}) with what was agreed to."
)


class Visits(msgspec.Struct, frozen=True):
    """A day's visits: how many there were, and how many of them let us measure in the end."""

    day: str
    count: int
    agreed: int
    private: int
    """Began without, with Global Privacy Control switched on."""
    unread: int
    """Of a banner that the script cannot read."""
    banners: Sequence[str]
    """Those that were read, the commonest first."""


def newest_visits(looked: Looked) -> Visits | None:
    """Of yesterday, as it is whole; of today where there is nothing else."""
    for day in (looked.yesterday, looked.today):
        rows = [row for row in looked.visits if row.day == day]
        if rows:
            return _visits(day, rows)
    return None


def _visits(day: str, rows: Sequence[ConsentCount]) -> Visits:
    said, read = Counter[str](), Counter[str]()
    for row in rows:
        said[row.answer] += row.visits
        if row.banner in TITLES:
            read[row.banner] += row.visits
    count = said["yes"] + said["no"]
    return Visits(
        day=day,
        count=count,
        agreed=max(0, min(count, said["yes"] + said["later yes"] - said["later no"])),
        private=sum(row.visits for row in rows if row.has_gpc and row.answer == "no"),
        unread=_unread(rows),
        banners=[name for name, _ in read.most_common(MOST_BANNERS)],
    )


def _unread(rows: Sequence[ConsentCount]) -> int:
    return sum(row.visits for row in rows if row.banner == "unknown" and row.answer in ("yes", "no"))


def banner(looked: Looked) -> Step | None:
    """Whether what asks the visitors is something the script can read."""
    for day, words in ((looked.today, "today"), (looked.yesterday, "yesterday")):
        rows = [row for row in looked.visits if row.day == day]
        if rows:
            state, seen, fix = _read_by_script(rows, words)
            return Step(
                name="banner",
                group=GROUP,
                title="The cookie banner can be read",
                state=state,
                seen=seen,
                fix=fix,
            )
    return None


def _read_by_script(rows: Sequence[ConsentCount], day: str) -> tuple[State, str, str]:
    if unread := _unread(rows):
        visits = f"{_visits_in_words(unread)} {day}"
        seen = f"The tag names a banner that the script cannot read: nothing is kept of {visits}"
        return "trouble", seen, f"{NAME_IT} What is corrected shows here from the next day on."
    names = [TITLES[name] for name in _visits(day, rows).banners]
    if names:
        return "done", f"Visitors are asked by {' and '.join(names)}", ""
    seen = "No banner speaks to the script: a second after a page is there everybody counts as agreed"
    return "not needed", seen, f"If the shop has a banner, that is wrong. {NAME_IT}"


def consent(looked: Looked) -> Step | None:
    """What visitors said to being measured and personalized. Of who never agreed nothing but this number is kept."""
    visits, answers, title = newest_visits(looked), looked.consents, "Consent is respected"
    if visits is None and not any(event.is_script for event in looked.recent):
        return None
    words = [_counted(looked, visits)] if visits is not None and visits.count else []
    if answers:
        shares = ", ".join(
            f"{sum(purpose in said for said in answers.values()) / len(answers):.0%} to {purpose}"
            for purpose in PURPOSES
            if any(purpose in said for said in answers.values())
        )
        words.append(f"{len(answers):,} people said something lately: {shares or 'nobody agreed'}")
    state, fix = _judged(looked, visits)
    if not words:
        words.append(
            "Nobody has agreed yet: nobody is personalized"
            if looked.playbook.team.needs_consent
            else "No banner speaks to the script: everybody counts as agreed"
        )
    return Step(name="consent", group=GROUP, title=title, state=state, seen=". ".join(words), fix=fix)


def _counted(looked: Looked, visits: Visits) -> str:
    day = "yesterday" if visits.day == looked.yesterday else "today"
    without = visits.count - visits.agreed
    text = f"Of {_visits_in_words(visits.count)} {day} {visits.agreed:,} agreed to being measured"
    if without:
        text += f", {without:,} did not or did not answer: nothing of them is kept"
    if visits.private:
        text += f" ({visits.private:,} of these by a setting of their browser)"
    return text


def _visits_in_words(count: int) -> str:
    return "1 visit" if count == 1 else f"{count:,} visits"


def _judged(looked: Looked, visits: Visits | None) -> tuple[State, str]:
    agreed = visits.agreed if visits is not None else 0
    if agreed or looked.consents:
        return "done", ""
    if visits is not None or looked.playbook.team.needs_consent:
        return "waiting", "See that the shop's banner is one the script knows, and agree to it yourself."
    return "not needed", "If your shop has a banner, see that it is one the script knows."


STEPS = (banner, consent)

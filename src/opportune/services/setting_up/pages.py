"""What happens on the shop's pages: places, the id's life, speed, trouble."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from opportune.core.moment import DAY
from opportune.core.slot import Slot
from opportune.services.setting_up.looked import Looked
from opportune.services.setting_up.step import State, Step

GROUP = "On the page"
APPLIED = ("Slot Applied", "Slot Viewed")
SAFARI_DAYS = 7
FEWEST_IDS = 10
MOSTLY = 0.9
GOOD_LCP_MS = 2_500
"""Largest contentful paint, at the 75th percentile: good up to here by the Web Vitals programme's thresholds."""
POOR_LCP_MS = 4_000
FEWEST_VISITS = 10
MOST_NAMED = 4
SAME_DOMAIN = (
    "Let the shop's own server set it: the WordPress plugin and the helpers for Python do, and so does a path /o/ "
    "of the shop's own domain."
)
SAFARI_FORGETS = (
    "An id from a script lives 7 days in Safari and in every browser of an iPhone, 13 months in Chrome, Edge and "
    "Firefox: after that a returning visitor is a new one."
)
OURS, BY_SCRIPT = "set by our server", "set by script"
BUSY_MS = 50
"""Longer than this a visitor's tap has to wait (the Web Vitals programme calls it a long task)."""


def places(looked: Looked) -> Step | None:
    """Where each declared place was found; a selector that was never found names the pages it should be on."""
    slots = list(looked.playbook.slots.values())
    if not slots or not any(event.is_script for event in looked.recent):
        return None
    found: dict[str, Counter[str]] = {slot.name: Counter() for slot in slots}
    for event in looked.recent:
        name = event.properties.get("slot")
        if event.name in APPLIED and isinstance(name, str) and name in found:
            found[name][event.path or "/"] += 1
    seen = [f"{slot.title}: on {_pages(found[slot.name])}" for slot in slots if found[slot.name]]
    missing = [slot for slot in slots if not found[slot.name]]
    is_wrong = any(slot.placement.selector for slot in missing)
    state: State = "done" if not missing else "trouble" if is_wrong and seen else "waiting"
    return Step(
        name="places",
        group=GROUP,
        title="The places are found on the pages",
        state=state,
        seen="; ".join(seen) or "None was found yet",
        fix=_never_found(missing),
    )


def _pages(paths: Counter[str]) -> str:
    named = [path for path, _ in paths.most_common(3)]
    more = len(paths) - len(named)
    return ", ".join(named) + (f" and {more} more" if more else "")


def _never_found(missing: Sequence[Slot]) -> str:
    """A selector names the pages it was looked for on; without one the element has to say whose place it is."""
    said = [
        f"{slot.title}: “{slot.placement.selector}” was not found on "
        f"{', '.join(slot.placement.paths) or 'any page'}; correct it in its file."
        for slot in missing
        if slot.placement.selector
    ]
    unnamed = [slot for slot in missing if not slot.placement.selector]
    if unnamed:
        attributes = ", ".join(f'data-slot="{slot.name}"' for slot in unnamed[:MOST_NAMED])
        said.append(f"Write {attributes} at the element, or give the place's file a selector.")
    return " ".join(said)


def id_life(looked: Looked) -> Step | None:
    """By browser: an id that a script set lives seven days in Safari, one from the shop's own server a year."""
    safari, others = looked.ages.get("Safari", ()), looked.ages.get("others", ())
    if not safari and not others:
        return None
    seen = "; ".join(
        f"{name}: {_life(ages)}" for name, ages in (("Safari", safari), ("Other browsers", others)) if ages
    )
    by_server = looked.by_server or 0.0
    seen = f"{by_server:.0%} of ids were set by the shop's own server, the others by a script. {seen}"
    state: State = "waiting"
    if by_server >= MOSTLY or _lives_on(safari):
        state = "done"
    elif len(safari) >= FEWEST_IDS and _lives_on(others):
        state = "trouble"
    elif not safari and _lives_on(others):
        state = "done"
    fix = {
        "trouble": f"{SAFARI_FORGETS} {SAME_DOMAIN}",
        "waiting": f"Known once visitors came back after {SAFARI_DAYS} days. {SAME_DOMAIN}",
    }
    return Step(
        name="id",
        group=GROUP,
        title="Visitors are recognized when they come back",
        state=state,
        seen=seen,
        fix=fix.get(state, ""),
    )


def id_setter(looked: Looked) -> Step | None:
    """Who sets the visitor's id: what the team says, against what comes from the pages, and what it costs."""
    said, share = looked.playbook.team.visitor_id, looked.by_server
    if share is None:
        return None
    is_ours = share >= MOSTLY
    seen = (
        f"{share:.0%} of the ids seen lately come from the shop's own server, {1 - share:.0%} from a script"
    )
    state: State = "done"
    fix = ""
    if said == OURS and not is_ours:
        state, fix = "trouble", f"team.yaml says “visitor id: {OURS}”. {SAFARI_FORGETS} {SAME_DOMAIN}"
    elif is_ours and said == BY_SCRIPT:
        state, fix = "trouble", f"Write “visitor id: {OURS}” in team.yaml, and no rule warns of it any more."
    elif is_ours:
        seen += ": browsers keep them for 13 months"
    elif said != BY_SCRIPT:
        state = "waiting"
        fix = (
            f"{SAFARI_FORGETS} {SAME_DOMAIN} Until then write “visitor id: {BY_SCRIPT}” in team.yaml: rules "
        )
        fix += "that look back further then say so."
    else:
        seen += f". {SAFARI_FORGETS} Rules that look back further say so"
    return Step(
        name="visitor id",
        group=GROUP,
        title="Who sets the visitor's id is known",
        state=state,
        seen=seen,
        fix=fix,
    )


def _lives_on(ages: Sequence[float]) -> bool:
    return any(days > SAFARI_DAYS + 0.5 for days in ages)


def _life(ages: Sequence[float]) -> str:
    longest = max(ages)
    return f"{len(ages)} ids looked at, the oldest {longest:.0f} days old"


def speed(looked: Looked) -> Step | None:
    """What visitors wait for, whoever causes it: the script may never be the reason that this gets worse."""
    paints = sorted(
        value
        for event in looked.recent
        if event.name == "Web Vitals" and isinstance(value := event.properties.get("lcp"), int | float)
    )
    if not paints:
        return None
    worst = _of_three_in_four(paints)
    is_enough = len(paints) >= FEWEST_VISITS
    state: State = "waiting" if not is_enough else "trouble" if worst > POOR_LCP_MS else "done"
    word = "good" if worst <= GOOD_LCP_MS else "could be better" if worst <= POOR_LCP_MS else "slow"
    return Step(
        name="speed",
        group=GROUP,
        title="The pages are quick",
        state=state,
        seen=f"Three of four page views show their largest part within {worst / 1_000:.1f} s ({word}; "
        f"{len(paints):,} measured)",
        fix="The shop's own pages are slow; ours waits for none of them. Look at images and apps first."
        if state == "trouble"
        else "",
    )


def own_cost(looked: Looked) -> Step | None:
    """What our own script costs a page, as visitors' browsers measured it."""
    measured = sorted(
        value
        for event in looked.recent
        if event.name == "Web Vitals" and isinstance(value := event.properties.get("busy"), int | float)
    )
    if not measured:
        return None
    busy = _of_three_in_four(measured)
    is_enough = len(measured) >= FEWEST_VISITS
    return Step(
        name="own cost",
        group=GROUP,
        title="Opportune costs the pages little",
        state="waiting" if not is_enough else "trouble" if busy > BUSY_MS else "done",
        seen="Its script is loaded beside the page, which does not wait for it. On three of four page views getting "
        f"ready takes the browser no more than {max(busy, 1):,.0f} ms ({len(measured):,} measured)",
        fix="That is more than a blink: see that the snippet is there once, and which other scripts start with it."
        if busy > BUSY_MS
        else "",
    )


def _of_three_in_four(values: Sequence[float]) -> float:
    """What three of four stay below; `values` ascend."""
    return values[min(len(values) - 1, len(values) * 3 // 4)]


TROUBLES: Mapping[str, tuple[str, str]] = {
    "place not found": (
        "the place {slot} was not found",
        "“{selector}” matches nothing there: correct the place's selector or its paths.",
    ),
    "part not found": (
        "a part of {slot} was not found",
        "“{selector}” matches nothing there: correct the `put` of the place.",
    ),
    "bad selector": (
        "the selector of {slot} cannot be read",
        "“{selector}” is no CSS selector: correct it in the place's file.",
    ),
    "rewritten": (
        "the shop rewrote {slot} again and again",
        "Another script owns “{selector}”: take an element around it or beside it.",
    ),
    "refused": (
        "the page refused what belongs into {slot}",
        "Its content security policy may forbid it: `opportune snippet --csp` prints what that has to allow.",
    ),
    "no block": (
        "half of the snippet is missing, or the page refuses it",
        (
            "Paste all that `opportune snippet` prints into the <head>. Where the inline block stands there, the "
            "shop's content security policy refuses it: `opportune snippet --csp` prints what that has to allow."
        ),
    ),
    "late block": (
        "the snippet stands too late in the page",
        "Move the block to the top of the <head>, and see that no optimizer delays it.",
    ),
    "two blocks": ("the snippet is there twice", "Remove one of the two: theme or tag manager."),
    "two scripts": ("the script is there twice", "Remove one of the two: theme or tag manager."),
}
"""What the script reports: in words, and what to do about it."""


def page_trouble(looked: Looked) -> Step | None:
    """What the script met on the pages in the last day; a selector never found names the page."""
    if not any(event.is_script for event in looked.recent):
        return None
    met: Counter[tuple[str, str, str, str]] = Counter()
    for event in looked.recent:
        said = event.properties
        what = str(said.get("what", ""))
        if event.name == "Page Trouble" and what in TROUBLES and looked.now - event.at < DAY:
            where = str(said.get("where") or event.path or "/")
            met[what, where[:200], str(said.get("slot", ""))[:80], str(said.get("selector", ""))[:200]] += 1
    title = "No trouble on the pages"
    if not met:
        return Step(name="page trouble", group=GROUP, title=title, state="done", seen="None in a day")
    worst = met.most_common(MOST_NAMED)
    return Step(
        name="page trouble",
        group=GROUP,
        title=title,
        state="trouble",
        seen="; ".join(
            f"{TROUBLES[what][0].format(slot=slot)} on {where}" for (what, where, slot, _), _ in worst
        ),
        fix=" ".join(
            dict.fromkeys(TROUBLES[what][1].format(selector=selector) for (what, _, _, selector), _ in worst)
        ),
    )


STEPS = (places, id_setter, id_life, speed, own_cost, page_trouble)

"""The first steps: server, address, playbook, key, snippet."""

from __future__ import annotations

from urllib.parse import urlsplit

from opportune.core.moment import DAY
from opportune.services.setting_up.looked import Looked
from opportune.services.setting_up.step import State, Step

GROUP = "Connect"
HERE = ("127.0.0.1", "localhost", "::1", "0.0.0.0")  # noqa: S104 - compared with, not listened on


def server(looked: Looked) -> Step:
    host = urlsplit(looked.url).hostname or ""
    is_here = host in HERE
    return Step(
        name="server",
        group=GROUP,
        title="The server has an address of its own",
        state="not needed" if is_here else "done",
        seen=f"It answers at {looked.url}" + (", on this machine only: enough to try" if is_here else ""),
        fix="For visitors it needs a machine in the net with a name of its own, such as o.yourshop.com."
        if is_here
        else "",
    )


def https(looked: Looked) -> Step:
    parts = urlsplit(looked.url)
    is_here = (parts.hostname or "") in HERE
    state: State = "done" if parts.scheme == "https" else "not needed" if is_here else "trouble"
    return Step(
        name="https",
        group=GROUP,
        title="Visitors reach it by HTTPS",
        state=state,
        seen="Encrypted" if state == "done" else "Not needed on this machine" if is_here else "Plain HTTP",
        fix="Put Caddy in front of it, which gets a certificate by itself." if state == "trouble" else "",
    )


def playbook(looked: Looked) -> Step:
    found = looked.playbook
    is_readable = bool(found.revision)
    state: State = "done" if is_readable else "trouble" if looked.is_published else "waiting"
    fix = {
        "waiting": "opportune init playbook, change what you like, then: opportune publish playbook",
        "trouble": "Another version wrote what is published; publish it again: opportune publish playbook",
    }
    return Step(
        name="playbook",
        group=GROUP,
        title="A playbook is published",
        state=state,
        seen=f"Revision {found.revision}: {_counted(len(found.rules), 'rule')}, "
        f"{_counted(len(found.slots), 'place')}"
        if is_readable
        else "",
        fix=fix.get(state, ""),
    )


def write_key(looked: Looked) -> Step:
    keys = [key for key in looked.keys if key.kind == "write"]
    return Step(
        name="write key",
        group=GROUP,
        title="The site has a key",
        state="done" if keys else "waiting",
        seen=f"“{keys[-1].name}”" if keys else "",
        fix="" if keys else "opportune keys add --kind write --name site",
    )


def snippet(looked: Looked) -> Step:
    found = next((event for event in looked.recent if event.is_script), None)
    if found is None:
        return _snippet_unseen(looked)
    hosts = sorted({event.host for event in looked.recent if event.is_script and event.host})
    is_silent = looked.now - found.at > DAY
    return Step(
        name="snippet",
        group=GROUP,
        title="The snippet is on the site",
        state="trouble" if is_silent else "done",
        seen=f"Last seen {looked.when(found.at)} on {' and '.join(hosts[:3]) or 'a page without an address'}",
        fix="Nothing came for a day: is it still in the <head>, and does the shop's theme load it?"
        if is_silent
        else "",
    )


def _snippet_unseen(looked: Looked) -> Step:
    """Nothing is kept of its pages: it is not there, or nobody agreed yet."""
    visits = sum(row.visits for row in looked.visits if row.answer in ("yes", "no"))
    return Step(
        name="snippet",
        group=GROUP,
        title="The snippet is on the site",
        state="done" if visits else "waiting",
        seen=f"{_counted(visits, 'visit')} came by it. Nobody agreed to being measured, so nothing else is kept"
        if visits
        else "Waiting for the first page",
        fix="Paste what `opportune snippet` prints into the <head> of every page, then open one. If nothing comes, a "
        "blocker in your browser stops it, or the shop's content security policy does: `opportune snippet --csp` "
        "prints what that has to allow."
        if not visits
        else "",
    )


def sources(looked: Looked) -> Step:
    """Whether the shop itself tells of its orders, not only visitors' browsers."""
    is_told = any(order.by_shop for order in looked.orders)
    seen = f"Connected: {', '.join(looked.sources)}" if looked.sources else "Orders come from its server"
    return Step(
        name="sources",
        group=GROUP,
        title="The shop itself tells of its orders",
        state="done" if is_told else "waiting",
        seen=seen + ("" if is_told else ", but no order came this month")
        if looked.sources or is_told
        else "",
        fix=""
        if is_told
        else "opportune sources add shopify (or woocommerce); any other shop sends them with a secret key.",
    )


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


STEPS = (server, https, playbook, write_key, snippet, sources)

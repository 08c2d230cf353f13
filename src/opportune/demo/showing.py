"""What belongs to the demo and to no shop: switches, the history behind "why", rules, and the way to the reports."""

from __future__ import annotations

from urllib.parse import quote

from starlette.responses import Response

from opportune.demo.rulebook import Outcome
from opportune.demo.shop import Page, Shop, Visited, back, console_url, go, new_device
from opportune.demo.why import history_of, known_of

NO_RULE = "This rule is not in the playbook's folder."
NOT_OPENED = "The reports could not be opened. In a terminal, `opportune report` prints the same."


def set_preview(_shop: Shop, visited: Visited) -> Response:
    visited.guest.is_previewing = visited.form.get("preview") == "on"
    return back(visited)


def new_visitor(shop: Shop, visited: Visited) -> Response:
    """Forgets who this browser was. Whoever shall have a past gets a visit of two days ago."""
    guest = visited.guest
    guest.device, guest.customer, guest.name, guest.cart = new_device(), None, "", {}
    if visited.form.get("past"):
        shop.give_past(guest.device)
    return go("/")


def history(shop: Shop, visited: Visited) -> Response:
    """The history in the panel, fetched when it is opened."""
    guest = visited.guest
    person = shop.find_person(guest.ids[0]) or shop.find_person(guest.device)
    return shop.render_part(
        "history.html", history=history_of(person), known=known_of(person), stage=person.get("stage", "")
    )


def tests(shop: Shop, visited: Visited) -> Page | Response:
    """What the tests say stands in the console: on to its reports, or to the report of one rule."""
    stem = visited.request.path_params.get("stem", "")
    rule = shop.rulebook.find_name(stem) if stem else ""
    if rule is None:
        return Page("missing.html", "No report", content={"lines": [NO_RULE]}, status=404)
    cookies = shop.console.find_cookies()
    if not cookies:
        return Page("missing.html", "No report", content={"lines": [NOT_OPENED]}, status=503)
    answer = go(console_url(shop, visited, f"/reports/{quote(rule, safe='')}" if rule else "/reports"))
    for cookie in cookies:
        answer.headers.append("Set-Cookie", cookie)
    return answer


def rules(shop: Shop, _visited: Visited) -> Page:
    return _rules_page(shop)


def publish(shop: Shop, visited: Visited) -> Page:
    stem, sentence = visited.form.get("rule", ""), visited.form.get("when", "")
    return _rules_page(shop, stem, sentence, shop.rulebook.publish(stem, sentence))


def switch(shop: Shop, visited: Visited) -> Page:
    stem = visited.form.get("rule", "")
    return _rules_page(shop, stem, "", shop.rulebook.switch(stem, is_on=visited.form.get("state") == "live"))


def _rules_page(shop: Shop, stem: str = "", sentence: str = "", outcome: Outcome | None = None) -> Page:
    content = {"rules": shop.rulebook.list_rules(), "touched": stem, "typed": sentence, "outcome": outcome}
    return Page("rules.html", "Rules", content=content)

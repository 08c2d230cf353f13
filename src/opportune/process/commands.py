"""What a command may ask of an open house: the names that travel over the control socket, and what they do.

The same functions run in the server for a command that reached it, and in the command's own process when
no server runs. Arguments and results are plain JSON values.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Literal, TypeAlias

import msgspec

from opportune.core.experiments.experiment import Experiment
from opportune.core.feeds.taking import Taken
from opportune.core.history.key import Namespace
from opportune.core.language.phrases.test import describe_test
from opportune.core.moment import DAY, to_iso
from opportune.core.placement import held
from opportune.core.playbook import Playbook
from opportune.core.product import Product
from opportune.core.programme import ACTING
from opportune.core.remembering import beyond_the_id
from opportune.core.rule import Rule, RunState, Test
from opportune.errors import BadRequestError, NotFoundError
from opportune.process.feeding import fetch_feed
from opportune.services import (
    admitting,
    connecting,
    explaining,
    importing,
    operating,
    previewing,
    publishing,
    reading,
    setting_aside,
)
from opportune.services.authorizing import user_token_secret
from opportune.services.catalogue import feeding, recommending
from opportune.services.catalogue.cataloguing import refresh_catalogue
from opportune.services.experiments.keeping_measured import keep_measured
from opportune.services.guard import guarding, noting
from opportune.services.house import House
from opportune.services.learnings import learning
from opportune.services.people import erasing, exporting, redacting, requesting
from opportune.storage.base import ApiKey
from opportune.storage.personal import Erasure

Result: TypeAlias = Any
"""Plain JSON values."""


def execute(house: House, command: str, args: Mapping[str, Any]) -> Any:
    """Runs one command. Raises the errors of the services, BadRequestError for one it does not know."""
    run = COMMANDS.get(command)
    if run is None:
        raise BadRequestError(
            wrong=f"The running server knows no command {command!r}; restart it after an update."
        )
    return run(house, **args)


def add_key(
    house: House, *, kind: Literal["write", "secret"], name: str, value: str, scopes: list[str], by: str
) -> Result:
    key, made = operating.add_key(house, kind=kind, name=name, value=value, scopes=scopes, by=by)
    return {**_key(key), "value": made}


def list_keys(house: House) -> list[Result]:
    return [_key(key) for key in house.storage.list_api_keys()]


def revoke_key(house: House, *, name: str, by: str) -> Result:
    return _key(operating.revoke_key(house, name, by=by))


def show_user_token_secret(house: House) -> Result:
    return {"secret": user_token_secret(house)}


def add_source(house: House, *, platform: str, secret: str, name: str, prefix: str, by: str) -> Result:
    source = connecting.add_source(house, platform, secret=secret, name=name, prefix=prefix, by=by)
    return _source(source)


def list_sources(house: House) -> list[Result]:
    return [_source(source) for source in connecting.list_sources(house.storage)]


def remove_source(house: House, *, name: str, by: str) -> Result:
    return _source(connecting.remove_source(house, name, by=by))


def publish(house: House, *, files: dict[str, str], new_test: bool, based_on: str | None, by: str) -> Result:
    published = publishing.publish(house, files, new_test=new_test, based_on=based_on, by=by)
    return _plain(published)


def head(house: House) -> Result:
    """The published files, and which revision they are."""
    stored = house.storage.find_playbook()
    if stored is None:
        raise NotFoundError(what="A published playbook")
    return {"revision": stored.revision, "files": dict(stored.files)}


def list_held(house: House) -> Result:
    return {"hold": held(house.programme.playbook.slots.values())}


def list_rules(house: House) -> list[Result]:
    """Every rule with its state, and why it does not act although it is launched."""
    programme = house.programme
    waiting = {found.rule: list(found.events) for found in programme.waiting}
    tests = {each.id: each for each in house.storage.list_experiments()}
    return [
        {
            **_rule(rule, programme.run_states.get(name), waiting.get(name, [])),
            **_test(tests, programme.run_states.get(name), programme.playbook),
            "notes": [doubt for _, doubt in beyond_the_id(rule, programme.playbook)],
        }
        for name, rule in programme.playbook.rules.items()
    ]


def _test(tests: Mapping[str, Experiment], state: RunState | None, playbook: Playbook) -> Result:
    """When a rule's test is planned to end, as a day in the team's zone, and whether it is over."""
    test = tests.get(state.seed) if state is not None else None
    if test is None or test.planned_end_at is None:
        return {"test_ends": None, "test_is_over": False}
    ends = datetime.fromtimestamp(test.planned_end_at / 1_000, playbook.vocabulary.zone).date()
    return {"test_ends": ends.isoformat(), "test_is_over": test.ended_as == "finished"}


def set_rule(house: House, *, rule: str, state: str, unseen: bool, reason: str, by: str) -> Result:
    operating.set_run_state(house, rule, state, unseen=unseen, reason=reason, by=by)
    return next(found for found in list_rules(house) if found["rule"] == rule)


def switch_off(house: House, *, reason: str, by: str) -> None:
    operating.switch_off(house, reason=reason, by=by)


def switch_on(house: House, *, by: str) -> None:
    operating.switch_on(house, by=by)


def freeze(house: House, *, reason: str, by: str, first: str = "", last: str = "") -> Result:
    return _plain(operating.freeze(house, reason=reason, by=by, first=first, last=last))


def unfreeze(house: House, *, by: str) -> None:
    operating.unfreeze(house, by=by)


def list_notes(house: House, *, limit: int) -> list[Result]:
    return [_plain(note) for note in noting.list_notes(house.storage, None, limit).notes]


def look_now(house: House) -> list[Result]:
    """Measures and guards at once; the new notes."""
    keep_measured(house)
    return [_plain(noting.view_of(note)) for note in guarding.guard(house)]


def status(house: House) -> Result:
    """What runs here now."""
    off = operating.find_switch(house, "off")
    frozen = operating.find_switch(house, "frozen")
    return {
        "pid": os.getpid(),
        "revision": house.programme.revision,
        "rules": len(house.programme.playbook.rules),
        "slots": len(house.programme.playbook.slots),
        "off": _plain(off),
        "frozen": _plain(frozen),
    }


def make_setup_link(house: House, *, by: str) -> Result:
    return {"word": admitting.make_link(house, by=by)}


def make_preview_link(house: House, *, page: str) -> Result:
    return {"link": previewing.preview_link(house, page)}


def explain_decision(house: House, *, decision: str, again: Literal["", "replay", "rebuild"]) -> Result:
    if again == "replay":
        return _plain(explaining.replay_token(house, decision))
    if again == "rebuild":
        return _plain(explaining.rebuild_token(house, decision))
    return _plain(explaining.explain_token(house, decision))


def explain_person(
    house: House, *, person: str, slot: str, at: int | None, assumed: dict[str, Any]
) -> Result:
    explained = explaining.explain_person(house, person, slot, at=at, assumed=assumed)
    return _plain(explained)


def import_events(house: House, *, messages: list[dict[str, Any]]) -> Result:
    return msgspec.to_builtins(importing.import_messages(house, messages))


def shop_basics(house: House) -> Result:
    """What reading an export needs to know."""
    team = house.programme.playbook.team
    return {"currency": team.currency, "time_zone": team.time_zone, "now": house.clock()}


def catalogue_status(house: House) -> Result:
    catalogue = house.catalogue
    return {
        "products": len(catalogue),
        "in_stock": sum(product.in_stock for product in catalogue.list_products()),
        "sources": [_plain(state) for state in feeding.list_states(house.storage)],
        "pages": _plain(feeding.match_pages(house)),
        "sold_counted_at": catalogue.sales.counted_at,
        "facts_last": house.programme.playbook.team.facts_last,
        "now": house.clock(),
    }


def catalogue_show(house: House, *, product: str) -> Result:
    refresh_catalogue(house)
    found = house.catalogue.find(product) or house.catalogue.find_on_page(product)
    if found is None:
        raise NotFoundError(what=f"The product {product!r}")
    sold = house.catalogue.sales.pieces.get(found.id, 0)
    known_at = house.catalogue.known_at(found)
    return {**_plain(found), "known_at": known_at, "sold_this_week": sold, "now": house.clock()}


def catalogue_put(house: House, *, products: list[dict[str, Any]]) -> Result:
    return {"changed": feeding.put_page(house, msgspec.convert(products, list[Product]))}


def catalogue_finish(house: House, *, taken: dict[str, Any], changed: int) -> Result:
    return _plain(feeding.finish_feed(house, msgspec.convert(taken, Taken), changed))


def catalogue_fetch(house: House, *, url: str) -> Result:
    return _plain(fetch_feed(house, url))


def find_import_mark(house: House, *, name: str) -> Result:
    return {"mark": house.storage.find_setting(importing.mark_of(name)) or ""}


def put_import_mark(house: House, *, name: str, mark: str) -> None:
    importing.put_mark(house, name, mark)


def rebuild_recommendations(house: House) -> Result:
    return _plain(recommending.recount(house))


def list_learnings(house: House, *, words: str) -> list[Result]:
    learning.draft_missing(house)
    return [_plain(found) for found in learning.list_learnings(house.storage, words)]


def edit_learning(
    house: House,
    *,
    which: str,
    decision: str | None,
    next_step: str | None,
    status: str | None,
    reason: str,
    by: str,
) -> Result:
    return _plain(
        learning.edit(
            house, which, decision=decision, next_step=next_step, status=status, reason=reason, by=by
        )
    )


def list_set_aside(house: House, *, state: str, before_id: int | None, limit: int) -> list[Result]:
    page = reading.list_set_aside(house.storage, state, before_id, limit)
    return [_plain(row) for row in page.set_aside]


def replay_set_aside(house: House, *, ids: list[int], fix: dict[str, Any] | None) -> Result:
    return _plain(setting_aside.replay(house, ids, fix))


def drop_set_aside(house: House, *, ids: list[int]) -> Result:
    return {"dropped": setting_aside.drop(house, ids)}


def find_person(house: House, *, person: str, namespace: Namespace | None) -> Result:
    """Whom an id stands for, and how much is kept of them."""
    return _plain(exporting.describe_person(house.storage, person, namespace))


def export_person(house: House, *, person: str, namespace: Namespace | None) -> Result:
    return _plain(exporting.export_person(house.storage, person, namespace))


def erase_person(house: House, *, person: str, namespace: Namespace | None, by: str) -> Result:
    return _plain(redacting.erase_person(house, person, namespace, by=by))


def list_requests(house: House) -> list[Result]:
    """Without the name's beginning, which all have."""
    return [
        {**_plain(request), "code": name.removeprefix(requesting.REQUEST)}
        for name, request in requesting.list_requests(house.storage).items()
    ]


def finish_request(house: House, *, code: str, by: str) -> Result:
    return _plain(requesting.finish(house, code, by=by))


def rewrite_store(house: House) -> Result:
    return {"rewritten": house.storage.rewrite()}


def list_erasures(house: House) -> list[Result]:
    return [_plain(erasure) for erasure in erasing.list_all_erasures(house.storage)]


def apply_erasures(house: House, *, erasures: list[dict[str, Any]], by: str) -> Result:
    listed = msgspec.convert(erasures, list[Erasure])
    return {"ids": erasing.apply_erasures(house, listed, by=by)}


def _split(test: Test) -> str:
    try:
        return describe_test(test)
    except ValueError:  # more arms than there are words for
        return ", ".join(f"{weight / 100:g}% {arm}" for arm, weight in test.arms)


def _plain(value: Any) -> Any:
    return msgspec.to_builtins(value)


def _key(key: ApiKey) -> Result:
    return {
        "name": key.name,
        "kind": key.kind,
        "scopes": list(key.scopes),
        "value": key.public_value,
        "created_at": to_iso(key.created_at),
        "revoked_at": to_iso(key.revoked_at) if key.revoked_at is not None else None,
    }


def _source(source: connecting.Source) -> Result:
    """Everything but its secret."""
    return {
        "name": source.name,
        "platform": source.platform,
        "prefix": source.prefix,
        "path": f"/v1/sources/{source.platform}",
        "added_at": to_iso(source.added_at),
    }


def _rule(rule: Rule, state: RunState | None, waits_for: list[str]) -> Result:
    if state is None:
        return {"rule": rule.name, "state": "draft", "share": None, "waits_for": [], "acts": False}
    return {
        "rule": rule.name,
        "state": state.state,
        "share": state.share / 100 if state.state == "share" else None,
        "next_step_at": to_iso(state.stepped_at + state.ramp_days * DAY) if state.ramp_days else None,
        "waits_for": waits_for,
        "acts": state.state in ACTING and not waits_for,
        "since": to_iso(state.since_at),
        "by": state.by,
        "reason": state.reason,
        "test": state.run if rule.test else None,
        "split": _split(rule.test) if rule.test else None,
    }


COMMANDS: Mapping[str, Callable[..., Any]] = {
    "keys add": add_key,
    "keys list": list_keys,
    "places held": list_held,
    "keys revoke": revoke_key,
    "keys user-token-secret": show_user_token_secret,
    "sources add": add_source,
    "sources list": list_sources,
    "sources remove": remove_source,
    "publish": publish,
    "head": head,
    "rules": list_rules,
    "rule": set_rule,
    "off": switch_off,
    "on": switch_on,
    "freeze": freeze,
    "unfreeze": unfreeze,
    "notes": list_notes,
    "guard": look_now,
    "status": status,
    "set-up link": make_setup_link,
    "preview": make_preview_link,
    "explain decision": explain_decision,
    "explain person": explain_person,
    "import": import_events,
    "import mark": find_import_mark,
    "import put-mark": put_import_mark,
    "shop basics": shop_basics,
    "catalogue status": catalogue_status,
    "catalogue show": catalogue_show,
    "catalogue put": catalogue_put,
    "catalogue finish": catalogue_finish,
    "catalogue fetch": catalogue_fetch,
    "recommendations rebuild": rebuild_recommendations,
    "learnings list": list_learnings,
    "learnings edit": edit_learning,
    "set-aside list": list_set_aside,
    "set-aside replay": replay_set_aside,
    "set-aside drop": drop_set_aside,
    "person find": find_person,
    "person export": export_person,
    "person erase": erase_person,
    "person erasures": list_erasures,
    "person requests": list_requests,
    "person requests done": finish_request,
    "person erasures apply": apply_erasures,
    "rewrite": rewrite_store,
}

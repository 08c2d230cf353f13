"""What a command may ask of an open house: the names that travel over the control socket, and what they do.

A theme to a file, and all of them in COMMANDS. The same functions run in the server for a command that reached
it, and in the command's own process when no server runs. Arguments and results are plain JSON values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from opportune.errors import BadRequestError
from opportune.process.commands import (
    catalogue,
    explain,
    importing,
    keys,
    learnings,
    links,
    person,
    playbook,
    rules,
    set_aside,
    sources,
    switches,
)
from opportune.services.house import House

COMMANDS: Mapping[str, Callable[..., Any]] = {
    "keys add": keys.add_key,
    "keys list": keys.list_keys,
    "keys revoke": keys.revoke_key,
    "keys user-token-secret": keys.show_user_token_secret,
    "sources add": sources.add_source,
    "sources list": sources.list_sources,
    "sources remove": sources.remove_source,
    "publish": playbook.publish,
    "head": playbook.head,
    "places held": playbook.list_held,
    "rules": rules.list_rules,
    "rule": rules.set_rule,
    "off": switches.switch_off,
    "on": switches.switch_on,
    "freeze": switches.freeze,
    "unfreeze": switches.unfreeze,
    "notes": switches.list_notes,
    "guard": switches.look_now,
    "status": switches.status,
    "set-up link": links.make_setup_link,
    "preview": links.make_preview_link,
    "explain decision": explain.explain_decision,
    "explain person": explain.explain_person,
    "import": importing.import_events,
    "import mark": importing.find_import_mark,
    "import put-mark": importing.put_import_mark,
    "shop basics": importing.shop_basics,
    "catalogue status": catalogue.status,
    "catalogue show": catalogue.show,
    "catalogue put": catalogue.put,
    "catalogue finish": catalogue.finish,
    "catalogue fetch": catalogue.fetch,
    "recommendations rebuild": catalogue.rebuild_recommendations,
    "learnings list": learnings.list_learnings,
    "learnings edit": learnings.edit_learning,
    "set-aside list": set_aside.list_set_aside,
    "set-aside replay": set_aside.replay_set_aside,
    "set-aside drop": set_aside.drop_set_aside,
    "person find": person.find_person,
    "person export": person.export_person,
    "person erase": person.erase_person,
    "person requests": person.list_requests,
    "person requests done": person.finish_request,
    "person erasures": person.list_erasures,
    "person erasures apply": person.apply_erasures,
    "rewrite": person.rewrite_store,
}

OF_VISITORS = frozenset({"explain decision", "explain person", "person find", "person export", "guard"})
"""Tell of what visitors were answered, also a moment ago."""
SETTLE_SECONDS = 5.0


def execute(house: House, command: str, args: Mapping[str, Any]) -> Any:
    """Runs one command. Raises the errors of the services, BadRequestError for one it does not know."""
    run = COMMANDS.get(command)
    if run is None:
        raise BadRequestError(
            wrong=f"The running server knows no command {command!r}; restart it after an update."
        )
    if command in OF_VISITORS:
        _settle(house)
    return run(house, **args)


def _settle(house: House) -> None:
    """Waits until what was answered so far is written: no answer waits for that.

    A store that cannot write holds no command up for longer than `SETTLE_SECONDS`, and fails none.
    """
    with suppress(Exception):
        house.storage.write(lambda _: None).result(SETTLE_SECONDS)

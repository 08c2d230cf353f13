"""Operators' acts: keys, the everything-off switch, freezing, and the run state of rules.

Each act is one transaction with an audit entry, and takes effect on the running programme at once.
What a playbook says is changed by `publishing.py` only.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from opportune.core.allocation import BUCKETS
from opportune.core.experiments.ramp import RAMP, SLOWLY, STEP_DAYS
from opportune.core.language.phrases.date import parse_date, parse_last_day
from opportune.core.note import Note
from opportune.core.programme import ACTING
from opportune.core.report.plain import moment_words
from opportune.core.rule import RunState, RunStateName
from opportune.errors import (
    BadRequestError,
    FrozenError,
    NotFoundError,
    SentenceError,
    StaleRevisionError,
)
from opportune.services.authorizing import ANY_SCOPE, SCOPES, digest_of
from opportune.services.experiments.experimenting import next_run, reconcile_now
from opportune.services.house import House
from opportune.storage.base import ApiKey, AuditEntry, Storage, Transaction

Switch = Literal["off", "frozen"]
OFF: Switch = "off"
FROZEN: Switch = "frozen"
SECRET = "secret"  # noqa: S105 (the setting's name, not its value)
SECRET_BYTES = 32
FEWEST_KEY_CHARS = 8

ITSELF = "opportune"
"""Who acts when nobody does."""

_PREFIXES = {"write": "owk_", "secret": "osk_"}
_VALUE = re.compile(rf"[^\s:]{{{FEWEST_KEY_CHARS},200}}")
_SHARE = re.compile(r"(\d{1,3}(?:\.\d{1,2})?)\s*%")
_STATES: dict[str, RunStateName] = {
    "live": "live",
    "preview": "preview",
    "paused": "paused",
    "pause": "paused",
    "draft": "draft",
}


class Switched(msgspec.Struct, frozen=True, kw_only=True):
    """Who turned a switch of the whole installation, when and why; in force from one moment to before another."""

    at: int
    by: str
    reason: str = ""
    from_at: int = 0
    until_at: int | None = None

    def holds_at(self, now: int) -> bool:
        return self.from_at <= now and (self.until_at is None or now < self.until_at)


def load_secret(storage: Storage) -> bytes:
    """The installation's secret, made at the first start and kept in the store."""
    text = storage.find_setting(SECRET)
    return bytes.fromhex(text if text is not None else _make_secret(storage))


def _make_secret(storage: Storage) -> str:
    """Of several that start at once on an empty database one makes it."""
    with storage.turn():
        text = storage.find_setting(SECRET)
        if text is None:
            text = made = secrets.token_hex(SECRET_BYTES)
            storage.write(lambda transaction: transaction.put_setting(SECRET, made)).result()
    return text


def add_key(
    house: House,
    *,
    kind: Literal["write", "secret"],
    name: str,
    value: str = "",
    scopes: Sequence[str] = (),
    by: str = "",
) -> tuple[ApiKey, str]:
    """Makes a key and gives it with its value, which of a secret cannot be read again.

    Raises BadRequestError.
    """
    value = value or f"{_PREFIXES[kind]}{secrets.token_urlsafe(SECRET_BYTES)}"
    scopes = _check_scopes(kind, scopes)
    if not _VALUE.fullmatch(value):
        raise BadRequestError(
            wrong=f"A key's value has {FEWEST_KEY_CHARS} to 200 characters, no `:` and no spaces."
        )
    if not name.strip():
        raise BadRequestError(wrong="A key needs a name, such as the site or program that uses it.")
    key = ApiKey(
        name=name.strip(),
        kind=kind,
        digest=digest_of(house.secret, value),
        public_value=value if kind == "write" else "",
        scopes=scopes,
        created_at=house.clock(),
    )
    audit = _audit(house, by, "key added", key.name, f"{kind} {' '.join(scopes)}".strip())

    def put(transaction: Transaction) -> None:
        transaction.put_api_key(key)
        transaction.add_audit(audit)

    with house.storage.turn():
        _check_new(key, house.storage.list_api_keys())
        house.storage.write(put).result()
    return key, value


def _check_new(key: ApiKey, known: Sequence[ApiKey]) -> None:
    """Raises BadRequestError for a value or a name that is taken."""
    for other in known:
        if other.digest == key.digest:
            raise BadRequestError(wrong=f"This value is already the key {other.name!r}.")
        if other.name == key.name and other.revoked_at is None:
            raise BadRequestError(
                wrong=f"A key named {key.name!r} is in force; revoke it or take another name."
            )


def _check_scopes(kind: str, scopes: Sequence[str]) -> tuple[str, ...]:
    known = (*SCOPES, ANY_SCOPE)
    unknown = [scope for scope in scopes if scope not in known]
    if unknown:
        raise BadRequestError(wrong=f"Unknown scope {unknown[0]!r}; there are: {', '.join(known)}.")
    if kind == "write":
        if scopes:
            raise BadRequestError(wrong="A write key captures and decides only; scopes are for secret keys.")
        return ()
    return tuple(dict.fromkeys(scopes)) or (ANY_SCOPE,)


def revoke_key(house: House, name: str, *, by: str = "") -> ApiKey:
    """Ends a key. Raises NotFoundError when none of that name is in force."""
    keys = [key for key in house.storage.list_api_keys() if key.revoked_at is None]
    key = next((key for key in keys if key.name == name), None)
    if key is None:
        raise NotFoundError(what=_named("A key in force named", name, [key.name for key in keys]))
    revoked = msgspec.structs.replace(key, revoked_at=house.clock())
    audit = _audit(house, by, "key revoked", name)

    def put(transaction: Transaction) -> None:
        transaction.put_api_key(revoked)
        transaction.add_audit(audit)

    house.storage.write(put).result()
    return revoked


def switch_off(house: House, *, reason: str = "", by: str = "") -> None:
    """Everything off: every decision answers normal content, at once, until `switch_on`."""
    _switch(house, OFF, Switched(at=house.clock(), by=by, reason=reason), "everything off")
    refresh(house)


def switch_on(house: House, *, by: str = "") -> None:
    _switch(house, OFF, None, "everything on", by=by)
    refresh(house)


def freeze(house: House, *, reason: str = "", by: str = "", first: str = "", last: str = "") -> Switched:
    """Nothing changes until `unfreeze`, or from a first to a last day: no publishing, no launching, no step.

    Pausing and switching off stay possible. Raises BadRequestError for what is no day, or a last one that is over.
    """
    zone = house.programme.playbook.vocabulary.zone
    now = house.clock()
    from_at = _day(first, zone, parse_date) if first else 0
    until_at = _day(last, zone, parse_last_day) if last else None
    if until_at is not None and until_at <= max(from_at, now):
        raise BadRequestError(wrong=f"The last frozen day, {last}, lies before the first one, or is over.")
    frozen = Switched(at=now, by=by, reason=reason, from_at=from_at, until_at=until_at)
    _switch(house, FROZEN, frozen, "frozen")
    return frozen


def _day(text: str, zone: ZoneInfo, parse: Callable[[str, ZoneInfo], int]) -> int:
    try:
        return parse(text, zone)
    except SentenceError as error:
        raise BadRequestError(wrong=f"{text!r} is no day: write it like 27 November 2026. {error}") from None


def unfreeze(house: House, *, by: str = "") -> None:
    _switch(house, FROZEN, None, "unfrozen", by=by)


def find_switch(house: House, name: Switch) -> Switched | None:
    """Who turned it, or None while it is not turned."""
    text = house.storage.find_setting(name)
    return msgspec.json.decode(text, type=Switched) if text else None


def find_freeze(house: House) -> Switched | None:
    """The freeze that is in force at this moment."""
    frozen = find_switch(house, FROZEN)
    return frozen if frozen is not None and frozen.holds_at(house.clock()) else None


def check_not_frozen(house: House) -> None:
    """Raises FrozenError while changes are frozen."""
    frozen = find_freeze(house)
    if frozen is not None:
        raise FrozenError(
            since=moment_words(max(frozen.at, frozen.from_at), house.programme.playbook.vocabulary.zone),
            reason=frozen.reason or "no reason given",
        )


def _switch(house: House, name: Switch, switched: Switched | None, act: str, *, by: str = "") -> None:
    value = msgspec.json.encode(switched).decode() if switched is not None else ""
    reason = switched.reason if switched is not None else ""
    audit = _audit(house, switched.by if switched is not None else by, act, detail=reason)

    def put(transaction: Transaction) -> None:
        transaction.put_setting(name, value)
        transaction.add_audit(audit)

    house.storage.write(put).result()


def set_run_state(
    house: House, rule: str, wanted: str, *, unseen: bool = False, reason: str = "", by: str = ""
) -> RunState:
    """Puts a rule into `live`, `preview`, `paused`, `draft`, a share such as `20%`, or launches it `slowly`.

    Raises NotFoundError, BadRequestError, or FrozenError when this would launch something. One that was switched off
    by itself begins anew, and only with a reason.
    """
    target = _read_wanted(wanted)
    with house.changes, house.storage.turn():
        if target.state in {"live", "preview", "share"}:
            check_not_frozen(house)
        playbook = house.programme.playbook
        head = house.storage.find_playbook()
        if head is not None and head.revision != playbook.revision:
            raise StaleRevisionError(head=head.revision, based_on=playbook.revision or "none")
        known = house.storage.list_run_states()
        if rule not in playbook.rules:
            raise NotFoundError(what=_named("A rule named", rule, list(playbook.rules)))
        before = known.get(rule, RunState(rule=rule, behaviour=playbook.behaviours.get(rule, "")))
        _check_cleared(before, reason)
        now = house.clock()
        after = msgspec.structs.replace(
            before,
            state=target.state,
            share=target.share if target.share is not None else before.share,
            ramp_days=target.ramp_days,
            stepped_at=now if target.ramp_days else 0,
            may_act_unseen=unseen or before.may_act_unseen,
            since_at=now,
            by=by,
            reason=reason,
        )
        after = next_run(house, before, after)
        if before.state == "rolled back" and after.run == before.run:
            after = msgspec.structs.replace(after, run=before.run + 1, phase=1)
        audit = _audit(house, by, f"rule {wanted}", rule, reason or f"was {before.state}")
        _put(house, after, audit)
    return after


def _check_cleared(before: RunState, reason: str) -> None:
    """Raises BadRequestError where a rule that was switched off by itself is moved without a word why."""
    if before.state == "rolled back" and not reason.strip():
        why = before.reason or "no reason given"
        raise BadRequestError(
            wrong=f'"{before.rule}" was switched off ({why}). Say with --reason what was put right.'
        )


def roll_back(house: House, rule: str, *, reason: str, by: str = ITSELF) -> RunState | None:
    """Switches a rule off at once, also while frozen or with everything off; None where it does not act anyway.

    Its test ends. It stays off whatever is published, until `set_run_state` is given a reason.
    """
    with house.changes, house.storage.turn():
        before = house.storage.list_run_states().get(rule)
        if before is None or before.state not in ACTING:
            return None
        now = house.clock()
        after = msgspec.structs.replace(
            before, state="rolled back", ramp_days=0, stepped_at=0, since_at=now, by=by, reason=reason
        )
        audit = _audit(house, by, "rule rolled back", rule, reason)
        _put(house, after, audit)
    return after


def take_step(house: House, state: RunState, share: int, note: Note) -> bool:
    """The next step of a slow launch, noted; nothing where somebody else changed the rule meanwhile."""
    with house.changes, house.storage.turn():
        if house.storage.list_run_states().get(state.rule) != state or find_freeze(house) is not None:
            return False
        now = house.clock()
        after = msgspec.structs.replace(state, share=share, stepped_at=now)
        if share == BUCKETS:
            after = msgspec.structs.replace(after, state="live", ramp_days=0)
        audit = _audit(house, ITSELF, f"rule {share / 100:g}%", state.rule, "next step of a slow launch")
        _put(house, after, audit, note)
    return True


def _put(house: House, after: RunState, audit: AuditEntry, note: Note | None = None) -> None:
    """From here on the rule is in that state, and so is its test."""

    def put(transaction: Transaction) -> None:
        transaction.put_run_state(after)
        if note is not None:
            transaction.add_note(note)
        transaction.add_audit(audit)

    house.storage.write(put).result()
    refresh(house)
    reconcile_now(house)


class _Wanted(msgspec.Struct, frozen=True):
    """A run state as an operator asks for it."""

    state: RunStateName
    share: int | None = None
    ramp_days: int = 0


def _read_wanted(wanted: str) -> _Wanted:
    word = wanted.strip().lower()
    share = _SHARE.fullmatch(word)
    if share is not None:
        buckets = round(float(share[1]) * 100)
        if not 0 < buckets <= BUCKETS:
            raise BadRequestError(wrong=f"A share lies above 0% and up to 100%, not {wanted}.")
        return _Wanted("share", buckets)
    if word == SLOWLY:
        return _Wanted("share", RAMP[0], STEP_DAYS)
    if word not in _STATES:
        raise BadRequestError(
            wrong=f"{wanted!r} is no state; there are: live, slowly, preview, paused, draft, 20%."
        )
    return _Wanted(_STATES[word], BUCKETS if word == "live" else None)


def refresh(house: House) -> None:
    """Brings the running programme up to the stored run states and the everything-off switch."""
    with house.changes:
        is_off = house.storage.find_setting(OFF) is not None
        house.programme = house.programme.with_run(house.storage.list_run_states(), is_off=is_off)


def _named(what: str, name: str, known: Sequence[str]) -> str:
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    return f"{what} {name!r}{hint}"


def _audit(house: House, by: str, act: str, what: str = "", detail: str = "") -> AuditEntry:
    return AuditEntry(at=house.clock(), by=by, act=act, what=what, detail=detail)

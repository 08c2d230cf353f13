"""Sources: the shops whose webhooks are believed, each with the secret they are signed with.

They are kept as one setting of the installation, since a signature can only be checked with the secret itself.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Sequence

import msgspec

from opportune.core.shops import SHOPS, Shop, find_shop
from opportune.errors import BadRequestError, NotFoundError, SignatureError
from opportune.services.house import House
from opportune.storage.base import AuditEntry, Storage, Transaction

SOURCES = "sources"
FEWEST_SECRET_CHARS = 8
LONGEST_PREFIX = 20


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A shop that is connected. `prefix` stands before its order and customer numbers."""

    name: str
    platform: str
    secret: str
    prefix: str = ""
    added_at: int = 0


def list_sources(storage: Storage) -> list[Source]:
    kept = storage.find_setting(SOURCES)
    return msgspec.json.decode(kept, type=list[Source]) if kept else []


def add_source(
    house: House, platform: str, *, secret: str, name: str = "", prefix: str = "", by: str = ""
) -> Source:
    """Believes what is signed with this secret, from now on. Raises BadRequestError."""
    shop = find_shop(platform)
    if shop is None:
        known = ", ".join(each.platform for each in SHOPS)
        raise BadRequestError(wrong=f"{platform!r} is no kind of shop that signs here; there are: {known}.")
    secret, name, prefix = secret.strip(), name.strip() or platform, prefix.strip()
    if len(secret) < FEWEST_SECRET_CHARS:
        wrong = f"The secret is too short: {shop.label} shows it where its webhooks are made; copy all of it."
        raise BadRequestError(wrong=wrong)
    if len(prefix) > LONGEST_PREFIX:
        raise BadRequestError(wrong=f"A prefix has at most {LONGEST_PREFIX} characters.")
    source = Source(name=name, platform=platform, secret=secret, prefix=prefix, added_at=house.clock())
    with house.storage.turn():
        known_sources = list_sources(house.storage)
        _check_new(source, known_sources)
        _put(house, [*known_sources, source], "source added", source, by)
    return source


def remove_source(house: House, name: str, *, by: str = "") -> Source:
    """Believes it no more, at once. Raises NotFoundError."""
    with house.storage.turn():
        known = list_sources(house.storage)
        source = next((each for each in known if each.name == name), None)
        if source is None:
            names = ", ".join(each.name for each in known) or "none yet"
            raise NotFoundError(what=f"A source named {name!r} (there are: {names})")
        _put(house, [each for each in known if each.name != name], "source removed", source, by)
    return source


def find_signer(sources: Sequence[Source], shop: Shop, body: bytes, signature: str) -> Source:
    """Which shop signed these bytes. Raises SignatureError, which says what to look at."""
    known = [source for source in sources if source.platform == shop.platform]
    if not known:
        raise SignatureError(
            wrong=f"No {shop.label} shop is connected here yet: "
            f"run `opportune sources add {shop.platform} --secret SECRET`."
        )
    if not signature:
        header = shop.signature_header.decode()
        raise SignatureError(wrong=f"The request is not signed: it has no header `{header}`.")
    given = signature.strip().encode("latin-1", "replace")
    found = [source for source in known if hmac.compare_digest(signature_of(source.secret, body), given)]
    if not found:
        raise SignatureError(
            wrong=f"The signature fits no {shop.label} shop that is connected here: copy the secret "
            f"from {shop.label} again, and see that nothing on the way changes the body."
        )
    return found[0]


def signature_of(secret: str, body: bytes) -> bytes:
    """Base64 of HMAC-SHA256 over the very bytes that were sent, as Shopify and WooCommerce both sign."""
    return base64.b64encode(hmac.digest(secret.encode("utf-8", "surrogatepass"), body, "sha256"))


def _check_new(source: Source, known: Sequence[Source]) -> None:
    for other in known:
        if other.name == source.name:
            wrong = f"A source named {source.name!r} is connected already; take another --name, or remove it."
            raise BadRequestError(wrong=wrong)
        if (other.platform, other.secret) == (source.platform, source.secret):
            raise BadRequestError(wrong=f"The source {other.name!r} has this secret already.")


def _put(house: House, sources: Sequence[Source], act: str, source: Source, by: str) -> None:
    kept = msgspec.json.encode(sources).decode() if sources else ""
    audit = AuditEntry(at=house.clock(), by=by, act=act, what=source.name, detail=source.platform)

    def put(transaction: Transaction) -> None:
        transaction.put_setting(SOURCES, kept)
        transaction.add_audit(audit)

    house.storage.write(put).result()

"""Who is looking at the shop, as their cookies say: the device, the customer once known, the cart, the switches."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, unquote
from uuid import uuid4

from starlette.responses import Response

from opportune.demo.catalogue import PRODUCTS

DEVICE, CUSTOMER, NAME, CART, SWITCH = "o_id", "shop_customer", "shop_name", "shop_cart", "shop_preview"
THIRTEEN_MONTHS = 34_128_000
MOST_OF_ONE = 9


@dataclass
class Guest:
    """One request's visitor. Changes to it are written back as cookies by `keep`."""

    device: str
    is_new: bool = False
    """This browser brought no id; it gets one with this answer."""
    customer: str | None = None
    name: str = ""
    cart: dict[str, int] = field(default_factory=dict)
    is_previewing: bool = True

    @property
    def ids(self) -> tuple[str, ...]:
        """Every id their orders may stand under, the best known first."""
        return (self.customer, self.device) if self.customer else (self.device,)

    @property
    def pieces(self) -> int:
        return sum(self.cart.values())

    @property
    def total(self) -> int:
        """In cents."""
        return sum(PRODUCTS[product].price * count for product, count in self.cart.items())


def read_guest(cookies: Mapping[str, str], secret: str) -> Guest:
    """The visitor of a request; without an id cookie a new one."""
    device = unquote(cookies.get(DEVICE, ""))[:100]
    return Guest(
        device=device or uuid4().hex,
        is_new=not device,
        customer=_signed_value(cookies.get(CUSTOMER, ""), secret),
        name=unquote(cookies.get(NAME, ""))[:60],
        cart=_cart(cookies.get(CART, "")),
        is_previewing=cookies.get(SWITCH) != "off",
    )


def keep(guest: Guest, response: Response, secret: str) -> None:
    """Writes the cookies. The device's id is readable by the page script; who they are is signed and is not."""
    _set(response, DEVICE, quote(guest.device), is_readable=True)
    _set(response, CUSTOMER, _signed(guest.customer, secret) if guest.customer else "")
    _set(response, NAME, quote(guest.name))
    _set(response, CART, ".".join(f"{product}:{count}" for product, count in guest.cart.items()))
    _set(response, SWITCH, "" if guest.is_previewing else "off")


def customer_id(email: str) -> str:
    """The shop's own id of a customer; the address itself is never used as one."""
    return "c-" + hashlib.sha256(email.strip().lower().encode()).hexdigest()[:12]


def _set(response: Response, name: str, value: str, *, is_readable: bool = False) -> None:
    if value:
        response.set_cookie(name, value, max_age=THIRTEEN_MONTHS, samesite="lax", httponly=not is_readable)
    else:
        response.delete_cookie(name, samesite="lax", httponly=True)


def _cart(text: str) -> dict[str, int]:
    cart = {}
    for part in text.split("."):
        product, _, count = part.partition(":")
        if product in PRODUCTS and count.isdigit() and 0 < int(count) <= MOST_OF_ONE:
            cart[product] = int(count)
    return cart


def _signed(value: str, secret: str) -> str:
    return f"{value}.{_signature(value, secret)}"


def _signed_value(text: str, secret: str) -> str | None:
    value, _, signature = text.rpartition(".")
    return value if value and hmac.compare_digest(signature, _signature(value, secret)) else None


def _signature(value: str, secret: str) -> str:
    return hmac.digest(secret.encode(), f"customer:{value}".encode(), "sha256").hex()[:32]

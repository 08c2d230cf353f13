"""The shop's pages: what each shows, and which events opening it or sending its form makes."""

from __future__ import annotations

from starlette.responses import Response

from opportune.demo.catalogue import BY_SLUG, CATEGORIES, PRODUCTS, Product, products_in, search_products
from opportune.demo.guest import MOST_OF_ONE, customer_id
from opportune.demo.messages import cart_facts, identify, product_facts, track
from opportune.demo.shop import Page, Shop, Visited, back, go

NEW = ("ember-down-jacket", "ridge-walking-boot", "lark-one-person", "heather-cardigan", "table-lantern",
       "fireside-quilt", "day-hiker-22", "spring-carafe", "watch-cap", "hiking-crew-two-pairs")  # fmt: skip
SHIPPING_COST = 490
HELP_TOPICS = (
    (
        "Where is my parcel?",
        "Parcels leave us the same day when you order before four, and take one to two days.",
    ),
    ("Can I change my order?", "Until it is packed, yes: write to us below and we see to it."),
    ("Something arrived broken", "We are sorry. Send a picture and choose: another one, or your money."),
    ("Which size of boot?", "Take half a size more than your street shoe; you will wear thicker socks."),
)


def home(_shop: Shop, visited: Visited) -> Page:
    return Page(
        "home.html",
        "Made for the long way round",
        "home",
        content={
            "chosen": [PRODUCTS[each] for each in NEW],
            "is_welcome": "welcome" in visited.request.query_params,
        },
    )


def category(shop: Shop, visited: Visited) -> Page | Response:
    slug = visited.request.path_params["slug"]
    if slug == "new":
        return go("/new")
    found = BY_SLUG.get(slug)
    if found is None:
        return missing(shop, visited)
    shown = products_in(slug)
    event = track(
        visited.guest,
        "Product List Viewed",
        {"list_id": slug, "category": slug, "products": [product_facts(each) for each in shown]},
        visited.url,
    )
    return Page(
        "shelf.html", found.title, "category", slug, events=[event], content={"shelf": found, "shown": shown}
    )


def new(_shop: Shop, _visited: Visited) -> Page:
    return Page(
        "shelf.html",
        "New this week",
        "category",
        content={"shelf": None, "shown": [PRODUCTS[each] for each in NEW]},
    )


def product(shop: Shop, visited: Visited) -> Page:
    found = PRODUCTS.get(visited.request.path_params["product"])
    if found is None:
        return missing(shop, visited)
    event = track(visited.guest, "Product Viewed", product_facts(found), visited.url)
    return Page(
        "product.html",
        found.name,
        "product",
        found.category,
        found.id,
        events=[event],
        content={"product": found, "others": _others(found)},
    )


def _others(found: Product) -> list[Product]:
    return [each for each in products_in(found.category) if each.id != found.id]


def search(_shop: Shop, visited: Visited) -> Page:
    words = visited.query
    events = [track(visited.guest, "Products Searched", {"query": words}, visited.url)] if words else []
    return Page(
        "search.html",
        f"“{words}”" if words else "Search",
        "search",
        events=events,
        content={"words": words, "shown": search_products(words)},
    )


def cart(_shop: Shop, visited: Visited) -> Page:
    guest = visited.guest
    events = [track(guest, "Cart Viewed", cart_facts(guest.cart), visited.url)] if guest.cart else []
    return Page("cart.html", "Your cart", "cart", events=events, content={"shipping_cost": SHIPPING_COST})


def add_to_cart(shop: Shop, visited: Visited) -> Page | Response:
    found = PRODUCTS.get(visited.form.get("product", ""))
    if found is None:
        return missing(shop, visited)
    guest = visited.guest
    guest.cart[found.id] = min(guest.cart.get(found.id, 0) + 1, MOST_OF_ONE)
    shop.send(track(guest, "Product Added", product_facts(found)))
    return go("/cart")


def remove_from_cart(shop: Shop, visited: Visited) -> Response:
    guest = visited.guest
    count = guest.cart.pop(visited.form.get("product", ""), 0)
    if count:
        found = PRODUCTS[visited.form["product"]]
        shop.send(track(guest, "Product Removed", product_facts(found, count)))
    return go("/cart")


def checkout(_shop: Shop, visited: Visited) -> Page | Response:
    guest = visited.guest
    if not guest.cart:
        return go("/cart")
    is_second = visited.request.method == "POST"
    events = [] if is_second else [track(guest, "Checkout Started", cart_facts(guest.cart), visited.url)]
    content = {"is_second": is_second, "given": visited.form, "shipping_cost": SHIPPING_COST}
    return Page("checkout.html", "Checkout", "checkout", events=events, content=content)


def order(shop: Shop, visited: Visited) -> Page | Response:
    """Pays nothing, sends nothing; the events are what a real shop would send."""
    guest, email = visited.guest, visited.form.get("email", "")
    if not guest.cart or "@" not in email:
        return go("/cart")
    number = f"T{shop.ledger.next_number('order', 1001)}"
    guest.customer, guest.name = customer_id(email), visited.form.get("name", "") or guest.name
    facts = cart_facts(guest.cart)
    done = track(guest, "Order Completed", {"order_id": number, "revenue": facts["total"], **facts})
    shop.send(identify(guest, {"email": email, "name": guest.name}), done)
    shop.ledger.write(
        kind="order", id=number, who=guest.customer, lines=dict(guest.cart), total=guest.total, state="packed"
    )
    guest.cart = {}
    return go(f"/thank-you?order={number}")


def thank_you(shop: Shop, visited: Visited) -> Page:
    number = visited.request.query_params.get("order", "")
    found = shop.ledger.find(number, visited.guest.ids)
    return Page("thank-you.html", "Thank you", "thank-you", content={"order": found})


def sign_up(_shop: Shop, _visited: Visited) -> Page:
    return Page("sign-up.html", "Letters from the hills")


def signed_up(shop: Shop, visited: Visited) -> Page | Response:
    guest, email = visited.guest, visited.form.get("email", "")
    if "@" not in email:
        return Page(
            "sign-up.html",
            "Letters from the hills",
            content={"wrong": "We need an e-mail address."},
            status=422,
        )
    guest.customer, guest.name = customer_id(email), visited.form.get("name", "") or guest.name
    shop.send(
        identify(guest, {"email": email, "name": guest.name, "subscribed": True}),
        track(guest, "Signed Up", {"method": "letter"}),
        track(guest, "Subscribed", {"list": "letters"}),
    )
    return go("/?welcome=yes")


def log_in(_shop: Shop, visited: Visited) -> Page:
    return Page("log-in.html", "Log in", "account", content={"email": visited.form.get("email", "")})


def logged_in(shop: Shop, visited: Visited) -> Page | Response:
    guest, email = visited.guest, visited.form.get("email", "")
    if "@" not in email:
        return go("/account/log-in")
    guest.customer = customer_id(email)
    shop.send(identify(guest, {"email": email}), track(guest, "Signed In", {}))
    return go("/account")


def log_out(shop: Shop, visited: Visited) -> Response:
    shop.send(track(visited.guest, "Signed Out", {}))
    visited.guest.customer, visited.guest.name = None, ""
    return go("/")


def account(shop: Shop, visited: Visited) -> Page:
    guest = visited.guest
    orders = shop.ledger.list_of("order", guest.ids)
    return Page("account.html", "Your account", "account", content={"orders": orders})


def ask_refund(shop: Shop, visited: Visited) -> Page | Response:
    found = shop.ledger.find(visited.form.get("order", ""), visited.guest.ids)
    if found is None:
        return missing(shop, visited)
    shop.ledger.write(id=found["id"], state="refund asked for")
    shop.send(track(visited.guest, "Refund Requested", {"order_id": found["id"]}))
    return go("/account")


def help_page(shop: Shop, visited: Visited) -> Page:
    tickets = [each for each in shop.ledger.list_of("ticket", visited.guest.ids) if each["state"] == "open"]
    return Page("help.html", "Help", "help", content={"topics": HELP_TOPICS, "tickets": tickets})


def open_ticket(shop: Shop, visited: Visited) -> Response:
    guest, text = visited.guest, visited.form.get("text", "")
    if text:
        number = f"H{shop.ledger.next_number('ticket', 501)}"
        shop.ledger.write(kind="ticket", id=number, who=guest.ids[0], text=text, state="open")
        shop.send(track(guest, "Support Ticket Opened", {"ticket_id": number}))
    return go("/help")


def close_ticket(shop: Shop, visited: Visited) -> Response:
    found = shop.ledger.find(visited.form.get("ticket", ""), visited.guest.ids)
    if found is not None:
        shop.ledger.write(id=found["id"], state="closed")
        shop.send(track(visited.guest, "Support Ticket Closed", {"ticket_id": found["id"]}))
    return back(visited, "/help")


def shipping(_shop: Shop, _visited: Visited) -> Page:
    return Page("shipping.html", "Shipping", "shipping", content={"shipping_cost": SHIPPING_COST})


def returns(_shop: Shop, _visited: Visited) -> Page:
    return Page("returns.html", "Returns", "returns")


def missing(_shop: Shop, _visited: Visited) -> Page:
    return Page("missing.html", "Not here", content={"shelves": CATEGORIES}, status=404)

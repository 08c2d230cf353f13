"""The demo shop as an ASGI application: its address book, pictures and files."""

from __future__ import annotations

from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from opportune.demo import pages, pictures, showing
from opportune.demo.catalogue import BY_SLUG, COLOURS
from opportune.demo.places import DEFAULTS
from opportune.demo.shop import DECIDE_MS, Handler, Shop
from opportune.web.asking import Question

GET: tuple[tuple[str, Handler], ...] = (
    ("/", pages.home),
    ("/new", pages.new),
    ("/categories/{slug}", pages.category),
    ("/products/{product}", pages.product),
    ("/search", pages.search),
    ("/cart", pages.cart),
    ("/checkout", pages.checkout),
    ("/thank-you", pages.thank_you),
    ("/sign-up", pages.sign_up),
    ("/account", pages.account),
    ("/account/log-in", pages.log_in),
    ("/help", pages.help_page),
    ("/shipping", pages.shipping),
    ("/returns", pages.returns),
    ("/why/history", showing.history),
    ("/rules", showing.rules),
    ("/tests", showing.tests),
    ("/tests/{stem}", showing.tests),
)
POST: tuple[tuple[str, Handler], ...] = (
    ("/cart", pages.add_to_cart),
    ("/cart/remove", pages.remove_from_cart),
    ("/checkout", pages.checkout),
    ("/orders", pages.order),
    ("/orders/refund", pages.ask_refund),
    ("/sign-up", pages.signed_up),
    ("/account/log-in", pages.logged_in),
    ("/account/log-out", pages.log_out),
    ("/help", pages.open_ticket),
    ("/help/close", pages.close_ticket),
    ("/rules/publish", showing.publish),
    ("/rules/switch", showing.switch),
    ("/visitor/preview", showing.set_preview),
    ("/visitor/new", showing.new_visitor),
)
FIRST_AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
PICTURE_HEADERS = {"Cache-Control": "public, max-age=86400"}


def create_app(
    *,
    api_url: str,
    secret_key: str,
    write_key: str,
    playbook_dir: Path,
    data_dir: Path,
    deadline_ms: float = DECIDE_MS,
) -> Starlette:
    """The shop. `playbook_dir` is its own copy, published to `data_dir`; a page waits `deadline_ms` for its answer."""
    shop = Shop(
        api_url=api_url,
        secret_key=secret_key,
        write_key=write_key,
        playbook_dir=Path(playbook_dir),
        data_dir=Path(data_dir),
        deadline_ms=deadline_ms,
    )

    def ready(_request: Request) -> Response:
        """Asks once, so that the first visitor does not wait for what a server does at its first question."""
        shop.opportune.decide(Question(slots=list(DEFAULTS), context={"userAgent": FIRST_AGENT}))
        return PlainTextResponse("ready")

    gets = [Route(path, shop.endpoint(handler), methods=["GET"]) for path, handler in GET]
    posts = [Route(path, shop.endpoint(handler), methods=["POST"]) for path, handler in POST]
    return Starlette(
        routes=[
            *gets,
            *posts,
            Route("/pictures/{name}.svg", picture),
            Route("/favicon.ico", favicon),
            Route("/ready", ready),
            Mount("/static", StaticFiles(packages=[("opportune.demo", "static")])),
            Route("/{path:path}", shop.endpoint(pages.missing)),
        ]
    )


async def picture(request: Request) -> Response:
    """`hero.svg`, `hero-shoes.svg`, or `shoes-rust.svg` for a product."""
    first, _, second = request.path_params["name"].partition("-")
    if first == "hero":
        drawn = pictures.hero_picture(second)
    elif first in BY_SLUG and second in COLOURS:
        drawn = pictures.product_picture(first, second)
    elif first == "mark":
        drawn = pictures.mark()
    else:
        return Response(status_code=404)
    return Response(drawn, headers=PICTURE_HEADERS, media_type="image/svg+xml")


async def favicon(_request: Request) -> Response:
    return Response(pictures.mark(), headers=PICTURE_HEADERS, media_type="image/svg+xml")

"""`opportune catalogue`: what is known of the shop's products, how fresh it is, and which rows were not taken."""

from __future__ import annotations

import click

from opportune.cli.installation import ask
from opportune.cli.options import json_option, place_option
from opportune.cli.printing import counted, fail, print_json, print_table
from opportune.core.content import say_duration, say_money
from opportune.process.place import Place
from opportune.settings import DEFAULTS


@click.group()
def catalogue() -> None:
    """The shop's products: status, problems, one of them, and reading the feed now."""


@catalogue.command()
@place_option
@json_option
def status(*, place: Place, as_json: bool) -> None:
    """How many products are known, from where, how old, and what was wrong."""
    found = ask(place, "catalogue status")
    for source in found["sources"]:
        source.pop("kept")
    if as_json:
        print_json(found)
        return
    click.echo(f"{counted(found['products'], 'product')}, {found['in_stock']} in stock")
    for source in found["sources"]:
        _say_source(source, found)
    pages = found["pages"]
    if pages["named"]:
        others = f"; not {', '.join(pages['unknown'])}" if pages["unknown"] else ""
        click.echo(
            f"{pages['known']} of {counted(pages['named'], 'product')} that pages named lately are known{others}"
        )
    if found["sold_counted_at"]:
        click.echo(f"sold this week: counted {_ago(found['now'], found['sold_counted_at'])}")
    if not found["sources"]:
        click.echo("No feed was read yet: opportune import products FILE, or set OPPORTUNE_FEED_URL.")


def _say_source(source: dict[str, object], found: dict[str, int]) -> None:
    read_at, now = int(str(source["read_at"])), found["now"]
    is_stale = now - read_at > found["facts_last"]
    if read_at:
        stale = "; too old, so its facts are not shown" if is_stale else ""
        click.echo(
            f"{source['source']}: read {_ago(now, read_at)}{stale}; {source['products']} of "
            f"{counted(int(str(source['rows'])), 'row')} taken, {source['changed']} changed, "
            f"{source['gone']} not listed any more"
        )
    if source["error"]:
        click.echo(f"  the last attempt failed: {source['error']}")
    problems = source["problems"]
    if isinstance(problems, dict) and problems:
        listed = ", ".join(f"{count} {code}" for code, count in problems.items())
        click.echo(f"  kept aside: {listed} (opportune catalogue problems)")


@catalogue.command()
@place_option
@click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True, help="At most so many.")
@json_option
def problems(*, place: Place, limit: int, as_json: bool) -> None:
    """Rows of the last reading that were kept aside, with the reason."""
    found = ask(place, "catalogue status")
    rows = [{"source": source["source"], **row} for source in found["sources"] for row in source["kept"]][
        :limit
    ]
    if as_json:
        print_json(rows)
    elif not rows:
        click.echo("Every row was taken.")
    else:
        cells = [(row["source"], row["row"], row["product"] or "-", row["reason"]) for row in rows]
        print_table(("source", "row", "product", "reason"), cells)


@catalogue.command()
@click.argument("product")
@place_option
@json_option
def show(*, product: str, place: Place, as_json: bool) -> None:
    """One PRODUCT by its id, SKU or page, with the age of what is known."""
    found = ask(place, "catalogue show", product=product)
    if as_json:
        print_json(found)
        return
    currency = ask(place, "shop basics")["currency"]
    lines = {
        "id": found["id"],
        "name": found.get("name", ""),
        "price": _money(found.get("price"), currency),
        "sale price": _money(found.get("sale_price"), currency),
        "margin": _money(found.get("margin"), currency),
        "in stock": "yes" if found.get("in_stock", True) else "no",
        "pieces left": found.get("stock"),
        "category": " > ".join(found.get("category_path", ())),
        "brand": found.get("brand", ""),
        "rating": found.get("rating"),
        "ratings": found.get("ratings"),
        "sold this week": found["sold_this_week"] or None,
        "page": found.get("url", ""),
        "image": found.get("image", ""),
        "also called": ", ".join(found.get("codes", ())),
        "from": f"{found.get('source', '')}, {_ago(found['now'], found['known_at'])}",
    }
    for name, value in lines.items():
        if value not in (None, ""):
            click.echo(f"{name:<15} {value}")


@catalogue.command()
@click.option(
    "--url", envvar="OPPORTUNE_FEED_URL", default=DEFAULTS.feed_url, help="Another address than the set one."
)
@place_option
def fetch(*, url: str, place: Place) -> None:
    """Read the product feed now, without waiting for its hour."""
    if not url:
        fail("Say where the feed is: --url, or OPPORTUNE_FEED_URL.", status=2)
    state = ask(place, "catalogue fetch", may_make=True, url=url)
    click.echo(
        f"{counted(state['products'], 'product')}, {state['changed']} changed, "
        f"{state['gone']} not listed any more, {sum(state['problems'].values())} rows kept aside"
    )


def _money(minor: int | None, currency: str) -> str:
    return "" if minor is None else say_money(minor, currency)


def _ago(now: int, at: int) -> str:
    return f"{say_duration(max(now - at, 0))} ago"

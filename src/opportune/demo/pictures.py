"""The demo's pictures, drawn by code: one shape for each category, tinted in a product's colour."""

from __future__ import annotations

from collections.abc import Callable

from opportune.demo.catalogue import BY_SLUG, COLOURS

_WHITE = (255, 255, 255)
_BLACK = (20, 22, 28)


def _mix(colour: str, other: tuple[int, int, int], share: float) -> str:
    parts = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
    mixed = [round(part * (1 - share) + towards * share) for part, towards in zip(parts, other, strict=True)]
    return "#" + "".join(f"{part:02x}" for part in mixed)


def light(colour: str, share: float = 0.5) -> str:
    """The colour, that much nearer to white."""
    return _mix(colour, _WHITE, share)


def dark(colour: str, share: float = 0.3) -> str:
    """The colour, that much nearer to black."""
    return _mix(colour, _BLACK, share)


def _shoes(c: str) -> str:
    return (
        '<g transform="translate(0 36)">'
        f'<path d="M88 148c10 14 40 16 62 2l10-8c22 34 62 62 122 72 24 4 36 18 36 42H84c-8-38-8-76 4-108z" fill="{c}"/>'
        f'<path d="M88 148c10 14 40 16 62 2l10-8 14 18c-22 26-62 30-92 14 1-9 3-17 6-26z" fill="{dark(c, 0.22)}"/>'
        f'<path d="M236 204c16 6 32 8 46 10 24 4 36 18 36 42h-64c2-20-4-38-18-52z" fill="{light(c, 0.25)}"/>'
        f'<g stroke="{light(c, 0.8)}" stroke-width="7" stroke-linecap="round"><path d="M168 168l24-16"/>'
        '<path d="M186 184l24-17"/><path d="M206 198l23-18"/></g>'
        f'<path d="M78 256h244c4 20-4 32-22 32H98c-14 0-20-12-20-32z" fill="{light(c, 0.82)}"/>'
        f'<path d="M82 280h236c-4 6-10 8-18 8H98c-8 0-13-3-16-8z" fill="{dark(c, 0.45)}"/></g>'
    )


def _jackets(c: str) -> str:
    return (
        f'<path d="M150 92l-56 34-30 128 42 12 18-62v124h152V204l18 62 42-12-30-128-56-34z" fill="{c}"/>'
        f'<path d="M150 92c8 30 92 30 100 0l-14-16h-72z" fill="{dark(c, 0.3)}"/>'
        f'<path d="M200 116v212" stroke="{light(c, 0.65)}" stroke-width="6"/>'
        f'<path d="M142 238h40v44h-40zM218 238h40v44h-40z" fill="{dark(c, 0.16)}"/>'
        f'<path d="M124 312h152v16H124z" fill="{dark(c, 0.25)}"/>'
    )


def _knitwear(c: str) -> str:
    rows = "".join(
        f'<path d="M128 {y}l12 10 12-10 12 10 12-10 12 10 12-10 12 10 12-10 12 10 12-10 12 10 12-10" '
        f'fill="none" stroke="{light(c, 0.45)}" stroke-width="5"/>'
        for y in (168, 190, 212)
    )
    return (
        f'<path d="M150 96l-54 30-34 130 42 12 22-66v118h148V202l22 66 42-12-34-130-54-30z" fill="{c}"/>'
        f'<path d="M150 96c14 24 86 24 100 0l-10-10c-12 16-68 16-80 0z" fill="{dark(c, 0.28)}"/>{rows}'
        f'<path d="M126 298h148v22H126z" fill="{dark(c, 0.22)}"/>'
    )


def _bags(c: str) -> str:
    return (
        f'<path d="M160 112c0-48 80-48 80 0" fill="none" stroke="{dark(c, 0.4)}" stroke-width="12"/>'
        f'<rect x="112" y="104" width="176" height="216" rx="38" fill="{c}"/>'
        f'<path d="M112 168c0-46 22-64 46-64h84c24 0 46 18 46 64-28 26-148 26-176 0z" fill="{dark(c, 0.2)}"/>'
        f'<rect x="136" y="222" width="128" height="78" rx="16" fill="{light(c, 0.2)}"/>'
        f'<path d="M136 246h128" stroke="{dark(c, 0.35)}" stroke-width="5"/>'
        f'<rect x="188" y="172" width="24" height="34" rx="6" fill="{light(c, 0.7)}"/>'
    )


def _hats(c: str) -> str:
    ribs = "".join(
        f'<path d="M{x} 244v40" stroke="{dark(c, 0.35)}" stroke-width="5"/>' for x in range(112, 300, 22)
    )
    return (
        f'<circle cx="200" cy="104" r="30" fill="{light(c, 0.55)}"/>'
        f'<path d="M98 250c0-94 46-136 102-136s102 42 102 136z" fill="{c}"/>'
        f'<path d="M136 242c0-66 22-108 64-124-20 36-26 78-22 124zM264 242c0-66-22-108-64-124 20 36 26 78 22 124z" '
        f'fill="{light(c, 0.2)}"/>'
        f'<rect x="88" y="236" width="224" height="56" rx="20" fill="{dark(c, 0.18)}"/>{ribs}'
    )


def _socks(c: str) -> str:
    def one(at: int) -> str:
        return (
            f'<g transform="translate({at} 0)">'
            f'<path d="M104 96h70v120c0 18 10 26 34 38 26 13 30 54-8 56-58 4-96-26-96-70z" fill="{c}"/>'
            f'<path d="M104 96h70v30h-70z" fill="{dark(c, 0.28)}"/>'
            f'<path d="M104 148h70v14h-70zM104 176h70v14h-70z" fill="{light(c, 0.6)}"/>'
            f'<path d="M104 240c0-16 14-24 30-22 18 4 22 26 10 40-10 12-20 16-28 22-8-10-12-24-12-40z" '
            f'fill="{light(c, 0.3)}"/></g>'
        )

    return one(74) + one(-8)


def _bottles(c: str) -> str:
    return (
        f'<rect x="172" y="70" width="56" height="40" rx="10" fill="{dark(c, 0.5)}"/>'
        f'<path d="M176 108h48c0 22 36 30 36 64v130c0 16-10 26-26 26h-68c-16 0-26-10-26-26V172c0-34 36-42 36-64z" '
        f'fill="{c}"/>'
        f'<path d="M160 182c0-22 10-30 22-40v176h-6c-10 0-16-6-16-16z" fill="{light(c, 0.35)}"/>'
        f'<path d="M140 222h120v44H140z" fill="{light(c, 0.78)}"/>'
        f'<path d="M180 256l20-24 20 24z" fill="{dark(c, 0.2)}"/>'
    )


def _tents(c: str) -> str:
    return (
        f'<path d="M200 92L60 308h280z" fill="{c}"/><path d="M200 92l-56 216H60z" fill="{dark(c, 0.18)}"/>'
        f'<path d="M200 92l56 216h84z" fill="{light(c, 0.22)}"/>'
        f'<path d="M200 168l-42 140h84z" fill="{dark(c, 0.55)}"/>'
        f'<path d="M200 168l-42 140h22c14-46 20-92 20-140z" fill="{light(c, 0.6)}"/>'
        f'<path d="M200 92V72" stroke="{dark(c, 0.4)}" stroke-width="8" stroke-linecap="round"/>'
    )


def _lamps(c: str) -> str:
    return (
        '<circle cx="200" cy="176" r="104" fill="#fff3cf" opacity=".85"/>'
        f'<path d="M158 90h84l44 104H114z" fill="{c}"/>'
        f'<path d="M158 90h26l-22 104h-48z" fill="{light(c, 0.3)}"/>'
        f'<ellipse cx="200" cy="194" rx="86" ry="14" fill="#ffe39a"/>'
        f'<path d="M193 206h14v84h-14z" fill="{dark(c, 0.5)}"/>'
        f'<path d="M146 300c0-16 24-22 54-22s54 6 54 22c0 8-4 12-12 12h-84c-8 0-12-4-12-12z" fill="{dark(c, 0.35)}"/>'
    )


def _mugs(c: str) -> str:
    return (
        f'<g fill="none" stroke="{light(c, 0.45)}" stroke-width="8" stroke-linecap="round">'
        '<path d="M166 122c-12-16 12-24 0-42"/><path d="M204 122c-12-16 12-24 0-42"/></g>'
        f'<path d="M258 188c60-10 60 82 0 78" fill="none" stroke="{dark(c, 0.15)}" stroke-width="20"/>'
        f'<path d="M106 146h160v120c0 34-20 52-52 52h-56c-32 0-52-18-52-52z" fill="{c}"/>'
        f'<path d="M106 146h160v26H106z" fill="{light(c, 0.75)}"/>'
        f'<path d="M128 190h18v76c0 16 4 24 12 34-20-4-30-16-30-38z" fill="{light(c, 0.3)}"/>'
    )


def _blankets(c: str) -> str:
    fringe = "".join(f'<path d="M{x} 300v20"/>' for x in range(96, 312, 16))
    return (
        f'<rect x="84" y="212" width="232" height="90" rx="22" fill="{dark(c, 0.25)}"/>'
        f'<rect x="84" y="160" width="232" height="84" rx="24" fill="{c}"/>'
        f'<rect x="84" y="112" width="232" height="80" rx="26" fill="{light(c, 0.2)}"/>'
        f'<path d="M124 112h26v190h-26zM250 112h26v190h-26z" fill="{light(c, 0.6)}" opacity=".75"/>'
        f'<path d="M84 148h232v12H84zM84 208h232v10H84z" fill="{dark(c, 0.4)}" opacity=".35"/>'
        f'<g stroke="{light(c, 0.5)}" stroke-width="5" stroke-linecap="round">{fringe}</g>'
    )


def _notebooks(c: str) -> str:
    lines = "".join(f'<path d="M166 {y}h86"/>' for y in (250, 268))
    return (
        f'<rect x="136" y="84" width="170" height="236" rx="12" fill="{light(c, 0.85)}" transform="rotate(6 200 200)"/>'
        f'<rect x="112" y="80" width="176" height="240" rx="14" fill="{c}"/>'
        f'<path d="M126 80h14v240h-14c-8 0-14-6-14-14V94c0-8 6-14 14-14z" fill="{dark(c, 0.3)}"/>'
        f'<rect x="162" y="124" width="96" height="56" rx="8" fill="{light(c, 0.82)}"/>'
        f'<path d="M244 80h16v96l-8-8-8 8z" fill="{light(c, 0.5)}"/>'
        f'<g stroke="{light(c, 0.25)}" stroke-width="5" stroke-linecap="round">{lines}</g>'
    )


SHAPES: dict[str, Callable[[str], str]] = {
    "shoes": _shoes,
    "jackets": _jackets,
    "knitwear": _knitwear,
    "bags": _bags,
    "hats": _hats,
    "socks": _socks,
    "bottles": _bottles,
    "tents": _tents,
    "lamps": _lamps,
    "mugs": _mugs,
    "blankets": _blankets,
    "notebooks": _notebooks,
}


def product_picture(category: str, colour_name: str) -> str:
    """A square picture of one product, as SVG text."""
    colour = COLOURS[colour_name]
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 400">'
        f'<rect width="400" height="400" fill="{light(colour, 0.84)}"/>'
        f'<circle cx="200" cy="196" r="150" fill="{light(colour, 0.72)}"/>'
        f'<ellipse cx="200" cy="328" rx="118" ry="14" fill="{dark(colour, 0.2)}" opacity=".22"/>'
        f"{SHAPES[category](colour)}</svg>"
    )


def hero_picture(category: str) -> str:
    """A wide landscape with one thing of the category standing in it; no category gives the hills alone."""
    known = BY_SLUG.get(category)
    colour = COLOURS[known.colour if known else "teal"]
    thing = (
        f'<ellipse cx="820" cy="428" rx="180" ry="18" fill="{dark(colour, 0.5)}" opacity=".35"/>'
        f'<g transform="translate(570 -18) scale(1.32)">{SHAPES[category](colour)}</g>'
        if known
        else ""
    )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1200 500" preserveAspectRatio="xMidYMid slice">'
        f'<rect width="1200" height="500" fill="{light(colour, 0.82)}"/>'
        f'<circle cx="930" cy="150" r="92" fill="#fff6dc"/>'
        f'<path d="M0 330c140-90 260-120 380-60s220-110 360-90 240 120 460 40v280H0z" fill="{light(colour, 0.62)}"/>'
        f'<path d="M0 390c200-90 340 10 520-30s340-130 680-20v160H0z" fill="{light(colour, 0.42)}"/>'
        f'<path d="M0 440c260-60 500 20 760-10s300-40 440-10v80H0z" fill="{light(colour, 0.18)}"/>'
        f"{_pines(colour) if not known else ''}{thing}</svg>"
    )


def _pines(colour: str) -> str:
    def pine(x: int, y: int, size: float) -> str:
        return (
            f'<g transform="translate({x} {y}) scale({size})" fill="{dark(colour, 0.25)}">'
            '<path d="M0 0l34 60h-18l30 56H-46l30-56h-18z"/><path d="M-7 116H7v24H-7z"/></g>'
        )

    return (
        pine(700, 262, 1.1)
        + pine(790, 246, 1.3)
        + pine(900, 280, 0.9)
        + pine(1040, 250, 1.2)
        + pine(1110, 290, 0.8)
    )


def mark() -> str:
    """The shop's sign: a thistle over water."""
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">'
        '<rect width="64" height="64" rx="16" fill="#2c4a44"/>'
        '<path d="M32 12l5 8 7-5-2 11H22l-2-11 7 5z" fill="#c58bb0"/>'
        '<path d="M20 27h24c0 10-5 15-12 15s-12-5-12-15z" fill="#9db98a"/>'
        '<path d="M12 50c7-6 13-6 20 0s13 6 20 0" stroke="#bfe0dc" stroke-width="4" '
        'fill="none" stroke-linecap="round"/></svg>'
    )

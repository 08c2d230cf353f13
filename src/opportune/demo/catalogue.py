"""What the demo shop sells: twelve categories with five products each. Prices are in cents."""

from __future__ import annotations

from dataclasses import dataclass

SHOP_NAME = "Tarn & Thistle"
CURRENCY = "EUR"

COLOURS: dict[str, str] = {
    "moss": "#66805a",
    "rust": "#b85c3c",
    "ink": "#34455f",
    "sand": "#c7a878",
    "plum": "#7d4d6c",
    "teal": "#2f8280",
    "mustard": "#d09a30",
    "slate": "#67757f",
    "berry": "#aa3f56",
    "sky": "#6c9cc2",
    "charcoal": "#45444a",
    "clay": "#c98064",
}


@dataclass(frozen=True, slots=True)
class Category:
    """A shelf of the shop. `slug` is what addresses and events say."""

    slug: str
    title: str
    line: str
    colour: str


@dataclass(frozen=True, slots=True)
class Product:
    """One thing to buy. `price` and `was` (0: never cost more) are in cents."""

    id: str
    name: str
    category: str
    price: int
    colour: str
    line: str
    was: int = 0

    @property
    def url(self) -> str:
        return f"/products/{self.id}"

    @property
    def picture(self) -> str:
        return f"/pictures/{self.category}-{self.colour}.svg"


CATEGORIES: tuple[Category, ...] = (
    Category("shoes", "Shoes", "Soles that have met a hill before.", "rust"),
    Category("jackets", "Jackets", "For weather that has not made up its mind.", "teal"),
    Category("knitwear", "Knitwear", "Wool from sheep with a view.", "plum"),
    Category("bags", "Bags", "Room for lunch and a spare jumper.", "moss"),
    Category("hats", "Hats", "Ears are worth keeping.", "mustard"),
    Category("socks", "Socks", "The part of the outfit that decides the day.", "berry"),
    Category("bottles", "Bottles", "Hot stays hot, cold stays cold.", "sky"),
    Category("tents", "Tents", "A small house you can carry.", "clay"),
    Category("lamps", "Lamps", "Warm light for the way back in.", "sand"),
    Category("mugs", "Mugs", "Thrown by hand, mended by hand.", "slate"),
    Category("blankets", "Blankets", "Heavy enough to end an evening.", "ink"),
    Category("notebooks", "Notebooks", "Paper that likes a pencil.", "charcoal"),
)

_SHELVES: dict[str, tuple[tuple[str, int, str, str, int], ...]] = {
    "shoes": (
        ("Ridge walking boot", 18900, "rust", "Full-grain leather, resoled for as long as you walk.", 0),
        ("Fell runner", 12900, "teal", "Light, grippy, happiest when it is muddy.", 14900),
        ("Harbour trainer", 9900, "ink", "Canvas and natural rubber for dry pavements.", 0),
        ("Meadow sneaker", 8900, "moss", "A soft everyday shoe from recycled felt.", 0),
        ("Sand trail low", 11900, "sand", "Vented on the sides for long warm days.", 0),
    ),
    "jackets": (
        ("Squall shell", 24900, "teal", "Three layers, one hood, no drama.", 0),
        ("Orchard overshirt", 13900, "moss", "Brushed cotton with pockets for tools.", 0),
        ("Ember down jacket", 21900, "rust", "Packs down to the size of a loaf.", 25900),
        ("Quay raincoat", 16900, "mustard", "Bright enough to be found in.", 0),
        ("Dusk windbreaker", 10900, "plum", "A whisper of a jacket for the way home.", 0),
    ),
    "knitwear": (
        ("Harbour crew jumper", 11900, "ink", "A close knit that keeps the wind out.", 0),
        ("Heather cardigan", 13900, "plum", "Six horn buttons and a deep pocket.", 0),
        ("Moor roll neck", 12900, "moss", "The one everybody borrows.", 15900),
        ("Clay tank top", 7900, "clay", "A layer for in between.", 0),
        ("Berry cable jumper", 14900, "berry", "Cables as thick as rope.", 0),
    ),
    "bags": (
        ("Day hiker 22", 9900, "moss", "Twenty-two litres and a back that breathes.", 0),
        ("Market tote", 4900, "sand", "Waxed canvas, stands up by itself.", 0),
        ("Courier roll-top", 11900, "charcoal", "Waterproof to the last seam.", 0),
        ("Hip pocket", 3900, "rust", "Keys, phone, plaster, chocolate.", 0),
        ("Weekender 38", 15900, "ink", "Two nights, no wheels.", 17900),
    ),
    "hats": (
        ("Watch cap", 2900, "mustard", "Merino, doubled over the ears.", 0),
        ("Brim of felt", 6900, "charcoal", "Keeps sun and small talk off.", 0),
        ("Bobble hat", 3400, "berry", "The bobble is not optional.", 0),
        ("Cord cap", 3900, "moss", "Five panels, soft peak.", 0),
        ("Sky beanie", 2600, "sky", "Thin, for running home in.", 0),
    ),
    "socks": (
        ("Hiking crew, two pairs", 1800, "berry", "Padded where boots are not kind.", 0),
        ("Reading socks", 1900, "plum", "Thick, slow and warm.", 0),
        ("Ankle runner", 1400, "sky", "Stays where you put it.", 0),
        ("Fair Isle knee sock", 2900, "ink", "A pattern older than the road.", 0),
        ("Wool liner", 1600, "sand", "Under everything else.", 1900),
    ),
    "bottles": (
        ("Flask 750", 3400, "sky", "Tea at four, poured at eight.", 0),
        ("Summit mug flask", 2900, "moss", "A cup with a lid that means it.", 0),
        ("Wide mouth litre", 3900, "charcoal", "Takes ice cubes and soup.", 0),
        ("Little one 350", 2400, "clay", "Fits small hands and side pockets.", 0),
        ("Spring carafe", 4400, "teal", "For the table, after the walk.", 4900),
    ),
    "tents": (
        ("Lark one-person", 29900, "clay", "Up in four minutes, alone, in wind.", 0),
        ("Pair of herons", 42900, "teal", "Two people, two doors, no arguing.", 47900),
        ("Family barn", 64900, "mustard", "Stand-up height and a porch for boots.", 0),
        ("Tarp three by three", 11900, "moss", "A roof, and the rest is yours.", 0),
        ("Night shelter", 19900, "ink", "For those who call it light.", 0),
    ),
    "lamps": (
        ("Table lantern", 7900, "sand", "Ten hours on a charge, dims to a candle.", 0),
        ("Reading arm", 12900, "charcoal", "Brass joints that hold.", 0),
        ("Head torch", 4900, "rust", "Both hands free, red light for maps.", 0),
        ("Paper moon", 5900, "mustard", "A soft globe on a wooden foot.", 6900),
        ("Window candle", 3400, "berry", "A flame that cannot burn the curtain.", 0),
    ),
    "mugs": (
        ("Camp mug", 1900, "slate", "Enamel, chips with dignity.", 0),
        ("Potter's cup", 2600, "clay", "No two alike, on purpose.", 0),
        ("Big morning", 2900, "mustard", "Half a litre of beginning.", 0),
        ("Espresso pair", 3200, "charcoal", "Two small ones for two people.", 3600),
        ("Thistle mug", 2400, "plum", "With our thistle pressed in.", 0),
    ),
    "blankets": (
        ("Highland throw", 8900, "ink", "Pure wool, fringed by hand.", 0),
        ("Picnic rug", 6900, "rust", "Dry side down.", 0),
        ("Cot blanket", 4900, "sky", "Soft from the first wash.", 0),
        ("Fireside quilt", 14900, "berry", "Four kilos of staying in.", 16900),
        ("Moss plaid", 9900, "moss", "Goes with every sofa that went outside.", 0),
    ),
    "notebooks": (
        ("Field notes, set of three", 1600, "sand", "Fits a shirt pocket.", 0),
        ("Log book", 2400, "charcoal", "Numbered pages, lies flat.", 0),
        ("Sketch pad A5", 2100, "teal", "Thick paper for thin pencils.", 0),
        ("Weather diary", 2700, "sky", "Five years, three lines a day.", 0),
        ("Berry planner", 2900, "berry", "Weeks on the left, ideas on the right.", 0),
    ),
}


def _products() -> dict[str, Product]:
    products = {}
    for category, shelf in _SHELVES.items():
        for name, price, colour, line, was in shelf:
            slug = name.lower().replace("'", "").replace(",", "").replace(" ", "-")
            products[slug] = Product(slug, name, category, price, colour, line, was)
    return products


PRODUCTS: dict[str, Product] = _products()
BY_SLUG: dict[str, Category] = {category.slug: category for category in CATEGORIES}


def products_in(category: str) -> list[Product]:
    """The products of one category, in shelf order."""
    return [product for product in PRODUCTS.values() if product.category == category]


def search_products(words: str) -> list[Product]:
    """Products whose name, line or category holds every word."""
    wanted = [word for word in words.lower().split() if word]
    if not wanted:
        return []
    return [product for product in PRODUCTS.values() if _holds_all(product, wanted)]


def _holds_all(product: Product, wanted: list[str]) -> bool:
    text = f"{product.name} {product.line} {product.category}".lower()
    return all(word in text or word.rstrip("s") in text for word in wanted)


def money(cents: int) -> str:
    """A price as the shop writes it, and as Opportune fills it in: `€18.90`, `€19`, `€1,250`."""
    units, rest = divmod(cents, 100)
    return f"€{units:,}.{rest:02d}" if rest else f"€{units:,}"

"""Ten ready rules: real playbook files in a folder each, in the order in which they are worth trying.

Hiding comes first: it shows nothing new to anybody, so the first win costs nothing.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

FOLDER = Path(__file__).parent
TEAM = "team.yaml"


class Recipe(msgspec.Struct, frozen=True):
    """A ready rule's folder, and what the customer would feel."""

    name: str
    feels: str

    def files(self) -> dict[str, str]:
        """Its rule and its places by path, as they stand in a playbook."""
        return files_in(FOLDER / self.name)


RECIPES: tuple[Recipe, ...] = (
    Recipe("subscribed-no-pop-up", "They know I get their letters, and leave me alone."),
    Recipe("bought-no-discount", "What I paid was the right price."),
    Recipe("quiet-in-support", "I have a problem, and they do not try to sell me something."),
    Recipe("cart-saved", "My cart is still there; I go on where I stopped."),
    Recipe("shipping-reassurance", "If it does not fit, it goes back. I can order."),
    Recipe("category-returner", "What I came back for is on the first page."),
    Recipe("paid-search-match", "This is what the ad promised."),
    Recipe("just-bought-how-to", "They help me with what I bought."),
    Recipe("refill", "Good that they remind me; one click, and it is on its way."),
    Recipe("welcome", "I see at once what this shop is about."),
)


def team_file() -> str:
    """A team's file under which a recipe can be checked where there is no playbook yet."""
    return (FOLDER / TEAM).read_text(encoding="utf-8")


def files_in(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*.yaml"))
    }

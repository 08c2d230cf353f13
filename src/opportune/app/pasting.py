"""What a site, a shop or a tag manager is given to paste, with the address and the key in it."""

from __future__ import annotations

from html import escape

from opportune.http.script import BANNERS, head_block, head_hash

__all__ = ["BANNERS", "head_block", "head_hash", "snippet_of"]


def snippet_of(url: str, key: str, consent: str = "", hold: str = "", *, forms: bool = False) -> str:
    """What a site pastes into its head; `consent` names its banner, `hold` the places that keep their room."""
    more = {"consent": consent, "hold": hold}
    said = "".join(f' data-{name}="{escape(value)}"' for name, value in more.items() if value)
    beside = f'\n<script async src="{escape(url)}/forms.js"></script>' if forms else ""
    return (
        f"<script>{head_block()}</script>\n"
        f'<script async src="{escape(url)}/o.js" data-key="{escape(key)}"{said}></script>{beside}'
    )

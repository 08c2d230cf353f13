"""Exports of shops' admin pages: one file a platform, listed here; told apart by their columns."""

from __future__ import annotations

from collections.abc import Sequence

from opportune.core.exports.base import Export, Kind, Notes, ProductExport, TellingExport
from opportune.core.exports.shopify import SHOPIFY
from opportune.core.exports.woocommerce import WOOCOMMERCE
from opportune.errors import BadRequestError

EXPORTS: tuple[Export, ...] = (*SHOPIFY, *WOOCOMMERCE)


def recognise(kind: Kind, header: Sequence[str], name: str) -> Export:
    """The export with these columns. Raises BadRequestError that names, for each platform, the columns missing."""
    known = [export for export in EXPORTS if export.kind == kind]
    for export in known:
        if not export.missing(header):
            return export
    known.sort(key=lambda export: len(export.missing(header)))
    told = "; ".join(f"for {export.label} {_listed(export.missing(header))} missing" for export in known)
    has = f"It has: {', '.join(header[:40]) or 'nothing'}."
    raise BadRequestError(wrong=f"{name} is no export of {kind} that is known here: {told}. {has}")


def _listed(columns: Sequence[str]) -> str:
    quoted = ", ".join(f'"{column}"' for column in columns)
    return f"{'the column' if len(columns) == 1 else 'the columns'} {quoted} {'is' if len(columns) == 1 else 'are'}"


__all__ = ["EXPORTS", "Export", "Kind", "Notes", "ProductExport", "TellingExport", "recognise"]

"""One titled table of short texts: what a terminal and a page both show. Knows no report."""

from __future__ import annotations

from dataclasses import dataclass

from ...types import Route

Row = tuple[str, ...]
# The routes that a person's turn can take, in the order in which they are shown.
ROUTES = (Route.SIMPLE, Route.MODERATE, Route.COMPLEX, Route.ENRICH)


@dataclass(frozen=True, slots=True)
class Table:
    """`heads` say where a column leans: '<' text, '>' figures, '~' text that may be cut, 't' time.
    `empty` is what stands in place of no rows; `notes` are sentences below."""

    key: str
    title: str
    heads: Row
    rows: tuple[Row, ...]
    empty: str = "Nothing in this time."
    notes: tuple[str, ...] = ()

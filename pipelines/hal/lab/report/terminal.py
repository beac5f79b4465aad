"""A report in a terminal: aligned plain text, or with `rich` where that is installed.

Both show the same tables within `width` columns. Knows the terminal, no figure.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from typing import Any, TextIO

from ...sessions.render import printable
from .table import Row, Table

# Between two columns.
_GAP = 2
# A column that is cut keeps at least this much, or nothing of it can be told apart.
_LEAST = 8


def show(  # noqa: PLR0913 - what is shown, and where
    headline: str,
    subtitle: str,
    notes: Sequence[str],
    tables: Sequence[Table],
    out: TextIO,
    width: int,
) -> None:
    """Write all of it; colours only where `out` is a terminal and NO_COLOR is not set."""
    above = [line for line in (subtitle, *notes) if line]
    if find_spec("rich") is None:
        out.write("".join(f"{line}\n" for line in plain(headline, above, tables, width)))
    else:
        _show_rich(headline, above, tables, out, width)


def plain(
    headline: str, above: Sequence[str], tables: Sequence[Table], width: int
) -> Iterator[str]:
    """The report as lines without any control character."""
    for text in (headline, *above):
        yield from textwrap.wrap(printable(text), width)
    for table in tables:
        yield ""
        yield from textwrap.wrap(table.title.upper(), width)
        yield from _lines(table, width) if table.rows else textwrap.wrap(table.empty, width)
        for note in table.notes:
            yield from textwrap.wrap(printable(note), width)


def _lines(table: Table, width: int) -> Iterator[str]:
    cells = fitted(table, width)
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for line in cells:
        padded = (
            f"{cell:>{wide}}" if head[:1] == ">" else f"{cell:<{wide}}"
            for cell, wide, head in zip(line, widths, table.heads, strict=True)
        )
        yield (" " * _GAP).join(padded).rstrip()


def fitted(table: Table, width: int) -> list[Row]:
    """Heads and cells on one line each; columns that may be cut are, the widest first."""
    cells = [
        tuple(" ".join(printable(cell).split()) for cell in row)
        for row in (tuple(head[1:] for head in table.heads), *table.rows)
    ]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    over = sum(widths) + _GAP * (len(widths) - 1) - width
    while over > 0 and (column := _widest(table.heads, widths)) is not None:
        widths[column] -= 1
        over -= 1
    return [
        tuple(_cut(cell, most) for cell, most in zip(row, widths, strict=True)) for row in cells
    ]


def _widest(heads: Row, widths: Sequence[int]) -> int | None:
    flexible = [
        index for index, head in enumerate(heads) if head[:1] == "~" and widths[index] > _LEAST
    ]
    return max(flexible, key=lambda index: widths[index], default=None)


def _cut(cell: str, most: int) -> str:
    return cell if len(cell) <= most else cell[: most - 1] + "…"


def _show_rich(
    headline: str, above: Sequence[str], tables: Sequence[Table], out: TextIO, width: int
) -> None:
    # Only here: it is an extra, and takes a while to load.
    from rich.console import Console
    from rich.text import Text

    console = Console(file=out, width=width, highlight=False, markup=False, emoji=False)
    console.print(Text(printable(headline), style="bold"))
    for line in above:
        console.print(Text(printable(line), style="dim"))
    for table in tables:
        console.print()
        console.print(Text(table.title, style="bold cyan"))
        console.print(_rich_table(table, width) if table.rows else Text(table.empty, style="dim"))
        for note in table.notes:
            console.print(Text(printable(note), style="dim"))


def _rich_table(table: Table, width: int) -> Any:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table as RichTable
    from rich.text import Text

    heads, *rows = fitted(table, width)
    # The box itself puts one column between two.
    padding = (0, _GAP - 1, 0, 0)
    drawn = RichTable(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=padding)
    for name, head in zip(heads, table.heads, strict=True):
        drawn.add_column(Text(name), justify="right" if head[:1] == ">" else "left", no_wrap=True)
    for row in rows:
        drawn.add_row(*(Text(cell) for cell in row))
    return drawn

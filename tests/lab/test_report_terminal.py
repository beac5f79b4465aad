"""The report in a terminal: the same tables with and without rich, within the width asked for."""

from __future__ import annotations

import io
import sys
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.lab.report import terminal
from hal.lab.report.figures import Report
from hal.lab.report.table import Table
from hal.lab.report.tables import tables

ESCAPE = "\x1b"
HOSTILE = "\x1b[31mred\x07\n[bold]x[/bold]"


def shown(found: list[Table], width: int, headline: str = "A sentence.") -> str:
    out = io.StringIO()
    terminal.show(headline, "a subtitle", ["a note"], found, out, width)
    return out.getvalue()


def plain(found: list[Table], width: int) -> str:
    return "\n".join(terminal.plain("A sentence.", ["a subtitle", "a note"], found, width))


@pytest.mark.parametrize("width", [60, 80, 100, 120])
def test_every_line_fits(width: int, month_report: Report) -> None:
    found = list(tables(month_report, UTC))
    # Narrower than 80, the tables of many figures cannot shrink any more; they break nothing.
    allowed = max(width, 79)
    assert max(map(len, plain(found, width).splitlines())) <= allowed


def test_80_columns_hold_all_figures(month_report: Report) -> None:
    for table in tables(month_report, UTC):
        for row, cells in zip(table.rows, terminal.fitted(table, 80)[1:], strict=True):
            for head, cell, fitted in zip(table.heads, row, cells, strict=True):
                assert head.startswith("~") or cell == fitted


def test_rich_shows_the_same_cells(month_report: Report) -> None:
    pytest.importorskip("rich")
    found = list(tables(month_report, UTC))
    rich, ours = shown(found, 80), plain(found, 80)
    assert ESCAPE not in rich  # this is no terminal
    assert _cells(rich) == _cells(ours.replace("A sentence", "A sentence"))


def _cells(text: str) -> list[str]:
    """Words alone: rules and letters of titles are drawn differently."""
    return [word.lower() for word in text.split() if set(word) != {"─"}]


def test_without_rich_it_is_plain(monkeypatch: pytest.MonkeyPatch, month_report: Report) -> None:
    monkeypatch.setitem(sys.modules, "rich", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    monkeypatch.setattr(terminal, "find_spec", lambda _name: None)
    found = list(tables(month_report, UTC))
    assert shown(found, 80) == plain(found, 80) + "\n"


def test_nothing_commands_the_terminal() -> None:
    table = Table("x", "Title", ("~A", ">B"), ((HOSTILE, "1"),), notes=(HOSTILE,))
    for text in (shown([table], 80, HOSTILE), plain([table], 80)):
        assert ESCAPE not in text
        assert "\x07" not in text
        assert "[bold]x[/bold]" in text  # no markup either


@given(st.lists(st.text(max_size=60), min_size=1, max_size=5), st.integers(20, 100))
def test_cut_cells_stay_in_their_width(cells: list[str], width: int) -> None:
    table = Table("x", "T", ("~TEXT", ">N"), tuple((cell, "1,234") for cell in cells))
    for row in terminal.fitted(table, width):
        assert len(row[0]) + 2 + len(row[1]) <= max(width, 8 + 2 + 5)


def test_a_table_without_rows_says_why() -> None:
    table = Table("x", "Title", ("<A",), (), empty="Nothing yet.")
    assert "Nothing yet." in plain([table], 80)
    assert "Nothing yet." in shown([table], 80)

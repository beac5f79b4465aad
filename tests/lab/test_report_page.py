"""The page: whole in itself, escaped, readable without a chart, and no drawing that lies."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.lab.report import charts
from hal.lab.report.figures import Report
from hal.lab.report.page import report_page
from hal.lab.report.style import STYLE
from hal.lab.report.svg import Scale, every, logarithmic, ticks
from hal.sessions.record import TurnRow
from tests.lab.conftest import report_of
from tests.sessions.rows import NOON, egress, score, turn

HOSTILE = "</svg><script>alert(1)</script>\"'><img src=x onerror=alert(2)>&amp;"
VOID = {"meta", "link", "br", "img", "input", "hr"}


@pytest.fixture(scope="module")
def page(month_report: Report) -> str:
    return report_page(month_report, UTC)


class Checker(HTMLParser):
    """Collects tags and attributes, and fails where one is closed that is not open."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def checked(text: str) -> Checker:
    checker = Checker()
    checker.feed(text)
    checker.close()
    assert not checker.open
    return checker


def hostile_log(write: Callable[..., Path]) -> Path:
    rows = [
        turn(
            f"t{index}", outcome="done", route=HOSTILE, source="classifier", confidence=0.9,
            provider=HOSTILE, model=HOSTILE, reason=HOSTILE, total_ms=5.0, first_token_ms=3.0,
            notes=(HOSTILE,), degradations=(HOSTILE,), error_code=HOSTILE, cache="", cost_usd=0.1,
        )
        for index in range(30)
    ]  # fmt: skip
    scores = [score(f"s{row.id}", turn_id=row.id, name="user_thumb", value=-1.0) for row in rows]
    out = egress(host=HOSTILE, model=HOSTILE, purpose=HOSTILE, masked={HOSTILE: 1})
    return write(*rows, *scores, score("x", turn_id="t1", name=HOSTILE, source=HOSTILE), out)


def test_nothing_is_loaded_and_nothing_runs(page: str) -> None:
    tags = checked(page).seen
    names = {tag for tag, _ in tags}
    assert not names & {
        "script",
        "link",
        "img",
        "iframe",
        "object",
        "embed",
        "audio",
        "video",
        "base",
    }
    assert not re.search(
        r"https?:|//[a-z]|url\(|@import|javascript:|data:(?!;)[a-z]", page.split("img-src data:")[1]
    )
    for _, attributes in tags:
        assert not {"src", "href", "srcset", "action"} & set(attributes)
        assert not [name for name in attributes if name.startswith("on")]


def test_hostile_names_stay_text(write: Callable[..., Path]) -> None:
    page = report_page(report_of(hostile_log(write)), UTC)
    tags = checked(page).seen
    assert not {tag for tag, _ in tags} & {"script", "img"}
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_questions_are_never_on_it(write: Callable[..., Path]) -> None:
    from tests.sessions.rows import content

    path = write(
        turn("a", outcome="failed", error_code="reset"), content("a", question="MY SECRET")
    )
    assert "MY SECRET" not in report_page(report_of(path), UTC)


@pytest.mark.parametrize(
    "rows", [(), (turn(),), (turn(outcome="failed"),)], ids=["empty", "running", "failed"]
)
def test_a_page_without_turns_says_so(
    rows: tuple[TurnRow, ...], write: Callable[..., Path]
) -> None:
    page = report_page(report_of(write(*rows)), UTC)
    checked(page)
    assert "There are no finished turns" in page or "None of 1 turn" in page


def parsed(drawing: str) -> ET.Element:
    return ET.fromstring(drawing)  # noqa: S314 - our own


def drawings(page: str) -> list[ET.Element]:
    found = re.findall(r'<svg class="chart.*?</svg>', page, re.DOTALL)
    return [parsed(text) for text in found]


def test_every_drawing_tells_what_it_shows(page: str) -> None:
    found = drawings(page)
    ids = [
        element.get("id") for drawing in found for element in drawing.iter() if element.get("id")
    ]
    assert len(found) >= 9
    assert len(ids) == len(set(ids))
    for drawing in found:
        title, desc = drawing.find("title"), drawing.find("desc")
        assert title is not None
        assert desc is not None
        assert drawing.get("aria-labelledby") == f"{title.get('id')} {desc.get('id')}"
        assert drawing.get("role") == "img"
        assert len(desc.text or "") > 40


def test_bars_are_as_high_as_their_numbers(month_report: Report) -> None:
    drawing = parsed(charts.turns_over_time(month_report, "x", 880))
    bars = [e for e in drawing.iter("rect") if (e.get("class") or "").startswith("r-")]
    counts = [count for slot in month_report.slots for count in slot.routes.values()]
    heights = sorted(float(bar.get("height") or 0) for bar in bars)
    scale = max(heights) / max(counts)
    assert len(bars) == len(counts)
    assert heights == pytest.approx(sorted(count * scale for count in counts), abs=0.11)
    bottom = {round(float(b.get("y") or 0) + float(b.get("height") or 0), 0) for b in bars}
    assert max(bottom) == 190  # the lowest of each stack stands on zero


def test_intervals_are_drawn_where_there_are_enough(month_report: Report) -> None:
    drawing = parsed(charts.calibration(month_report.bins, "x"))
    ranges = [e for e in drawing.iter("line") if e.get("class") == "range"]
    points = [e for e in drawing.iter("circle") if e.get("class") == "point"]
    enough = [each for each in month_report.bins if each.judged.is_enough]
    assert len(ranges) == len(points) == len(enough) > 0


@given(st.floats(1e-6, 1e9))
def test_ticks_begin_at_zero_and_cover(high: float) -> None:
    marks = ticks(high)
    assert marks[0] == 0
    assert high <= marks[-1] * (1 + 1e-6)
    assert 2 <= len(marks) <= 7


@given(st.integers(0, 400), st.integers(1, 30))
def test_labels_are_few_and_even(count: int, most: int) -> None:
    shown = list(every(count, most))
    assert len(shown) <= most
    assert len({b - a for a, b in pairwise(shown)}) <= 1


def test_scales() -> None:
    assert Scale(0, 10, 100, 0)(2.5) == 75
    assert Scale(0.1, 10, 0, 100, logarithmic)(1) == pytest.approx(50)
    assert Scale(5, 5, 3, 9)(5) == 3


# --- contrast ------------------------------------------------------------------------------------


def _themes() -> list[dict[str, str]]:
    from hal.html_page import page as shell

    style = shell("x", [], style=STYLE)
    blocks = re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    found = [dict(re.findall(r"--([a-z]+): (#[0-9a-f]{6})", block)) for block in blocks]
    light, dark, ours_light, ours_dark = (block for block in found if block)
    return [light | ours_light, dark | ours_dark]


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", _themes(), ids=["light", "dark"])
def test_contrast(theme: dict[str, str]) -> None:
    for ground in ("ground", "raised"):
        for name in ("ink", "faint", "accent"):
            assert contrast(theme[name], theme[ground]) >= 4.5, (name, ground)
    for name in ("simple", "moderate", "complex", "enrich", "paid", "accent"):
        assert contrast(theme[name], theme["raised"]) >= 3, name
    assert contrast(theme["paid"], theme["cloud"]) >= 1.3


def test_the_page_of_noon_is_dated(write: Callable[..., Path]) -> None:
    page = report_page(report_of(write(turn(outcome="done", provider="ollama")), now_s=NOON), UTC)
    assert "2026-03-01 (UTC)" in page

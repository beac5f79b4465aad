"""The page in real Chromium: nothing is wider than a phone, by day and by night, desk and paper."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC
from pathlib import Path
from shutil import which
from typing import Any

import pytest

from hal.lab.report.figures import Report
from hal.lab.report.page import report_page
from tests.lab.conftest import report_of
from tests.lab.test_report_page import hostile_log

CHROMIUM = which("chromium") or which("chromium-browser") or which("google-chrome")
# Elements that reach beyond the screen, but for those inside something that scrolls by itself.
BEYOND = """() => [...document.querySelectorAll('main *')]
  .filter(e => !e.closest('.scroll') && !e.closest('svg')
    && e.getBoundingClientRect().right > document.documentElement.clientWidth + 0.5)
  .map(e => e.outerHTML.slice(0, 80))"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with api.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


def opened(browser: Any, file: Path, width: int, scheme: str = "light") -> Any:
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, offline=True
    )
    view = context.new_page()
    view.problems = []
    view.on("console", lambda message: view.problems.append(message.text))
    view.on("request", lambda request: view.problems.append(request.url))
    view.goto(file.as_uri())
    view.problems.remove(file.as_uri())
    return view


@pytest.mark.parametrize("width", [360, 768, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits(
    browser: Any, width: int, scheme: str, month_report: Report, tmp_path: Path
) -> None:
    file = tmp_path / "report.html"
    file.write_text(report_page(month_report, UTC), encoding="utf-8")
    view = opened(browser, file, width, scheme)
    view.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert view.evaluate("document.documentElement.scrollWidth") <= width
    assert view.evaluate(BEYOND) == []
    assert view.problems == []
    view.context.close()


def test_letters_in_drawings_are_readable_on_a_phone(
    browser: Any, month_report: Report, tmp_path: Path
) -> None:
    file = tmp_path / "report.html"
    file.write_text(report_page(month_report, UTC), encoding="utf-8")
    view = opened(browser, file, 360)
    heights = view.evaluate(
        """() => [...document.querySelectorAll('svg.chart')].filter(s => s.getClientRects().length)
        .map(s => 12 * s.getBoundingClientRect().width / s.viewBox.baseVal.width)"""
    )
    assert len(heights) >= 7
    assert min(heights) >= 9.5
    view.context.close()


def test_hostile_names_fit_and_do_nothing(
    browser: Any, write: Callable[..., Path], tmp_path: Path
) -> None:
    file = tmp_path / "report.html"
    file.write_text(report_page(report_of(hostile_log(write)), UTC), encoding="utf-8")
    view = opened(browser, file, 360)
    assert view.evaluate("document.documentElement.scrollWidth") <= 360
    assert view.evaluate("document.scripts.length") == 0
    assert view.problems == []
    view.context.close()

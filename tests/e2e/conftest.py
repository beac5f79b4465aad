"""Browser tests: what they share, what they leave behind, and when they are skipped.

`make e2e` runs them; they are no part of `make test`. Each test leaves its screenshots in
HAL_E2E_SCREENSHOTS (build/e2e); one that failed also the page as text and every log.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

if importlib.util.find_spec("playwright") is None:
    pytest.exit("no Playwright for the browser tests: make e2e, or pip install '.[e2e]'", 2)

from playwright.sync_api import (
    Browser,
    BrowserContext,
    Page,
    ViewportSize,
    expect,
    sync_playwright,
)

from tests.harness.interpreters import REPO
from tests.servers.sample_site import has_addresses

from .page import WAIT_MS, ChatPage
from .processes import webui_python
from .stack import Stack

TIMEOUT_S = 180
# What needs no turn is there at once on an idle machine; on a busy one it takes its time.
PATIENCE_MS = 30_000
SIZE = ViewportSize(width=1280, height=800)
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
Shoot = Callable[[str], None]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)
            # Starting everything counts for nobody: it takes a minute, and has a limit of its own.
            item.add_marker(pytest.mark.timeout(TIMEOUT_S, func_only=True))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report = yield
    if report.failed:  # type: ignore[attr-defined]
        item.stash[_FAILED] = True
    return report


_FAILED = pytest.StashKey[bool]()


def browser_path() -> str:
    """The Chromium of this machine; skips the tests, and says why, when there is none."""
    named = os.environ.get("HAL_E2E_CHROMIUM")
    found = named or next((path for name in _BROWSERS if (path := shutil.which(name))), None)
    if not found:
        pytest.skip("no Chromium (apt install chromium, or set HAL_E2E_CHROMIUM)")
    return found


@pytest.fixture(scope="session")
def output() -> Path:
    folder = Path(os.environ.get("HAL_E2E_SCREENSHOTS") or REPO / "build" / "e2e").absolute()
    folder.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(folder / "failed", ignore_errors=True)
    return folder


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    # As root, as in a container, Chromium has no sandbox. Nothing but our own pages is opened.
    arguments = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    path = browser_path()
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def stack(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    webui_python()
    if not has_addresses():
        pytest.skip("this machine has no 127.0.0.2")
    with Stack(tmp_path_factory.mktemp("stack")) as running:
        yield running


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    with browser.new_context(viewport=SIZE, locale="en-US") as context:
        context.set_default_timeout(WAIT_MS)
        yield context


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


@pytest.fixture
def chat(stack: Stack, page: Page) -> ChatPage:
    """The front page of the user without a login, everything as after the start."""
    stack.house.reset()
    return ChatPage(page, stack.webui.url).open()


@pytest.fixture
def shoot(request: pytest.FixtureRequest, page: Page, output: Path) -> Shoot:
    """Takes a screenshot under this name."""

    def take(name: str) -> None:
        page.screenshot(path=output / f"{name}.png", animations="disabled")

    return take


@pytest.fixture(autouse=True)
def _keep_what_failed(request: pytest.FixtureRequest, output: Path) -> Iterator[None]:
    """The page as picture and text, and the logs of everything, of a test that failed."""
    page = request.getfixturevalue("page") if "page" in request.fixturenames else None
    running = request.getfixturevalue("stack") if "stack" in request.fixturenames else None
    yield
    if not request.node.stash.get(_FAILED, False):
        return
    folder = output / "failed" / re.sub(r"\W+", "-", request.node.name)
    folder.mkdir(parents=True, exist_ok=True)
    if page is not None:
        page.screenshot(path=folder / "page.png")
        text = page.locator("body").aria_snapshot()
        (folder / "page.txt").write_text(f"{page.url}\n{text}\n", encoding="utf-8")
    if running is not None:
        for log in running.logs():
            shutil.copy(log, folder / log.name)

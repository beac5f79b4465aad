"""The first run on a machine with nothing: `hal serve` with the embedded engine, Open WebUI beside
it as `make webui` starts it, and one question, answered by a real model.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from hal.embedded.catalogue import DEFAULT_MODEL
from hal.embedded.errors import ModelUnavailable
from hal.embedded.fetch import cache_folder, ensure_model
from tests.server.logbook import Logbook
from tests.servers import refused_url

from .conftest import Shoot
from .page import WAIT_MS, ChatPage
from .processes import HalServe, OpenWebUI, webui_python

pytestmark = pytest.mark.engine
# The smallest model answers anything with an endless row of stars.
MODEL = DEFAULT_MODEL


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenWebUI]:
    webui_python()
    try:
        ensure_model(MODEL)
    except ModelUnavailable as error:
        pytest.skip(str(error))
    folder = tmp_path_factory.mktemp("machine")
    (folder / "models").symlink_to(cache_folder())  # it is not fetched for every test
    env = {"OLLAMA_HOST": refused_url(), "HAL_EMBEDDED_THREADS": "1"}
    env["HAL_SEARXNG_URL"] = refused_url()
    # A model of this size decides nothing well, and slowly on a busy machine.
    env["HAL_CLASSIFIER_DEADLINE_S"] = "30"
    with ExitStack() as started:
        serve = started.enter_context(HalServe(folder, "--model", MODEL, **env))
        yield started.enter_context(OpenWebUI(folder, serve.port))


def test_the_first_question(machine: OpenWebUI, page: Page, shoot: Shoot) -> None:
    page.goto(machine.url)
    chat = ChatPage(page, machine.url)
    expect(chat.input).to_be_visible(timeout=WAIT_MS)
    news = page.get_by_role("button", name="Okay, Let's Go!")
    expect(news).to_be_visible(timeout=WAIT_MS)
    shoot("first-page")
    chat.close_news()
    chat.close_toasts()
    assert chat.models() == ["hal-auto"]
    chat.close_menu()
    message = chat.ask("What is the capital of Portugal? One word.")
    shoot("first-answer")
    assert message.text  # right or wrong: half a billion parameters know little
    assert re.fullmatch(rf"local {re.escape(MODEL)} · \w+ \(\d\.\d\d\) · \d+\.\d s", message.status)
    details = message.details()
    assert (details["hal_model"], details["hal_cost_usd"]) == (MODEL, "0")
    (row,) = Logbook(machine.folder / "sessions.sqlite").rows("turn", "message_id = ?", message.id)
    assert (row["chat_id"], row["leaves_machine"]) == (chat.chat_id, 0)


def test_its_data_and_key_are_the_users_alone(machine: OpenWebUI) -> None:
    folder = machine.folder / "webui"
    assert (folder / "webui.db").exists()
    for path in (folder / "secret.key", folder):
        assert path.stat().st_mode & 0o077 == 0


def test_another_port_counts_at_the_next_start(machine: OpenWebUI, tmp_path: Path) -> None:
    """Open WebUI keeps the connections of its first start; the launcher puts ours right."""
    token = machine.token()
    before = machine.call("GET", "/openai/config", token).json()
    assert len(before["OPENAI_API_BASE_URLS"]) == 1
    machine.stop()
    with HalServe(machine.folder, "--model", MODEL, OLLAMA_HOST=refused_url()) as moved:
        machine.connect_to(moved.port)
        with machine:
            after = machine.call("GET", "/openai/config", machine.token()).json()
            assert after["OPENAI_API_BASE_URLS"] == [f"http://127.0.0.1:{moved.port}"]
            listed = machine.call("GET", "/api/models", machine.token()).json()["data"]
            assert [model["id"] for model in listed] == ["hal.auto"]

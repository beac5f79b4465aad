"""The Function in the real Open WebUI without a Pipelines server: imported through the admin panel,
set by admin and user, asked, stopped.
"""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pytest
from playwright.sync_api import Locator, Page, expect

from hal.lab.bundle.compose import FUNCTION, bundle, importable
from tests.server.house import GROK, NANO, House
from tests.server.logbook import Logbook, Row, wait_until
from tests.servers import KEY, Say, Sleep, Stall, refused_url

from .conftest import Shoot
from .page import WAIT_MS, ChatPage
from .processes import BareWebUI, webui_python
from .stack import answers_task, task_of

TEXT = "How do swifts sleep?"
PRIVATE = "Write to anna.schmidt@posteo.de why bridges stand."
# What the bundle requires; Open WebUI installs it when a Function is saved, where it is online.
REQUIRED = "import lxml_html_clean, ollama, phonenumbers, stdnum, trafilatura"


class Models(House):
    """The scripted Ollama and xAI, without a server of ours between them and Open WebUI."""

    def start(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(self.ollama)
            self.ollama.load(NANO, 32_768)
            stack.enter_context(self.xai)
            self._stack = stack.pop_all()
        return self

    def reset_scripts(self) -> None:
        super().reset_scripts()
        self.ollama.when(lambda body: task_of(body) is not None, answers_task)


@dataclass(frozen=True, slots=True)
class Place:
    """An Open WebUI, and the models that its Function asks."""

    models: Models
    webui: BareWebUI
    log: Logbook
    file: Path

    def turn(self, message_id: str, outcome: str = "done") -> Row:
        """The row of the turn that wrote this message, once it has ended."""

        def ended() -> Row | None:
            rows = self.log.rows("turn", "message_id = ?", message_id)
            return rows[-1] if rows and rows[-1]["outcome"] != "running" else None

        row: Row = wait_until(ended, 15.0)
        assert row["outcome"] == outcome, row
        return row


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    found = subprocess.run([webui_python(), "-c", REQUIRED], capture_output=True, text=True)
    if found.returncode:
        pytest.skip(f"Open WebUI's Python lacks what the bundle requires: {found.stderr[-200:]}")
    folder = tmp_path_factory.mktemp("function")
    file = folder / "hal_auto_function.json"
    file.write_text(importable(bundle(FUNCTION)), encoding="utf-8")
    with Models(folder / "models") as models:
        env = {
            "HAL_OLLAMA_BASE_URL": models.ollama.url,
            "HAL_XAI_API_BASE_URL": models.xai.base_url,
            "HAL_SEARXNG_URL": refused_url(),
            "HAL_SPECULATE": "False",
            "HAL_DATA_DIR": str(folder / "data"),
            "XAI_API_KEY": KEY,
        }
        with BareWebUI(folder / "webui", **env) as webui:
            yield Place(models, webui, Logbook(folder / "data" / "sessions.sqlite"), file)


@pytest.fixture
def chat(place: Place, page: Page) -> ChatPage:
    place.models.judge("MODERATE")
    place.models.reset_scripts()
    place.models.ollama.forget()
    place.models.xai.forget()
    return ChatPage(page, place.webui.url).open()


def functions(page: Page, place: Place) -> None:
    page.goto(f"{place.webui.url}/admin/functions")
    expect(page.get_by_role("textbox", name="Search Functions")).to_be_visible()


def dialog(page: Page) -> Locator:
    """The valves, of the admin or of a user."""
    shown = page.get_by_role("dialog").filter(has_text="Valves")
    expect(shown.get_by_role("button", name="Save")).to_be_visible()
    return shown


def field(valves: Locator, title: str) -> Locator:
    """The row of one valve, with a field of its own instead of the default."""
    row = valves.get_by_text(title, exact=True).locator("xpath=../..")
    row.get_by_role("button", name="Default").click()
    return row


def save(page: Page, valves: Locator) -> None:
    valves.get_by_role("button", name="Save").click()
    toasts = page.get_by_role("region", name="Notifications")
    expect(toasts).to_contain_text("Valves updated successfully")


def wish(chat: ChatPage, **values: str) -> None:
    """What a user sets in the chat, under Valves."""
    chat.page.get_by_role("button", name="Valves", exact=True).first.click()
    valves = dialog(chat.page)
    for title, value in values.items():
        field(valves, title.replace("_", " ")).get_by_role("combobox").select_option(value)
    save(chat.page, valves)
    chat.page.keyboard.press("Escape")
    chat.close_toasts()


def test_it_is_imported_and_switched_on(
    place: Place, chat: ChatPage, page: Page, shoot: Shoot
) -> None:
    functions(page, place)
    page.locator("#documents-import-input").set_input_files(place.file)
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("link", name="hal-auto")).to_be_visible(timeout=WAIT_MS)
    page.get_by_role("switch").click()
    expect(page.get_by_role("switch")).to_be_checked()
    shoot("function-imported")
    page.get_by_role("button", name="Valves", exact=True).click()
    valves = dialog(page)
    key = field(valves, "xAI key").locator("input")
    # A text field, whose style shows a dot for each character.
    expect(key).to_have_class(re.compile(r"\bpassword\b"))
    key.fill("xai-secret")
    key.scroll_into_view_if_needed()
    shoot("function-valves")
    chat.open()
    assert chat.models() == ["hal-auto"]


def test_a_turn_and_its_tasks(place: Place, chat: ChatPage, shoot: Shoot) -> None:
    message = chat.ask(TEXT)
    chat.settled()
    assert message.text == f"{NANO}: {TEXT}"
    assert message.statuses()[-1].startswith(f"local {NANO} · moderate (0.90)")
    assert message.details()["hal_model"] == NANO
    chat.rest_mouse()
    shoot("function-answer")
    row = place.turn(message.id)
    assert (row["chat_id"], row["route"]) == (chat.chat_id, "MODERATE")
    tasks = [row["task"] for row in place.log.rows("turn", "task IS NOT NULL")]
    assert {"title_generation", "follow_up_generation"} <= set(tasks)
    assert place.models.cloud_requests == []


def test_a_complex_turn_leaves_and_a_private_one_stays(
    place: Place, chat: ChatPage, shoot: Shoot
) -> None:
    place.models.judge("COMPLEX", 0.93)
    assert f"xAI {GROK}" in chat.ask(TEXT).status
    chat.settled()
    chat.new_chat()
    message = chat.ask(PRIVATE)
    chat.settled()
    shoot("function-private")
    assert any("e-mail address found" in line for line in message.statuses())
    assert place.turn(message.id)["leaves_machine"] == 0
    assert len(place.models.cloud_requests) == 1


def test_what_a_user_wishes(place: Place, chat: ChatPage, shoot: Shoot) -> None:
    place.models.judge("COMPLEX", 0.93)
    wish(chat, Privacy="private")
    message = chat.ask(TEXT)
    chat.settled()
    shoot("function-wish")
    assert any("you said /private" in line for line in message.statuses())
    assert place.turn(message.id)["leaves_machine"] == 0
    assert place.models.cloud_requests == []
    path = "/api/v1/functions/id/hal_auto/valves/user/update"
    place.webui.call("POST", path, place.webui.token(), json={})
    chat.new_chat()
    assert f"xAI {GROK}" in chat.ask(TEXT).status
    chat.settled()


def test_stop_ends_the_request(place: Place, chat: ChatPage, shoot: Shoot, output: Path) -> None:
    pieces = [step for number in range(40) for step in (Say(f"{number} "), Sleep(0.05))]
    place.models.answer_with([*pieces, Stall()])
    message = chat.send("Count, please.")
    expect(message.box).to_contain_text("39")
    before = time.monotonic()
    chat.stop()
    aborted = place.models.ollama.wait_for_abort(20.0)
    assert aborted.aborted_at is not None
    took = f"Ollama's request closed {aborted.aborted_at - before:.3f} s after the click on Stop\n"
    (output / "function-stopped.txt").write_text(took, encoding="utf-8")
    message.wait()
    shoot("function-stopped")
    row = place.turn(message.id, "stopped")
    content = place.log.content(row["id"])
    assert content is not None
    assert content["answer"].split() == message.text.split() == [str(n) for n in range(40)]


def test_a_failure_is_a_sentence(place: Place, chat: ChatPage, shoot: Shoot) -> None:
    place.models.ollama.stop()
    try:
        message = chat.ask("/local Good morning.")
        shoot("function-failure")
        assert "Start it (ollama serve)" in message.box.inner_text()
    finally:
        place.models.ollama.start()


def test_saved_anew_it_goes_on(place: Place, chat: ChatPage, page: Page) -> None:
    """As an update is installed: over the same id, through Open WebUI's own API."""
    token = place.webui.token()
    entry = place.webui.call("GET", "/api/v1/functions/id/hal_auto", token).json()
    content = entry["content"].replace("Choosing a model", "Thinking who knows")
    body = {"id": "hal_auto", "name": "hal-auto", "meta": entry["meta"], "content": content}
    place.webui.call("POST", "/api/v1/functions/id/hal_auto/update", token, json=body)
    chat.new_chat()
    message = chat.ask("Good evening.")
    assert "Thinking who knows" in message.statuses()
    chat.settled()

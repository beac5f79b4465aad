"""The one-file bundle in the real admin panel: uploaded, used, set, replaced from an address."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.server.bundled import BundleHouse, EmptyServer
from tests.server.house import NANO

from .admin import ValvesPage
from .conftest import Shoot
from .page import WAIT_MS, ChatPage
from .processes import OpenWebUI, webui_python

TEXT = "How do swifts sleep?"


@dataclass(frozen=True, slots=True)
class Place:
    """An Open WebUI, and before it a Pipelines server that has nothing yet."""

    house: BundleHouse
    webui: OpenWebUI

    @property
    def server(self) -> EmptyServer:
        assert isinstance(self.house.server, EmptyServer)
        return self.house.server


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    webui_python()
    folder = tmp_path_factory.mktemp("bundle")
    with BundleHouse(folder / "house", "newest", "upload") as house:
        port = int(house.server.url.rpartition(":")[2])
        # Its launcher wants hal-auto to be there; the panel begins without.
        with OpenWebUI(folder / "webui", port, house.server.api_key) as webui:
            place = Place(house, webui)
            place.server.remove()
            yield place


@pytest.fixture
def panel(place: Place, page: Page) -> Locator:
    """Admin Settings > Pipelines, which is a dialog over the chat."""
    ChatPage(page, place.webui.url).open()
    page.goto(f"{place.webui.url}/admin/settings/pipelines")
    panel = page.get_by_role("dialog", name="Settings")
    expect(panel.get_by_text("Upload Pipeline", exact=True)).to_be_visible()
    return panel


def test_it_is_uploaded_and_answers(place: Place, panel: Locator, page: Page, shoot: Shoot) -> None:
    expect(panel.get_by_text("Pipelines Not Detected")).to_be_visible()
    panel.locator("input[type=file]").set_input_files(place.server.source)
    panel.get_by_role("button", name="Upload", exact=True).click()
    # The server runs pip for each requirement first.
    expect(page.get_by_role("button", name="Ollama URL", exact=True)).to_be_visible(timeout=WAIT_MS)
    shoot("bundle-uploaded")
    chat = ChatPage(page, place.webui.url).open()
    assert chat.models() == ["hal-auto"]
    chat.close_menu()
    message = chat.ask(TEXT)
    shoot("bundle-answer")
    assert message.text == f"{NANO}: {TEXT}"
    assert message.status.startswith(f"local {NANO} · moderate (0.90)")
    chat.settled()
    assert "Traceback" not in place.server.log()


def test_its_valves_count(place: Place, panel: Locator, page: Page) -> None:
    valves = ValvesPage(page, place.webui.url)
    valves.switch("Show status")
    valves.save()
    chat = ChatPage(page, place.webui.url).open()
    message = chat.ask(TEXT)
    assert message.box.locator(".status-description").count() == 0
    chat.settled()
    valves.open().switch("Show status")
    valves.save()


def test_a_newer_one_is_installed_from_its_address(
    place: Place, panel: Locator, page: Page, shoot: Shoot
) -> None:
    source = place.server.source
    text = source.read_text(encoding="utf-8")
    source.write_text(text.replace("Choosing a model", "Thinking who knows"), encoding="utf-8")
    with place.server.published() as url:
        panel.get_by_role("textbox", name="Enter GitHub Raw URL").fill(url)
        panel.get_by_role("button", name="Install", exact=True).click()
        toasts = page.get_by_role("region", name="Notifications")
        expect(toasts).to_contain_text("Pipeline downloaded successfully", timeout=WAIT_MS)
    shoot("bundle-from-address")
    chat = ChatPage(page, place.webui.url).open()
    assert "Thinking who knows" in chat.ask(TEXT).statuses()
    chat.settled()

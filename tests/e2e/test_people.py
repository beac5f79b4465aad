"""Two people with accounts: their chats are their own, and our log tells them apart."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from .conftest import SIZE, Shoot
from .page import WAIT_MS, ChatPage
from .processes import OpenWebUI
from .stack import Stack

ADMIN, OTHER = ("Ada", "ada@example.org"), ("Bo", "bo@example.org")
PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def accounts(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenWebUI]:
    """A second Open WebUI before the same server, with a login; Ada was first, and is admin."""
    with stack.another_webui(tmp_path_factory.mktemp("accounts"), WEBUI_AUTH="True") as webui:
        name, email = ADMIN
        body = {"name": name, "email": email, "password": PASSWORD}
        token = webui.call("POST", "/api/v1/auths/signup", json=body).json()["token"]
        name, email = OTHER
        body = {"name": name, "email": email, "password": PASSWORD, "role": "user"}
        webui.call("POST", "/api/v1/auths/add", token, json=body)
        yield webui


def sign_in(page: Page, url: str, email: str) -> ChatPage:
    page.goto(url)
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").first.fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    chat = ChatPage(page, url)
    expect(chat.input).to_be_visible(timeout=WAIT_MS)
    chat.close_news()
    return chat


def test_two_people(
    accounts: OpenWebUI, stack: Stack, browser: Browser, page: Page, shoot: Shoot
) -> None:
    stack.house.reset()
    ada = sign_in(page, accounts.url, ADMIN[1])
    first = ada.ask("Good morning from Ada.")
    ada.settled()
    with browser.new_context(viewport=SIZE, locale="en-US") as context:
        bo = sign_in(context.new_page(), accounts.url, OTHER[1])
        assert bo.models() == ["hal-auto"]
        bo.close_menu()
        second = bo.ask("Good morning from Bo.")
        bo.settled()
        assert bo.listed_chats() == [bo.chat_id]
        bo.page.goto(f"{accounts.url}/c/{ada.chat_id}")
        expect(bo.input).to_be_visible(timeout=WAIT_MS)
        expect(bo.messages).to_have_count(0)
    assert ada.listed_chats() == [ada.chat_id]
    shoot("two-people")
    rows = [stack.turn(message.id) for message in (first, second)]
    people = accounts.call("GET", "/api/v1/users/", accounts.token(ADMIN[1], PASSWORD)).json()
    ids = {person["name"]: person["id"] for person in people["users"]}
    assert [row["user_id"] for row in rows] == [ids[ADMIN[0]], ids[OTHER[0]]]

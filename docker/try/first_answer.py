"""The first answer in a real browser: makes the first account, if one is asked for, and asks.

Waits until Open WebUI answers at all, so it may be started right after `docker compose up`; prints
how many seconds after the given moment each step was there. Knows nothing of Docker. Needs
Playwright and a Chromium (HAL_E2E_CHROMIUM, or one on the path).
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from check import ACCOUNT
from playwright.sync_api import Error, Page, expect, sync_playwright
from tests.e2e.page import ChatPage

# The first start of all: migrations of an empty database, and models that are loaded for the first
# time, without a GPU.
STARTING_S = 900.0
ANSWER_MS = 300_000
QUESTION = "What is the capital of Portugal?"
# Once a second: what is measured are minutes.
AGAIN_S = 1.0


def reached(page: Page, url: str) -> None:
    """Load the page again and again, as somebody does who waits for it."""
    end = time.monotonic() + STARTING_S
    while True:
        try:
            reply = page.goto(url, wait_until="domcontentloaded")
        except Error:
            reply = None
        if reply is not None and reply.ok:
            return
        if time.monotonic() > end:
            raise SystemExit(f"{url} did not answer within {STARTING_S:.0f} s")
        time.sleep(AGAIN_S)


def make_account(page: Page, chat: ChatPage) -> bool:
    """Fill in the form that a new Open WebUI shows: whoever does is the admin. False: no login."""
    begin = page.get_by_role("button", name="Get started")
    name = page.get_by_label("Name", exact=True)
    expect(begin.or_(name).or_(chat.input).first).to_be_visible(timeout=ANSWER_MS)
    if begin.is_visible():
        begin.click()
        expect(name).to_be_visible(timeout=ANSWER_MS)
    if not name.is_visible():
        return False
    name.fill(ACCOUNT["name"])
    page.get_by_label("Email").fill(ACCOUNT["email"])
    page.get_by_label("Password").first.fill(ACCOUNT["password"])
    page.get_by_role("button", name="Create Admin Account").click()
    return True


def main(words: list[str]) -> int:
    """`first_answer.py PORT SINCE [PICTURE]`; SINCE in seconds since 1970. 0 for an answer."""
    if len(words) not in (2, 3):
        sys.stderr.write("usage: first_answer.py PORT SINCE [PICTURE.png]\n")
        return 2
    port, since, *picture = words
    url = f"http://127.0.0.1:{port}"

    def say(what: str) -> None:
        sys.stderr.write(f"   {time.time() - float(since):6.1f} s: {what}\n")

    with sync_playwright() as playwright:
        path = os.environ.get("HAL_E2E_CHROMIUM") or shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=path)
        page = browser.new_page(viewport={"width": 1280, "height": 800}, locale="en-US")
        reached(page, url)
        say("the page is there")
        chat = ChatPage(page, url)
        has_login = make_account(page, chat)
        expect(chat.input).to_be_visible(timeout=ANSWER_MS)
        chat.close_news()
        say("the account is made" if has_login else "no account is needed")
        models = chat.models()
        chat.close_menu()
        if models != ["hal-auto"]:
            raise SystemExit(f"the picker shows {models}")
        message = chat.send(QUESTION)
        expect(message.box.locator("#response-content-container")).to_contain_text(
            "Lisbon", timeout=ANSWER_MS
        )
        say("the first answer is being read")
        text = message.wait().text
        say(f"it has ended: {text[:80]!r}")
        chat.rest_mouse()
        if picture:
            page.screenshot(path=picture[0])
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The page of Open WebUI 0.12 as a user sees it: ask, read, click.

Finds things by role and label, as a screen reader does, and waits for conditions, never for time.
Knows nothing of what hal-auto should say.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

# The machine is shared; a turn with a search takes some seconds on an idle one.
WAIT_MS = 90_000


@dataclass(frozen=True, slots=True)
class Message:
    """One answer in the chat. `id` is Open WebUI's message id, the one in our log."""

    page: Page
    id: str

    @property
    def box(self) -> Locator:
        return self.page.locator(f"[id='message-{self.id}']")

    @property
    def text(self) -> str:
        """What is shown of the answer itself, without status lines and buttons."""
        return self.box.locator("#response-content-container").inner_text().strip()

    def button(self, name: str) -> Locator:
        return self.box.get_by_role("button", name=name, exact=True)

    @property
    def status(self) -> str:
        """The one status line that is shown above the answer."""
        return self.box.locator(".status-description").last.inner_text().strip()

    def statuses(self) -> list[str]:
        """All status lines of the answer, oldest first; opens their list."""
        toggle = self.button("Toggle status history")
        if toggle.get_attribute("aria-expanded") == "false":
            toggle.click()
        expect(toggle).to_have_attribute("aria-expanded", "true")
        return [text.strip() for text in self.box.locator(".status-description").all_inner_texts()]

    def details(self) -> dict[str, str]:
        """The lines of the (i) popover by name; leaves it open."""
        self.button("Info").hover()
        tooltip = self.page.get_by_role("tooltip").filter(has_text="hal_route")
        expect(tooltip).to_be_visible()
        pairs = (line.split(":", 1) for line in tooltip.inner_text().splitlines() if ":" in line)
        return {name.strip(): value.strip().strip('"') for name, value in pairs}

    def sources(self) -> list[str]:
        """The titles in the list under the answer, in the order of their numbers; opens it."""
        toggle = self.box.get_by_role("button", name=re.compile(r"^Toggle \d+ sources?$"))
        if toggle.get_attribute("aria-expanded") != "true":
            toggle.click()
        listed = self.box.get_by_role("button", name=re.compile(r"^View source: \d+ "))
        expect(listed.first).to_be_visible()
        names = [name.get_attribute("aria-label") or "" for name in listed.all()]
        return [re.sub(r"^View source: \d+ ", "", name) for name in names]

    def chips(self) -> Locator:
        """The marks inside the text, each of which opens a source."""
        return self.box.locator(".markdown-prose").get_by_role(
            "button", name=re.compile("^View source: ")
        )

    def wait(self) -> Message:
        """Until the answer has ended: its buttons are there then."""
        expect(self.button("Regenerate")).to_be_visible(timeout=WAIT_MS)
        return self


class ChatPage:
    """One tab of one user."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url = page, url

    def open(self) -> ChatPage:
        """Open the front page, and close the news that a first visit shows."""
        self.page.goto(self.url)
        expect(self.input).to_be_visible(timeout=WAIT_MS)
        self.close_news()
        self.close_toasts()
        return self

    def close_news(self) -> None:
        button = self.page.get_by_role("button", name="Okay, Let's Go!")
        heading = self.page.get_by_text("Suggested", exact=True)
        expect(button.or_(heading).first).to_be_visible(timeout=WAIT_MS)
        if button.is_visible():
            button.click()
            expect(button).to_be_hidden()

    def close_toasts(self) -> None:
        """They lie over the answer, and go by themselves only after some seconds."""
        # In one go on the page's side: one that goes by itself in the meantime is no error.
        close = "buttons => buttons.forEach(button => button.click())"
        self.page.get_by_role("button", name="Close toast").evaluate_all(close)
        expect(self.page.get_by_role("button", name="Close toast")).to_have_count(0)

    def rest_mouse(self) -> None:
        """Where it hovers over nothing, so that no tooltip lies over the page."""
        self.page.mouse.move(640, 2)

    @property
    def input(self) -> Locator:
        return self.page.locator("#chat-input")

    @property
    def messages(self) -> Locator:
        """What was said in this chat, both sides; not the items of a list in an answer."""
        return self.page.get_by_role("log").locator("[role=listitem]")

    def new_chat(self) -> ChatPage:
        self.page.goto(self.url)
        expect(self.input).to_be_visible(timeout=WAIT_MS)
        expect(self.messages).to_have_count(0)
        return self

    def models(self) -> list[str]:
        """The names in the picker."""
        self.page.get_by_role("button", name=re.compile("^Selected model")).click()
        options = self.page.get_by_role("listbox", name="Available models").get_by_role("option")
        expect(options.first).to_be_visible()
        return [text.strip() for text in options.all_inner_texts()]

    def close_menu(self) -> None:
        self.page.keyboard.press("Escape")

    def attach(self, file: Path) -> None:
        """Add a file to the next message, and wait until Open WebUI has taken it in."""
        self.page.locator("input[type=file]").first.set_input_files(file)
        remove = self.page.get_by_role("button", name="Remove File")
        expect(
            remove.or_(self.page.get_by_role("button", name="Remove Image")).first
        ).to_be_attached()

    def send(self, text: str) -> Message:
        """Type and send; the answer may be on its way still."""
        before = self.messages.count()
        self.input.click()
        self.page.keyboard.insert_text(text)
        self.page.keyboard.press("Enter")
        self.rest_mouse()
        expect(self.messages).to_have_count(before + 2, timeout=WAIT_MS)
        return self.last()

    def ask(self, text: str) -> Message:
        """Send, and wait for the end of the answer."""
        return self.send(text).wait()

    def last(self) -> Message:
        """The answer that stands last."""
        box = self.messages.last.locator("[id^='message-']").first
        expect(box).to_be_visible(timeout=WAIT_MS)
        return Message(self.page, (box.get_attribute("id") or "").removeprefix("message-"))

    @property
    def chat_id(self) -> str:
        """From the address; "" for a chat that has none yet."""
        self.page.wait_for_url(re.compile(r"/c/"), timeout=WAIT_MS)
        return self.page.url.rpartition("/c/")[2].partition("?")[0]

    def listed_chats(self) -> list[str]:
        """The ids of the chats in the sidebar, newest first; leaves it open."""
        opener = self.page.get_by_role("button", name="Open Sidebar").first
        if opener.is_visible():
            opener.click()
        links = self.page.locator("#sidebar a[href^='/c/']")
        expect(links.first).to_be_visible()
        return [(link.get_attribute("href") or "").removeprefix("/c/") for link in links.all()]

    def stop(self) -> None:
        self.page.get_by_role("button", name="Stop", exact=True).click()
        self.rest_mouse()

    def settled(self) -> None:
        """Wait for the background tasks after an answer: Stop is there as long as they run."""
        self.rest_mouse()
        expect(self.page.get_by_role("button", name="Stop", exact=True)).to_be_hidden(
            timeout=WAIT_MS
        )

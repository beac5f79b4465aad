"""Admin Settings > Pipelines of Open WebUI 0.12: the valves, by their titles."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect


class ValvesPage:
    """The panel of the one pipeline there is. Nothing counts before `save`."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url = page, url

    def open(self) -> ValvesPage:
        self.page.goto(f"{self.url}/admin/settings/pipelines")
        expect(self._button("Ollama URL")).to_be_visible()
        return self

    def row(self, title: str) -> Locator:
        """Everything that belongs to one valve: its title, words, and field."""
        return self._button(title).locator("xpath=../../..")

    def fill(self, title: str, text: str) -> None:
        self.row(title).get_by_role("textbox").fill(text)

    def fill_optional(self, title: str, text: str) -> None:
        """One that says None until it is clicked."""
        expect(self._button(title)).to_have_text("None")
        self._button(title).click()
        self.fill(title, text)

    def empty(self, title: str) -> None:
        """Back to None."""
        self._button(title).click()
        expect(self._button(title)).to_have_text("None")

    def switch(self, title: str) -> None:
        self.row(title).get_by_role("switch").click()

    def choose(self, title: str, value: str) -> None:
        self.row(title).get_by_role("combobox").select_option(value)

    def value(self, title: str) -> str:
        return self.row(title).get_by_role("textbox").input_value()

    def save(self) -> None:
        """Press Save, and wait until Open WebUI says that it is done."""
        self.page.get_by_role("button", name="Save", exact=True).click()
        toasts = self.page.get_by_role("region", name="Notifications")
        expect(toasts).to_contain_text("Valves updated successfully")
        # It reads the valves anew, and draws all of them again.
        expect(self._button("Ollama URL")).to_be_visible()

    def _button(self, title: str) -> Locator:
        return self.page.get_by_role("button", name=title, exact=True)

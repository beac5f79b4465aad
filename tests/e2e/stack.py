"""All that a user's machine runs, on loopback and free ports, in a folder of the test.

Open WebUI and the Pipelines server are the real ones, SearXNG too where it is installed. Ollama and
xAI are scripted, so that a test knows what is said and sees what was asked; `test_first_run` has
the embedded engine instead. Open WebUI's own embeddings come from a third scripted server.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import pytest

from tests.harness.openwebui import TASK_FIRST_LINES
from tests.harness.searxng import RealSearxng
from tests.server.enriching import repeated
from tests.server.house import Body, House
from tests.server.logbook import Row, wait_until
from tests.server.questions import is_answer, is_rewrite
from tests.servers import (
    OllamaModel,
    OllamaServer,
    Say,
    Script,
    Steps,
    last_user_text,
    refused_url,
    words,
)
from tests.servers.sample_site import SampleSite

from .processes import OpenWebUI

# Titles, tags and follow-ups as a model gives them.
_TASKS = {
    "title_generation": '{"title": "A talk about bridges"}',
    "tags_generation": '{"tags": ["Bridges", "Travel"]}',
    "follow_up_generation": '{"follow_ups": ["Who built it?", "How long is it?"]}',
    "query_generation": '{"queries": []}',
}
_WORD_GAP_S = 0.02
_EMBEDDING = OllamaModel("all-minilm:latest", capabilities=("embedding",))


def task_of(body: Body) -> str | None:
    """Which background task of Open WebUI this asks for, by the first line of its template."""
    text = last_user_text(body)
    return next((task for task in _TASKS if text.startswith(TASK_FIRST_LINES[task][:60])), None)


def answers_task(body: Body) -> Steps:
    return [Say(_TASKS[task_of(body) or ""])]


def answers(body: Body) -> Steps:
    """Names the model and repeats the question, at the pace of a person who reads fast."""
    return words(f"{body['model']} says: {last_user_text(body)}", _WORD_GAP_S)


class WebHouse(House):
    """The house of the server tests, with the sample site and the real SearXNG outside of it."""

    def __init__(self, folder: Path, site: SampleSite, searxng_url: str, **valves: object) -> None:
        self.site = site
        addresses = {"SEARXNG_URL": searxng_url, "SEARCH_LOCAL_HOSTS": site.hosts}
        super().__init__(folder, valves={"SPECULATE": False} | addresses | valves)

    def reset_scripts(self) -> None:
        super().reset_scripts()
        self.ollama.when(is_rewrite, repeated)
        self.ollama.when(is_answer, answers)
        self.ollama.when(lambda body: task_of(body) is not None, answers_task)

    def answer_with(self, *scripts: Script) -> None:
        """Answers for people alone: tasks go on as before."""
        self.ollama.when(lambda body: is_answer(body) and task_of(body) is None, *scripts)


class Stack:
    """Everything, started together. `env`: variables for Open WebUI. `valves` as for House."""

    def __init__(
        self, folder: Path, *, env: Mapping[str, str] | None = None, **valves: object
    ) -> None:
        self.folder = folder
        self._env, self._valves = dict(env or {}), valves
        self._stack = ExitStack()
        self._no_searxng = ""

    def start(self) -> Self:
        with ExitStack() as stack:
            self.embeddings = stack.enter_context(OllamaServer(models=[_EMBEDDING]))
            self.site = stack.enter_context(SampleSite())
            searxng_url = refused_url()
            if (searxng := self._searxng()) is not None:
                searxng_url = stack.enter_context(searxng).url
            self.house = WebHouse(self.folder / "house", self.site, searxng_url, **self._valves)
            stack.enter_context(self.house)
            self.webui = stack.enter_context(self.another_webui(self.folder, **self._env))
            self._stack = stack.pop_all()
        return self

    def _searxng(self) -> RealSearxng | None:
        try:
            self.real_searxng = RealSearxng(self.folder / "searxng", self.site.url)
        except pytest.skip.Exception as skipped:
            self._no_searxng = str(skipped)
            return None
        return self.real_searxng

    @property
    def searxng(self) -> RealSearxng:
        """Skips the test where there is none; all others go on without it."""
        if self._no_searxng:
            pytest.skip(self._no_searxng)
        return self.real_searxng

    def another_webui(self, folder: Path, **env: str) -> OpenWebUI:
        """An Open WebUI before the same Pipelines server, not started yet."""
        embeddings = {
            "RAG_EMBEDDING_ENGINE": "ollama",
            "RAG_OLLAMA_BASE_URL": self.embeddings.url,
            "RAG_EMBEDDING_MODEL": "all-minilm",
        }
        port = int(self.house.server.url.rpartition(":")[2])
        return OpenWebUI(folder / "webui", port, self.house.server.api_key, **(embeddings | env))

    def turn(self, message_id: str, outcome: str = "done") -> Row:
        """The row of the turn that wrote this message, once it has ended (in this way)."""

        def ended() -> Row | None:
            rows = self.turns(message_id)
            return rows[-1] if rows and rows[-1]["outcome"] != "running" else None

        row: Row = wait_until(ended, 15.0, lambda: f"turns: {self.turns(message_id)}")
        assert row["outcome"] == outcome, row
        return row

    def turns(self, message_id: str) -> list[Row]:
        return self.house.log.rows("turn", "message_id = ?", message_id)

    def logs(self) -> list[Path]:
        """Whatever the programs have written."""
        return sorted({*self.folder.rglob("*.log"), *self.folder.rglob("log.txt")})

    def stop(self) -> None:
        self._stack.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

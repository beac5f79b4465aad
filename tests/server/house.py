"""hal-auto in the real Pipelines server, between a scripted Ollama and a scripted xAI.

All three are real servers on loopback. The classifier's answers are set with `judge`; everything
else is scripted on `ollama` and `xai` themselves.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.harness import Answer, PipelinesServer, Stream, openwebui
from tests.harness.interpreters import python
from tests.harness.openwebui import WebUITurn
from tests.servers import (
    KEY,
    Label,
    OllamaServer,
    RecordedRequest,
    Script,
    Step,
    XaiServer,
    refused_url,
)
from tests.servers.ollama import echo as local_echo
from tests.servers.ollama_models import MODELS
from tests.servers.xai import echo as cloud_echo

from .logbook import Logbook, Row, wait_until
from .questions import (
    CONTENT_FREE,
    DIFFICULTY,
    SEARCH,
    is_about_a_turn,
    is_answer,
    is_calibration,
    question_of,
)

MINI, NANO, GROK = "nemotron-mini:4b", "nemotron-3-nano:30b", "grok-4.3"
VERSION = "0.13.5"
EVEN = {"SIMPLE": 1 / 3, "MODERATE": 1 / 3, "COMPLEX": 1 / 3, "YES": 0.5, "NO": 0.5}
Body = dict[str, Any]
_chat_numbers = itertools.count(1)


class House:
    """The three servers. `valves`: defaults from the environment, by the valves' own names."""

    def __init__(
        self,
        folder: Path,
        *,
        interpreter: str = "newest",
        valves: Mapping[str, object] | None = None,
        key: str | None = KEY,
        copy: bool = False,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.ollama = OllamaServer(version=VERSION)
        self.xai = XaiServer()
        self._make = (folder, interpreter, dict(valves or {}), key, copy, dict(env or {}))
        self.prior: dict[str, float] = dict(EVEN)
        self.log = Logbook(folder / "data" / "sessions.sqlite")
        self.chat = ""
        self.judge("MODERATE")
        self.reset_scripts()

    def start(self) -> Self:
        """Start all three, and wait until the classifier has been calibrated."""
        with contextlib.ExitStack() as stack:
            stack.enter_context(self.ollama)
            self.ollama.load(NANO, 32_768)  # nobody waits for it, and no status line says so
            stack.enter_context(self.xai)
            self.server = self._server()
            stack.enter_context(self.server)
            self._default_valves = self.server.valves()
            self._stack = stack.pop_all()
        return self

    def _server(self) -> PipelinesServer:
        folder, interpreter, valves, key, copy, env = self._make
        named = {f"HAL_{name}": str(value) for name, value in valves.items()}
        addresses = {
            "HAL_OLLAMA_BASE_URL": self.ollama.url,
            "HAL_XAI_API_BASE_URL": self.xai.base_url,
            "HAL_SEARXNG_URL": refused_url(),  # not the one that may run on this machine
        }
        keys = {"XAI_API_KEY": key} if key else {}
        return PipelinesServer(
            folder, python=python(interpreter), env=addresses | keys | named | env, copy=copy
        )

    def stop(self) -> None:
        self._stack.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, exc, tb)

    def reset(self) -> None:
        """As after the start: scripts, records, models; valves only where a test changed them, or
        has left a circuit breaker with failures: a save closes them."""
        self.judge("MODERATE")
        self.prior = dict(EVEN)
        self.ollama.version = VERSION
        models = {model.name: model for model in MODELS}
        touched = self.server.valves() != self._default_valves or self.ollama.models != models
        if touched or self.log.has_failures():
            self.ollama.models = models
            self.reset_scripts()
            with self._warmed_up():
                self.server.post_valves({})
        self.reset_scripts()
        self.calibrated()
        self.ollama.forget()
        self.xai.forget()

    @contextlib.contextmanager
    def without_ollama(self) -> Iterator[None]:
        """Nobody listens where Ollama should be."""
        self.ollama.stop()
        try:
            yield
        finally:
            self.ollama.start()

    def renew(self, *, warm: bool = True) -> None:
        """Save the valves as they are: hal-auto asks the servers about their models anew."""
        with self._warmed_up() if warm else contextlib.nullcontext():
            self.server.post_valves(self.server.valves())

    @contextlib.contextmanager
    def _warmed_up(self) -> Iterator[None]:
        """New settings warm the classifier up, one request for each question; wait for both."""

        def answered() -> int:
            return sum(r.finished for r in self.ollama.chats if is_calibration(r.json))

        before = answered()
        yield
        wait_until(lambda: answered() >= before + 2, 15.0)

    def reset_scripts(self) -> None:
        self.ollama.answer(local_echo)
        self.ollama.when(lambda body: question_of(body) is not None, self.verdict)
        self.xai.answer(cloud_echo)

    def calibrated(self) -> None:
        """Wait until both questions have been calibrated."""
        wait_until(lambda: len(self.log.calibrations()) >= 2, 15.0)

    # The classifier.

    def judge(self, route: str = "MODERATE", p: float = 0.9, *, search: float = 0.02) -> None:
        """From now on the classifier is sure of `route` by `p`, the rest shared."""
        rest = (1 - p) / 2
        self.judge_all({name: p if name == route else rest for name in DIFFICULTY.tokens}, search)

    def judge_all(self, difficulty: Mapping[str, float], search: float = 0.02) -> None:
        """From now on these probabilities come out, as long as the model has no bias."""
        self.difficulty = DIFFICULTY.said_for(difficulty)
        self.search = SEARCH.said_for({"YES": search, "NO": 1 - search})

    def verdict(self, body: Body) -> list[Step]:
        """What the classifier says to this request."""
        question = question_of(body)
        assert question is not None
        said: Mapping[str, float] = self.difficulty if question is DIFFICULTY else self.search
        if is_calibration(body):
            said = self.prior
        return [Label({token: said[meaning] for meaning, token in question.tokens.items()})]

    def classify_with(self, *scripts: Script) -> None:
        """Answer what the classifier is asked about turns with these scripts instead."""
        self.ollama.when(is_about_a_turn, *scripts)

    def answer_with(self, *scripts: Script) -> None:
        """Answer what the local models are asked to answer with these scripts."""
        self.ollama.when(is_answer, *scripts)

    @property
    def classifications(self) -> list[RecordedRequest]:
        """What the classifier was asked about turns, not about nothing."""
        return [r for r in self.ollama.chats if is_about_a_turn(r.json)]

    @property
    def measured(self) -> list[str]:
        """Which questions the classifier's bias was measured for, once for each measurement."""
        asked = [(question_of(r.json), r.json) for r in self.ollama.chats]
        return [q.name for q, body in asked if q and q.text_of(body) == CONTENT_FREE[-1]]

    @property
    def local_requests(self) -> list[RecordedRequest]:
        """The answers that were asked of local models."""
        return [r for r in self.ollama.chats if is_answer(r.json)]

    @property
    def cloud_requests(self) -> list[RecordedRequest]:
        return self.xai.chats

    def wait_for_local(self, count: int = 1, timeout_s: float = 5.0) -> RecordedRequest:
        """Wait for the `count`-th request for an answer to Ollama."""
        asked = "/api/chat"
        return self.ollama.wait_for(
            lambda r: r.path == asked and is_answer(r.json), timeout_s, count
        )

    def wait_for_cloud(self, count: int = 1, timeout_s: float = 5.0) -> RecordedRequest:
        return self.xai.wait_for_request(timeout_s, "/v1/chat/completions", count)

    # Turns.

    def turn(self, text: str, *earlier: str, chat_id: str | None = None, **more: Any) -> WebUITurn:
        """A chat turn in a chat of its own, unless one is named; without tools unless wanted."""
        self.chat = chat_id or new_chat()
        return openwebui.chat_turn(text, earlier, chat_id=self.chat, **({"tools": False} | more))

    def ask(self, text: str, *earlier: str, chat_id: str | None = None, **more: Any) -> Answer:
        """One whole chat turn through the inlet."""
        return self.send(self.turn(text, *earlier, chat_id=chat_id, **more))

    def send(self, turn: WebUITurn) -> Answer:
        """One whole turn made by `openwebui`; `logged()` then finds it."""
        self.chat = turn.metadata["chat_id"]
        return self.server.send(turn)

    def begin(self, turn: WebUITurn) -> Stream:
        """Begin a streamed turn and leave it to the caller."""
        self.chat = turn.metadata["chat_id"]
        return self.server.start_turn(turn)

    def logged(self, outcome: str | None = "done") -> Row:
        """The row of the last turn, once it has ended (in this way)."""
        return self.log.turn(self.chat, outcome)


def new_chat() -> str:
    """A chat id that no other test has."""
    return f"c0ffee00-0000-4000-8000-{next(_chat_numbers):012d}"

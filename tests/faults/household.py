"""hal-auto in this process, between a server with a fault and one without.

The real manifold, runtime, bridge and log; the servers are real, too, on loopback. What the
Pipelines server would do is done here: valves from the environment, `on_startup`, `inlet`, `pipe`.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from hal.manifold import Manifold
from tests.harness import openwebui
from tests.harness.openwebui import WebUITurn
from tests.harness.sse import Answer
from tests.server.logbook import Logbook
from tests.servers import KEY, OllamaServer, Say, ScriptedServer, XaiServer
from tests.servers.faults import FAULTS, NDJSON, SSE, Fault, Where
from tests.servers.tls import self_signed

from .case import Case, Place, Result, Seen

BY_NAME = {fault.name: fault for fault in FAULTS}
QUESTION = "How do swifts sleep?"
# What the server without the fault says, and the one with it once it has healed.
OTHER = "I was asked instead."
HEALED = "Here I am again."
EARLIER = ("Do birds sleep?", "They do. " * 120, "And ducks?", "With one eye open. " * 60)
PARAMETERS = {"temperature": 0.4, "top_p": 0.9, "frequency_penalty": 0.1, "seed": 7}
COMMANDS = {Place.CLOUD_FIRST: "/cloud ", Place.LOCAL_ALONE: "/local ", Place.LOCAL_FIRST: ""}
# Shorter than any of these the settings do not allow.
SHORT_S, SHORTEST_TOTAL_S = 1, 10
LONG_S = 25
RETRY = "Trying again."
_environment = threading.Lock()


class Household:
    """One runtime, and its servers; fresh for every case, because breakers remember."""

    def __init__(
        self, fault: Fault, place: Place, valves: Mapping[str, object] | None = None
    ) -> None:
        self.fault, self.place = fault, place
        self.ollama, self.xai, self.third = OllamaServer(), XaiServer(), OllamaServer()
        self._valves = dict(valves or {})
        self._stack = contextlib.ExitStack()
        # Whoever has no fault answers like this; the one with it, after it has healed.
        self.ollama.answer([Say(HEALED if not place.is_cloud else OTHER)])
        self.xai.answer([Say(HEALED if place.is_cloud else OTHER)])

    @property
    def failing(self) -> Any:
        return self.xai if self.place.is_cloud else self.ollama

    @property
    def other(self) -> Any:
        return self.ollama if self.place.is_cloud else self.xai

    def __enter__(self) -> Household:
        with self._stack as stack:
            if self.fault.where is Where.SELF_SIGNED:
                self.failing.tls = self_signed()
            for server in (self.ollama, self.xai, self.third):
                stack.enter_context(server)
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="faults-")))
            self.log = Logbook(folder / "sessions.sqlite")
            self.manifold = self._started(folder)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exc_info: Any) -> None:
        with self._stack:
            runtime = self.manifold._runtime
            asyncio.run(self.manifold.on_shutdown())
            if runtime is not None:
                runtime.join(5)

    def fail(self, *, once: bool = False) -> None:
        """From now on, or for one request, the failing server has its fault."""
        if self.fault.where is Where.NOBODY:
            self.failing.stop()
            return
        dialect = SSE if self.place.is_cloud else NDJSON
        script = self.fault.script(dialect, self.third.url)
        self.failing.answer(script, *([[Say(HEALED)]] if once else []))

    def heal(self) -> None:
        if self.fault.where is Where.NOBODY:
            self.failing.start()
        self.failing.answer([Say(HEALED)])

    def ask(self, turn: WebUITurn, seen: Callable[[str], None] = lambda item: None) -> Answer:
        """One turn, as the Pipelines server has it answered; `seen` gets each piece at once."""
        body = {"stream": turn.stream, "model": "hal.auto", "messages": turn.messages}
        body |= {"metadata": turn.metadata, **turn.extra}
        body = asyncio.run(self.manifold.inlet(body, openwebui.USER))
        del body["metadata"]
        answered = self.manifold.pipe(QUESTION, "hal.auto", turn.messages, body)
        answer = Answer()
        if turn.stream:
            for item in answered:
                seen(item)
                answer.feed(f"{item}\n\n".encode())
            answer.finish()
        else:
            whole: Any = answered if isinstance(answered, dict) else answered.model_dump()
            answer.raw = repr(whole).encode()
            answer.take_completion(whole)
        return answer

    def _started(self, folder: Path) -> Manifold:
        """`on_startup` reads the environment, which all cases of this process share."""
        with _environment:
            before = dict(os.environ)
            os.environ.update(self._environment(folder))
            try:
                manifold = Manifold()
                asyncio.run(manifold.on_startup())
            finally:
                os.environ.clear()
                os.environ.update(before)
        assert manifold._runtime is not None, manifold._failure
        return manifold

    def _environment(self, folder: Path) -> dict[str, str]:
        urls = {"OLLAMA_BASE_URL": self.ollama.url, "XAI_API_BASE_URL": self.xai.url}
        name = "XAI_API_BASE_URL" if self.place.is_cloud else "OLLAMA_BASE_URL"
        urls[name] = _address(self.fault, self.failing)
        urls["XAI_API_BASE_URL"] += "/v1"
        waits = SHORT_S if self.fault.waits else LONG_S
        valves = {
            "SPECULATE": False,
            # Not installed: nobody is asked how hard the question is, and the turn is MODERATE.
            "CLASSIFIER_MODEL": "none:1b",
            "LOCAL_FIRST_TOKEN_S": LONG_S if self.place.is_cloud else waits,
            "CLOUD_FIRST_TOKEN_S": waits if self.place.is_cloud else LONG_S,
            "ANSWER_GAP_S": waits,
            "ANSWER_TOTAL_S": SHORTEST_TOTAL_S if self.fault.waits else 2 * LONG_S,
        }
        named = {f"HAL_{k}": str(v) for k, v in (valves | urls | self._valves).items()}
        return named | {"XAI_API_KEY": KEY, "HAL_DATA_DIR": str(folder), "HOME": str(folder)}


def _address(fault: Fault, server: ScriptedServer) -> str:
    match fault.where:
        case Where.NO_NAME:
            return "http://nowhere.invalid:80"
        case Where.NO_TLS:
            return server.url.replace("http:", "https:")
        case _:
            return server.url


def turn_of(case: Case) -> WebUITurn:
    """The question of a case, in a chat of its own, with history and parameters unless bare."""
    text = COMMANDS[case.place] + QUESTION
    turn = openwebui.chat_turn(text, () if case.bare else EARLIER, tools=False)
    return replace(turn, stream=case.stream, extra={} if case.bare else PARAMETERS)


def run(case: Case) -> Result:
    """Play one case from start to end."""
    with Household(BY_NAME[case.fault], case.place) as house:
        house.fail(once=case.heals)
        began = time.monotonic()
        answer = house.ask(turn_of(case), partial(_restart, house, case))
        seconds = time.monotonic() - began
        turn = house.log.turn(openwebui.CHAT_ID)
        return Result(
            case=case,
            raw=answer.raw.decode(),
            text=answer.text,
            reasoning=answer.reasoning,
            error=answer.error,
            statuses=tuple(answer.statuses),
            finishes=tuple(answer.finish_reasons),
            tool_calls=tuple(answer.tool_calls),
            seconds=seconds,
            failing=_seen(house.failing),
            other=_seen(house.other),
            elsewhere=_seen(house.third),
            turn=turn,
            calls=tuple(house.log.of_turn("call", turn["id"])),
            egress=tuple(house.log.of_turn("egress", turn["id"])),
        )


def _restart(house: Household, case: Case, piece: str) -> None:
    """A server that was down, and is there again when it is asked for the second time."""
    if case.heals and house.fault.where is Where.NOBODY and RETRY in piece:
        house.heal()


def _seen(server: Any) -> Seen:
    return Seen(
        bodies=tuple(request.json for request in server.chats if _is_answer(request.json)),
        sha256=tuple(hashlib.sha256(request.body).hexdigest() for request in server.chats),
        requests=len(server.requests),
        connections=server.connections,
    )


def _is_answer(body: Any) -> bool:
    """Not what the classifier is asked, which none of these servers has installed."""
    return bool(body) and body.get("model") != "none:1b"

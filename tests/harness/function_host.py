"""Runs a Function as Open WebUI 0.12 does: `load_function_module_by_id` of its utils/plugin.py, and
`generate_function_chat_completion` of its functions.py, as far as a pipe can notice.

Knows nothing of what the Function should answer.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import sys
import threading
import types
import uuid
from collections.abc import AsyncGenerator, Callable, Coroutine
from concurrent.futures import Future
from typing import Any, Self

from pydantic import BaseModel

from .openwebui import USER, WebUITurn
from .sse import Answer, Json

_REPLACED = ("utils", "apps", "main", "config")


class FunctionHost:
    """A loop in a thread of its own, and the Functions that were saved, by their ids."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="host")
        self._pipes: dict[str, Any] = {}
        self.valves: Json = {}
        self.user_valves: Json | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.delete()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def save(self, content: str, name: str = "hal_auto") -> Any:
        """Run the text as Open WebUI does when a Function is saved; returns its Pipe."""
        for word in _REPLACED:
            content = content.replace(f"from {word}", f"from open_webui.{word}")
        pipe = self._run(self._load(content, name)).result(30)
        self._pipes[name] = pipe
        return pipe

    def hold(self, make: Callable[[], Any], name: str = "hal_auto") -> None:
        """A Pipe from a class, without a text."""

        async def made() -> Any:
            return make()

        self._pipes[name] = self._run(made()).result(30)

    def delete(self, name: str = "hal_auto") -> None:
        self._pipes.pop(name, None)

    async def _load(self, content: str, name: str) -> Any:
        module_name = f"function_{name}_{uuid.uuid4().hex}"
        module = types.ModuleType(module_name)
        sys.modules[module_name] = module
        module.__dict__["__file__"] = f"/tmp/{module_name}.gone"
        try:
            exec(content, module.__dict__)  # noqa: S102 - as Open WebUI does
            return module.Pipe()
        finally:
            sys.modules.pop(module_name, None)

    def _run(self, work: Coroutine[Any, Any, Any]) -> Future[Any]:
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def send(self, turn: WebUITurn, name: str = "hal_auto") -> Answer:
        """One whole turn."""
        return self.begin(turn, name).result()

    def begin(self, turn: WebUITurn, name: str = "hal_auto") -> Running:
        return Running(self, turn, name)

    async def respond(self, turn: WebUITurn, name: str, answer: Answer) -> None:
        """What Open WebUI does in the task that Stop cancels."""
        pipe = self._pipes[name]
        if hasattr(pipe, "Valves"):
            pipe.valves = pipe.Valves(**{k: v for k, v in self.valves.items() if v is not None})
        body = {"model": name, "stream": turn.stream, "messages": list(turn.messages), **turn.extra}
        user = dict(USER)
        if hasattr(pipe, "UserValves"):
            user["valves"] = pipe.UserValves(**(self.user_valves or {}))
        offered = {
            "__user__": user,
            "__metadata__": turn.metadata,
            "__task__": turn.metadata.get("task"),
            "__event_emitter__": None,
        }
        wanted = inspect.signature(pipe.pipe).parameters
        result = await pipe.pipe(body=body, **{k: v for k, v in offered.items() if k in wanted})
        if turn.stream:
            await _read_stream(result, answer)
        else:
            answer.take_completion(_whole(result))


class Running:
    """A turn on its way; `answer` holds what has come."""

    def __init__(self, host: FunctionHost, turn: WebUITurn, name: str) -> None:
        self.answer = Answer()
        self._future = host._run(host.respond(turn, name, self.answer))

    def stop(self) -> None:
        """What the Stop button comes to."""
        self._future.cancel()

    def result(self, timeout_s: float = 30) -> Answer:
        self._future.result(timeout_s)
        return self.answer


async def _read_stream(result: object, answer: Answer) -> None:
    if isinstance(result, dict):
        _take(f"data: {json.dumps(result)}", answer)
    elif isinstance(result, str):
        delta = {"choices": [{"index": 0, "delta": {"content": result}, "finish_reason": None}]}
        _take(f"data: {json.dumps(delta)}", answer)
    elif isinstance(result, AsyncGenerator):
        async for line in result:
            _take(line, answer)
    answer.feed(b'data: {"choices": [{"delta": {}, "finish_reason": "stop"}]}\n\n')
    answer.feed(b"data: [DONE]\n\n")


def _take(line: str, answer: Answer) -> None:
    """Each piece is read as one event; two in one would be none."""
    assert line.startswith("data:"), line
    json.loads(line.removeprefix("data:"))
    answer.feed(f"{line}\n\n".encode())


def _whole(result: object) -> Json:
    if isinstance(result, BaseModel):
        return result.model_dump()
    if isinstance(result, str):
        return {"choices": [{"message": {"content": result}, "finish_reason": "stop"}]}
    assert isinstance(result, dict), result
    json.dumps(result)
    return result

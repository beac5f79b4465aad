"""A tiny pipeline that shows what the harness sends and what comes back."""

import os
import time
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

GENERATION = 1


class Pipeline:
    class Valves(BaseModel):
        GREETING: str = "hello"
        COUNT: int = 3

    def __init__(self) -> None:
        self.type = "manifold"
        self.id = "probe"
        self.name = ""
        self.valves = self.Valves()
        self.pipelines = [{"id": "auto", "name": "probe-auto"}]

    async def inlet(self, body: dict[str, Any], user: Any = None) -> dict[str, Any]:
        body["hal_ctx"] = {"task": (body.get("metadata") or {}).get("task"), "user": user["role"]}
        return body

    def pipe(
        self, user_message: str, model_id: str, messages: list[Any], body: dict[str, Any]
    ) -> str | Iterator[Any]:
        task = (body.get("hal_ctx") or {}).get("task")
        if not body["stream"]:
            return f"task {task}, metadata {'metadata' in body}"
        return self.answer(messages[-1]["content"])

    def answer(self, text: str) -> Iterator[Any]:
        done = {"description": f"generation {GENERATION}", "done": True}
        yield {"event": {"type": "status", "data": done}}
        yield {"choices": [{"index": 0, "delta": {"reasoning_content": "hm"}}]}
        yield f"{self.valves.GREETING} {os.environ.get('HAL_PROBE')} é"
        for number in range(self.valves.COUNT):
            time.sleep(0.02)
            yield f" {number}"
        if text == "break":
            raise RuntimeError("broken on purpose")
        if text == "fail":
            yield {"error": {"message": "quota exceeded"}}
        yield {"choices": [], "usage": {"hal_route": "local"}}

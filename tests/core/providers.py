"""A Provider that does what a script says, and remembers what it was asked and how it ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from hal.gateway.ports import Call
from hal.types import Finish, ProviderChunk, Request, Target, Text, Usage


class Hang(Enum):
    """A step that never ends."""

    HANG = 0


HANG = Hang.HANG
Step = ProviderChunk | Exception | Hang
Script = Sequence[Step]


class Scripts(tuple[Script, ...]):
    """One script for each call, the last one for all that follow."""

    __slots__ = ()

    def __new__(cls, *scripts: Script) -> Scripts:
        return super().__new__(cls, scripts)


ANSWER: Script = (Text("It "), Text("is noon."), Usage(10, 4, cost_usd=0.001), Finish())


@dataclass
class Scripted:
    """`scripts` by the target's model; a target without one answers with `ANSWER`."""

    scripts: Mapping[str, Script | Scripts] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    open: int = 0

    @property
    def asked(self) -> list[Target]:
        return [request.target for request in self.requests]

    def _script(self, target: Target) -> Script:
        script = self.scripts.get(target.model, ANSWER)
        if isinstance(script, Scripts):
            return script[min(self.asked.count(target), len(script)) - 1]
        return script

    async def stream(self, request: Request, call: Call) -> AsyncIterator[ProviderChunk]:
        self.requests.append(request)
        self.calls.append(call)
        self.open += 1
        try:
            for step in self._script(request.target):
                await asyncio.sleep(0)
                if isinstance(step, Exception):
                    raise step
                if isinstance(step, Hang):
                    await asyncio.Event().wait()
                else:
                    yield step
        finally:
            self.open -= 1

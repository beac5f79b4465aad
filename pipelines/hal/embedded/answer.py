"""Run one generation: from a checked request to the lines of the reply.

It does not know HTTP: `server` decides what a line or an error looks like on the wire.
"""

from __future__ import annotations

import math
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from .durations import keep_alive_s
from .engine import Engine, Lease
from .errors import BadRequest
from .library import Library, Served
from .prompt import Message, Prompt, Room, fit
from .protocol import ChatRequest, EmbedRequest, GenerateRequest, Generation
from .replies import Reply, closing
from .upstream import Event


@dataclass(frozen=True, slots=True)
class Answerer:
    """Answers requests with the models of `library`, run by `engine`."""

    engine: Engine
    library: Library

    async def lines(self, request: Generation) -> AsyncGenerator[Event, None]:
        """Yield the reply's lines; the first error comes before the first line."""
        request.check()
        served = self.library.find(request.model)
        if served.model.only_embeds:
            verb = "chat" if isinstance(request, ChatRequest) else "generate"
            raise BadRequest(f'"{request.model}" does not support {verb}')
        stay_s = keep_alive_s(request.keep_alive, self.engine.settings.keep_alive_s)
        reply = _reply(request)
        if _is_empty(request):
            yield await self._load_or_unload(served, stay_s, reply)
            return
        started_ns = time.monotonic_ns()
        async with self.engine.lease(served, stay_s) as lease:
            body = request.for_llama(await _prompt(request, lease))
            if request.stream is False:
                yield await _at_once(body, reply, lease, started_ns)
            else:
                async with aclosing(_streamed(body, reply, lease, started_ns)) as lines:
                    async for line in lines:
                        yield line

    async def embeddings(self, request: EmbedRequest) -> Event:
        """Return one unit vector for each text."""
        served = self.library.find(request.model)
        stay_s = keep_alive_s(request.keep_alive, self.engine.settings.keep_alive_s)
        started_ns = time.monotonic_ns()
        texts = [request.input] if isinstance(request.input, str) else request.input
        async with self.engine.lease(served, stay_s, embedding=True) as lease:
            ids = [await lease.upstream.tokens(text) for text in texts]
            kept = [_cut_text(one, lease, truncate=request.truncate) for one in ids]
            vectors = await lease.upstream.embed(kept) if kept else []
        return {
            "model": request.model,
            "embeddings": [_shorten(vector, request.dimensions) for vector in vectors],
            "total_duration": time.monotonic_ns() - started_ns,
            **({"load_duration": lease.load_ns} if lease.load_ns else {}),
            "prompt_eval_count": sum(map(len, kept)),
        }

    async def _load_or_unload(self, served: Served, stay_s: float, reply: Reply) -> Event:
        """Do what a request without a question asks for."""
        if stay_s <= 0:
            self.engine.release(served)
            return {**reply.line("", done=True), "done_reason": "unload"}
        async with self.engine.lease(served, stay_s):
            return {**reply.line("", done=True), "done_reason": "load"}


async def _streamed(
    body: Event, reply: Reply, lease: Lease, started_ns: int
) -> AsyncGenerator[Event, None]:
    async with aclosing(lease.upstream.complete(body)) as events:
        async for event in events:
            piece = reply.piece(event)
            if event.get("content") or "logprobs" in piece:
                yield piece
            if event.get("stop"):
                total_ns = time.monotonic_ns() - started_ns
                last = closing(event, total_ns=total_ns, load_ns=lease.load_ns)
                yield {**reply.line("", done=True), **last}


async def _at_once(body: Event, reply: Reply, lease: Lease, started_ns: int) -> Event:
    """Collect a stream: a plain request would notice a client that has gone only later."""
    async with aclosing(lease.upstream.complete(body)) as stream:
        events = [event async for event in stream]
    total_ns = time.monotonic_ns() - started_ns
    last = closing(events[-1] if events else {}, total_ns=total_ns, load_ns=lease.load_ns)
    return reply.whole(events, last)


async def _prompt(request: Generation, lease: Lease) -> Prompt:
    if isinstance(request, GenerateRequest) and request.raw:
        return request.prompt
    room = Room(
        context_tokens=lease.context_tokens,
        answer_tokens=request.sampling.num_predict,
        truncate=request.truncate is not False,
    )
    return await fit(_messages(request), lease.upstream, room)


def _messages(request: Generation) -> list[Message]:
    if isinstance(request, ChatRequest):
        return [{"role": item.role, "content": item.content} for item in request.messages]
    if isinstance(request, GenerateRequest):
        system = [{"role": "system", "content": request.system}] if request.system else []
        return [*system, {"role": "user", "content": request.prompt}]
    return []


def _is_empty(request: Generation) -> bool:
    if isinstance(request, GenerateRequest):
        return not request.prompt
    return isinstance(request, ChatRequest) and not request.messages


def _reply(request: Generation) -> Reply:
    return Reply(
        model=request.model,
        text_key="message" if isinstance(request, ChatRequest) else "response",
        top_logprobs=request.top_logprobs if request.logprobs else None,
    )


def _cut_text(ids: list[int], lease: Lease, *, truncate: bool) -> list[int]:
    """Keep the beginning of a text that is too long to embed."""
    if len(ids) > lease.context_tokens and not truncate:
        raise BadRequest("the input length exceeds the context length")
    return ids[: lease.context_tokens]


def _shorten(vector: list[float], dimensions: int | None) -> list[float]:
    """Return the first `dimensions` values, scaled back to length 1."""
    if not dimensions or dimensions >= len(vector):
        return vector
    head = vector[:dimensions]
    length = math.hypot(*head) or 1.0
    return [value / length for value in head]

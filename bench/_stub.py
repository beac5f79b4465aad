"""A fast upstream for benchmarks: some tokens in both dialects, in a process of its own.

Knows no pipeline. Bytes are made beforehand, so that the stub costs as little as it can.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing as mp
from multiprocessing.connection import Connection

# What a short answer has.
TOKENS = 64
# What every piece of text begins with. No two neighbours are equal: a model that repeats itself
# without end is cut off.
WORD = "token"
WORDS = [f"{WORD}{number} " for number in range(100)]


def _chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def _ollama(message: dict[str, object], **more: object) -> bytes:
    line = {"model": "stub:1b", "created_at": "2026-11-01T12:00:00Z", "message": message, **more}
    return _chunk(json.dumps(line).encode() + b"\n")


def _sse(payload: str) -> bytes:
    return _chunk(f"data: {payload}\n\n".encode())


def _delta(text: str) -> str:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": None}
    return json.dumps({"id": "x", "object": "chat.completion.chunk", "choices": [choice]})


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nTransfer-Encoding: chunked\r\n\r\n"
TEXT = {"role": "assistant", "content": ""}
DIALECTS = {
    b"/api/chat": (
        HEAD % b"application/x-ndjson",
        [_ollama({**TEXT, "content": word}, done=False) for word in WORDS],
        _ollama(TEXT, done=True, done_reason="stop", eval_count=TOKENS) + b"0\r\n\r\n",
    ),
    b"/v1/chat/completions": (
        HEAD % b"text/event-stream",
        [_sse(_delta(word)) for word in WORDS],
        _sse("[DONE]") + b"0\r\n\r\n",
    ),
}


def _json(value: object) -> bytes:
    body = json.dumps(value).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return head.encode() + b"\r\n\r\n" + body


MODEL = {"name": "stub:1b", "model": "stub:1b", "digest": "0" * 64, "size": 1}
ANSWERS = {
    b"/api/tags": _json({"models": [MODEL]}),
    b"/api/ps": _json({"models": [MODEL]}),
    b"/api/show": _json({"capabilities": ["completion"], "model_info": {}, "details": {}}),
    b"/api/version": _json({"version": "0.13.5"}),
}


class Stub:
    """`first_s` to the first token, `gap_s` after each; the parent can change all three."""

    def __init__(self) -> None:
        self.first_s, self.gap_s, self.tokens = 0.0, 0.0, TOKENS

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                path = head.split(b" ", 2)[1]
                length = head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]
                await reader.readexactly(int(length or 0))
                await self._answer(path, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def _answer(self, path: bytes, writer: asyncio.StreamWriter) -> None:
        if path not in DIALECTS:
            writer.write(ANSWERS.get(path, _json({})))
            return
        head, words, end = DIALECTS[path]
        writer.write(head)
        due = asyncio.get_running_loop().time()
        await self._sleep_until(due := due + self.first_s)
        for number in range(self.tokens):
            if writer.is_closing():
                raise ConnectionAbortedError  # the reader has left: nothing more to say
            writer.write(words[number % len(words)])
            if self.gap_s:
                await self._sleep_until(due := due + self.gap_s)
        writer.write(end)
        await writer.drain()

    @staticmethod
    async def _sleep_until(due: float) -> None:
        """By the clock and not by naps: a GPU does not slow down when this process is kept waiting
        for a core, and 64 small delays must not count as what a gateway adds."""
        await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))


async def _serve(pipe: Connection) -> None:
    stub = Stub()
    server = await asyncio.start_server(stub, "127.0.0.1", 0, backlog=512)
    pipe.send(server.sockets[0].getsockname()[1])
    loop = asyncio.get_running_loop()

    def order() -> None:
        stub.first_s, stub.gap_s, stub.tokens = pipe.recv()

    loop.add_reader(pipe.fileno(), order)
    await server.serve_forever()


def _run(pipe: Connection) -> None:
    asyncio.run(_serve(pipe))


class StubProcess:
    """The stub as a process; `.url`, `.pace(first_s, gap_s, tokens)`, a context manager."""

    def __enter__(self) -> StubProcess:
        self._pipe, far = mp.Pipe()
        self._process = mp.get_context("spawn").Process(target=_run, args=(far,), daemon=True)
        self._process.start()
        self.url = f"http://127.0.0.1:{self._pipe.recv()}"
        return self

    def pace(self, first_s: float, gap_s: float, tokens: int = TOKENS) -> None:
        self._pipe.send((first_s, gap_s, tokens))

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.join()

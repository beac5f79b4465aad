"""What a streamed answer costs: the `ollama` client and our reader, side by side on one stub.

Prints CPU milliseconds of this process per 64-token stream, at 1 and at 64 concurrent streams, and
the ratio. This is what decides who reads /api/chat.

Run: PYTHONPATH=pipelines python bench/ollama_client.py
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing as mp
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from multiprocessing.connection import Connection

import aiohttp
import httpx
import ollama

from hal.gateway.ports import Call
from hal.gateway.providers.ollama import OllamaProvider
from hal.settings_reader import read_environment
from hal.types import Message, Plan, Request, Route, Target, Text

MODEL = "stub:1b"
TOKENS = 64
# Fast enough to be done soon, slow enough that tokens come one by one, as from a real model.
GAP_S = 0.005
# (concurrent streams, rounds): some hundred streams for each number.
LOADS = ((1, 12), (64, 4))
REPEATS = 3

Stream = Callable[[], Awaitable[int]]


def _line(**fields: object) -> bytes:
    line = {"model": MODEL, "created_at": "2026-11-01T12:00:00.000000Z"} | fields
    data = json.dumps(line).encode() + b"\n"
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            size = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            await reader.readexactly(size)
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n"
                b"Transfer-Encoding: chunked\r\n\r\n"
            )
            for _ in range(TOKENS):
                await asyncio.sleep(GAP_S)
                writer.write(_line(message={"role": "assistant", "content": " word"}, done=False))
            last = {"message": {"role": "assistant", "content": ""}, "done": True}
            writer.write(_line(**last, done_reason="stop", prompt_eval_count=9, eval_count=TOKENS))
            writer.write(b"0\r\n\r\n")
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


def stub(pipe: Connection) -> None:
    """Serve in a process of its own, so that its CPU time is not counted."""

    async def serve() -> None:
        server = await asyncio.start_server(_answer, "127.0.0.1", 0, backlog=512)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(serve())


async def measured(stream: Stream, concurrent: int, rounds: int) -> float:
    """CPU milliseconds per stream."""
    began = time.process_time()
    for _ in range(rounds):
        counts = await asyncio.gather(*(stream() for _ in range(concurrent)))
        assert set(counts) == {TOKENS}, counts
    return (time.process_time() - began) * 1000 / (concurrent * rounds)


def with_client(client: ollama.AsyncClient) -> Stream:
    """One answer through the `ollama` client."""

    async def stream() -> int:
        count = 0
        messages = [{"role": "user", "content": "hello"}]
        options = {"num_ctx": 4096}
        async for part in await client.chat(
            MODEL, messages, stream=True, think=False, options=options
        ):
            count += bool(part.message.content)
        return count

    return stream


def with_ours(provider: OllamaProvider) -> Stream:
    """One answer through our provider."""
    target = Target("ollama", MODEL, False, 4096)
    request = Request(target, (Message("user", "hello"),))
    call = Call("c", "t", "answer", Plan((target,), Route.SIMPLE))

    async def stream() -> int:
        return sum([isinstance(c, Text) async for c in provider.stream(request, call)])

    return stream


async def compare(url: str) -> None:
    """Both in turn, several times: what else runs on the machine meets both."""
    settings = replace(read_environment({"HOME": "/"}).local, base_url=url)
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    connector = aiohttp.TCPConnector(limit=0)
    async with (
        ollama.AsyncClient(url, limits=limits, trust_env=False) as client,
        aiohttp.ClientSession(connector=connector) as http,
    ):
        streams = (with_client(client), with_ours(OllamaProvider(http, settings, 60.0)))
        print(
            f"{'concurrent':>10}  {'ollama client':>13}  {'ours':>7}  ratio   (CPU ms per stream)"
        )
        for concurrent, rounds in LOADS:
            found: list[list[float]] = [[], []]
            for _ in range(REPEATS):
                for times, stream in zip(found, streams, strict=True):
                    times.append(await measured(stream, concurrent, rounds))
            theirs, ours = (statistics.median(times) for times in found)
            print(f"{concurrent:>10}  {theirs:>13.2f}  {ours:>7.2f}  {theirs / ours:>5.1f}")


def main() -> None:
    """Start the stub, compare, stop the stub."""
    here, there = mp.Pipe()
    process = mp.get_context("spawn").Process(target=stub, args=(there,), daemon=True)
    process.start()
    try:
        asyncio.run(compare(f"http://127.0.0.1:{here.recv()}"))
    finally:
        process.terminate()
        process.join()


if __name__ == "__main__":
    main()

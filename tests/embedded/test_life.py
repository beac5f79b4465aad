"""Cancelling, unloading, sharing, starting and ending."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import ollama
import pytest

from hal.embedded.errors import EngineFailed
from hal.embedded.launch import EmbeddedProcess, start

pytestmark = pytest.mark.engine

STORY = [{"role": "user", "content": "Write a very long story about a river."}]
SHORT = {"num_predict": 2, "temperature": 0}
FREED_S = 2.0  # a slow core reads 128 tokens before it looks whether anybody is still there


def quick_answer_s(client: ollama.Client, model: str) -> float:
    """Return how long two tokens take: long when something else still holds the slots."""
    started = time.monotonic()
    client.chat(model, [{"role": "user", "content": "Hi"}], options=SHORT)
    return time.monotonic() - started


def test_closing_streams_frees_the_engine(client: ollama.Client, model: str) -> None:
    client.chat(model, [])
    streams = [client.chat(model, STORY, stream=True) for _ in range(2)]  # both slots
    for stream in streams:
        next(iter(stream))
    for stream in streams:
        stream.close()
    assert quick_answer_s(client, model) < FREED_S


@pytest.mark.parametrize("words", [2000, 5], ids=["while it reads", "while it writes"])
def test_disconnect_without_stream_frees_the_engine(
    server: EmbeddedProcess, client: ollama.Client, model: str, words: int
) -> None:
    body = {"model": model, "stream": False, "messages": [*STORY]}
    body["messages"] = [{"role": "user", "content": "river " * words}]
    connections = []
    for _ in range(2):
        connection = http.client.HTTPConnection(urlsplit(server.url).netloc)
        connection.request("POST", "/api/chat", json.dumps(body))
        connections.append(connection)
    time.sleep(0.5)
    for connection in connections:
        connection.close()
    assert quick_answer_s(client, model) < FREED_S + 1.5  # two prompts in reading, one batch each


def test_four_at_once_on_two_slots(server: EmbeddedProcess, model: str) -> None:
    async def ask() -> list[ollama.ChatResponse]:
        client = ollama.AsyncClient(server.url, timeout=30)
        questions = [[{"role": "user", "content": f"Say {number}."}] for number in range(4)]
        try:
            return await asyncio.gather(
                *(client.chat(model, question, options=SHORT) for question in questions)
            )
        finally:
            await client._client.aclose()

    replies = asyncio.run(ask())
    assert all(reply.done and reply.eval_count == 2 for reply in replies)


def test_async_stream_closed_early(server: EmbeddedProcess, model: str) -> None:
    async def first_piece() -> str:
        client = ollama.AsyncClient(server.url, timeout=30)
        stream = await client.chat(model, STORY, stream=True)
        async for chunk in stream:
            await stream.aclose()  # type: ignore[attr-defined]
            await client._client.aclose()
            return chunk.message.content or ""
        return ""

    assert asyncio.run(first_piece())


def test_the_prefix_is_remembered(client: ollama.Client, model: str) -> None:
    rules = "Answer with one word. " * 40

    def ask(question: str) -> int:
        messages = [{"role": "system", "content": rules}, {"role": "user", "content": question}]
        return client.chat(model, messages, options=SHORT).prompt_eval_duration or 0

    cold = ask("What is red?")
    assert ask("What is blue?") < cold / 3


def test_unload_and_load(client: ollama.Client, model: str) -> None:
    assert client.chat(model, []).done_reason == "load"
    assert client.chat(model, [], keep_alive=0).done_reason == "unload"
    assert model not in [item.model for item in client.ps().models]
    reply = client.chat(model, STORY, options=SHORT)  # comes back by itself
    assert (reply.load_duration or 0) > 0


def test_keep_alive_ends_an_idle_model_but_not_a_busy_one(
    client: ollama.Client, model: str
) -> None:
    stream = client.chat(model, STORY, stream=True, keep_alive=0.2, options={"num_predict": 60})
    pieces = sum(1 for _ in stream)  # lasts longer than its keep_alive
    assert pieces > 30
    deadline = time.monotonic() + 5
    while model in [item.model for item in client.ps().models]:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_unload_waits_for_who_is_answering(client: ollama.Client, model: str) -> None:
    stream = client.chat(model, STORY, stream=True, options={"num_predict": 60})
    next(iter(stream))
    client.chat(model, [], keep_alive=0)
    assert list(stream)[-1].done_reason in ("length", "stop")
    assert model not in [item.model for item in client.ps().models]


def test_a_killed_worker_is_an_error_and_then_replaced(model: str) -> None:
    server = start([model], extra=["--threads", "1"], timeout_s=45)
    client = ollama.Client(server.url, timeout=30)
    try:
        stream = client.chat(model, STORY, stream=True)
        next(iter(stream))
        for pid in children(server.process.pid):
            os.kill(pid, signal.SIGKILL)
        with pytest.raises(ollama.ResponseError, match="went away") as caught:
            list(stream)
        assert caught.value.status_code == -1
        assert client.chat(model, STORY, options=SHORT).done
    finally:
        client._client.close()
        server.stop()


def children(pid: int) -> list[int]:
    """Return the processes that `pid` started."""
    if sys.platform != "linux":
        pytest.skip("finds the worker under /proc")
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(word) for word in text.split()]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_it_soon_and_leave_nothing(model: str, number: signal.Signals) -> None:
    server = start([model], extra=["--threads", "1"], timeout_s=45)
    workers = children(server.process.pid)
    client = ollama.Client(server.url, timeout=30)
    stream = client.chat(model, STORY, stream=True)
    next(iter(stream))
    started = time.monotonic()
    server.process.send_signal(number)
    assert server.process.wait(timeout=5) == 0
    assert time.monotonic() - started < 2
    assert workers
    assert not [pid for pid in workers if Path(f"/proc/{pid}").exists()]
    stream.close()
    client._client.close()
    server.stop()


def test_it_ends_with_its_parent(model: str) -> None:
    parent = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    server = start([model], extra=["--no-load", "--parent-pid", str(parent.pid)], timeout_s=45)
    assert parent.stdin is not None
    parent.stdin.close()
    parent.wait()
    assert server.process.wait(timeout=3) == 0
    server.stop()


def test_a_file_that_is_no_model_fails_in_words(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"not a model")
    monkeypatch.setenv("HAL_EMBEDDED_MODEL", str(broken))
    with pytest.raises(EngineFailed, match="exit code 1"):
        start([model], timeout_s=45)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--help"], 0, "HAL_EMBEDDED_MODEL"),
        (["--model", "nope"], 2, "model 'nope' not found"),
        (["--alias", "x"], 2, "expected NAME=MODEL"),
        (["--keep-alive", "soon"], 2, "invalid duration"),
    ],
)
def test_the_command_line_explains(arguments: list[str], code: int, words: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hal.embedded", *arguments],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == code
    assert words in done.stdout + done.stderr

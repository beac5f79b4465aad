"""The base of the test servers: recording, aborts, cuts, and threads that end."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time

import aiohttp
import pytest
import requests

from tests.servers import (
    KEY,
    Begin,
    Cut,
    End,
    OllamaServer,
    Raw,
    Say,
    Sleep,
    Stall,
    Status,
    Step,
    Until,
    Wire,
    XaiServer,
    refused_url,
    words,
)

PROMPT_S = 0.05
BODY = {"model": "grok-4.3", "messages": [{"role": "user", "content": "hi"}], "stream": True}
HEADERS = {"Authorization": f"Bearer {KEY}"}


def post(server: XaiServer, stream: bool = True, **fields: object) -> requests.Response:
    url = f"{server.base_url}/chat/completions"
    body = BODY | {"stream": stream} | fields
    # One connection per call, closed with the answer.
    headers = HEADERS | ({} if stream else {"Connection": "close"})
    return requests.post(url, json=body, headers=headers, stream=stream, timeout=5)


def test_a_request_is_recorded_as_it_arrived() -> None:
    with XaiServer() as server:
        before = time.monotonic()
        post(server, stream=False)
        request = server.wait_for_request()
    assert (request.method, request.path) == ("POST", "/v1/chat/completions")
    assert request.json["messages"] == BODY["messages"]
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert before <= request.arrived_at <= time.monotonic()
    assert (request.status, request.finished, request.aborted_at) == (200, True, None)


@pytest.mark.parametrize(
    "rest",
    [[Stall()], [Sleep(30)], words("a b c d e f g h", 0.5), [Until(threading.Event())]],
    ids=["stall", "sleep", "words", "until"],
)
def test_an_abort_is_seen_at_once(rest: list[Step]) -> None:
    waits = []
    with XaiServer([Say("first"), *rest]) as server:
        for count in (1, 2, 3):
            reply = post(server)
            next(reply.iter_content(None))
            left = time.monotonic()
            reply.close()
            request = server.wait_for_abort(1, count)
            waits.append((request.aborted_at or 0) - left)
            assert not request.finished
    assert min(waits) < PROMPT_S  # the best of three: the machine may be busy


def test_an_abort_before_the_head_is_seen_at_once() -> None:
    with XaiServer([Stall()]) as server:
        with pytest.raises(requests.ReadTimeout):
            requests.post(
                f"{server.base_url}/chat/completions", json=BODY, headers=HEADERS, timeout=0.1
            )
        assert server.wait_for_abort(1).status is None


def test_a_client_that_stops_reading_and_leaves_is_an_abort() -> None:
    with XaiServer([Say("x" * 1_000_000)] * 50) as server:
        reply = post(server)
        server.wait_for_request()
        time.sleep(0.1)  # lets the socket buffers fill
        reply.close()
        server.wait_for_abort(1)


def test_a_client_that_leaves_at_done_is_no_abort() -> None:
    with XaiServer(words("one two three")) as server:
        for _ in range(20):
            with post(server) as reply:
                for line in reply.iter_lines():
                    if line == b"data: [DONE]":
                        break
        assert all(request.finished for request in server.requests)
        assert not any(request.aborted_at for request in server.requests)


@pytest.mark.parametrize("reset", [False, True])
def test_a_cut_keeps_what_was_said_before(reset: bool) -> None:
    with XaiServer([Say("kept"), Cut(reset)]) as server:
        got = b""
        reply = post(server)
        pieces = reply.iter_content(None)
        while b"kept" not in got:
            got += next(pieces)
        with pytest.raises(requests.RequestException):
            next(pieces)
        reply.close()
        request = server.wait_for(lambda r: r.ended_at is not None)
        assert (request.finished, request.aborted_at) == (False, None)


def test_a_cut_in_a_whole_answer_sends_half_of_it() -> None:
    with XaiServer([Say("kept"), Cut()]) as server, pytest.raises(requests.RequestException):
        post(server, stream=False)


def test_scripts_are_taken_in_turn_and_the_last_repeats() -> None:
    with XaiServer() as server:
        server.answer([Status(503, {"error": "overloaded"}, {"Retry-After": "1"})], [Say("ok")])
        codes = [post(server, stream=False).status_code for _ in range(3)]
    assert codes == [503, 200, 200]


def test_the_rule_added_last_is_tried_first() -> None:
    with XaiServer([Say("any")]) as server:
        server.when("grok-4.7", [Say("by name")])
        server.when(lambda body: "x" in body.get("user", ""), lambda body: [Say(body["user"])])
        told = [
            post(server, stream=False, **fields).json()["choices"][0]["message"]["content"]
            for fields in ({}, {"model": "grok-4.7"}, {"model": "grok-4.7", "user": "xy"})
        ]
    assert told == ["any", "by name", "xy"]


def test_a_script_waits_for_the_test() -> None:
    go = threading.Event()
    with XaiServer([Say("a"), Until(go), Say("b")]) as server, post(server) as reply:
        pieces = reply.iter_content(None)
        assert b'"a"' in next(pieces) + next(pieces)
        go.set()
        assert b'"b"' in b"".join(pieces)


def test_bytes_go_out_as_they_are() -> None:
    with XaiServer([Raw(b"data: {oops\n\n\xff"), End()]) as server, post(server) as reply:
        assert reply.content == b"data: {oops\n\n\xff"
    head = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\n"
    with XaiServer([Wire(head + b"12345")]) as server, post(server) as reply:
        assert reply.content == b"12345"
        server.wait_for(lambda request: request.finished)


def test_a_head_alone_and_an_empty_stream() -> None:
    begun = Begin({"x-zero-data-retention": "true"})
    with XaiServer([begun, End()]) as server, post(server) as reply:
        assert reply.content == b""
        assert reply.headers["x-zero-data-retention"] == "true"


def test_a_redirect_and_html_with_200() -> None:
    with XaiServer() as other, XaiServer([Status(307, "", {"location": other.url})]) as server:
        reply = requests.post(
            f"{server.base_url}/chat/completions",
            json=BODY,
            headers=HEADERS | {"Connection": "close"},
            allow_redirects=False,
            timeout=5,
        )
        assert reply.status_code == 307
        server.answer([Status(200, "<html>gone</html>")])
        assert "text/html" in post(server, stream=False).headers["content-type"]
        assert other.requests == []


def test_a_mistake_in_a_script_fails_the_test() -> None:
    def broken(body: dict[str, object]) -> list[Say]:
        raise KeyError("typo")

    with (
        pytest.raises(KeyError),
        XaiServer(broken) as server,
        contextlib.suppress(requests.RequestException),
    ):
        post(server)


def test_a_restart_keeps_the_port_and_a_stopped_server_refuses() -> None:
    server = XaiServer([Say("here")]).start()
    url = server.url
    server.stop()
    with pytest.raises(requests.ConnectionError):
        post(server)
    with server:
        assert server.url == url
        assert post(server, stream=False).ok
    with pytest.raises(requests.ConnectionError):
        requests.get(refused_url(), timeout=2)


def test_no_thread_outlives_its_server() -> None:
    before = threading.active_count()
    with OllamaServer([Stall()]) as ollama, XaiServer([Stall()]) as xai:
        reply = requests.Session()
        with pytest.raises(requests.ReadTimeout):
            reply.post(
                f"{ollama.url}/api/chat", json=BODY | {"model": "nemotron-mini:4b"}, timeout=0.1
            )
        reply.close()
        assert xai.requests == []
    assert threading.active_count() == before


def test_a_hundred_streams_at_once() -> None:
    async def one(session: aiohttp.ClientSession, url: str) -> bytes:
        async with session.post(url, json=BODY) as reply:
            return await reply.read()

    async def all_of_them(url: str) -> list[bytes]:
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(headers=HEADERS, connector=connector) as session:
            return await asyncio.gather(*(one(session, url) for _ in range(100)))

    with XaiServer(words("a b c d e f", 0.02)) as server:
        started = time.monotonic()
        answers = asyncio.run(all_of_them(f"{server.base_url}/chat/completions"))
        assert time.monotonic() - started < 5
        assert len(server.chats) == 100
    assert all(b"[DONE]" in answer for answer in answers)


FAULTS: dict[str, list[Step]] = {
    "bad chunk": [Begin(), Wire(b"zz\r\nnonsense\r\n"), Cut()],
    "gzip that is none": [Status(200, b"plain", {"content-encoding": "gzip"})],
    "body shorter than promised": [Wire(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nshort")],
    "no answer at all": [Cut(reset=True)],
    "not HTTP": [Wire(b"SSH-2.0-OpenSSH_9.6\r\n")],
}


@pytest.mark.parametrize("fault", FAULTS)
def test_broken_http_can_be_scripted(fault: str) -> None:
    with XaiServer(FAULTS[fault]) as server:
        with pytest.raises(requests.RequestException):
            post(server, stream=False)
        assert len(server.chats) >= 1

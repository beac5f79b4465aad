"""The catalogue of faults: every script can be played, and is what its name says."""

from __future__ import annotations

import json
import socket
import ssl
import time
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from tests.servers import KEY, OllamaServer, ScriptedServer, XaiServer
from tests.servers.faults import FAULTS, GOOD, HALF, NDJSON, SSE, Fault, Voice, Where
from tests.servers.tls import self_signed

BY_NAME = {fault.name: fault for fault in FAULTS}
PLAYED = [
    pytest.param(fault, dialect, id=f"{fault.name}-{dialect}")
    for fault in FAULTS
    if fault.where is Where.SERVER
    for dialect in fault.dialects
]
# Long enough for everything that comes at once, on a machine that is busy.
SILENCE_S = 0.15
ELSEWHERE = "http://127.0.0.1:9"


def asked(dialect: str) -> tuple[str, bytes]:
    model, path = {
        SSE: ("grok-4.3", "/v1/chat/completions"),
        NDJSON: ("nemotron-3-nano:30b", "/api/chat"),
    }[dialect]
    body = {"model": model, "messages": [{"role": "user", "content": "hi"}], "stream": True}
    return path, json.dumps(body).encode()


def heard(server: ScriptedServer, dialect: str) -> bytes:
    """All that comes for one request until the end, a reset, a silence or more than enough."""
    path, body = asked(dialect)
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\n"
    head += f"Connection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    address = urlsplit(server.url)
    got = b""
    with socket.create_connection((address.hostname or "", address.port or 0), 5) as connection:
        connection.sendall(head.encode() + body)
        connection.settimeout(SILENCE_S)
        enough = time.monotonic() + 2 * SILENCE_S
        try:
            while data := connection.recv(1 << 20):
                got += data
                if time.monotonic() > enough:
                    break
        except (TimeoutError, ConnectionError):
            pass
    return got


def played(fault: Fault, dialect: str) -> bytes:
    server: Any = XaiServer() if dialect == SSE else OllamaServer()
    server.answer(fault.script(dialect, ELSEWHERE))
    with server:  # a script that raises fails here
        return heard(server, dialect)


def voice(dialect: str) -> Voice:
    return Voice(dialect, json.loads(asked(dialect)[1]))


def test_every_fault_has_a_name_of_its_own() -> None:
    assert len(BY_NAME) == len(FAULTS)


@pytest.mark.parametrize(("fault", "dialect"), PLAYED)
def test_every_script_can_be_played(fault: Fault, dialect: str) -> None:
    got = played(fault, dialect)
    first = fault.name.split()[0]
    if first.isdigit():
        assert got.startswith(f"HTTP/1.1 {first} ".encode())
    elif fault.name.endswith("before the head"):
        assert got == b""
    elif fault.name != "not HTTP":
        assert got.startswith(b"HTTP/1.1 200 ")
    if "mid-stream" in fault.name:
        assert HALF.encode() in got


@pytest.mark.parametrize("dialect", [SSE, NDJSON])
def test_split_code_points_are_split(dialect: str) -> None:
    steps = BY_NAME["split code points"].steps(voice(dialect))
    data = [step.data for step in steps if hasattr(step, "data")]
    assert {len(piece) for piece in data} == {1}
    assert "🙂" in b"".join(data).decode()


def test_an_event_in_several_data_lines_is_one_object() -> None:
    step: Any = BY_NAME["multi-line data"].steps(voice(SSE))[0]
    lines = [line.removeprefix("data: ") for line in step.data.decode().splitlines()]
    assert len(lines) > 3
    assert json.loads("\n".join(lines))["choices"][0]["delta"]["content"] == GOOD.split()[0]


def test_the_content_length_promises_more_than_comes() -> None:
    head, _, body = played(BY_NAME["short content-length mid-stream"], NDJSON).partition(
        b"\r\n\r\n"
    )
    promised = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    assert promised > len(body) > 0


def test_a_retry_date_is_in_the_next_two_seconds() -> None:
    status: Any = BY_NAME["429 retry-after: date"].steps(voice(SSE))[0]
    wait_s = parsedate_to_datetime(status.headers["retry-after"]).timestamp() - time.time()
    assert 0.5 < wait_s <= 2


def test_tls_at_a_plain_port_is_refused_at_once() -> None:
    began = time.monotonic()
    with OllamaServer() as server:
        with pytest.raises(requests.exceptions.SSLError):
            requests.get(server.url.replace("http:", "https:"), timeout=5)
        assert server.requests == []
        assert server.connections == 1
    assert time.monotonic() - began < 2


def test_a_self_signed_server_is_reached_only_by_those_who_do_not_check() -> None:
    server = OllamaServer()
    server.tls = self_signed()
    with server:
        assert server.url.startswith("https://127.0.0.1:")
        with pytest.raises(requests.exceptions.SSLError):
            requests.get(server.url, timeout=5)
        assert server.requests == []
        address = urlsplit(server.url)
        careless = ssl.create_default_context()
        careless.check_hostname, careless.verify_mode = False, ssl.CERT_NONE
        with (
            socket.create_connection((address.hostname or "", address.port or 0), 5) as plain,
            careless.wrap_socket(plain) as connection,
        ):
            connection.sendall(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
            assert connection.recv(100).startswith(b"HTTP/1.1 200 ")
        assert len(server.requests) == 1


def test_connections_are_counted_whether_anything_is_asked_or_not() -> None:
    with OllamaServer() as server:
        assert server.connections == 0
        address = urlsplit(server.url)
        socket.create_connection((address.hostname or "", address.port or 0), 5).close()
        requests.get(server.url, timeout=5, headers={"Connection": "close"})
        assert (server.connections, len(server.requests)) == (2, 1)

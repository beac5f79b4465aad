"""The disconnect watch as an ASGI layer, with receive and send written by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from hal.asgi import (
    CURRENT_WATCH,
    Answer,
    Event,
    Layer,
    Receive,
    Scope,
    Send,
    Watch,
    install,
)
from tests.core.things import run

CHAT = {"type": "http", "path": "/v1/chat/completions"}
GONE: Event = {"type": "http.disconnect"}


def piece(body: bytes, more: bool = False) -> Event:
    return {"type": "http.request", "body": body, "more_body": more}


class Client:
    """Sends what it is told to; `waiting` says whether somebody listens right now."""

    def __init__(self, *events: Event) -> None:
        self._events: asyncio.Queue[Event] = asyncio.Queue()
        for event in events:
            self._events.put_nowait(event)
        self.waiting = 0
        self.got: list[Event] = []

    async def receive(self) -> Event:
        self.waiting += 1
        try:
            return await self._events.get()
        finally:
            self.waiting -= 1

    async def send(self, event: Event) -> None:
        self.got.append(event)

    def leave(self) -> None:
        self._events.put_nowait(GONE)


async def call(
    app: Callable[[Scope, Receive, Send], Any], client: Client, scope: Scope = CHAT
) -> None:
    # A server runs each request in a task, hence in a context, of its own.
    await asyncio.create_task(Layer(app)(scope, client.receive, client.send))


PIECES = [
    pytest.param([piece(b"{}")], id="one piece"),
    pytest.param([piece(b"")], id="empty"),
    pytest.param([piece(b"a", True), piece(b"b", True), piece(b"c")], id="three pieces"),
    pytest.param([*[piece(b"x" * 65536, True)] * 64, piece(b"end")], id="4 MB"),
]


@pytest.mark.parametrize("events", PIECES)
def test_the_body_arrives_as_it_was_sent(events: list[Event]) -> None:
    async def work() -> list[Event]:
        seen: list[Event] = []

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            while not seen or seen[-1].get("more_body"):
                seen.append(await receive())

        await call(app, Client(*events))
        return seen

    assert run(work()) == events


def test_a_client_that_leaves_while_the_app_works_is_noticed() -> None:
    async def work() -> list[str]:
        client, told = Client(piece(b"{}")), list[str]()
        left = asyncio.Event()

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            watch = CURRENT_WATCH.get()
            assert watch is not None
            watch.on_gone(left.set)
            watch.on_gone(lambda: told.append("early"))
            await receive()
            client.leave()
            await left.wait()
            watch.on_gone(lambda: told.append("late"))
            told.append((await receive())["type"])

        await call(app, client)
        return told

    assert run(work()) == ["early", "late", "http.disconnect"]


def test_a_client_that_leaves_before_its_body_is_whole() -> None:
    async def work() -> list[str]:
        seen: list[str] = []

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            seen.append((await receive())["type"])
            seen.append((await receive())["type"])

        await call(app, Client(piece(b"half", True), GONE, GONE))
        return seen

    assert run(work()) == ["http.request", "http.disconnect"]


def test_nobody_listens_on_when_the_app_is_done() -> None:
    async def work() -> tuple[int, int, int]:
        client, inside = Client(piece(b"{}")), 0

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            nonlocal inside
            await asyncio.sleep(0)
            inside = client.waiting
            await send({"type": "http.response.start"})

        await call(app, client)
        return inside, client.waiting, len(client.got)

    assert run(work()) == (1, 0, 1)


def test_nobody_listens_on_when_the_app_fails() -> None:
    async def work() -> int:
        client = Client(piece(b"{}"))

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            raise LookupError("broken")

        with pytest.raises(LookupError):
            await call(app, client)
        return client.waiting

    assert run(work()) == 0


FORM = (b"content-type", b"application/x-www-form-urlencoded")
JSON = (b"content-type", b"application/json")
BOUNDARY = (b"content-type", b"multipart/form-data")
LENGTH = (b"content-length", b"2")
HEADERS = [
    pytest.param([FORM, LENGTH], b"{}", [LENGTH, JSON], id="a plain curl -d"),
    pytest.param([(b"Content-Type", FORM[1])], b" {}", [JSON], id="in any spelling"),
    pytest.param([FORM], b"a=b", [FORM], id="a form is a form"),
    pytest.param([FORM], b"", [FORM], id="no body"),
    pytest.param([JSON], b"{}", [JSON], id="JSON as it should be"),
    pytest.param([BOUNDARY], b"{}", [BOUNDARY], id="another kind"),
    pytest.param([], b"{}", [], id="no header"),
]


@pytest.mark.parametrize(("sent", "body", "seen"), HEADERS)
def test_json_that_calls_itself_a_form(sent: list[Any], body: bytes, seen: list[Any]) -> None:
    async def work() -> list[Any]:
        found: list[Any] = []

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            found.extend(scope["headers"])
            assert (await receive())["body"] == body

        await call(app, Client(piece(body)), {**CHAT, "headers": sent})
        return found

    assert run(work()) == seen


OTHERS = [
    pytest.param({"type": "lifespan"}, id="lifespan"),
    pytest.param({"type": "websocket", "path": "/v1/chat/completions"}, id="websocket"),
    pytest.param({"type": "http", "path": "/models"}, id="another path"),
    pytest.param({"type": "http"}, id="no path"),
]


@pytest.mark.parametrize("scope", OTHERS)
def test_the_rest_is_left_alone(scope: Scope) -> None:
    async def work() -> None:
        client = Client()

        async def app(inner: Scope, receive: Receive, send: Send) -> None:
            assert (inner, receive, send) == (scope, client.receive, client.send)
            assert CURRENT_WATCH.get() is None

        await call(app, client, scope)
        assert client.waiting == 0

    run(work())


def test_requests_at_once_have_watches_of_their_own() -> None:
    async def work() -> list[bool]:
        clients = [Client(piece(b"{}")) for _ in range(5)]
        gone: list[bool] = []

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            watch = CURRENT_WATCH.get()
            assert watch is not None
            await asyncio.sleep(0.02)
            gone.append(watch.gone.is_set())

        clients[2].leave()
        await asyncio.gather(*(call(app, client) for client in clients))
        return gone

    assert run(work()).count(True) == 1


START: Event = {"type": "http.response.start"}


def json_scope(**changes: Any) -> Scope:
    headers = [(b"content-type", b"application/json; charset=utf-8")]
    return {**CHAT, "method": "POST", "headers": headers, **changes}


ORIGIN = [(b"content-type", b"application/json"), (b"origin", b"http://x")]
ANSWERED = [
    pytest.param(json_scope(), [piece(b"ours")], True, id="ours"),
    pytest.param(json_scope(), [piece(b"ou", True), piece(b"rs")], True, id="in two pieces"),
    pytest.param(json_scope(), [piece(b"theirs")], False, id="another model"),
    pytest.param(json_scope(method="GET"), [piece(b"ours")], False, id="no post"),
    pytest.param(json_scope(headers=[]), [piece(b"ours")], False, id="no JSON"),
    pytest.param(json_scope(headers=ORIGIN), [piece(b"ours")], False, id="from a web page"),
    pytest.param(json_scope(path="/models"), [piece(b"ours")], False, id="another path"),
    pytest.param(json_scope(), [GONE], False, id="already gone"),
]


@pytest.mark.parametrize(("scope", "events", "is_ours"), ANSWERED)
def test_what_is_ours_does_not_reach_the_server(
    scope: Scope, events: list[Event], is_ours: bool
) -> None:
    async def work() -> tuple[list[Event], list[str]]:
        client, told = Client(*events), list[str]()

        async def answer(send: Send, watch: Watch) -> None:
            told.append("answered")
            await send(START)

        async def answers(raw: bytes) -> Answer | None:
            return answer if raw == b"ours" else None

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            told.append("passed on")

        await Layer(app, answers)(scope, client.receive, client.send)
        return client.got, told

    expected = ([START], ["answered"]) if is_ours else ([], ["passed on"])
    assert run(work()) == expected


def test_an_answer_hears_that_its_reader_has_left() -> None:
    async def work() -> bool:
        client = Client(piece(b"ours"))

        async def answer(send: Send, watch: Watch) -> None:
            client.leave()
            await watch.gone.wait()

        async def answers(raw: bytes) -> Answer | None:
            return answer

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            raise AssertionError

        await Layer(app, answers)(json_scope(), client.receive, client.send)
        return client.waiting == 0

    assert run(work())


def test_the_watch_is_seen_in_worker_threads() -> None:
    async def work() -> bool:
        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            watch = CURRENT_WATCH.get()
            assert await asyncio.to_thread(CURRENT_WATCH.get) is watch is not None

        await call(app, Client(piece(b"{}")))
        return True

    assert run(work())


def test_outside_a_pipelines_server_nothing_is_installed() -> None:
    async def nobody(raw: bytes) -> Answer | None:
        return None

    assert install(nobody) is False

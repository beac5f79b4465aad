"""Nothing leaves before the entry is written, and nothing at all when it cannot be."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import aiohttp
import pytest

from hal.errors import EgressRefused
from hal.gateway import egress as module
from hal.gateway.egress import Egress
from hal.types import Plan, Route
from tests.servers import KEY, XaiServer
from tests.servers.web import WebServer, redirect

from .helpers import CLOUD, LOCAL, Log, answer, ask, call, run, text_of, xai_at

TIMEOUT = aiohttp.ClientTimeout(total=5)
HEADERS = {"Authorization": f"Bearer {KEY}"}
BODY = b'{"model": "grok-4.3", "messages": [{"role": "user", "content": "hello"}]}'


@asynccontextmanager
async def opened(log: Log, **options: object) -> AsyncIterator[Egress]:
    async with aiohttp.ClientSession() as http:
        yield Egress(http, log, **options)  # type: ignore[arg-type]


async def post(egress: Egress, url: str, **changes: object) -> int:
    options = {"call": call(CLOUD), "target": CLOUD, "timeout": TIMEOUT} | changes
    async with egress.post(f"{url}/v1/chat/completions", HEADERS, BODY, **options) as response:  # type: ignore[arg-type]
        await response.read()
        return response.status


def test_the_row_says_what_left() -> None:
    async def work(url: str, log: Log) -> int:
        async with opened(log, clock=lambda: 1234.5) as egress:
            return await post(egress, url)

    log = Log()
    with XaiServer() as server:
        assert run(work(server.url, log)) == 200
        sent = server.chats[0].body
        (row,) = log.rows
        assert dict(row) == {
            "id": row["id"],
            "turn_id": "turn-1",
            "call_id": "call-1",
            "at": 1234.5,
            "host": server.url.removeprefix("http://"),
            "provider": "xai",
            "model": "grok-4.3",
            "purpose": "answer",
            "bytes": len(sent),
            "sha256": hashlib.sha256(sent).hexdigest(),
            "masked": {},
            "hashes": (),
            "passed": {},
        }


def test_nothing_arrives_before_the_row_is_there() -> None:
    async def work(server: XaiServer) -> None:
        written = asyncio.Event()
        log = Log(before=written.wait)  # type: ignore[arg-type]
        async with opened(log) as egress:
            sending = asyncio.create_task(post(egress, server.url))
            await asyncio.sleep(0.2)
            assert server.requests == []
            assert log.rows == []
            written.set()
            assert await sending == 200
            assert len(log.rows) == len(server.requests) == 1

    with XaiServer() as server:
        run(work(server))


def failing_with(error: Exception) -> Log:
    async def fail() -> None:
        raise error

    return Log(before=fail)


@pytest.mark.parametrize("error", [OSError("disk full"), RuntimeError("closed"), ValueError()])
def test_nothing_arrives_when_the_row_cannot_be_written(error: Exception) -> None:
    async def work(server: XaiServer) -> None:
        async with opened(failing_with(error)) as egress:
            with pytest.raises(EgressRefused, match="nothing was sent"):
                await post(egress, server.url)

    with XaiServer() as server:
        run(work(server))
        assert server.requests == []


def test_nothing_arrives_when_the_log_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(server: XaiServer) -> None:
        async with opened(Log(before=asyncio.Event().wait)) as egress:  # type: ignore[arg-type]
            with pytest.raises(EgressRefused, match="nothing was sent"):
                await post(egress, server.url)

    monkeypatch.setattr(module, "LOG_LIMIT_S", 0.1)
    with XaiServer() as server:
        run(work(server))
        assert server.requests == []


@pytest.mark.parametrize(
    ("plan", "target"),
    [
        (call(LOCAL).plan, CLOUD),
        (Plan((), call().plan.route), CLOUD),
        (call(LOCAL).plan, LOCAL),
        (call(CLOUD).plan, replace(CLOUD, model="grok-4.7")),
        (call(CLOUD).plan, replace(CLOUD, leaves_machine=False)),
    ],
    ids=["local only", "empty", "a local target", "another model", "another target"],
)
def test_nothing_arrives_that_the_plan_does_not_name(plan: Plan, target: object) -> None:
    async def work(server: XaiServer, log: Log) -> None:
        async with opened(log) as egress:
            with pytest.raises(EgressRefused):
                await post(egress, server.url, call=replace(call(), plan=plan), target=target)

    log = Log()
    with XaiServer() as server:
        run(work(server, log))
        assert server.requests == []
        assert log.rows == []


def test_the_last_look_at_the_bytes_can_refuse() -> None:
    async def look(body: bytes, plan: Plan) -> dict[str, int]:
        assert plan.may_leave
        if b"hello" in body:
            raise EgressRefused("There is an e-mail address in it.")
        return {}

    async def work(server: XaiServer, log: Log) -> None:
        async with opened(log, last_look=look) as egress:
            with pytest.raises(EgressRefused, match="e-mail"):
                await post(egress, server.url)

    log = Log()
    with XaiServer() as server:
        run(work(server, log))
        assert server.requests == []
        assert log.rows == []


PICTURE = f"data:image/png;base64,{'A' * 400}"


@pytest.mark.parametrize("kept", [True, False])
def test_the_row_says_what_is_private_in_it(kept: bool) -> None:
    async def look(body: bytes, plan: Plan) -> dict[str, int]:
        return {"EMAIL": 1}

    async def work(server: XaiServer, log: Log) -> None:
        masked = replace(call(CLOUD), masked={"PHONE": 2}, hashes=("ab",), keeps_content=kept)
        async with opened(log, last_look=look) as egress:
            options = {"call": masked, "target": CLOUD, "timeout": TIMEOUT}
            body = f'{{"u":"{PICTURE}"}}'.encode()
            url = f"{server.url}/v1/chat/completions"
            async with egress.post(url, HEADERS, body, **options):  # type: ignore[arg-type]
                pass

    log = Log()
    with XaiServer() as server:
        run(work(server, log))
    (row,) = log.rows
    assert (row["masked"], row["hashes"], row["passed"]) == ({"PHONE": 2}, ("ab",), {"EMAIL": 1})
    assert log.bodies == (['{"u":"data:image/..."}'] if kept else [None])


def test_the_row_is_there_when_the_network_is_not() -> None:
    log = Log()
    answer("xai", "http://127.0.0.1:9/v1", log=log)
    assert len(log.rows) == 1


def test_a_user_in_the_address_is_not_logged() -> None:
    assert module.host_and_port("https://me:secret@api.x.ai:443/v1") == "api.x.ai:443"


def test_the_provider_goes_through_it() -> None:
    async def refused(server: XaiServer) -> None:
        async with xai_at(server.base_url, log=failing_with(OSError())) as stream:
            with pytest.raises(EgressRefused):
                await anext(stream(ask(CLOUD)))

    with XaiServer() as server:
        run(refused(server))
        assert server.requests == []
        log = Log()
        assert text_of(answer("xai", server.base_url, log=log)) == "cloud: hello"
        assert log.rows[0]["bytes"] == len(server.chats[0].body)


SEARCHING = replace(call(), plan=Plan((), Route.ENRICH, enrich=True), purpose="page")


async def get(egress: Egress, url: str, headers: dict[str, str] | None = None) -> int:
    async with (
        aiohttp.ClientSession() as http,
        egress.get(
            url, headers or {}, call=SEARCHING, provider="web", http=http, timeout=TIMEOUT
        ) as response,
    ):
        await response.read()
        return response.status


def test_a_page_that_is_asked_for_has_a_row() -> None:
    async def work(url: str, log: Log) -> int:
        async with opened(log, clock=lambda: 1234.5) as egress:
            return await get(egress, url, {"Accept": "text/html"})

    log = Log()
    with WebServer({"/a": redirect("/b")}) as server:
        url = f"{server.url}/a?q=%C3%A4"
        assert run(work(url, log)) == 302  # nobody followed it
        (row,) = log.rows
        sent = f"GET {url}\r\nAccept: text/html".encode()
        assert dict(row) == {
            "id": row["id"],
            "turn_id": "turn-1",
            "call_id": "call-1",
            "at": 1234.5,
            "host": server.url.removeprefix("http://"),
            "provider": "web",
            "model": "",
            "purpose": "page",
            "bytes": len(sent),
            "sha256": hashlib.sha256(sent).hexdigest(),
            "masked": {},
            "hashes": (),
            "passed": {},
        }
        assert [(r.path, r.query) for r in server.requests] == [("/a", "q=%C3%A4")]


def test_no_page_is_asked_for_before_the_row_is_there() -> None:
    async def work(server: WebServer) -> None:
        written = asyncio.Event()
        log = Log(before=written.wait)  # type: ignore[arg-type]
        async with opened(log) as egress:
            asking = asyncio.create_task(get(egress, server.url))
            await asyncio.sleep(0.2)
            assert server.connections == 0
            written.set()
            assert await asking == 404

    with WebServer() as server:
        run(work(server))


@pytest.mark.parametrize("log", [Log(), failing_with(OSError("disk full"))], ids=["plan", "log"])
def test_no_page_is_asked_for_without_a_plan_and_a_log(log: Log) -> None:
    plan = Plan((CLOUD,), Route.COMPLEX) if log.before is None else SEARCHING.plan

    async def work(url: str) -> None:
        async with opened(log) as egress, aiohttp.ClientSession() as http:
            asked = replace(SEARCHING, plan=plan)
            with pytest.raises(EgressRefused, match="nothing was sent"):
                async with egress.get(
                    url, {}, call=asked, provider="web", http=http, timeout=TIMEOUT
                ):
                    pass

    with WebServer() as server:
        run(work(server.url))
        assert server.connections == 0
        assert log.rows == []


def test_the_last_look_reads_an_address_as_its_server_will() -> None:
    seen: list[str] = []

    async def look(body: bytes, plan: Plan) -> dict[str, int]:
        seen.append(body.decode())
        raise EgressRefused("There is something in it.")

    async def work(url: str) -> None:
        async with opened(Log(), last_look=look) as egress:
            headers = {"Accept-Language": "de", "Authorization": "Basic c2VhcnhuZw=="}
            with pytest.raises(EgressRefused, match="something"):
                await get(egress, f"{url}/a%2Fb?q=anna%40a.example+Stra%C3%9Fe", headers)

    with WebServer() as server:
        run(work(server.url))
        assert server.connections == 0
    assert seen == ["/a/b\nq=anna@a.example Straße\nde"]


@pytest.mark.parametrize("kept", [True, False])
def test_an_address_is_kept_where_contents_are(kept: bool) -> None:
    async def work(url: str) -> None:
        async with opened(log) as egress, aiohttp.ClientSession() as http:
            asked = replace(SEARCHING, keeps_content=kept)
            async with egress.get(url, {}, call=asked, provider="web", http=http, timeout=TIMEOUT):
                pass

    log = Log()
    with WebServer() as server:
        run(work(f"{server.url}/x"))
        assert log.bodies == [f"{server.url}/x" if kept else None]

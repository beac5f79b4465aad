"""Pages of a hostile web: none leads into this house, none takes more than it may, none raises.

One loop and one extractor for the whole file; a server and a canary for each test that wants them.
"""

from __future__ import annotations

import asyncio
import gzip
import resource
import time
import zlib
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import aiohttp
import pytest

from hal.enrichment import pages as module
from hal.enrichment.bodies import DECODED_CAP_BYTES, WIRE_CAP_BYTES
from hal.enrichment.connections import CheckedResolver, SystemLookup, open_session
from hal.enrichment.extract import Extractor
from hal.enrichment.pages import PageReader
from hal.enrichment.targets import Forbidden, Permitted
from hal.enrichment.types import Page
from hal.errors import EgressRefused
from hal.gateway.egress import Egress
from hal.gateway.ports import Call
from hal.types import Plan, Route
from tests.gateway.helpers import Log
from tests.servers.tls import self_signed
from tests.servers.web import (
    SENTENCES,
    Answer,
    Canary,
    Names,
    WebServer,
    article,
    bomb,
    endless,
    head,
    page,
    redirect,
    wire,
)

T = TypeVar("T")

SEARCHING = Plan((), Route.ENRICH, enrich=True)
CALL = Call("call-1", "turn-1", "page", SEARCHING)
# What a test waits for a page at most, however busy the machine: a hang, not a measure.
HANG_S = 30.0
SITE = "site.example"


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as running:
        yield running


@pytest.fixture(scope="module")
def extractor(runner: asyncio.Runner) -> Iterator[Extractor]:
    made = Extractor(limit_s=20.0)  # what is measured here is not the parser
    yield made
    runner.run(made.close())


@dataclass
class Web:
    """A site of its own name, a forbidden port beside it, and whoever reads them."""

    server: WebServer
    canary: Canary
    runner: asyncio.Runner
    extractor: Extractor
    names: Names = field(default_factory=Names)
    log: Log = field(default_factory=Log)
    last_look: Callable[[bytes, Plan], Awaitable[Mapping[str, int]]] | None = None

    @property
    def url(self) -> str:
        return f"http://{SITE}:{self.server.port}"

    def read(self, url: str, call: Call = CALL) -> Page:
        """`url` may be a path on the site. The canary's port is allowed: only addresses are not."""
        return self.read_all([url], call)[0]

    def read_all(self, urls: list[str], call: Call = CALL) -> list[Page]:
        self.names.answers.setdefault(SITE, [["127.0.0.1"]])
        permitted = Permitted(
            frozenset({(SITE, self.server.port)}), frozenset({self.canary.port, self.server.port})
        )

        async def work() -> list[Page]:
            async with aiohttp.ClientSession() as unused:
                egress = Egress(unused, self.log, last_look=self.last_look)
                reader = PageReader(egress, self.extractor, permitted=permitted, lookup=self.names)
                try:
                    full = [self.url + url if url.startswith("/") else url for url in urls]
                    return [await reader.read(url, call) for url in full]
                finally:
                    await reader.close()

        return self.run(work())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(asyncio.wait_for(work, HANG_S))


@pytest.fixture
def web(runner: asyncio.Runner, extractor: Extractor) -> Iterator[Web]:
    with WebServer({"/": page()}) as server, Canary() as canary:
        yield Web(server, canary, runner, extractor)
        assert canary.visits() == 0


def test_a_page_is_read_and_each_request_is_a_row(web: Web) -> None:
    web.server.pages |= {"/old": redirect("/new?q=1"), "/new": page()}
    found = web.read("/old#part")
    assert SENTENCES.strip() in found.text
    assert (found.title, found.reason, found.status) == ("The old mill", "", 200)
    assert found.url == f"{web.url}/new?q=1"
    assert found.asked_url == f"{web.url}/old#part"
    assert found.wire_bytes == len(article())
    assert not found.is_cut
    assert [row["purpose"] for row in web.log.rows] == ["page", "page"]
    assert {row["host"] for row in web.log.rows} == {web.url.removeprefix("http://")}
    assert {(row["provider"], row["model"]) for row in web.log.rows} == {("web", "")}
    assert web.names.asked == [SITE, SITE]


def test_who_asks_says_so_and_nothing_else(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{web.canary.port}")
    web.server.pages["/"] = redirect("/next")
    web.server.pages["/next"] = page(headers={"set-cookie": "a=b"})
    web.read_all(["/", "/"])
    for request in web.server.requests:
        assert set(request.headers) <= {
            "host",
            "user-agent",
            "accept",
            "accept-encoding",
            "connection",
        }
        assert request.headers["host"] == web.url.removeprefix("http://")
        assert request.headers["user-agent"].startswith("hal-auto/")
        assert request.headers["accept-encoding"] == "gzip, identity"
    assert len(web.server.requests) == 4


LITERALS = [
    "127.0.0.1",
    "127.1",
    "127.0.0.2",
    "0.0.0.0",  # noqa: S104
    "0",
    "2130706433",
    "0177.0.0.1",
    "0x7f.1",
    "0x7f000001",
    "localhost",
    "localhost.",
    "localhost.localdomain",
    "a.localhost",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "[fe80::1]",
    "[fe80::1%25lo]",
    "[fd00::1]",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.0.1",
    "100.64.0.1",
    "169.254.169.254",
    "１２７.０.０.１",
    "127。0。0。1",
    "site.example@127.0.0.1",
    "127.0.0.1%00.site.example",
    "127.0.0.1\\@site.example",
]


def test_the_canary_sings(web: Web) -> None:
    """Without the guard it would have been visited: what the tests below rest on."""

    async def careless(url: str) -> None:
        async with aiohttp.ClientSession() as http:
            with pytest.raises((aiohttp.ClientError, TimeoutError)):
                await http.get(url, timeout=aiohttp.ClientTimeout(total=0.3))

    web.server.pages["/trap"] = redirect(f"http://127.0.0.1:{web.canary.port}/")
    web.run(careless(f"{web.server.url}/trap"))
    web.run(careless(f"http://0.0.0.0:{web.canary.port}/"))
    assert web.canary.visits() == 2


def test_no_spelling_of_this_house_is_asked(web: Web) -> None:
    urls = [f"http://{host}:{web.canary.port}/" for host in LITERALS]
    assert [p.url for p in web.read_all(urls) if not p.reason.startswith("forbidden_")] == []
    assert web.log.rows == []
    assert web.names.asked == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_leads_into_this_house(web: Web, status: int) -> None:
    for index, host in enumerate(LITERALS):
        target = f"http://{host}:{web.canary.port}/"
        if target.isascii():
            web.server.pages[f"/{index}"] = redirect(target, status)
    paths = [path for path in web.server.pages if path != "/"]
    found = web.read_all(paths)
    assert [p.asked_url for p in found if not p.reason.startswith("forbidden_")] == []
    assert len(web.log.rows) == len(paths)  # the first request, and no second


@pytest.mark.parametrize(
    "target",
    [
        *("//127.0.0.1:{port}/", "file:///etc/passwd", "gopher://127.0.0.1:{port}/"),
        *("ftp://a.example/", "javascript:alert(1)", "data:text/html,hello"),
        "http:\\\\127.0.0.1:{port}/",
    ],
)
def test_a_redirect_to_what_is_no_page_is_not_followed(web: Web, target: str) -> None:
    web.server.pages["/a"] = redirect(target.format(port=web.canary.port))
    assert web.read("/a").reason.startswith("forbidden_")


def test_a_chain_that_ends_in_this_house(web: Web) -> None:
    web.server.pages |= {
        "/1": redirect("/2"),
        "/2": redirect(f"{web.url}/3"),
        "/3": redirect(f"http://127.0.0.1:{web.canary.port}/"),
    }
    found = web.read("/1")
    assert (found.reason, found.url) == ("forbidden_address", f"{web.url}/3")


def test_three_redirects_are_followed_and_no_fourth(web: Web) -> None:
    web.server.pages |= {f"/{n}": redirect(f"/{n + 1}") for n in range(4)}
    web.server.pages["/4"] = page()
    assert web.read("/1").reason == ""
    web.server.forget()
    assert web.read("/0").reason == "redirects"
    assert [request.path for request in web.server.requests] == ["/0", "/1", "/2", "/3"]


def test_a_loop_ends(web: Web) -> None:
    web.server.pages["/a"] = redirect("/a")
    assert web.read("/a").reason == "redirects"


@pytest.mark.parametrize(
    "refresh",
    [
        "<meta http-equiv=refresh content='0;url=http://127.0.0.1:{port}/'>",
        "<base href='http://127.0.0.1:{port}/'><link rel=canonical href='/'>",
        "<meta property='og:url' content='http://127.0.0.1:{port}/'>",
        "<img src='http://127.0.0.1:{port}/a.png'><iframe src='http://127.0.0.1:{port}/'></iframe>",
        "<!DOCTYPE html SYSTEM 'http://127.0.0.1:{port}/a.dtd'>",
        "<script src='http://127.0.0.1:{port}/'></script>",
    ],
    ids=["meta refresh", "base", "og:url", "image and frame", "DTD", "script"],
)
def test_nothing_in_a_page_is_followed(web: Web, refresh: str) -> None:
    web.server.pages["/a"] = page(article(head=refresh.format(port=web.canary.port)))
    found = web.read("/a")
    assert found.reason == ""
    assert found.url == f"{web.url}/a"


def test_refresh_by_header_is_not_followed(web: Web) -> None:
    web.server.pages["/a"] = page(headers={"refresh": f"0;url=http://127.0.0.1:{web.canary.port}"})
    assert web.read("/a").url == f"{web.url}/a"


PUBLIC = "93.184.215.14"


@pytest.mark.parametrize(
    "answer",
    [
        *(["127.0.0.1"], ["::1"], ["::ffff:127.0.0.1"], ["64:ff9b::7f00:1"], ["10.0.0.1"]),
        *([PUBLIC, "127.0.0.1"], ["127.0.0.1", PUBLIC], ["2606:4700::1111", "::1"]),
        *(["169.254.169.254"], ["fe80::1%lo"], ["0.0.0.0"], ["not an address"]),  # noqa: S104
    ],
    ids=str,
)
def test_one_bad_address_refuses_all_of_them(web: Web, answer: list[str]) -> None:
    web.names.answers["rebind.example"] = [answer]
    found = web.read(f"http://rebind.example:{web.canary.port}/")
    assert found.reason == "forbidden_address"
    assert web.names.asked == ["rebind.example"]


def test_a_name_is_asked_for_once_and_the_connection_goes_to_what_it_said(web: Web) -> None:
    """A name that turns: the first answer is checked, and there is no second one."""
    web.names.answers["rebind.example"] = [[PUBLIC], ["127.0.0.1"]]

    async def work() -> list[dict[str, Any]]:
        return await CheckedResolver(web.names).resolve("rebind.example", web.canary.port)

    (entry,) = web.run(work())
    assert entry["host"] == PUBLIC
    assert web.names.asked == ["rebind.example"]
    with pytest.raises(Forbidden):
        web.run(work())


def test_each_connection_checks_anew(web: Web) -> None:
    """The name that was harmless for the first page is not so for the second."""
    web.names.answers[SITE] = [["127.0.0.1"]]
    web.server.pages["/a"] = redirect(f"http://turned.example:{web.canary.port}/")
    web.names.answers["turned.example"] = [["127.0.0.1"]]
    assert web.read("/a").reason == "forbidden_address"
    assert web.names.asked == [SITE, "turned.example"]


def test_the_connection_goes_to_the_checked_address_alone(web: Web) -> None:
    """The only lookup is ours: the system does not know this name, and is not asked."""

    async def work() -> str:
        permitted = Permitted(frozenset({("only-here.example", web.server.port)}))
        web.names.answers["only-here.example"] = [["127.0.0.1"]]
        async with (
            open_session(web.names, permitted) as http,
            http.get(f"http://only-here.example:{web.server.port}/") as response,
        ):
            return response.headers["content-type"]

    assert web.run(work()).startswith("text/html")


def test_a_name_that_does_not_resolve(web: Web) -> None:
    assert web.read(f"http://nowhere.example:{web.canary.port}/").reason == "unreachable"


def test_the_systems_resolver_is_checked_too() -> None:
    async def work() -> None:
        lookup = SystemLookup()
        try:
            assert set(await lookup("localhost", 80)) & {"127.0.0.1", "::1"}
            with pytest.raises(Forbidden):
                await CheckedResolver(lookup).resolve("localhost", 80)
        finally:
            lookup.close()

    asyncio.run(work())


def test_the_certificate_is_asked_of_the_name(runner: asyncio.Runner, extractor: Extractor) -> None:
    server = WebServer({"/": page()})
    server.tls = self_signed()
    with server, Canary() as canary:
        web = Web(server, canary, runner, extractor)
        assert web.read(f"https://{SITE}:{server.port}/").reason == "certificate"
        assert server.requests == []


GZIP = {"content-encoding": "gzip"}
# What is read of it comes first; the rest is for the caps, and costs the parser nothing.
BIG = b"<html><body><article><p>" + SENTENCES.encode() * 3 + b"</p><!--" + b" word" * 800_000


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (page(status=404), "status 404"),
        (page(status=401), "status 401"),
        (page(status=500), "status 500"),
        (page(b"", status=204), "status 204"),
        (page(status=206), "status 206"),
        (page(b"", status=302), "status 302"),
        (page(b"", {"location": "/a"}, 304), "status 304"),
        (page(b"", {"location": "/a"}, 300), "status 300"),
        (page(b""), "empty"),
        (page(headers={"content-type": "image/png"}), "type"),
        (page(headers={"content-type": "application/json"}), "type"),
        (page(headers={"content-type": "text/htmlx"}), "type"),
        (page(headers={"content-type": ""}), "type"),
        (page(headers={"content-type": ";" * 5000}), "type"),
        (page(b"\x89PNG\r\n" + b"x" * 900), "type"),
        (page(b"%PDF-1.7 in disguise"), "type"),
        (page(b"PK\x03\x04" + b"x" * 900, {"content-type": "text/plain"}), "type"),
        (page(b"a\x00b" * 900, {"content-type": "text/plain"}), "type"),
        (page(b"no mark", {"content-type": "application/pdf"}), "type"),
        (page(gzip.compress(gzip.compress(article())), GZIP), "type"),
        (page(gzip.compress(article()), {"content-encoding": "gzip, gzip"}), "encoding"),
        (page(gzip.compress(article()), {"content-encoding": "gzip, br"}), "encoding"),
        (page(zlib.compress(article()), {"content-encoding": "deflate"}), "encoding"),
        (page(article(), {"content-encoding": "br"}), "encoding"),
        (page(article(), {"content-encoding": "zstd"}), "encoding"),
        (page(b"this is no gzip" * 90, GZIP), "encoding"),
        (page(gzip.compress(article())[:40], GZIP | {"content-length": "40"}), "broken"),
        (wire(head(content_length="30000000"), stays_open=True), "too_large"),
        (wire(head(content_length="5000"), b"<p>short"), "broken"),
        (wire(head(transfer_encoding="chunked"), b"5\r\nhello\r\nzz\r\n", gap_s=0.1), "broken"),
        (wire(head(transfer_encoding="gzip, chunked"), b"5\r\nhello\r\n0\r\n\r\n"), "encoding"),
        (wire(b"", b""), "reset"),
        (wire(b"SSH-2.0-OpenSSH_9.6\r\n"), "bad_reply"),
        (wire(b"HTTP/1.1 200 OK\r\nA: " + b"a" * 100_000 + b"\r\n\r\n"), "bad_reply"),
        (wire(b"HTTP/1.1 2000 OK\r\n\r\n"), "bad_reply"),
        (wire(head(content_length="-5"), b"x"), "bad_reply"),
    ],
)
def test_what_is_no_page_has_a_reason(
    web: Web, answer: Answer, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAGE_S", 1.0)  # aiohttp waits on after a broken chunk
    web.server.pages["/a"] = answer
    found = web.read("/a")
    assert (found.reason, found.text) == (reason, "")


def test_two_layers_in_two_headers(web: Web) -> None:
    body = gzip.compress(gzip.compress(article()))
    line = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
    twice = b"Content-Encoding: gzip\r\nContent-Encoding: gzip\r\n"
    web.server.pages["/a"] = wire(line + twice + b"\r\n" + body)
    assert web.read("/a").reason == "encoding"


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "GZIP", "identity"])
def test_what_was_asked_for_is_unpacked(web: Web, encoding: str) -> None:
    body = article() if encoding == "identity" else gzip.compress(article())
    web.server.pages["/a"] = page(body, {"content-encoding": encoding})
    found = web.read("/a")
    assert SENTENCES.strip() in found.text
    assert found.wire_bytes == len(body)


@pytest.mark.parametrize(
    ("answer", "wire_bytes"),
    [
        (page(BIG), WIRE_CAP_BYTES),
        (endless(BIG[:65536], head()), WIRE_CAP_BYTES),
        (endless(b"10000\r\n" + BIG[:65536] + b"\r\n", head(transfer_encoding="chunked")), 0),
        (page(gzip.compress(BIG), GZIP), 0),
    ],
    ids=["huge", "endless", "endless chunks", "huge when unpacked"],
)
def test_too_much_is_cut_at_the_caps(web: Web, answer: Answer, wire_bytes: int) -> None:
    web.server.pages["/a"] = answer
    found = web.read("/a")
    assert (found.reason, found.is_cut) == ("", True)
    assert found.wire_bytes <= WIRE_CAP_BYTES
    assert found.wire_bytes == (wire_bytes or found.wire_bytes)
    assert len(found.text) <= DECODED_CAP_BYTES


def test_bombs_and_floods_do_not_grow_this_process(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAGE_S", 1.0)
    flood = b"HTTP/1.1 200 OK\r\n"
    web.server.pages |= {
        "/bomb": page(bomb(), GZIP),
        "/headers": endless(b"X-A: " + b"a" * 4000 + b"\r\n", flood),
        "/continue": endless(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100),
    }
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = web.read_all(["/bomb", "/headers", "/continue"])
    grown_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert found[1].reason in {"bad_reply", "reset"}  # by aiohttp itself since 3.13
    assert found[2].reason in {"timeout", "reset"}
    assert found[0].is_cut
    assert grown_mb < 50


ENOUGH = b"<html><body><article><p>" + SENTENCES.encode() * 3
START = head(content_length="100000")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (wire(stays_open=True), "timeout"),
        (wire(START[:20], stays_open=True), "timeout"),
        (wire(START, stays_open=True), "broken"),
        (wire(START, b"<p>short", stays_open=True), "broken"),
        (wire(START, ENOUGH, stays_open=True), ""),
        (wire(START, ENOUGH), ""),
        (endless(b"<p>a</p>", START + ENOUGH, gap_s=0.05), ""),
        (endless(b"a", b"HTTP/1.1 200 OK\r\nA: ", gap_s=0.05), "timeout"),
        (endless(b"a", head(), gap_s=0.05), "broken"),
        (redirect("/a"), "redirects"),
    ],
    ids=[
        *("silent", "silent in the head", "silent after it", "silent soon", "silent late"),
        *("cut", "slow", "slow head", "slow from the start", "loop"),
    ],
)
def test_a_slow_page_ends_in_time_and_keeps_what_is_enough(
    web: Web, answer: Answer, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAGE_S", 0.3)
    web.server.pages["/a"] = answer
    began = time.perf_counter()
    found = web.read("/a")
    assert found.reason == reason or (found.reason, found.text) == ("no_text", "")
    assert bool(found.text) == (reason == "" and found.status == 200 and found.wire_bytes > 10)
    assert found.is_cut == bool(found.text)
    assert time.perf_counter() - began < HANG_S / 2


def test_more_than_was_announced_is_not_taken(web: Web) -> None:
    web.server.pages["/a"] = wire(head(content_length="600"), ENOUGH, b"x" * 100_000)
    found = web.read("/a")
    assert found.wire_bytes in (0, 600)  # aiohttp refuses the whole reply when all of it came
    assert bool(found.text) == (found.reason == "")


@pytest.mark.parametrize(
    ("limits", "url"),
    [
        (aiohttp.ClientTimeout(connect=0.2), "http://slow.example/"),
        (aiohttp.ClientTimeout(sock_read=0.2), "/silent"),
    ],
    ids=["a name that takes too long", "a server that says nothing"],
)
def test_each_step_has_its_own_limit(
    web: Web, limits: aiohttp.ClientTimeout, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_TIMEOUT", limits)
    monkeypatch.setattr(module, "PAGE_S", HANG_S)
    web.names.hang.add("slow.example")
    web.server.pages["/silent"] = wire(stays_open=True)
    assert web.read(url).reason == "timeout"


def test_a_turn_that_does_not_search_asks_for_nothing(web: Web) -> None:
    found = web.read("/", Call("c", "t", "page", Plan((), Route.MODERATE)))
    assert found.reason == "not_sent"
    assert (web.server.connections, web.log.rows, web.names.asked) == (0, [], [])


def test_nothing_is_asked_when_the_log_is_in_trouble(web: Web) -> None:
    async def fail() -> None:
        raise OSError("disk full")

    web.log.before = fail
    assert web.read("/").reason == "not_sent"
    assert (web.server.connections, web.names.asked) == (0, [])


def test_what_is_private_does_not_leave_in_an_address(web: Web) -> None:
    seen: list[bytes] = []

    async def look(body: bytes, plan: Plan) -> dict[str, int]:
        seen.append(body)
        if b"a@b.example" in body:
            raise EgressRefused("There is an e-mail address in it.")
        return {}

    web.last_look = look
    web.server.pages |= {"/leak": redirect("/next?to=a%40b.example"), "/next": page()}
    assert web.read("/leak").reason == "not_sent"
    assert [request.path for request in web.server.requests] == ["/leak"]
    assert len(seen) == 2


def test_a_page_in_another_script_keeps_its_address(web: Web) -> None:
    web.server.pages["/K%C3%B6ln"] = page()
    found = web.read("/Köln?q=ä ö".replace(" ", "%20"))
    assert found.url == f"{web.url}/K%C3%B6ln?q=%C3%A4%20%C3%B6"
    assert web.server.requests[0].query == "q=%C3%A4%20%C3%B6"


def test_a_reader_that_is_given_up_leaves_nothing_behind(web: Web) -> None:
    web.server.pages["/a"] = wire(START, stays_open=True)

    async def work() -> None:
        permitted = Permitted(frozenset({(SITE, web.server.port)}))
        web.names.answers[SITE] = [["127.0.0.1"]]
        async with aiohttp.ClientSession() as unused:
            reader = PageReader(
                Egress(unused, web.log), web.extractor, permitted=permitted, lookup=web.names
            )
            reading = asyncio.create_task(reader.read(f"{web.url}/a", CALL))
            while not web.server.requests:
                await asyncio.sleep(0.01)
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
            await asyncio.to_thread(web.server.wait_for_abort)
            await reader.close()

    web.run(work())

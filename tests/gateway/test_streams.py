"""What all providers must do alike: timers, cancellation, every way in which a reply breaks."""

from __future__ import annotations

import asyncio
import time
import traceback
from typing import Any

import pytest

from hal.errors import (
    BadReply,
    ConnectionRefused,
    ConnectionReset,
    ContentRefused,
    ContextTooLong,
    ModelMissing,
    OutOfCredits,
    Overloaded,
    ProviderError,
    RateLimited,
    Rejected,
    Timeout,
    Unauthorized,
    Unreachable,
)
from hal.gateway.lines import MAX_LINE_BYTES, MAX_MALFORMED
from hal.types import Finish, Text, Usage
from tests.servers import (
    Begin,
    Cut,
    End,
    ErrorLine,
    OllamaServer,
    Raw,
    Say,
    ScriptedServer,
    Sleep,
    Stall,
    Status,
    Step,
    Wire,
    XaiServer,
    refused_url,
)

from .helpers import OPEN, OpenAiServer, address, answer, ask, failure, run, text_of

SERVERS = {"ollama": OllamaServer, "xai": XaiServer, "openai": OpenAiServer}
each = pytest.mark.parametrize("kind", list(SERVERS))


def serving(kind: str, *steps: Step) -> Any:
    return SERVERS[kind](list(steps))


def broken(kind: str, *steps: Step, **options: Any) -> ProviderError:
    with serving(kind, *steps) as server:
        return failure(kind, address(server), **options)


@each
def test_an_answer_has_one_usage_and_ends_with_its_finish(kind: str) -> None:
    with serving(kind, Say("Grüß "), Say("dich 🙂")) as server:
        chunks = answer(kind, address(server))
    assert text_of(chunks) == "Grüß dich 🙂"
    assert [type(chunk) for chunk in chunks] == [Text, Text, Usage, Finish]
    assert chunks[-1] == Finish("stop")


@each
def test_a_whole_answer_leaves_the_connection_usable(kind: str) -> None:
    async def work(url: str) -> None:
        opener, target = OPEN[kind]
        async with opener(url) as stream:
            for _ in range(3):
                async for _chunk in stream(ask(target)):
                    pass

    with serving(kind, Say("x")) as server:
        run(work(address(server)))
        assert {request.connection for request in server.requests} == {1}


HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = b"transfer-encoding: chunked\r\n\r\n"
BAD = Wire(b"zz\r\nhello\r\n")
FULL = "This model's maximum context length is 8192 tokens, and the prompt has 9000."
HTML = "<html><body>502 Bad Gateway</body></html>"
CASES: list[tuple[str, list[Step], type[ProviderError], str]] = [
    ("web page", [Status(200, HTML)], BadReply, "web page"),
    (
        "page that says json",
        [Status(200, HTML.encode(), {"content-type": "application/json"})],
        BadReply,
        "",
    ),
    ("empty body", [Status(200, b"")], BadReply, "empty"),
    ("empty stream", [Begin(), End()], BadReply, "empty"),
    ("clean end, no finish", [Say("half"), End()], BadReply, "cut off"),
    ("cut", [Say("half"), Cut()], BadReply, "cut off"),
    ("reset", [Say("half"), Cut(reset=True)], BadReply, "cut off"),
    ("cut before a word", [Begin(), Cut()], BadReply, "cut off"),
    ("reset before a word", [Begin(), Cut(reset=True)], BadReply, "cut off"),
    ("cut before the head", [Cut()], ConnectionReset, "closed the connection"),
    ("reset before the head", [Cut(reset=True)], ConnectionReset, "closed the connection"),
    ("half a head", [Wire(b"HTTP/1.1 200 OK\r\ncontent-"), Cut()], ConnectionReset, "closed"),
    ("short length", [Wire(HEAD + b"content-length: 99\r\n\r\n: "), Cut()], BadReply, "cut off"),
    ("negative length", [Wire(HEAD + b"content-length: -4\r\n\r\n"), Cut()], BadReply, "HTTP"),
    ("gzip lie", [Begin({"content-encoding": "gzip"}), Say("x"), End()], BadReply, "cut off"),
    ("bad chunks", [Wire(HEAD + CHUNKED + b"zz\r\nx\r\n"), Stall()], BadReply, ""),
    ("bad chunks later", [Wire(HEAD + CHUNKED), Sleep(0.05), BAD, Stall()], BadReply, "cut off"),
    ("no http", [Wire(b"220 mail.example ESMTP\r\n"), Cut()], BadReply, "HTTP"),
    ("error line first", [ErrorLine("boom")], BadReply, "boom"),
    ("error line later", [Say("half"), ErrorLine("boom")], BadReply, "boom"),
    ("array", [Status(200, b"[1, 2]", {"content-type": "application/json"})], BadReply, "object"),
    ("500", [Status(500, {"error": "out of memory"})], Overloaded, "out of memory"),
    ("502 page", [Status(502, HTML)], Overloaded, "502"),
    ("503", [Status(503, {"error": "try  later"})], Overloaded, "try later"),
    ("408", [Status(408, b"")], Overloaded, "408"),
    ("409", [Status(409, b"")], Overloaded, "409"),
    ("529", [Status(529, {"error": {"message": "Overloaded"}})], Overloaded, "Overloaded"),
    ("429", [Status(429, {"error": "slow down"})], RateLimited, "slow down"),
    ("402", [Status(402, {"error": "pay"})], OutOfCredits, ""),
    ("400", [Status(400, {"error": "bad parameter"})], Rejected, "bad parameter"),
    ("413", [Status(413, b"")], ContextTooLong, "413"),
    ("400 too long", [Status(400, {"error": {"message": FULL}})], ContextTooLong, "9000"),
    ("500 too long", [Status(500, {"error": FULL})], ContextTooLong, "9000"),
    ("error line, too long", [ErrorLine(FULL)], ContextTooLong, "9000"),
    ("403 refused", [Status(403, {"error": "safety_check failed"})], ContentRefused, "failed"),
    ("error line, busy", [ErrorLine("server busy")], Overloaded, "busy"),
    ("422", [Status(422, {"error": {"message": "missing field"}})], Rejected, "missing field"),
    ("401", [Status(401, {"error": "who?"})], Unauthorized, ""),
    ("403", [Status(403, b"")], Unauthorized, ""),
]


@each
@pytest.mark.parametrize(
    ("steps", "kind_of", "words"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_what_breaks_is_one_of_our_errors(
    kind: str, steps: list[Step], kind_of: type[ProviderError], words: str
) -> None:
    error = broken(kind, *steps)
    assert type(error) is kind_of, repr(error)
    assert words in str(error)
    assert error.provider == kind
    assert "<" not in error.sentence


@each
def test_the_text_before_a_break_is_delivered(kind: str) -> None:
    with serving(kind, Say("half"), Cut()) as server:
        chunks = answer(kind, address(server))
    assert text_of(chunks) == "half"
    assert isinstance(chunks[-1], BadReply)


@each
@pytest.mark.parametrize("status", [402, 429, 503, 529])
def test_retry_after_is_passed_on(kind: str, status: int) -> None:
    error = broken(kind, Status(status, {"error": "x"}, {"Retry-After": "17"}))
    assert error.retry_after_s == 17
    assert error.status == status


@each
def test_what_a_closed_server_said_last_is_delivered(kind: str) -> None:
    """Bad chunks are found out at once, not by the timer of a pause."""
    began = time.monotonic()
    with serving(kind, Say("half"), Sleep(0.1), BAD, Stall()) as server:
        chunks = answer(kind, address(server), gap_s=30.0)
    assert text_of(chunks) == "half"
    assert "cut off" in str(chunks[-1])
    assert time.monotonic() - began < 15


@each
@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_nobody_listens(kind: str, name: str) -> None:
    url = refused_url().replace("127.0.0.1", name)
    error = failure(kind, url)
    assert type(error) is ConnectionRefused
    assert str(error).endswith(f"does not answer at {url}.")


@each
@pytest.mark.parametrize("url", ["http://[", "http://127.0.0.1:1/a b"])
def test_addresses_that_lead_nowhere(kind: str, url: str) -> None:
    assert isinstance(failure(kind, url), Unreachable | BadReply)


@each
def test_a_name_that_nobody_knows(kind: str) -> None:
    assert type(failure(kind, "http://name.invalid")) is Unreachable


@each
def test_a_connection_that_is_not_safe(kind: str) -> None:
    with SERVERS[kind]() as server:
        error = failure(kind, address(server).replace("http:", "https:"))
    assert type(error) is Unreachable
    assert "TLS" in str(error)


@each
def test_a_password_in_the_address_is_in_no_error(kind: str) -> None:
    for url in (refused_url(), "http://127.0.0.1:1/a b", "http://["):
        error = failure(kind, url.replace("http://", "http://me:secret@"))
        assert isinstance(error, ProviderError)
        assert "secret" not in "".join(traceback.format_exception(error)) + error.sentence


@each
def test_redirects_are_not_followed(kind: str) -> None:
    with SERVERS[kind]() as elsewhere:
        moved = Status(307, b"", {"location": f"{elsewhere.url}/api/chat"})
        assert isinstance(broken(kind, moved), Rejected | BadReply)
        assert elsewhere.requests == []


@each
def test_an_endless_line_ends(kind: str) -> None:
    start = b'{"a": "' if kind == "ollama" else b"data: "
    error = broken(kind, Raw(start), *[Raw(b"x" * 1_000_000)] * 3, Stall())
    assert "without end" in str(error)


@each
def test_a_long_line_is_an_answer_or_an_error_soon(kind: str) -> None:
    began = time.monotonic()
    with serving(kind, Say("x" * 2_000_000)) as server:
        assert len(text_of(answer(kind, address(server)))) == 2_000_000
    error = broken(kind, Say("x" * (MAX_LINE_BYTES + 1)))
    assert "without end" in str(error)
    assert time.monotonic() - began < 15


def malformed(kind: str, count: int) -> list[Step]:
    line = b'{"secret": \n' if kind == "ollama" else b'data: {"secret": \n\n'
    return [Raw(line)] * count


@each
@pytest.mark.parametrize("in_one_piece", [True, False])
def test_a_few_malformed_pieces_are_left_out_and_counted(
    kind: str, in_one_piece: bool, caplog: pytest.LogCaptureFixture
) -> None:
    bad = malformed(kind, MAX_MALFORMED)
    steps = [Raw(b"".join(step.data for step in bad))] if in_one_piece else bad  # type: ignore[union-attr]
    with serving(kind, Say("it "), *steps, Say("goes on")) as server:
        chunks = answer(kind, address(server))
    assert text_of(chunks) == "it goes on"
    assert chunks[-1] == Finish("stop")
    assert f"{MAX_MALFORMED} malformed pieces" in caplog.text
    assert "secret" not in caplog.text


@each
def test_too_many_malformed_pieces(kind: str) -> None:
    error = broken(kind, Say("ok"), *malformed(kind, MAX_MALFORMED + 1), Stall())
    assert type(error) is BadReply
    assert "no JSON" in str(error)
    assert "secret" not in str(error)


@each
def test_nothing_but_a_malformed_piece(kind: str) -> None:
    error = broken(kind, *malformed(kind, 1), End())
    assert type(error) is BadReply
    assert "no JSON" in str(error)


@each
@pytest.mark.parametrize(
    "junk",
    [
        b'{"message": "x", "choices": "y", "done": "no"}',
        b'{"message": null, "choices": [null]}',
        b'{"message": {"content": 3, "tool_calls": [7]}, "choices": [{"delta": [1]}]}',
        b"{}",
        b'{"choices": [{"delta": {"content": null, "tool_calls": [{"index": "x"}, null]}}]}',
    ],
)
def test_objects_of_the_wrong_shape_are_no_crash(kind: str, junk: bytes) -> None:
    line = junk + b"\n" if kind == "ollama" else b"data: " + junk + b"\n\n"
    with serving(kind, Raw(line), Say("fine")) as server:
        chunks = answer(kind, address(server))
    assert text_of(chunks) == "fine"
    assert isinstance(chunks[-1], Finish)


# Timers


@each
@pytest.mark.parametrize("steps", [[Stall()], [Begin(), Stall()]], ids=["no head", "no token"])
def test_no_first_token(kind: str, steps: list[Step]) -> None:
    began = time.monotonic()
    error = broken(kind, *steps, first_token_s=0.1, gap_s=5.0)
    assert type(error) is Timeout
    assert "no first token within 0.1 s" in str(error)
    assert time.monotonic() - began < 4.5


@each
def test_a_gap(kind: str) -> None:
    error = broken(kind, Say("half"), Stall(), first_token_s=5.0, gap_s=0.1)
    assert type(error) is Timeout
    assert "stopped talking for 0.1 s" in str(error)


def test_comments_are_no_tokens() -> None:
    pings = [step for _ in range(10) for step in (Raw(b": ping\n\n"), Sleep(0.05))]
    assert "no first token" in str(broken("xai", *pings, first_token_s=0.2))
    assert "stopped talking" in str(broken("xai", Say("x"), *pings, gap_s=0.2))


def test_blank_lines_are_no_tokens() -> None:
    pings = [step for _ in range(10) for step in (Raw(b"\n"), Sleep(0.05))]
    assert "no first token" in str(broken("ollama", *pings, first_token_s=0.2))


@each
def test_a_slow_consumer_is_no_gap(kind: str) -> None:
    async def work(url: str) -> list[Any]:
        opener, target = OPEN[kind]
        found = []
        async with opener(url, gap_s=0.15) as stream:
            async for chunk in stream(ask(target)):
                found.append(chunk)
                await asyncio.sleep(0.1)
        return found

    with serving(kind, Say("a"), Sleep(0.12), Say("b"), Sleep(0.12), Say("c")) as server:
        chunks = run(work(address(server)))
    assert text_of(chunks) == "abc"
    assert isinstance(chunks[-1], Finish)


@each
def test_a_slow_head_may_take_the_first_tokens_time(kind: str) -> None:
    with serving(kind, Sleep(0.25), Say("late")) as server:
        assert text_of(answer(kind, address(server), first_token_s=3.0, gap_s=0.1)) == "late"


# Cancellation


async def abort_seen(server: ScriptedServer) -> None:
    """Raises TimeoutError where the connection stays open."""
    await asyncio.to_thread(server.wait_for_abort, 5)


@each
def test_closing_the_iterator_closes_the_connection(kind: str) -> None:
    async def work(server: ScriptedServer) -> None:
        opener, target = OPEN[kind]
        async with opener(address(server)) as stream:
            chunks = stream(ask(target))
            assert await anext(chunks) == Text("one")
            await chunks.aclose()
            await abort_seen(server)  # the session is still open: it was not its closing

    with serving(kind, Say("one"), Stall()) as server:
        run(work(server))


@each
@pytest.mark.parametrize(
    "steps",
    [[Stall()], [Begin(), Stall()], [Say("one"), Stall()]],
    ids=["before the head", "before a token", "in mid-answer"],
)
def test_cancelling_closes_the_connection(kind: str, steps: list[Step]) -> None:
    async def work(server: ScriptedServer) -> None:
        opener, target = OPEN[kind]
        async with opener(address(server)) as stream:

            async def consume() -> None:
                async for _ in stream(ask(target)):
                    pass

            task = asyncio.create_task(consume())
            await asyncio.to_thread(server.wait_for_request)
            await asyncio.sleep(0.03)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await abort_seen(server)

    with serving(kind, *steps) as server:
        run(work(server))


@each
def test_a_timeout_closes_the_connection(kind: str) -> None:
    with serving(kind, Say("half"), Stall()) as server:
        failure(kind, address(server), gap_s=0.1)
        server.wait_for_abort(timeout_s=1)


@each
def test_a_stream_that_nobody_reads_sends_nothing(kind: str) -> None:
    async def work(url: str) -> None:
        opener, target = OPEN[kind]
        async with opener(url) as stream:
            await stream(ask(target)).aclose()

    with serving(kind) as server:
        run(work(address(server)))
        assert server.requests == []


def test_missing_models_have_a_remedy() -> None:
    with OllamaServer(models=()) as server:
        error = failure("ollama", server.url)
    assert type(error) is ModelMissing
    assert error.remedy == "Run: ollama pull nemotron-3-nano:30b"
    with XaiServer(models=()) as server:
        error = failure("xai", server.base_url)
    assert type(error) is ModelMissing
    assert "grok-4.3" in str(error)
    assert "CLOUD_MODEL" in error.remedy

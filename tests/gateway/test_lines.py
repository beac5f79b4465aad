"""Every stream reads the same whole, one byte at a time, and in any other pieces."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.gateway.lines import (
    MAX_LINE_BYTES,
    MAX_MALFORMED,
    LineDecoder,
    LineTooLong,
    NdjsonDecoder,
    NotJson,
    SseDecoder,
    SseEvent,
)

E = SseEvent


def fed(decoder: Any, pieces: Iterable[bytes]) -> list[Any]:
    return [item for piece in pieces for item in decoder.feed(piece)]


def decoded(make: Callable[[], Any], pieces: Iterable[bytes]) -> list[Any]:
    decoder = make()
    return fed(decoder, pieces) + list(decoder.flush())


def bytewise(data: bytes) -> Iterator[bytes]:
    return (data[i : i + 1] for i in range(len(data)))


TABLE = [
    ("lines", LineDecoder, b"a\nb\n", ["a", "b"]),
    ("crlf", LineDecoder, b"a\r\n\r\nb\r\n", ["a", "", "b"]),
    ("no newline at the end", LineDecoder, b"a\nb", ["a", "b"]),
    ("utf-8", LineDecoder, "grüß 🙂\n".encode(), ["grüß 🙂"]),
    ("no utf-8", LineDecoder, b"a\xffb\n", ["a\ufffdb"]),
    ("byte order mark", LineDecoder, b"\xef\xbb\xbfa\nb\n", ["a", "b"]),
    ("nothing", LineDecoder, b"", []),
    ("a lone CR is text", LineDecoder, b"a\rb\n", ["a\rb"]),
    ("event", SseDecoder, b"data: x\n\n", [E("x")]),
    ("no space", SseDecoder, b"data:x\n\n", [E("x")]),
    ("only the first space goes", SseDecoder, b"data:  x\n\n", [E(" x")]),
    ("events, crlf", SseDecoder, b"data: x\r\n\r\ndata: y\r\n\r\n", [E("x"), E("y")]),
    ("comments", SseDecoder, b": ping\n\n: ping\ndata: x\n: late\n\n", [E("x")]),
    ("several data lines", SseDecoder, b"data: x\ndata\ndata: y\n\n", [E("x\n\ny")]),
    ("names", SseDecoder, b"event: error\ndata: x\n\ndata: y\n\n", [E("x", "error"), E("y")]),
    ("id and retry", SseDecoder, b"id: 7\nretry: 10\ndata: x\n\n", [E("x")]),
    ("a name without data", SseDecoder, b"event: ping\n\ndata: x\n\n", [E("x")]),
    ("cut before the blank line", SseDecoder, b"data: x\n\ndata: [DONE]", [E("x"), E("[DONE]")]),
    ("html", SseDecoder, b"<html>\n<body>data</body>\n", []),
    ("objects", NdjsonDecoder, b'{"a":1}\n{"b":2}\n', [{"a": 1}, {"b": 2}]),
    ("blank lines", NdjsonDecoder, b'\n \r\n{"a":1}\r\n\n', [{"a": 1}]),
    ("last without newline", NdjsonDecoder, b'{"a":1}\n{"b":2}', [{"a": 1}, {"b": 2}]),
]


@pytest.mark.parametrize(
    ("make", "data", "want"), [r[1:] for r in TABLE], ids=[r[0] for r in TABLE]
)
class TestTable:
    def test_whole(self, make: Callable[[], Any], data: bytes, want: list[Any]) -> None:
        assert decoded(make, [data]) == want

    def test_one_byte_at_a_time(
        self, make: Callable[[], Any], data: bytes, want: list[Any]
    ) -> None:
        assert decoded(make, bytewise(data)) == want

    def test_with_trailing_data(
        self, make: Callable[[], Any], data: bytes, want: list[Any]
    ) -> None:
        trailing = {LineDecoder: "z", SseDecoder: E("z"), NdjsonDecoder: {"z": 1}}[make]
        more = {LineDecoder: b"z\n", SseDecoder: b"data: z\n\n", NdjsonDecoder: b'{"z":1}\n'}[make]
        if data.endswith(b"\n"):
            assert decoded(make, [data + more]) == [*want, trailing]


def pieces_of(data: bytes, cuts: list[int]) -> list[bytes]:
    at = sorted({cut % (len(data) + 1) for cut in cuts})
    return [data[a:b] for a, b in zip([0, *at], [*at, len(data)], strict=True)]


CUTS = st.lists(st.integers(0, 10_000), max_size=12)


@given(st.lists(st.text(st.characters(exclude_characters="\r\n\ufeff"))), st.booleans(), CUTS)
def test_lines_survive_any_chunking(lines: list[str], crlf: bool, cuts: list[int]) -> None:
    end = "\r\n" if crlf else "\n"
    data = "".join(line + end for line in lines).encode("utf-8", "replace")
    want = [line.encode("utf-8", "replace").decode() for line in lines]
    assert decoded(LineDecoder, pieces_of(data, cuts)) == want


@given(st.lists(st.text(min_size=1)), CUTS)
def test_events_survive_any_chunking(texts: list[str], cuts: list[int]) -> None:
    data = "".join(f"data: {json.dumps(text)}\n\n" for text in texts).encode()
    assert [json.loads(e.data) for e in decoded(SseDecoder, pieces_of(data, cuts))] == texts


@given(st.lists(st.dictionaries(st.text(), st.text() | st.integers())), CUTS)
def test_objects_survive_any_chunking(objects: list[dict[str, Any]], cuts: list[int]) -> None:
    data = "".join(json.dumps(o, ensure_ascii=True) + "\n" for o in objects).encode()
    assert decoded(NdjsonDecoder, pieces_of(data, cuts)) == objects


@given(st.binary(), CUTS)
def test_any_bytes_read_the_same_in_pieces(data: bytes, cuts: list[int]) -> None:
    for make in (LineDecoder, SseDecoder):
        assert decoded(make, pieces_of(data, cuts)) == decoded(make, [data])


def test_done_mark() -> None:
    assert E("[DONE]").is_done
    assert E(" [DONE]").is_done
    assert not E('{"text": "[DONE]"}').is_done


@pytest.mark.parametrize("size", [1, 7, 64])
def test_an_endless_line_ends_in_an_error(size: int) -> None:
    decoder = LineDecoder(max_bytes=100)
    with pytest.raises(LineTooLong):
        fed(decoder, [b"x" * size] * 200)


def test_a_line_of_just_the_limit_is_fine() -> None:
    assert decoded(lambda: LineDecoder(10), [b"x" * 10 + b"\n", b"y" * 10 + b"\n"]) == [
        "x" * 10,
        "y" * 10,
    ]


def test_an_endless_event_ends_in_an_error() -> None:
    decoder = SseDecoder(max_bytes=100)
    with pytest.raises(LineTooLong):
        fed(decoder, [b"data: xxxx\n"] * 50)


def test_what_came_before_an_error_is_not_lost() -> None:
    lines = LineDecoder(10).feed(b"first\n" + b"x" * 20)
    assert next(lines) == "first"
    with pytest.raises(LineTooLong):
        next(lines)


@pytest.mark.parametrize("line", [b"<html>", b"[1]", b'"x"', b"3", b"{", b"[" * 100_000])
def test_what_is_no_object(line: bytes) -> None:
    decoder = NdjsonDecoder()
    assert list(decoder.feed(line + b'\n{"a": 1}\n')) == [{"a": 1}]
    assert decoder.objects.malformed == 1
    assert isinstance(decoder.objects.problem, NotJson)
    assert "html" not in str(decoder.objects.problem)


def test_too_many_of_them_are_an_error_and_lose_nothing_before() -> None:
    decoder = NdjsonDecoder()
    lines = decoder.feed(b"{\n" * MAX_MALFORMED + b'{"a": 1}\n{\n{"b": 2}\n')
    assert next(lines) == {"a": 1}
    with pytest.raises(NotJson):
        next(lines)


def test_a_last_broken_line_counts() -> None:
    decoder = NdjsonDecoder()
    assert list(decoder.feed(b'{"a": 1}\n{"b"')) == [{"a": 1}]
    assert list(decoder.flush()) == []
    assert decoder.objects.malformed == 1


@pytest.mark.parametrize(
    ("make", "start"), [(LineDecoder, b""), (SseDecoder, b"data: "), (NdjsonDecoder, b'{"a": "')]
)
def test_a_long_line_in_small_pieces_is_not_quadratic(
    make: Callable[[], Any], start: bytes
) -> None:
    """A tenth of a second; who reads the whole line for every piece needs more than a minute."""
    began = time.process_time()
    assert fed(make(), [start, *[b"x" * 16] * (MAX_LINE_BYTES // 16 - 1)]) == []
    assert time.process_time() - began < 5


def test_two_mebibytes_are_one_line() -> None:
    decoder = LineDecoder()
    assert fed(decoder, [b"x" * 1024] * 2047) == []
    assert len(next(decoder.feed(b"\n"))) == 2047 * 1024

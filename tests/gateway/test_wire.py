"""What servers send, well or badly, is read without an exception."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.gateway.providers import wire

NOW = 1_790_000_000.0  # Mon, 21 Sep 2026 14:13:20 GMT

RETRY = [
    ("seconds", {"Retry-After": "7"}, 7.0),
    ("fraction", {"retry-after": "0.5"}, 0.5),
    ("milliseconds win", {"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
    ("Azure's milliseconds", {"x-ms-retry-after-ms": "250", "retry-after": "9"}, 0.25),
    ("date", {"retry-after": "Mon, 21 Sep 2026 14:13:50 GMT"}, 30.0),
    ("date without zone", {"retry-after": "Mon, 21 Sep 2026 14:13:50"}, 30.0),
    ("past date", {"retry-after": "Mon, 21 Sep 2026 14:13:00 GMT"}, 0.0),
    ("negative", {"retry-after": "-3"}, 0.0),
    ("nonsense", {"retry-after": "soon"}, None),
    ("nonsense ms, good seconds", {"retry-after-ms": "x", "retry-after": "2"}, 2.0),
    ("infinite", {"retry-after": "inf"}, None),
    ("not a number", {"retry-after": "nan"}, None),
    ("empty", {"retry-after": ""}, None),
    ("absent", {}, None),
]


@pytest.mark.parametrize(("headers", "want"), [r[1:] for r in RETRY], ids=[r[0] for r in RETRY])
def test_retry_after(headers: dict[str, str], want: float | None) -> None:
    assert wire.retry_after_s(headers, NOW) == want


@given(st.text())
def test_any_retry_after_is_none_or_a_wait(value: str) -> None:
    wait = wire.retry_after_s({"retry-after": value}, NOW)
    assert wait is None or wait >= 0


@pytest.mark.parametrize(
    ("body", "want"),
    [
        ('{"error": "no  such\\nmodel"}', "no such model"),
        ('{"error": {"message": "busy"}}', "busy"),
        ('{"error": 3}', ""),
        ("[1]", ""),
        ("<html>", ""),
        ("", ""),
        (json.dumps({"error": "x" * 5000}), "x" * 299 + "…"),
    ],
)
def test_error_text(body: str, want: str) -> None:
    assert wire.error_text(body) == want


@pytest.mark.parametrize(
    ("reply", "want"),
    [
        ({"error": {"message": "no", "type": "t", "code": "c"}}, "no t c"),
        ({"error": "no", "code": "c"}, "no c"),
        ({"error": {"code": 400}}, ""),
        ({"error": {"code": "rate_limit"}}, "rate_limit"),
        (["error"], ""),
        (None, ""),
    ],
)
def test_signs(reply: object, want: str) -> None:
    assert wire.signs(reply) == want


@pytest.mark.parametrize(
    ("tokens", "full"), [(8192, True), (8190, True), (7900, False), (0, False)]
)
def test_a_full_window(tokens: int, full: bool) -> None:
    assert wire.fills_window(tokens, 8192) is full


@pytest.mark.parametrize(
    ("value", "want"),
    [(3, 3), (3.9, 3), (-1, 0), (True, 0), ("3", 0), (None, 0), (float("nan"), 0), ([], 0)],
)
def test_count(value: object, want: int) -> None:
    assert wire.count(value) == want


def test_encoding_is_readable_and_never_fails() -> None:
    assert wire.encode({"text": "Grüße \ud800"}) == '{"text": "Grüße ?"}'.encode()


def test_call_ids_differ() -> None:
    assert wire.new_call_id() != wire.new_call_id()

"""The line of a turn in the server's log: what stands in it, and that it is one line."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.telemetry.line import line_of

from .things import TEXT, call, finished

PAIR = re.compile(r'([a-z_]+)=("(?:[^"\\]|\\.)*"|[^ "=\\]+)(?: |$)')


def parsed(line: str) -> dict[str, str]:
    """What a reader of logfmt makes of it; fails when anything is left over."""
    pairs, end = {}, 0
    while end < len(line):
        found = PAIR.match(line, end)
        assert found is not None, line[end:]
        name, value = found.groups()
        assert name not in pairs
        pairs[name] = json.loads(value) if value.startswith('"') else value
        end = found.end()
    return pairs


def test_an_ordinary_turn() -> None:
    assert line_of(finished()) == (
        "turn=3f9a21bc route=MODERATE target=ollama/nemotron-3-nano:30b outcome=done "
        "confidence=0.91 decided_by=classifier classify_ms=120 ttft_ms=420 total_ms=1830 "
        "in=812 out=304 cost_usd=0"
    )


FIELDS = [
    pytest.param({"error_code": "timeout", "outcome": "failed"}, "error", "timeout", id="error"),
    pytest.param({"cost_usd": 0.0041234}, "cost_usd", "0.0041234", id="cost"),
    pytest.param({"cost_usd": None}, "cost_usd", None, id="unknown cost"),
    pytest.param({"cache": "exact"}, "cache", "exact", id="cache"),
    pytest.param({"private_kinds": {"PHONE": 2, "EMAIL": 1}}, "private", "3", id="private"),
    pytest.param({"degradations": ("a", "b")}, "degraded", "a,b", id="degraded"),
    pytest.param({"provider": ""}, "target", None, id="nobody answered"),
    pytest.param({"confidence": None, "route": ""}, "confidence", None, id="not decided"),
    pytest.param({"first_token_ms": None}, "ttft_ms", None, id="no token"),
]


@pytest.mark.parametrize(("changes", "name", "value"), FIELDS)
def test_a_field(changes: Mapping[str, Any], name: str, value: str | None) -> None:
    assert parsed(line_of(finished(**changes))).get(name) == value


def test_more_than_one_call_is_counted() -> None:
    assert parsed(line_of(finished(call(), call(n=2))))["calls"] == "2"
    assert "calls" not in parsed(line_of(finished(call())))


def test_no_word_of_the_users_is_in_it() -> None:
    assert TEXT not in line_of(finished())


@pytest.mark.parametrize(
    "model",
    ["a b", "a\nb", 'a"b', "a=b", "a\\b", "", "ä", "a\u2028b", "a\x85b", "a\x1b[31m", "a\x7fb"],
)
def test_a_name_with_anything_in_it_is_one_value(model: str) -> None:
    line = line_of(finished(model=model))
    assert parsed(line)["target"] == f"ollama/{model}"
    assert line.isprintable()
    assert len(line.splitlines()) == 1


@given(st.text(), st.text())
def test_it_is_always_one_line_that_can_be_read_back(model: str, code: str) -> None:
    line = line_of(finished(model=model, error_code=code))
    assert line.isascii()
    assert line.isprintable()
    assert parsed(line)["target"] == f"ollama/{model}"
    assert parsed(line).get("error", "") == code

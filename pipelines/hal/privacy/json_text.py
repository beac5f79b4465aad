"""The string literals of a JSON text, found where they stand.

Pure. Reads strings and nothing else, so that a text that is cut short, or not quite JSON, still
shows its strings, and all that is not a string keeps its spelling.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

# Possessive, so that a quotation mark without its partner is read once. Ends at the end of the
# text, because arguments arrive cut short.
_LITERAL = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\Z)', re.DOTALL)
# Models write line ends into strings as they are.
_DECODER = json.JSONDecoder(strict=False)


_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_SHORT = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_MAY_BE_JSON = re.compile(r'\s{0,64}[{\["]')


@dataclass(frozen=True, slots=True)
class JsonString:
    """A literal between its quotation marks, at [start, end), and what it says."""

    start: int
    end: int
    value: str


def may_be_json(text: str) -> bool:
    """Whether it begins like an object, a list or a string."""
    return _MAY_BE_JSON.match(text) is not None


def is_json(text: str) -> bool:
    try:
        _DECODER.decode(text)
    except (ValueError, RecursionError):
        return False
    return True


def literals(text: str) -> Iterator[JsonString]:
    """All of them, left to right; the last one may lack its closing mark."""
    for found in _LITERAL.finditer(text):
        is_closed = found.end() - found.start() > 1 and _is_closed(found.group())
        start, end = found.start() + 1, found.end() - is_closed
        yield JsonString(start, end, _value(text[start:end]))


def written(value: str, like: str) -> str:
    """`value` between its marks; in ASCII if `like`, an old one, escapes what is not."""
    return json.dumps(value, ensure_ascii="\\u" in like)[1:-1]


def _is_closed(literal: str) -> bool:
    """A mark behind an odd number of backslashes is text."""
    before = literal[1:-1]
    return literal.endswith('"') and (len(before) - len(before.rstrip("\\"))) % 2 == 0


def _value(content: str) -> str:
    """What it says; escapes that are none say themselves."""
    if "\\" not in content:
        return content
    try:
        value = _DECODER.decode(f'"{content}"')
    except ValueError:
        return _ESCAPE.sub(_unescaped, content)
    return str(value)


def _unescaped(escape: re.Match[str]) -> str:
    code = escape.group(1)
    return chr(int(code[1:], 16)) if len(code) > 1 else _SHORT.get(code, code)

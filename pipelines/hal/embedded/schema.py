"""Ollama's `format` as the JSON schema that this build of llama.cpp is given.

It does not know requests. The build compiles schemas with llguidance, which differs from Ollama in
three ways that are levelled here: it allows properties that a schema does not name, it lets a small
model write white space without end, and it *ignores* a schema that it cannot read (a line on stderr
and an unconstrained answer), so a wrong one is refused before it gets there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .errors import BadRequest

Schema = dict[str, Any]
Format = str | Schema | None

_TYPES = {"object", "array", "string", "number", "integer", "boolean", "null"}
# As models write JSON by themselves, with no choice left to them.
_LAYOUT = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}


def check_format(value: Format) -> None:
    """Refuse what Ollama refuses; raises BadRequest."""
    if isinstance(value, str) and value not in ("", "json"):
        raise BadRequest(
            f'invalid format: "{value}"; expected "json" or a valid JSON Schema object'
        )
    if isinstance(value, dict):
        for unknown in _unknown_types(value):
            raise BadRequest(f"invalid JSON schema in format: unknown type {unknown!r}")


def as_llama_schema(value: str | Schema) -> Schema:
    """Return the schema for llama.cpp's `json_schema`."""
    schema = {"type": "object"} if isinstance(value, str) else _closed(value)
    return {**schema, "x-guidance": _LAYOUT}


def _closed(node: Any) -> Any:
    """Forbid properties that are not named, as Ollama's own converter does, at every depth."""
    if isinstance(node, list):
        return [_closed(item) for item in node]
    if not isinstance(node, dict):
        return node
    inner = {key: value if key in _VALUES else _closed(value) for key, value in node.items()}
    if isinstance(node.get("properties"), dict) and "additionalProperties" not in node:
        inner["additionalProperties"] = False
    return inner


_VALUES = ("enum", "const", "default", "examples")
"""Keywords that hold data, in which a key "type" means nothing."""


def _unknown_types(node: Any) -> Iterator[Any]:
    if isinstance(node, list):
        for item in node:
            yield from _unknown_types(item)
    if not isinstance(node, dict):
        return
    kinds = node.get("type", [])
    if isinstance(kinds, str | list):  # a dict is a property that is called "type"
        yield from (kind for kind in _each(kinds) if kind not in _TYPES)
    for key, value in node.items():
        if key not in _VALUES:
            yield from _unknown_types(value)


def _each(kinds: str | list[Any]) -> list[Any]:
    return [kinds] if isinstance(kinds, str) else kinds

"""`format` becomes the schema that llama.cpp reads as Ollama would."""

from __future__ import annotations

from typing import Any

import pytest

from hal.embedded.errors import BadRequest
from hal.embedded.schema import as_llama_schema, check_format

OBJECT = {"type": "object", "properties": {"a": {"type": "string"}}}


@pytest.mark.parametrize(
    "value", [None, "", "json", OBJECT, {"type": ["string", "null"]}, {"anyOf": [OBJECT]}, {}]
)
def test_accepted(value: Any) -> None:
    check_format(value)


@pytest.mark.parametrize(
    "value",
    [
        "yaml",
        {"type": "text"},
        {"type": "object", "properties": {"a": {"type": "text"}}},
        {"anyOf": [{"type": ["string", "text"]}]},
    ],
)
def test_refused(value: Any) -> None:
    with pytest.raises(BadRequest, match="format"):
        check_format(value)


def test_a_property_may_be_called_type() -> None:
    check_format({"type": "object", "properties": {"type": {"enum": ["x"]}}})
    check_format({"enum": [{"type": "anything"}]})


def test_json_is_any_object() -> None:
    assert as_llama_schema("json")["type"] == "object"


def test_unnamed_properties_are_forbidden_at_every_depth() -> None:
    made = as_llama_schema({"type": "object", "properties": {"inner": OBJECT}})
    assert made["additionalProperties"] is False
    assert made["properties"]["inner"]["additionalProperties"] is False


def test_unless_the_schema_allows_them() -> None:
    assert as_llama_schema({**OBJECT, "additionalProperties": True})["additionalProperties"] is True


def test_the_callers_schema_is_left_alone() -> None:
    before = {"type": "object", "properties": {"inner": dict(OBJECT)}}
    as_llama_schema(before)
    assert before == {"type": "object", "properties": {"inner": OBJECT}}

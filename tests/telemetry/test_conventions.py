"""The names of OpenTelemetry for our columns: complete, in their units, and without any text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.sessions.columns import AnyRow
from hal.sessions.conventions import (
    CALL,
    CALL_LEFT_OUT,
    DECISION_COLUMNS,
    LOOKUP,
    LOOKUP_LEFT_OUT,
    TURN,
    TURN_LEFT_OUT,
    Attribute,
    call_attributes,
    decision_attributes,
    lookup_attributes,
    turn_attributes,
)
from hal.sessions.record import CallRow, LookupRow, TurnRow

from .things import TEXT, TURN_ID, call, lookup, row

TABLES = [
    pytest.param(TurnRow, TURN, TURN_LEFT_OUT, id="turn"),
    pytest.param(CallRow, CALL, CALL_LEFT_OUT, id="call"),
    pytest.param(LookupRow, LOOKUP, LOOKUP_LEFT_OUT, id="lookup"),
]
Columns = Mapping[str, tuple[Attribute, ...]]


@pytest.mark.parametrize(("kind", "mapped", "left_out"), TABLES)
def test_every_column_has_a_name_or_a_reason(
    kind: type[AnyRow], mapped: Columns, left_out: Mapping[str, str]
) -> None:
    columns = {field.name for field in fields(kind)}
    assert set(mapped) | set(left_out) == columns
    assert not set(mapped) & set(left_out)
    assert all(left_out.values())


@pytest.mark.parametrize(("kind", "mapped", "left_out"), TABLES)
def test_no_two_columns_share_a_name(
    kind: type[AnyRow], mapped: Columns, left_out: Mapping[str, str]
) -> None:
    names = [attribute.name for attributes in mapped.values() for attribute in attributes]
    assert len(names) == len(set(names))
    own = ("hal.", "gen_ai.")
    assert {n for n in names if not n.startswith(own)} <= {
        "error.type",
        "server.address",
        "server.port",
    }


def test_the_names_are_those_of_the_conventions() -> None:
    module = pytest.importorskip("opentelemetry.semconv._incubating.attributes.gen_ai_attributes")
    known = {value for name, value in vars(module).items() if name.startswith("GEN_AI_")}
    used = {
        attribute.name
        for columns in (TURN, CALL, LOOKUP)
        for attributes in columns.values()
        for attribute in attributes
        if attribute.name.startswith("gen_ai.")
    }
    assert used <= known


def test_a_turn() -> None:
    assert turn_attributes(row(degradations=("xai_timeout",), private_kinds={"PHONE": 2})) == {
        "gen_ai.operation.name": "invoke_workflow",
        "gen_ai.workflow.name": "hal-auto",
        "gen_ai.conversation.id": "chat-1",
        "gen_ai.prompt.name": "classify@1+abcdef01",
        "gen_ai.provider.name": "ollama",
        "gen_ai.response.model": "nemotron-3-nano:30b",
        "gen_ai.response.time_to_first_chunk": 0.42,
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": 812,
        "gen_ai.usage.output_tokens": 304,
        "hal.turn_id": TURN_ID,
        "hal.policy_id": "policy-1",
        "hal.route": "MODERATE",
        "hal.decided_by": "classifier",
        "hal.confidence": 0.914,
        "hal.propensity": 1.0,
        "hal.decision.duration": pytest.approx(0.1204),
        "hal.duration": 1.83,
        "hal.outcome": "done",
        "hal.cost_usd": 0.0,
        "hal.leaves_machine": False,
        "hal.is_hard": False,
        "hal.degradations": ("xai_timeout",),
        "hal.private_kinds": ("PHONE",),
    }


def test_a_call() -> None:
    assert call_attributes(call(cached_tokens=800, reasoning_tokens=12, error_code="timeout")) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "ollama",
        "gen_ai.request.model": "nemotron-3-nano:30b",
        "gen_ai.response.time_to_first_chunk": 0.28,
        "gen_ai.usage.input_tokens": 812,
        "gen_ai.usage.output_tokens": 304,
        "gen_ai.usage.cache_read.input_tokens": 800,
        "gen_ai.usage.reasoning.output_tokens": 12,
        "server.address": "127.0.0.1",
        "server.port": 11434,
        "error.type": "timeout",
        "hal.call_id": "call-1",
        "hal.turn_id": TURN_ID,
        "hal.call_number": 1,
        "hal.purpose": "answer",
        "hal.outcome": "done",
        "hal.attempt": 1,
        "hal.is_estimate": False,
        "hal.cost_usd": 0.0,
        "hal.duration": 1.69,
    }


def test_a_search() -> None:
    found = lookup_attributes(lookup(rewritten_by="model", freshness="day"))
    assert found["gen_ai.operation.name"] == "retrieval"
    assert (found["hal.search.cited"], found["hal.search.sources"]) == (2, 3)
    assert (found["hal.search.rewritten_by"], found["hal.duration"]) == ("model", 2.5)


def test_a_decision_has_nothing_of_the_answer() -> None:
    found = decision_attributes(row())
    assert found["gen_ai.operation.name"] == "decision"
    assert (found["hal.route"], found["hal.confidence"]) == ("MODERATE", 0.914)
    assert not [name for name in found if name.startswith("gen_ai.usage") or "model" in name]
    assert set(DECISION_COLUMNS) <= set(TURN)


ODD = [
    pytest.param({"provider": "xai"}, "gen_ai.provider.name", "x_ai", id="xAI"),
    pytest.param(
        {"provider": "openai"}, "gen_ai.provider.name", "openai_compatible", id="not OpenAI"
    ),
    pytest.param(
        {"finish_reason": TEXT}, "gen_ai.response.finish_reasons", ("other",), id="odd finish"
    ),
    pytest.param({"finish_reason": ""}, "gen_ai.response.finish_reasons", None, id="no finish"),
    pytest.param({"cost_usd": None}, "hal.cost_usd", None, id="not known"),
    pytest.param({"confidence": 0.0}, "hal.confidence", 0.0, id="zero is a value"),
    pytest.param({"model": "a\ud800b"}, "gen_ai.response.model", "a?b", id="half an emoji"),
    pytest.param({"total_ms": None}, "hal.duration", None, id="no time"),
]


@pytest.mark.parametrize(("changes", "name", "value"), ODD)
def test_what_is_odd(changes: Mapping[str, Any], name: str, value: object) -> None:
    assert turn_attributes(row(**changes)).get(name) == value


HOSTS = [
    pytest.param("https://me:key@api.x.ai/v1", "api.x.ai", None, id="with a key in it"),
    pytest.param("http://[::1]:11434", "::1", 11434, id="IPv6"),
    pytest.param("http://[::1", None, None, id="no address"),
    pytest.param("http://host:99999", "host", None, id="no port"),
    pytest.param("", None, None, id="none"),
]


@pytest.mark.parametrize(("host", "address", "port"), HOSTS)
def test_where_a_server_is(host: str, address: str | None, port: int | None) -> None:
    found = call_attributes(call(host=host))
    assert (found.get("server.address"), found.get("server.port")) == (address, port)


def test_no_word_of_the_users_is_in_any_of_them() -> None:
    for found in (turn_attributes(row()), decision_attributes(row()), lookup_attributes(lookup())):
        assert TEXT not in str(found)


@given(st.data())
def test_whatever_stands_in_a_column_that_is_left_out_stays_there(data: st.DataObject) -> None:
    """By construction: what has no name here does not change a thing."""
    before = turn_attributes(row())
    column = data.draw(st.sampled_from(sorted(TURN_LEFT_OUT)))
    changed = replace(row(), **{column: data.draw(st.text() | st.floats() | st.none())})
    assert turn_attributes(changed) == before


@given(st.text(), st.text(), st.text())
def test_every_value_is_one_that_can_be_sent(model: str, host: str, reason: str) -> None:
    found = turn_attributes(row(model=model, finish_reason=reason)) | call_attributes(
        call(host=host, error_code=reason)
    )
    for value in found.values():
        assert isinstance(value, str | bool | int | float | tuple)
        str(value).encode()

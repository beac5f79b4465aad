"""The metrics as a scraper reads them, with few labels whatever comes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

pytest.importorskip("prometheus_client", reason="the extra `metrics` is not installed")

from prometheus_client.parser import text_string_to_metric_families

from hal.gateway.breaker import State
from hal.gateway.breakers import BreakerView
from hal.recording import FinishedTurn
from hal.telemetry.labels import MOST, Few, Known, error_codes
from hal.telemetry.metrics import Exposition, Metrics, Now

from .things import TEXT, call, egress, finished, lookup, row

MODEL = "nemotron-3-nano:30b"
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def counted(*turns: FinishedTurn) -> Metrics:
    metrics = Metrics([MODEL])
    for turn in turns:
        metrics.turn_ended(turn)
    return metrics


def samples(metrics: Metrics, now: Now | None = None) -> Samples:
    text = metrics.exposition("", now or Now()).body.decode()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(found: Samples, name: str, **labels: str) -> float | None:
    return found.get((name, frozenset(labels.items())))


def test_an_ordinary_turn() -> None:
    found = samples(counted(finished(), finished(outcome="stopped")))
    where = {"route": "MODERATE", "provider": "ollama"}
    target = {"provider": "ollama", "model": MODEL}
    assert value(found, "hal_turns_total", **where, outcome="done") == 1
    assert value(found, "hal_turns_total", **where, outcome="stopped") == 1
    assert value(found, "hal_turn_seconds_count", **where) == 2
    assert value(found, "hal_turn_seconds_sum", **where) == pytest.approx(3.66)
    assert value(found, "hal_first_token_seconds_bucket", **where, le="0.5") == 2
    assert value(found, "hal_first_token_seconds_bucket", **where, le="0.3") == 0
    assert value(found, "hal_decision_seconds_sum") == pytest.approx(0.2408)
    assert value(found, "hal_calls_total", **target, outcome="done") == 2
    assert value(found, "hal_tokens_total", **target, direction="in") == 1624
    assert value(found, "hal_tokens_total", **target, direction="out") == 608
    assert value(found, "hal_cost_usd_total", **target) == 0


EVENTS = [
    pytest.param(
        {"error_code": "timeout"}, "hal_turn_errors_total", {"code": "timeout"}, id="error"
    ),
    pytest.param({"error_code": TEXT}, "hal_turn_errors_total", {"code": "other"}, id="odd error"),
    pytest.param({"private_kinds": {"IBAN": 1}}, "hal_private_turns_total", {}, id="private"),
    pytest.param({"cache": "exact"}, "hal_cache_hits_total", {"kind": "exact"}, id="cache"),
    pytest.param(
        {"degradations": ("xai_timeout",)},
        "hal_degradations_total",
        {"cause": "xai_timeout"},
        id="degraded",
    ),
]


@pytest.mark.parametrize(("changes", "name", "labels"), EVENTS)
def test_what_is_counted(changes: Mapping[str, Any], name: str, labels: dict[str, str]) -> None:
    assert value(samples(counted(finished(**changes))), name, **labels) == 1
    assert value(samples(counted(finished())), name, **labels) in {None, 0}


def test_money() -> None:
    metrics = Metrics(["grok-4.3"])
    paid = call(provider="xai", model="grok-4.3", cost_usd=0.004)
    metrics.turn_ended(finished(paid, call(cost_usd=None), cloud_cost_usd=0.01))
    found = samples(metrics)
    assert value(found, "hal_cost_usd_total", provider="xai", model="grok-4.3") == 0.004
    assert value(found, "hal_cost_usd_total", provider="ollama", model="other") == 0
    assert value(found, "hal_all_cloud_usd_total") == 0.01


def test_a_turn_by_a_rule_is_no_decision_of_the_classifier() -> None:
    assert value(samples(counted(finished(classify_ms=0.0))), "hal_decision_seconds_count") == 0


def test_a_search() -> None:
    found = samples(
        counted(
            FinishedTurn(row(), (), lookup()),
            FinishedTurn(row(), (), lookup(sources=0, total_ms=400.0)),
        )
    )
    assert value(found, "hal_searches_total", result="sources") == 1
    assert value(found, "hal_searches_total", result="nothing") == 1
    assert value(found, "hal_search_seconds_sum") == pytest.approx(2.9)


def test_what_left() -> None:
    metrics = Metrics([])
    metrics.sent(egress())
    metrics.sent(egress(bytes=300, provider="web", purpose="page"))
    found = samples(metrics)
    assert value(found, "hal_egress_bytes_total", provider="xai", purpose="answer") == 1200
    assert value(found, "hal_egress_bytes_total", provider="web", purpose="page") == 300
    assert value(found, "hal_egress_requests_total", provider="xai", purpose="answer") == 1


def test_what_is_looked_at() -> None:
    def view(target: str, state: State) -> BreakerView:
        return BreakerView(target=target, state=state, failures=1, since=0.0)

    metrics = Metrics([])
    before = Now(3, (view("xAI grok-4.3", State.OPEN), view("local big", State.HALF_OPEN)))
    found = samples(metrics, before)
    assert value(found, "hal_turns_running") == 3
    assert value(found, "hal_breaker_state", target="xAI grok-4.3") == 2
    assert value(found, "hal_breaker_state", target="local big") == 1
    later = samples(metrics, Now(0, (view("xAI grok-5", State.CLOSED),)))
    assert value(later, "hal_turns_running") == 0
    assert value(later, "hal_breaker_state", target="xAI grok-5") == 0
    assert value(later, "hal_breaker_state", target="xAI grok-4.3") is None


def test_two_of_them_do_not_know_each_other() -> None:
    first, second = counted(finished()), Metrics([MODEL])
    labels = {"route": "MODERATE", "provider": "ollama", "outcome": "done"}
    assert value(samples(first), "hal_turns_total", **labels) == 1
    assert value(samples(second), "hal_turns_total", **labels) is None


def test_other_settings_have_other_models() -> None:
    metrics = counted(finished())
    metrics.configure(["another:8b"])
    metrics.turn_ended(finished(call(model="another:8b"), call()))
    found = samples(metrics)
    for model in (MODEL, "another:8b", "other"):
        labels = {"provider": "ollama", "model": model, "outcome": "done"}
        assert value(found, "hal_calls_total", **labels) == 1, model


def test_the_number_of_series_has_an_end() -> None:
    """Whatever a server, a client or a mistake of ours puts into a name."""

    def flood(metrics: Metrics, start: int) -> int:
        for number in range(start, start + 300):
            odd = f"odd{number}"
            metrics.turn_ended(
                finished(
                    call(model=odd, provider=odd, outcome=odd),
                    route=odd,
                    provider=odd,
                    outcome=odd,
                    error_code=odd,
                    degradations=(odd,),
                )
            )
            metrics.sent(egress(provider=odd, purpose=odd))
        return len(samples(metrics))

    metrics = Metrics([MODEL])
    assert flood(metrics, 0) == flood(metrics, 300)


def test_no_word_of_the_users_is_in_it() -> None:
    metrics = counted(FinishedTurn(row(), (call(),), lookup()))
    body = metrics.exposition("", Now()).body
    assert TEXT.encode() not in body
    assert b"chat-1" not in body
    assert b"secret" not in body


FORMATS = [
    pytest.param("", "text/plain", b"# HELP", id="plain"),
    pytest.param("application/openmetrics-text; version=1.0.0", "openmetrics", b"# EOF", id="open"),
    pytest.param("\x00garbage;;q=x", "text/plain", b"# HELP", id="garbage"),
]


@pytest.mark.parametrize(("accept", "kind", "mark"), FORMATS)
def test_the_format_that_is_asked_for(accept: str, kind: str, mark: bytes) -> None:
    found: Exposition = counted(finished()).exposition(accept, Now())
    assert kind in found.content_type
    assert mark in found.body


def test_known_words() -> None:
    known = Known(["a"])
    assert [known.of(word) for word in ("a", "b", "")] == ["a", "other", "none"]


def test_few_words() -> None:
    few = Few(2)
    assert [few.of(word) for word in ("a", "b", "c", "a", "")] == ["a", "b", "other", "a", "none"]
    assert MOST >= 100


def test_the_codes_of_our_errors() -> None:
    assert {"timeout", "refused", "over_budget", "no_target", "internal"} <= error_codes()

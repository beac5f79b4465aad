"""Spans as a real collector gets them, and what happens when it does not want them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from time import monotonic, sleep

import pytest

pytest.importorskip("opentelemetry.sdk", reason="the extra `otel` is not installed")
pytest.importorskip("opentelemetry.exporter.otlp.proto.http")

from hal.recording import FinishedTurn
from hal.sessions.conventions import call_attributes, decision_attributes, turn_attributes
from hal.telemetry.spans import QUEUE_SPANS, Spans
from tests.servers import refused_url

from .collector import PATH, Collector, Seen
from .things import NOON, TEXT, TURN_ID, call, finished, lookup, row

SERVER, CLIENT, INTERNAL = 2, 3, 1  # SpanKind in OTLP
SOON_S = 10.0


@pytest.fixture(autouse=True)
def no_thread_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    end = monotonic() + SOON_S
    while set(threading.enumerate()) - before:
        assert monotonic() < end, threading.enumerate()
        sleep(0.01)


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as running:
        yield running


def delivered(collector: Collector, *turns: FinishedTurn) -> list[Seen]:
    spans = Spans(collector.url + PATH)
    for turn in turns:
        spans.send(turn)
    spans.close()
    return collector.seen


def named(spans: list[Seen], name: str) -> Seen:
    (found,) = (span for span in spans if span.name == name)
    return found


def test_a_turn_with_its_decision_and_its_call(collector: Collector) -> None:
    spans = delivered(collector, finished())
    turn, decision = named(spans, "turn MODERATE"), named(spans, "decision")
    answer = named(spans, "chat nemotron-3-nano:30b")
    assert len(spans) == 3
    assert (turn.kind, decision.kind, answer.kind) == (SERVER, INTERNAL, CLIENT)
    assert {span.trace_id for span in spans} == {TURN_ID}
    assert (turn.parent_id, decision.parent_id, answer.parent_id) == ("", *[turn.span_id] * 2)
    assert turn.attributes == turn_attributes(row())
    assert decision.attributes == decision_attributes(row())
    assert answer.attributes == call_attributes(call())


def test_the_times_are_those_that_it_had(collector: Collector) -> None:
    spans = delivered(collector, finished())
    times = {span.name.split()[0]: (span.start - NOON, span.end - NOON) for span in spans}
    assert times["turn"] == pytest.approx((0.0, 1.83), abs=1e-3)
    assert times["decision"] == pytest.approx((0.0196, 0.14), abs=1e-3)
    assert times["chat"] == pytest.approx((0.14, 1.83), abs=1e-3)


def test_who_it_comes_from(collector: Collector) -> None:
    (resource,) = {str(sorted(s.resource.items())) for s in delivered(collector, finished())}
    assert "('service.name', 'hal-auto')" in resource
    assert "'service.version'" in resource


def test_a_turn_that_was_searched_for(collector: Collector) -> None:
    ended = FinishedTurn(row(route="ENRICH"), (call(),), lookup(), 140.0)
    retrieval = named(delivered(collector, ended), "retrieval")
    assert (retrieval.start - NOON, retrieval.end - NOON) == pytest.approx((0.2, 2.7), abs=1e-3)
    assert retrieval.attributes["hal.search.sources"] == 3


def test_a_turn_by_a_rule_has_no_decision_of_its_own(collector: Collector) -> None:
    names = [span.name for span in delivered(collector, finished(source="rule", classify_ms=0.0))]
    assert sorted(names) == ["chat nemotron-3-nano:30b", "turn MODERATE"]


def test_a_fallback_shows_both_calls(collector: Collector) -> None:
    lost = call(provider="xai", model="grok-4.3", outcome="failed", error_code="timeout")
    spans = delivered(collector, finished(lost, call(id="call-2", n=2)))
    failed, answered = named(spans, "chat grok-4.3"), named(spans, "chat nemotron-3-nano:30b")
    assert (failed.is_error, failed.message) == (True, "timeout")
    assert failed.attributes["error.type"] == "timeout"
    assert not answered.is_error
    assert not named(spans, "turn MODERATE").is_error


OUTCOMES = [("failed", True), ("cut", True), ("stopped", False), ("done", False)]


@pytest.mark.parametrize(("outcome", "is_error"), OUTCOMES)
def test_how_a_turn_ended(collector: Collector, outcome: str, is_error: bool) -> None:
    spans = delivered(collector, finished(outcome=outcome, error_code="reset" if is_error else ""))
    assert named(spans, "turn MODERATE").is_error is is_error


def test_a_turn_that_nobody_decided(collector: Collector) -> None:
    ended = FinishedTurn(row(route="", classify_ms=None, total_ms=None, outcome="failed"))
    (turn,) = delivered(collector, ended)
    assert (turn.name, turn.start) == ("turn", turn.end)


def test_turns_with_odd_ids_have_traces_all_the_same(collector: Collector) -> None:
    spans = delivered(collector, *(finished(id=name) for name in ("turn-1", "0" * 32, "")))
    traces = {span.trace_id for span in spans if span.kind == SERVER}
    assert len(traces) == 3
    assert all(len(trace) == 32 and int(trace, 16) for trace in traces)


def test_no_word_of_the_users_leaves(collector: Collector) -> None:
    spans = delivered(collector, FinishedTurn(row(), (call(),), lookup(), 140.0))
    assert spans
    assert all(TEXT.encode() not in r.body and b"secret" not in r.body for r in collector.requests)


def test_half_an_emoji_does_not_lose_the_batch(collector: Collector) -> None:
    assert len(delivered(collector, finished(model="a\ud800"), finished())) == 6


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]


@pytest.mark.parametrize("status", [500, 404, 401])
def test_a_collector_that_refuses_is_told_once(
    collector: Collector, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    collector.status = status
    spans = Spans(collector.url + PATH, send_every_ms=10)
    for count in (1, 2):
        spans.send(finished())
        collector.wait_for_request(SOON_S, PATH, count)
    spans.close()
    (warning,) = warnings(caplog)
    assert f"answered {status}" in warning
    assert "OTEL_ENDPOINT" in warning


def test_a_collector_that_is_down_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    spans = Spans(refused_url() + PATH, send_every_ms=10)
    spans.send(finished())
    end = monotonic() + SOON_S
    while not warnings(caplog) and monotonic() < end:
        sleep(0.01)
    spans.close()
    (warning,) = warnings(caplog)
    assert "gave no answer" in warning


def test_one_that_comes_back_gets_what_is_sent_from_then_on(
    collector: Collector, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "hal.telemetry")
    collector.status = 400
    spans = Spans(collector.url + PATH, send_every_ms=10)
    spans.send(finished())
    collector.wait_for(lambda r: r.status == 400, SOON_S)
    collector.status = 200
    spans.send(finished())
    collector.wait_for_spans(3, SOON_S)
    spans.close()
    assert [record.levelname for record in caplog.records if record.name == "hal.telemetry"] == [
        "WARNING",
        "INFO",
    ]


def test_one_that_hangs_holds_up_neither_a_turn_nor_the_end(collector: Collector) -> None:
    collector.hangs = True
    spans = Spans(collector.url + PATH)
    for _ in range(QUEUE_SPANS):  # three times as many spans as the queue holds
        spans.send(finished())
    assert not collector.seen
    closing = threading.Thread(target=spans.close)
    closing.start()
    closing.join(SOON_S)
    assert not closing.is_alive()


def test_it_does_not_follow_a_redirect(
    collector: Collector, caplog: pytest.LogCaptureFixture
) -> None:
    with Collector() as elsewhere:
        collector.redirect = elsewhere.url + PATH
        delivered(collector, finished())
        assert elsewhere.connections == 0
    (warning,) = warnings(caplog)
    assert "answered 307" in warning


def test_it_asks_no_proxy(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    with Collector() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        assert len(delivered(collector, finished())) == 3
        assert proxy.connections == 0


def test_what_is_sent_after_the_end_is_dropped_in_silence(
    collector: Collector, caplog: pytest.LogCaptureFixture
) -> None:
    spans = Spans(collector.url + PATH)
    spans.close()
    spans.send(finished())
    spans.close()
    assert not collector.seen
    assert not warnings(caplog)


def test_the_words_of_other_exporters_are_left_alone(
    collector: Collector, caplog: pytest.LogCaptureFixture
) -> None:
    name = "opentelemetry.exporter.otlp.proto.http.trace_exporter"
    delivered(collector, finished())
    logging.getLogger(name).error("another pipeline's collector is down")
    assert "another pipeline's collector is down" in caplog.text

"""The live view: off by default, on by settings, and never in the way of a turn."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pytest

import hal
from hal.settings import Settings, TelemetrySettings
from hal.settings_reader import read_environment
from hal.telemetry.live import LiveView
from hal.telemetry.metrics import Now
from hal.types import Message, Target, Usage
from tests.core.things import Rows, decision, plan, recorder, turn

from .things import TEXT, call, egress, finished, lookup


def settings(**changes: str) -> Settings:
    return read_environment({"HOME": "/nowhere", **{f"HAL_{k}": v for k, v in changes.items()}})


def level(caplog: pytest.LogCaptureFixture, name: int) -> None:
    caplog.set_level(name, "hal.turn")


def test_with_everything_off_nobody_looks_on(caplog: pytest.LogCaptureFixture) -> None:
    level(caplog, logging.WARNING)
    live = LiveView()
    live.apply(settings())
    assert live.observer is None
    assert not live.has_metrics
    assert not live.warnings
    live.sent(egress())
    assert live.exposition("", Now()) is None
    live.close()


def test_the_line_alone(caplog: pytest.LogCaptureFixture) -> None:
    level(caplog, logging.INFO)
    live = LiveView()
    live.apply(settings())
    assert live.observer is not None
    live.observer(finished())
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("hal.turn", logging.INFO)
    assert record.getMessage().startswith("turn=3f9a21bc route=MODERATE ")


def test_with_metrics_it_counts_whatever_the_log_shows(caplog: pytest.LogCaptureFixture) -> None:
    pytest.importorskip("prometheus_client")
    level(caplog, logging.WARNING)
    live = LiveView()
    live.apply(settings(METRICS="true"))
    assert live.observer is not None
    live.observer(finished())
    live.sent(egress())
    found = live.exposition("", Now())
    assert found is not None
    assert b'outcome="done"' in found.body
    assert b"hal_egress_bytes_total" in found.body
    assert not caplog.records
    live.apply(settings())
    assert not live.has_metrics
    assert live.observer is None


def test_a_change_of_something_else_goes_on_counting() -> None:
    pytest.importorskip("prometheus_client")
    live = LiveView()
    live.apply(settings(METRICS="true"))
    live.observe(finished())
    live.apply(settings(METRICS="true", LOCAL_MODEL="another:8b"))
    live.observe(finished(call(model="another:8b")))
    found = live.exposition("", Now())
    assert found is not None
    assert b'hal_calls_total{model="another:8b",outcome="done",provider="ollama"} 1.0' in found.body
    assert b"hal_turn_seconds_count" in found.body
    live.close()
    live.apply(settings(METRICS="true"))
    assert not live.has_metrics


def test_a_mistake_in_here_costs_no_turn(caplog: pytest.LogCaptureFixture) -> None:
    level(caplog, logging.INFO)
    live = LiveView()
    live.observe(finished(degradations=(object(),)))
    (record,) = caplog.records
    assert record.getMessage() == "a turn could not be told: TypeError"


def test_a_recorder_tells_it_once_and_last(caplog: pytest.LogCaptureFixture) -> None:
    level(caplog, logging.INFO)
    told, rows = [], Rows()
    asked = turn(TEXT, Message("user", TEXT))
    target = Target("ollama", "big:30b", False, 32768, host="http://127.0.0.1:11434")
    record = recorder(rows, asked)
    record.observe = lambda ended: told.append((ended, len(rows.rows)))
    record.decided(decision(reason=TEXT, latency_ms=12.0), plan(target))
    attempt = record.call(target, "answer")
    attempt.usage = Usage(prompt_tokens=3, completion_tokens=4, cost_usd=0.0)
    record.call_ended(attempt, "done")  # type: ignore[arg-type]
    record.looked_up(lookup())
    record.answered_by(target)
    record.text(TEXT)
    record.finish("done", keep_content=True)  # type: ignore[arg-type]
    record.finish("stopped", keep_content=True)  # type: ignore[arg-type]
    ((ended, written),) = told
    assert written == len(rows.rows)
    assert (ended.row.route, ended.row.outcome) == ("MODERATE", "done")
    assert [(c.model, c.completion_tokens) for c in ended.calls] == [("big:30b", 4)]
    assert ended.lookup is not None
    assert (ended.lookup.sources, ended.lookup.detail) == (3, {})
    assert ended.decided_ms is not None
    LiveView().observe(ended)
    assert TEXT not in caplog.text


# Run as a program of its own, in which the packages of the extras cannot be imported.
WITHOUT = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("opentelemetry", "prometheus_client"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Missing())
import logging
logging.basicConfig(level=logging.INFO, format="%(levelname)s:%(name)s:%(message)s")
from hal.settings_reader import read_environment
from hal.telemetry.live import LiveView
from tests.telemetry.things import finished
wanted = read_environment(
    {"HOME": "/nowhere", "HAL_METRICS": "true", "HAL_OTEL_ENDPOINT": "http://127.0.0.1:4318"}
)
live = LiveView()
live.apply(wanted)
live.apply(wanted)
live.observe(finished())
assert len(live.warnings) == 2 and not live.has_metrics
live.close()
"""


def test_without_the_extras_it_says_so_once_and_goes_on() -> None:
    folders = (str(Path(hal.__file__).parents[1]), str(Path(__file__).parents[2]))
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT],
        env={"PYTHONPATH": ":".join(folders), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stderr.splitlines()
    assert [line for line in lines if line.startswith("WARNING:hal.telemetry:")] == [
        "WARNING:hal.telemetry:OpenTelemetry spans (OTEL_ENDPOINT) need packages that are missing: "
        "pip install 'hal-auto[otel]'",
        "WARNING:hal.telemetry:Prometheus metrics (METRICS) need packages that are missing: "
        "pip install 'hal-auto[metrics]'",
    ]
    assert sum(line.startswith("INFO:hal.turn:turn=3f9a21bc ") for line in lines) == 1


def test_what_opentelemetry_refuses_is_said_and_costs_nothing(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("opentelemetry.sdk")
    monkeypatch.setenv("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "zebra")
    live = LiveView()
    live.apply(settings(OTEL_ENDPOINT="http://127.0.0.1:4318"))
    assert live.warnings == (
        "OpenTelemetry spans (OTEL_ENDPOINT) could not be switched on (ValueError)",
    )
    live.observe(finished())
    live.close()


ENDPOINTS: list[tuple[str, str | None, str]] = [
    ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces", ""),
    ("127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces", ""),
    ("http://collector:4318/", "http://collector:4318/v1/traces", ""),
    ("http://10.0.0.7:4318/v1/traces", "http://10.0.0.7:4318/v1/traces", ""),
    ("https://otel.home.arpa/otlp", "https://otel.home.arpa/otlp/v1/traces", ""),
    ("https://api.honeycomb.io", None, "api.honeycomb.io is not in your own network"),
    ("http://me:word@8.8.8.8:4318", None, "8.8.8.8:4318 is not in your own network"),
    ("http://127.0.0.1.example.com", None, "not in your own network"),
    ("ftp://127.0.0.1", None, "not an http address"),
    ("http://[::1", None, "not an http address"),
]


@pytest.mark.parametrize(("said", "endpoint", "warning"), ENDPOINTS)
def test_where_spans_may_go(said: str, endpoint: str | None, warning: str) -> None:
    read = settings(OTEL_ENDPOINT=said)
    assert read.telemetry.endpoint == endpoint
    about = [words for words in read.warnings if "OTEL_ENDPOINT" in words]
    assert len(about) == bool(warning)
    assert all(warning in words and "word" not in words for words in about)


def test_both_are_off_by_default() -> None:
    assert settings().telemetry == TelemetrySettings(endpoint=None, metrics=False)


def test_every_model_in_the_settings_has_a_name_of_its_own() -> None:
    read = settings(
        LOCAL_HOSTS="http://10.0.0.7:8000/v1#Qwen/Qwen3-30B", CLOUD_SUBSTITUTE="grok-4-fast"
    )
    wanted = {"nemotron-3-nano:30b", "nemotron-mini:4b", "grok-4.3", "grok-4-fast"}
    assert read.model_names == wanted | {"Qwen/Qwen3-30B"}

"""`hal doctor` on the live view: silent while it is off, and clear about what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from hal.commands.checks import live
from hal.commands.checks.result import Check, Status
from hal.commands.doctor import _PARTS
from hal.settings import TelemetrySettings
from tests.commands.test_doctor import context
from tests.servers import Exchange, RecordedRequest, ScriptedServer, refused_url

PATH = "/v1/traces"


class Place(ScriptedServer):
    """Something that answers every request alike."""

    status = 200

    async def handle(self, request: RecordedRequest, exchange: Exchange) -> None:
        await exchange.reply(self.status, b"", {})


@pytest.fixture
def place() -> Iterator[Place]:
    with Place() as running:
        yield running


def checked(folder: Path, telemetry: TelemetrySettings) -> list[Check]:
    found = context(folder)
    return list(live.checks(replace(found, settings=replace(found.settings, telemetry=telemetry))))


def test_it_is_part_of_the_doctor() -> None:
    assert live in _PARTS


def test_off_is_no_line(tmp_path: Path) -> None:
    assert not checked(tmp_path, TelemetrySettings())


def test_metrics(tmp_path: Path) -> None:
    pytest.importorskip("prometheus_client")
    (check,) = checked(tmp_path, TelemetrySettings(metrics=True))
    assert check.status is Status.OK


def test_a_collector_that_takes_spans_is_sent_none(tmp_path: Path, place: Place) -> None:
    pytest.importorskip("opentelemetry.sdk")
    (check,) = checked(tmp_path, TelemetrySettings(place.url + PATH))
    assert check.status is Status.OK
    (request,) = place.requests
    assert (request.method, request.path, request.body) == ("POST", PATH, b"")


@pytest.mark.parametrize("status", [307, 404, 500])
def test_one_that_does_not(tmp_path: Path, place: Place, status: int) -> None:
    pytest.importorskip("opentelemetry.sdk")
    place.status = status
    (check,) = checked(tmp_path, TelemetrySettings(place.url + PATH))
    assert (check.status, f"answers {status}" in check.detail) == (Status.WARN, True)
    assert "OTEL_ENDPOINT" in check.remedy


def test_one_that_is_not_there(tmp_path: Path) -> None:
    pytest.importorskip("opentelemetry.sdk")
    (check,) = checked(tmp_path, TelemetrySettings(refused_url() + PATH))
    assert (check.status, "nothing listens there" in check.detail) == (Status.WARN, True)


def test_what_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "find_spec", lambda name: None)
    checks = checked(tmp_path, TelemetrySettings(refused_url() + PATH, metrics=True))
    assert [check.status for check in checks] == [Status.WARN] * 2
    assert [check.remedy for check in checks] == [
        "pip install 'hal-auto[otel]'",
        "pip install 'hal-auto[metrics]'",
    ]

"""The live view of the real Pipelines server: its log, a collector, a scraper."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

from tests.server.house import GROK, NANO, House
from tests.server.logbook import wait_until
from tests.servers import Say, Stall, Usage

if TYPE_CHECKING:  # it needs the extra
    from .collector import Collector, Seen

pytestmark = pytest.mark.server
QUESTION, ANSWER = "Where do swifts sleep at night?", "On the wing, mostly."
LINE = re.compile(r"^INFO:hal\.turn:(turn=.*)$", re.MULTILINE)


def lines(house: House, chat: str | None = None) -> list[str]:
    """What the server's log says of the turns, or of the one of this chat."""
    found = LINE.findall(house.server.log())
    if chat is None:
        return found
    turn = house.log.turn(chat)
    return [line for line in found if line.startswith(f"turn={turn['id'][:8]} ")]


def scrape(house: House, **headers: str) -> requests.Response:
    return requests.get(f"{house.server.url}/metrics", headers=headers, timeout=10)


def counted(house: House, series: str) -> float:
    """The value of one series, as it is written; 0 for one that is not there."""
    page = scrape(house)
    assert page.status_code == 200, page.text
    found = re.search(rf"^{re.escape(series)} (\S+)$", page.text, re.MULTILINE)
    return float(found[1]) if found else 0.0


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """As it is installed: nothing switched on."""
    with House(tmp_path_factory.mktemp("plain"), valves={"SPECULATE": False}) as running:
        yield running


def test_a_line_in_the_servers_log_and_nothing_else(plain: House) -> None:
    plain.answer_with([Say(ANSWER), Usage(21, 7)])
    assert plain.ask(QUESTION).text == ANSWER
    wait_until(lambda: len(lines(plain, plain.chat)) == 1)
    (line,) = lines(plain, plain.chat)
    assert re.fullmatch(
        rf"turn=\w{{8}} route=MODERATE target=ollama/{re.escape(NANO)} outcome=done "
        r"confidence=0\.9 decided_by=classifier classify_ms=\d+ ttft_ms=\d+ total_ms=\d+ "
        r"in=21 out=7 cost_usd=0",
        line,
    )
    said = "\n".join(lines(plain))
    assert "swifts" not in said
    assert "wing" not in said
    assert scrape(plain).status_code == 404


def test_a_turn_that_fails_and_one_that_is_stopped(plain: House) -> None:
    plain.answer_with([Say(ANSWER), Stall()])
    with plain.begin(plain.turn(QUESTION)) as stream:
        stream.until(lambda answer: answer.text)
    stopped = plain.chat
    wait_until(lambda: len(lines(plain, stopped)) == 1)
    assert " outcome=stopped " in lines(plain, stopped)[0]
    plain.server.post_valves({"CLOUD_ENABLED": False})
    with plain.without_ollama():
        assert plain.ask(QUESTION).error
    failed = plain.chat
    wait_until(lambda: len(lines(plain, failed)) == 1)
    assert " outcome=failed error=refused " in lines(plain, failed)[0]


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    pytest.importorskip("opentelemetry.sdk", reason="the extra `otel` is not installed")
    from .collector import Collector

    with Collector() as running:
        yield running


@pytest.fixture(scope="module")
def watched(collector: Collector, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    pytest.importorskip("prometheus_client", reason="the extra `metrics` is not installed")
    valves = {"SPECULATE": False, "METRICS": True, "OTEL_ENDPOINT": collector.url}
    with House(tmp_path_factory.mktemp("live"), valves=valves) as running:
        yield running


@pytest.fixture
def house(watched: House) -> House:
    """Both switched on, and all else as it was after the start."""
    watched.reset()
    return watched


def spans(collector: Collector, house: House, chat: str, count: int) -> dict[str, Seen]:
    """The spans of one turn by name, once there are so many."""
    trace = house.log.turn(chat)["id"]

    def of_turn() -> list[Seen]:
        return [span for span in collector.seen if span.trace_id == trace]

    wait_until(lambda: len(of_turn()) == count, 10.0)
    return {span.name: span for span in of_turn()}


def test_the_spans_of_a_turn(house: House, collector: Collector) -> None:
    house.answer_with([Say(ANSWER), Usage(21, 7)])
    house.ask(QUESTION)
    found = spans(collector, house, house.chat, 3)
    turn, decision, call = (found[n] for n in ("turn MODERATE", "decision", f"chat {NANO}"))
    row = house.log.turn(house.chat)
    assert turn.start == pytest.approx(row["started_at"], abs=1e-3)
    assert turn.end - turn.start == pytest.approx(row["total_ms"] / 1000, abs=1e-3)
    # The decision comes first, then the call, and both within the turn; clocks differ by a hair.
    order = [turn.start, decision.start, decision.end, call.start, call.end, turn.end]
    assert all(after - before > -0.005 for before, after in pairwise(order))
    assert call.attributes["gen_ai.usage.output_tokens"] == 7
    assert call.attributes["server.address"] == "127.0.0.1"
    sent = b"".join(r.body for r in collector.requests)
    assert b"swifts" not in sent
    assert b"wing" not in sent


def test_the_numbers_of_a_turn(house: House) -> None:
    local = 'hal_turns_total{outcome="done",provider="ollama",route="MODERATE"}'
    out = f'hal_tokens_total{{direction="out",model="{NANO}",provider="ollama"}}'
    before = counted(house, local), counted(house, out)
    house.answer_with([Say(ANSWER), Usage(21, 7)])
    house.ask(QUESTION)
    assert (counted(house, local), counted(house, out)) == (before[0] + 1, before[1] + 7)
    wait_until(lambda: counted(house, "hal_turns_running") == 0)
    assert "swifts" not in scrape(house).text


def test_what_leaves_is_counted(house: House, collector: Collector) -> None:
    house.judge("COMPLEX")
    house.ask("Prove that there are infinitely many primes.")
    egress = house.log.of_turn("egress", house.log.turn(house.chat)["id"])
    sent = sum(row["bytes"] for row in egress)
    assert sent > 0
    assert counted(house, 'hal_egress_bytes_total{provider="xai",purpose="answer"}') == sent
    assert counted(house, f'hal_calls_total{{model="{GROK}",outcome="done",provider="xai"}}') == 1
    assert f"chat {GROK}" in spans(collector, house, house.chat, 3)


def test_metrics_are_for_the_own_network(house: House) -> None:
    """The server takes the word of a proxy on this machine for who is asking."""
    assert scrape(house, **{"X-Forwarded-For": "10.1.2.3"}).status_code == 200
    refused = scrape(house, **{"X-Forwarded-For": "8.8.8.8"})
    assert refused.status_code == 403
    assert "hal_" not in refused.text


def test_a_collector_in_trouble_costs_no_turn(house: House, collector: Collector) -> None:
    collector.hangs = True
    try:
        for _ in range(3):
            house.answer_with([Say(ANSWER)])
            assert house.ask(QUESTION).text == ANSWER
        house.server.wait_for_log("spans are dropped: the collector at", 20.0)
    finally:
        collector.hangs = False
    assert house.server.log().count("spans are dropped") == 1
    assert "Traceback" not in house.server.log()


def test_a_save_switches_both_off_and_on_again(house: House, collector: Collector) -> None:
    off = {"ADVANCED": "METRICS=false OTEL_ENDPOINT=https://collector.example.com"}
    house.server.post_valves(off)
    house.server.wait_for_log("collector.example.com is not in your own network")
    wait_until(lambda: scrape(house).status_code == 404)
    house.ask(QUESTION)
    alone = house.chat
    house.server.post_valves({})
    wait_until(lambda: scrape(house).status_code == 200)
    house.ask(QUESTION)
    assert spans(collector, house, house.chat, 3)
    assert not spans(collector, house, alone, 0)


def test_a_reload_begins_again_without_a_word(house: House, collector: Collector) -> None:
    series = 'hal_turns_total{outcome="done",provider="ollama",route="MODERATE"}'
    house.ask(QUESTION)
    assert counted(house, series) >= 1
    for _ in range(2):
        house.server.reload()
        house.calibrated()
    assert counted(house, series) == 0
    house.ask(QUESTION)
    assert counted(house, series) == 1
    assert spans(collector, house, house.chat, 3)
    assert len(lines(house, house.chat)) == 1
    assert "Duplicated" not in house.server.log()
    assert "Traceback" not in house.server.log()


def test_without_the_extras_it_is_said_and_all_else_works(tmp_path: Path) -> None:
    """The official image has neither."""
    wanted = {"SPECULATE": False, "METRICS": True, "OTEL_ENDPOINT": "http://127.0.0.1:4318"}
    with House(tmp_path, interpreter="pinned", valves=wanted) as house:
        house.answer_with([Say(ANSWER)])
        assert house.ask(QUESTION).text == ANSWER
        wait_until(lambda: len(lines(house, house.chat)) == 1)
        assert scrape(house).status_code == 404
        for extra in ("otel", "metrics"):
            assert house.server.log().count(f"pip install 'hal-auto[{extra}]'") == 1

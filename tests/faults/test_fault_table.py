"""The catalogue of faults against the table of what has to come of them.

Every case has a runtime and servers of its own, and everything in it is real. Started with the
first test: all cases that were chosen run ahead while the tests look at one after the other.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers import KEY
from tests.servers.faults import FAULTS, HALF, Where

from .case import Case, Result
from .expected import TABLE, Ends, Expected, cases, expected
from .household import BY_NAME, HEALED, OTHER, PARAMETERS
from .pool import Pool

RAW = ("<html", "<!doctype", "<h1", '{"', "{'", "Traceback", "aiohttp", "Exception")
STAYS = "without leaving this machine"


@pytest.fixture(scope="module")
def pool(request: pytest.FixtureRequest) -> Iterator[Pool]:
    chosen = [item.callspec.params["case"] for item in request.session.items if _is_ours(item)]
    running = Pool(chosen, longest="trickle")
    yield running
    running.close()


def _is_ours(item: pytest.Item) -> bool:
    return getattr(item, "originalname", "") == test_a_fault.__name__


def test_the_table_is_whole() -> None:
    assert {fault.name: set(fault.dialects) for fault in FAULTS} == {
        name: set(pair) & set(_dialects(name)) for name, pair in TABLE.items()
    }


def _dialects(name: str) -> tuple[str, ...]:
    return next((fault.dialects for fault in FAULTS if fault.name == name), ())


@pytest.mark.parametrize("case", cases(), ids=str)
def test_a_fault(case: Case, pool: Pool) -> None:
    result, wanted = pool.result(case), expected(case.fault, case.place)
    assert result.problems == ()
    nothing_unreadable(result)
    ends_once(result)
    nothing_leaves_unseen(result)
    assert result.elsewhere.connections == 0
    assert result.seconds < wanted.longest_s
    if case.heals:
        healed(result, wanted)
    elif wanted.ends is Ends.ANSWERED:
        answered(result, wanted)
    elif wanted.ends is Ends.CUT:
        cut(result, wanted)
    else:
        failed(result, wanted)
    if case.place.provider == "ollama" and not case.place.may_leave:
        assert (result.cloud.connections, result.cloud.requests) == (0, 0)


def nothing_unreadable(result: Result) -> None:
    """Always something to read, never markup, an object or the key."""
    assert result.text.strip() or result.message or result.tool_calls
    for word in RAW:
        assert word not in result.read
    assert KEY not in result.raw


def ends_once(result: Result) -> None:
    """At most one finish and one failure; the [DONE] is the server's."""
    assert "[DONE]" not in result.raw
    assert len(result.finishes) <= 1
    assert result.raw.count('"error": {') <= 1
    if not result.case.stream:
        assert len(result.finishes) == (0 if result.error else 1)


def nothing_leaves_unseen(result: Result) -> None:
    """What the cloud got was written down before, byte for byte."""
    written = [row["sha256"] for row in result.egress]
    assert [body for body in result.cloud.sha256 if body not in written] == []
    assert len(written) == len(result.calls_of("xai"))
    assert result.cloud.asked <= len(written)


def failed(result: Result, wanted: Expected) -> None:
    case, provider = result.case, result.case.place.provider
    tries = 1 if case.bare and wanted.changed else wanted.tries
    was_tried(result, wanted, tries)
    again = [f"{provider}_{wanted.code}_retried"] * (tries - 1)
    assert result.degradations == [*again, f"{provider}_{wanted.code}"]
    if case.stream or case.place.may_leave:  # an error alone has no room for it
        assert bool(result.reasoning) is wanted.thinks
    if case.place.may_leave:
        assert (result.text.strip(), result.message) == (OTHER, "")
        assert result.other.asked == 1
        assert result.turn["outcome"] == "done"
        assert result.turn["leaves_machine"] == (0 if case.place.is_cloud else 1)
        if case.stream:
            assert any(wanted.says in line and "failed: " in line for line in result.statuses)
    else:
        assert result.answer.strip() == ""
        assert STAYS in result.note
        assert wanted.says in result.note
        assert (result.turn["outcome"], result.turn["error_code"]) == ("failed", wanted.code)
        assert result.egress == ()


def was_tried(result: Result, wanted: Expected, tries: int) -> None:
    assert len(result.calls_of(result.case.place.provider)) == tries
    bodies = result.failing.bodies
    assert len(bodies) == tries or BY_NAME[result.case.fault].where is not Where.SERVER
    if len(bodies) < 2:
        return
    first, second = bodies
    if wanted.changed == "bare":
        assert parameters(first)
        assert not parameters(second)
        assert first["messages"] == second["messages"]
    elif wanted.changed == "shorter":
        assert len(second["messages"]) < len(first["messages"])
        assert second["messages"][-1] == first["messages"][-1]
    else:
        assert first == second


def parameters(body: dict[str, object]) -> set[str]:
    options = body.get("options")
    return set(PARAMETERS) & {*body, *(options if isinstance(options, dict) else ())}


def healed(result: Result, wanted: Expected) -> None:
    provider = result.case.place.provider
    was_tried(result, wanted, 2)
    assert (result.text.strip(), result.message) == (HEALED, "")
    assert result.degradations == [f"{provider}_{wanted.code}_retried"]
    assert result.turn["outcome"] == "done"
    assert result.other.asked == 0


def answered(result: Result, wanted: Expected) -> None:
    was_tried(result, wanted, 1)
    assert (result.text, result.message) == (wanted.text, "")
    assert list(result.finishes) in ([wanted.finish], [] if wanted.finish == "stop" else None)
    assert bool(result.tool_calls) is (wanted.finish == "tool_calls")
    assert result.degradations == []
    assert result.turn["outcome"] == "done"
    assert result.other.asked == 0


def cut(result: Result, wanted: Expected) -> None:
    was_tried(result, wanted, 1)
    if wanted.text == HALF:
        assert result.answer == HALF
    else:
        assert result.answer.startswith(wanted.text)
    assert "cut off" in result.note
    assert wanted.says in result.note
    assert "go on" in result.note
    assert result.turn["outcome"] == "cut"
    assert result.other.asked == 0

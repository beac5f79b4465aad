"""A hundred and twenty private turns at the real server, while the servers around it fail.

bench/privacy_leaks.py does the same with ten thousand, in one process.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence

import pytest

from hal.compose import conversation_id
from hal.privacy.kinds import Kind, Tier
from hal.privacy.traces import Traces
from tests.harness.openwebui import WebUITurn
from tests.harness.sse import Json
from tests.privacy.adversity import CLOUD_EVERY, LOCAL_EVERY, now_and_then
from tests.privacy.generate import PrivateTurn
from tests.privacy.mixed_turns import mixed, tier_of
from tests.servers.faults import NDJSON, SSE

from .house import House

pytestmark = pytest.mark.server
TURNS = 60
# Retries wait up to a second; the others go on meanwhile.
AT_ONCE = 20


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    # Files and what tools return may leave: only what is found in them keeps them here.
    valves = {
        "STICKY": False,
        "CLOUD_CONFIDENCE": 0,
        "CLOUD_ATTACHMENTS": True,
        "PASS_TOOLS": True,
        "CLOUD_PER_MINUTE": 0,
        "CLASSIFIER_DEADLINE_S": 20,
    }
    with House(tmp_path_factory.mktemp("private-turns"), valves=valves) as running:
        yield running


@pytest.mark.parametrize(("mode", "cache", "seed"), [("local", "off", 1), ("scrub", "exact", 2)])
def test_no_value_reaches_the_cloud(house: House, mode: str, cache: str, seed: int) -> None:
    house.server.update_valves({"PRIVACY_MODE": mode, "CACHE": cache})
    house.judge("COMPLEX", 0.96)
    house.answer_with(now_and_then(LOCAL_EVERY, NDJSON))
    house.xai.answer(now_and_then(CLOUD_EVERY, SSE))
    turns = list(itertools.islice(mixed(seed), TURNS))
    ask(house, turns)
    sent = [json.dumps(r.headers).encode() + r.body for r in house.xai.requests]
    traces = Traces([value for turn in turns for value in turn.values if not leaves(mode, value)])
    assert [hit for payload in sent for hit in traces.find(payload)] == []
    # Nor has anything left that is not private enough to be found, and somebody has listened.
    arrived = [has_arrived(house, turn) for turn in turns if tier_of(turn) is None]
    assert (len(arrived), all(arrived)) == (TURNS // 10, True)
    assert not any(has_arrived(house, turn) for turn in turns if tier_of(turn) is Tier.HARD)
    masked = [has_arrived(house, turn) for turn in turns if tier_of(turn) is Tier.CONTACT]
    assert any(masked) is (mode == "scrub")


def leaves(mode: str, value: tuple[Kind, str]) -> bool:
    """A lone name leaves as it is, unless the rest is masked."""
    return mode == "local" and value[0] is Kind.PERSON


def has_arrived(house: House, turn: PrivateTurn) -> bool:
    chat = conversation_id(turn.turn.metadata["chat_id"])
    return any(r.headers.get("x-grok-conv-id") == chat for r in house.xai.requests)


def ask(house: House, turns: Sequence[PrivateTurn]) -> None:
    """All of them, some at a time; background tasks are not streamed."""
    streamed = [turn.turn for turn in turns if turn.turn.stream]
    for start in range(0, len(streamed), AT_ONCE):
        bodies = [prepared(house, turn) for turn in streamed[start : start + AT_ONCE]]
        answers = house.server.many(bodies)
        assert all(answer.text or answer.error or answer.cut for answer in answers)
    for turn in (turn.turn for turn in turns if not turn.turn.stream):
        house.server.send(turn)


def prepared(house: House, turn: WebUITurn) -> Json:
    return house.server.prepare(turn.messages, True, turn.metadata, **turn.extra)

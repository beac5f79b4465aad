"""The audit of bench/privacy_leaks.py finds what `Traces` finds, with any number of values."""

from __future__ import annotations

import itertools
import json
import sys
from random import Random

import pytest

from hal.privacy.kinds import Kind
from hal.privacy.traces import Traces, forms
from tests.harness.interpreters import REPO

from .mixed_turns import HARMLESS, mixed, tier_of, with_cloud_command
from .sentences import VALUES

sys.path.insert(0, str(REPO / "bench"))

from _leak_audit import Audit

KNOWN = [(kind, value) for kind, (_, value) in VALUES.items()]
OTHERS = [value for turn in itertools.islice(mixed(3), 300) for value in turn.values]
AUDIT = Audit([*KNOWN, *OTHERS])


@pytest.mark.parametrize("number", range(len(KNOWN)), ids=[kind.value for kind, _ in KNOWN])
def test_every_form_of_every_kind_is_a_candidate(number: int) -> None:
    kind, value = KNOWN[number]
    for form in sorted(forms(kind, value)):
        sent = json.dumps({"content": f"so it is {form}, and"}).encode()
        wanted = Traces([(kind, value)]).find(sent) != ()
        assert (number in [leak.number for leak in AUDIT.leaks([sent])]) is wanted, form


def test_it_agrees_with_traces_on_whole_turns() -> None:
    turns = list(itertools.islice(mixed(3), 60))
    sent = [json.dumps(turn.body).encode() for turn in turns]
    rng, values = Random(1), [*KNOWN, *OTHERS]
    for payload in rng.sample(sent, 20):
        wanted = [hit.number for hit in Traces(values).find(payload)]
        assert [leak.number for leak in AUDIT.leaks([payload])] == wanted


def test_nothing_is_found_in_a_harmless_turn() -> None:
    harmless = [turn for turn in itertools.islice(mixed(5), 200) if turn.position == HARMLESS]
    assert len(harmless) == 20
    assert AUDIT.leaks(json.dumps(turn.turn.messages).encode() for turn in harmless) == []


def test_the_command_stands_where_the_user_writes_it() -> None:
    commanded = 0
    for turn in itertools.islice(mixed(4), 300):
        made = with_cloud_command(turn).turn
        said = made.metadata["user_message"]["content"]
        if "task" in made.metadata or said.startswith("/cloud /cloud"):
            continue
        commanded += 1
        assert said.startswith("/cloud ")
        assert said in str([m["content"] for m in made.messages if m["role"] == "user"][-1])
    assert commanded > 200


def test_half_of_the_turns_must_not_leave() -> None:
    tiers = [tier_of(turn) for turn in itertools.islice(mixed(6), 1000)]
    assert [tiers.count(tier) for tier in (None, max(filter(None, tiers)))] == [100, 500]
    assert {kind for kind, _ in OTHERS} == set(Kind)

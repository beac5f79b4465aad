"""The words that people read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hal.explain import (
    NOTHING_DECIDED,
    decision_line,
    fallback_line,
    final_line,
    why,
)
from hal.sessions.record import TurnRow
from hal.types import Decision, Findings, Plan, Route, Source, Summary, Target, Usage
from tests.core.things import CLOUD, LOCAL, decision, plan

NOTHING = Findings()
MASKED = Findings(kinds={"EMAIL": 1, "PHONE": 2}, scrub=True)
LINES = [
    pytest.param(
        decision(confidence=0.91), plan(LOCAL),
        "local big:30b · moderate (0.91) · an ordinary question", id="local",
    ),
    pytest.param(
        decision(Route.COMPLEX, source=Source.OVERRIDE, reason="you asked for the cloud"),
        plan(CLOUD, LOCAL), "xAI grok-4.3 · complex · you asked for the cloud", id="a command",
    ),
    pytest.param(
        decision(Route.COMPLEX, reason="beyond the local model"),
        plan(LOCAL, notes=("kept local: file in this chat",)),
        "local big:30b · complex (0.90) · beyond the local model · kept local: file in this chat",
        id="notes",
    ),
    pytest.param(
        decision(
            source=Source.DEFAULT, reason="no decision within 3 s", degraded="classifier_timeout"
        ),
        plan(LOCAL),
        "local big:30b · moderate · no decision within 3 s · (classifier timeout)", id="degraded",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("found", "made", "line"), LINES)
def test_decision_lines(found: Decision, made: Plan, line: str) -> None:
    assert decision_line(found, made, NOTHING) == line


@pytest.mark.parametrize(
    ("findings", "words"),
    [
        (MASKED, "sent with 3 items masked: e-mail address, phone number (2)"),
        (replace(MASKED, kinds={"PERSON": 1}), "sent with 1 item masked: name"),
        (Findings(is_open=True, reasons=("you said /public",)), "sent as it is: you said /public"),
    ],
    ids=["masked", "one", "said"],
)
def test_what_leaves_is_told_where_it_leaves(findings: Findings, words: str) -> None:
    found = decision(Route.COMPLEX)
    assert decision_line(found, plan(CLOUD, LOCAL), findings).endswith(f" · {words}")
    assert words not in decision_line(found, plan(LOCAL, CLOUD), findings)


SUMMARY = Summary("COMPLEX", 0.876, "so", "m", Usage(cost_usd=0.0042), 1.0, 2.0, 2149.0)
CLASSIFIED = replace(decision(Route.COMPLEX), confidence=0.876)
FINAL = [
    pytest.param(SUMMARY, CLOUD, "xAI grok-4.3 · complex (0.88) · $0.0042 · 2.1 s", id="cloud"),
    pytest.param(SUMMARY, LOCAL, "local big:30b · complex (0.88) · 2.1 s", id="local is free"),
    pytest.param(
        replace(SUMMARY, usage=Usage()), CLOUD,
        "xAI grok-4.3 · complex (0.88) · cost unknown · 2.1 s", id="unknown cost",
    ),
    pytest.param(
        replace(SUMMARY, usage=Usage(cost_usd=0.000012)), CLOUD,
        "xAI grok-4.3 · complex (0.88) · under $0.0001 · 2.1 s", id="next to nothing",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("summary", "target", "line"), FINAL)
def test_final_lines(summary: Summary, target: Target, line: str) -> None:
    assert final_line(summary, target, CLASSIFIED, plan(target), Findings()) == line


KEPT = "kept local: e-mail address found"


@pytest.mark.parametrize(
    ("summary", "target", "notes", "findings", "line"),
    [
        (SUMMARY, LOCAL, (KEPT,), Findings(), f"local big:30b · complex (0.88) · {KEPT} · 2.1 s"),
        (
            SUMMARY, CLOUD, (), MASKED,
            "xAI grok-4.3 · complex (0.88) · sent with 3 items masked: e-mail address, "
            "phone number (2) · $0.0042 · 2.1 s",
        ),
        (
            replace(SUMMARY, cache="exact"), CLOUD, (), MASKED,
            "m · from cache · complex (0.88) · 2.1 s",
        ),
        (
            replace(SUMMARY, search="4 sources"), LOCAL, (), Findings(),
            "local big:30b · complex (0.88) · 4 sources · 2.1 s",
        ),
        (
            replace(SUMMARY, search="none: refused"), LOCAL, (), Findings(),
            "local big:30b · complex (0.88) · no sources · 2.1 s",
        ),
    ],
    ids=["kept", "masked", "from cache nothing leaves", "sources", "no sources"],
)  # fmt: skip
def test_the_line_that_stays_says_why(
    summary: Summary, target: Target, notes: tuple[str, ...], findings: Findings, line: str
) -> None:
    made = replace(plan(target), notes=notes)
    assert final_line(summary, target, CLASSIFIED, made, findings) == line


def test_nobody_was_sure_of_what_was_commanded() -> None:
    commanded = replace(CLASSIFIED, source=Source.OVERRIDE, confidence=1.0)
    line = final_line(SUMMARY, LOCAL, commanded, plan(LOCAL), Findings())
    assert line == "local big:30b · complex · 2.1 s"


def test_fallback_lines() -> None:
    asked_not = "local big:30b is not asked: it failed 5 times."
    assert fallback_line(LOCAL, asked_not, CLOUD) == f"{asked_not} Asking xAI grok-4.3."
    assert fallback_line(LOCAL, "It is busy.", CLOUD) == (
        "local big:30b failed: It is busy. Asking xAI grok-4.3."
    )


ROW = TurnRow(
    id="t", started_at=0.0, route="COMPLEX", source="classifier", reason="beyond the local model",
    confidence=0.88, model="grok-4.3", leaves_machine=True, policy_id="policy-1", outcome="done",
    probabilities={"SIMPLE": 0.08, "COMPLEX": 0.72, "ENRICH": 0.2}, needs_search=0.2,
    notes=("a note",), prompt_id="classify@1+ab",
    degradations=("ollama_timeout",), classify_ms=310.0, first_token_ms=900.0, total_ms=4210.0,
    prompt_tokens=120, completion_tokens=34, cost_usd=0.0042,
)  # fmt: skip


def test_why_tells_all_of_it() -> None:
    assert why(ROW) == "\n".join(
        [
            "**COMPLEX**, decided by the classifier: beyond the local model.",
            "",
            "- Answered by: grok-4.3 on xAI (it left this machine)",
            "- How hard: COMPLEX 0.90, SIMPLE 0.10, MODERATE 0.00",
            "- Needs a search: 0.20",
            "- Notes: a note",
            "- On the way: ollama timeout",
            "- Time: 0.31 s deciding, 0.90 s to the first token, 4.21 s in all",
            "- Tokens: 120 in, 34 out, $0.0042",
            "- Outcome: done",
            "- Prompt: `classify@1+ab`, rules: `policy-1`",
            "",
            "Begin a message with `/local`, `/cloud`, `/web` to decide yourself, with `/private` "
            "or `/public` to say how private it is.",
        ]
    )


def test_why_without_any_decision() -> None:
    assert why(None) == NOTHING_DECIDED


BARE = TurnRow(id="t", started_at=0.0, route="MODERATE", source="rule", reason="image")
WHYS = [
    pytest.param({}, "on this machine (nothing left it)", id="local"),
    pytest.param({}, "Answered by: nobody", id="no answer"),
    pytest.param({}, "decided by a rule", id="rule"),
    pytest.param({"source": "override"}, "decided by your command", id="command"),
    pytest.param({"source": "sticky"}, "decided by the course of this chat", id="sticky"),
    pytest.param({"source": "default"}, "because nobody could decide", id="default"),
    pytest.param({"source": "bogus"}, "because nobody could decide", id="another version's"),
    pytest.param({}, "Confidence: 0.00\n", id="no confidence"),
    pytest.param({}, "Tokens: 0 in, 0 out\n", id="no tokens"),
]


@pytest.mark.parametrize(("changes", "words"), WHYS)
def test_why_in_parts(changes: dict[str, Any], words: str) -> None:
    assert words in why(replace(BARE, **changes))


LEARNED = TurnRow(
    id="t",
    started_at=0.0,
    route="COMPLEX",
    source="learned",
    reason="local answer good enough: 41%",
    confidence=0.59,
    p_local_ok=0.41,
    gain=0.22,
    router_id="router+0011aabb",
    model="grok-4.3",
    leaves_machine=True,
    cascade="escalated",
)


def test_why_the_learned_router_decided_so() -> None:
    said = why(LEARNED)
    assert "decided by the learned router: local answer good enough: 41%." in said
    assert "good enough: 41%, expected gain of the cloud: 0.22 (`router+0011aabb`)" in said
    assert "- Draft: local draft replaced" in said
    assert "How hard" not in said, "nobody asked the classifier"
    asked = replace(LEARNED, needs_search=0.1, probabilities={"SIMPLE": 0.1, "COMPLEX": 0.8})
    assert "- How hard: COMPLEX 0.89" in why(asked)


@pytest.mark.parametrize(
    ("cascade", "words"),
    [
        ("kept", "draft checked"),
        ("escalated", "local draft replaced"),
        ("late", "shown unchecked"),
        ("returned", "nothing better could be had"),
    ],
)
def test_the_last_line_says_what_became_of_a_draft(cascade: str, words: str) -> None:
    summary = Summary("MODERATE", 0.9, "", LOCAL.model, Usage(), 1.0, 2.0, 900.0, cascade=cascade)
    assert words in final_line(summary, LOCAL, decision(), plan(), NOTHING)

"""What a report counts, in logs of a few rows; and the generated month as a whole."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from hal.lab.report import words
from hal.lab.report.collect import Asked, collect
from hal.lab.report.document import document
from hal.lab.report.estimates import Share
from hal.lab.report.figures import Compared, Report
from hal.sessions import schema
from hal.sessions.export import reading
from hal.sessions.record import LookupRow, TurnRow
from tests.lab.conftest import CAPS, report_of
from tests.sessions.rows import (
    DAY_S,
    NOON,
    call,
    content,
    egress,
    policy,
    prompt,
    score,
    shadow,
    sql,
    turn,
)

Write = Callable[..., Path]
GOLDEN = Path(__file__).parent / "golden" / "month.json"


def done(id: str, **changes: Any) -> TurnRow:
    """A turn that the local model answered."""
    values = {
        "outcome": "done",
        "route": "MODERATE",
        "source": "classifier",
        "confidence": 0.85,
        "provider": "ollama",
        "model": "nano",
        "prompt_tokens": 100,
        "completion_tokens": 50,
        "cost_usd": 0.0,
        "cloud_cost_usd": 0.5,
        "classify_ms": 90.0,
        "first_token_ms": 400.0,
        "total_ms": 2000.0,
    }
    return turn(id, **{**values, **changes})


def cloud(id: str, **changes: Any) -> TurnRow:
    values = {"route": "COMPLEX", "provider": "xai", "model": "grok", "leaves_machine": True}
    return done(id, **{**values, "cost_usd": 0.5, **changes})


def test_the_month_as_it_was_looked_at(month_report: Report) -> None:
    """After a change that is meant: python -m tests.lab.test_collect writes it anew."""
    assert json.loads(json.dumps(document(month_report))) == json.loads(GOLDEN.read_text("utf-8"))


def test_keys_keep_their_order(month_report: Report) -> None:
    assert list(document(month_report)) == list(json.loads(GOLDEN.read_text("utf-8")))


def test_the_parts_of_the_month_add_up(month_report: Report) -> None:
    totals = month_report.totals
    assert totals.turns == sum(group.turns for group in month_report.routes)
    assert totals.turns == sum(sum(slot.routes.values()) for slot in month_report.slots)
    assert totals.answered == sum(g.turns for g in month_report.targets) + totals.cached
    assert totals.cost_usd == pytest.approx(sum(slot.cost_usd for slot in month_report.slots))
    assert totals.cost_usd == pytest.approx(sum(group.cost_usd for group in month_report.routes))
    assert sum(month_report.deciders.values()) == totals.turns
    assert sum(b.uncontested.n for b in month_report.bins) == month_report.deciders["classifier"]
    assert len(month_report.slots) == 30


def test_no_log(tmp_path: Path) -> None:
    report = report_of(tmp_path / "none.sqlite")
    assert words.headline(report) == "There are no finished turns in the session log yet."


def test_an_empty_log(write: Write) -> None:
    report = report_of(write())
    assert words.headline(report) == "There are no finished turns in the session log yet."
    assert report.totals.turns == 0


def test_one_turn(write: Write) -> None:
    report = report_of(write(done("a")))
    assert words.headline(report) == (
        "The one turn was answered on this machine; xAI cost $0 instead of $0.50."
    )


@pytest.mark.parametrize("version", range(1, schema.VERSION))
def test_a_log_of_an_older_schema(version: int, tmp_path: Path) -> None:
    path = tmp_path / "sessions.sqlite"
    steps = schema.SCHEMA.migrations[:version]
    replace(schema.SCHEMA, migrations=steps).migrate(_connect(path))
    sql(
        path,
        "INSERT INTO turn (id, started_at, outcome, route, source, confidence, provider, model,"
        " cost_usd) VALUES ('a', ?, 'done', 'SIMPLE', 'classifier', 0.9, 'ollama', 'nano', 0)",
        NOON,
    )
    report = report_of(path, with_texts=True)
    assert report.totals.turns == report.totals.local == 1
    assert f"schema {version}" in report.notes[0]


def _connect(path: Path) -> Any:
    return sqlite3.connect(path, isolation_level=None)


def test_tasks_and_running_turns_are_in_no_share(write: Write) -> None:
    path = write(
        done("a"),
        done("b", task="title_generation", route="META"),
        cloud("c", outcome="running"),
        cloud("d"),
    )
    report = report_of(path)
    totals = report.totals
    assert (totals.turns, totals.local, totals.tasks, totals.unfinished) == (2, 1, 1, 1)
    assert totals.share_local == Share(1, 2)
    assert [group.name for group in report.routes] == ["MODERATE", "COMPLEX"]
    assert words.subtitle(report, None).endswith("1 background task, 1 turn still running.")


def test_failed_turns_are_not_answered(write: Write) -> None:
    failed = done("b", outcome="failed", error_code="refused", provider="", model="")
    report = report_of(write(done("a"), failed, cloud("c", outcome="stopped")))
    assert report.totals.share_local == Share(1, 2)
    assert {(c.kind, c.name): c.turns for c in report.causes} == {
        ("outcome", "failed"): 1,
        ("outcome", "stopped"): 1,
        ("error", "refused"): 1,
    }


def test_costs_are_compared_where_both_are_known(write: Write) -> None:
    report = report_of(write(done("a"), cloud("b"), cloud("c", cost_usd=None, cloud_cost_usd=None)))
    assert report.totals.compared == Compared(2, 0.5, 1.0)
    assert words.headline(report) == (
        "33 % of 3 turns were answered on this machine;"
        " xAI cost at least $0.50 instead of at least $1.00."
    )


def test_the_cache_answers_here_and_has_no_target(write: Write) -> None:
    hit = cloud("b", cache="exact", leaves_machine=False, cost_usd=0.0, first_token_ms=1.0)
    report = report_of(write(cloud("a"), hit))
    assert report.cache == {"exact": 1}
    assert report.totals.share_local == Share(1, 2)
    assert [(t.name, t.turns, t.first_token.n) for t in report.targets] == [("xai grok", 1, 1)]


def test_times_are_of_whole_answers(write: Write) -> None:
    rows = [done(f"t{ms}", total_ms=float(ms)) for ms in range(100, 200)]
    stopped = done("s", outcome="stopped", total_ms=9e6, classify_ms=None)
    by_rule = done("r", source="rule", classify_ms=0.0)
    (group,) = report_of(write(*rows, stopped, by_rule)).routes
    assert (group.total.n, group.first_token.n, group.classify.n) == (101, 102, 100)
    assert group.total.p50_ms == pytest.approx(150, rel=0.01)


def test_the_newest_score_counts(write: Write) -> None:
    path = write(
        done("a"),
        done("b"),
        score("1", turn_id="a", value=-1.0),
        score("2", turn_id="a", value=1.0, created_at=NOON + 1),
        score("3", turn_id="b", value=1.0),
        score("4", turn_id="b", value=None, created_at=NOON + 1),  # taken back
    )
    quality = report_of(path).quality
    assert [(each.name, each.up) for each in quality.by_route] == [("MODERATE", Share(1, 1))]
    assert [(s.name, s.turns, s.mean) for s in quality.signals] == [
        ("user_thumb", Share(1, 2), 1.0)
    ]


def test_confidence_is_held_against_verdicts(write: Write) -> None:
    def told(turn_id: str, name: str, value: float, source: str) -> Any:
        return score(f"{name}-{turn_id}", turn_id=turn_id, name=name, value=value, source=source)

    path = write(
        *(done(f"t{i}", confidence=0.91 + i / 100) for i in range(4)),
        done("full", confidence=1.0),
        done("low", confidence=0.35),
        done("sticky", source="sticky"),
        told("t0", "user_thumb", 0.9, "human"),
        told("t1", "judge_pair", -0.8, "judge"),
        told("t1", "user_rating", 0.5, "human"),  # people before judges
        told("t2", "regenerate", -0.5, "implicit"),
        told("low", "judge_pair", -0.8, "judge"),
        told("sticky", "user_thumb", -0.9, "human"),
    )
    low, high = report_of(path).bins
    assert (low.low, low.judged, low.uncontested) == (0.3, Share(0, 1), Share(0, 1))
    assert (high.low, high.judged, high.uncontested) == (0.9, Share(2, 2), Share(3, 5))
    assert high.mean == pytest.approx((0.91 + 0.92 + 0.93 + 0.94 + 1.0) / 5)


def test_a_verdict_on_a_pair_is_read_from_the_side_that_answered(write: Write) -> None:
    """-1: the cloud was better. For a turn that the cloud answered that is praise."""
    pairs = {"here": (False, -1.0), "there": (True, -1.0), "needless": (True, 1.0)}
    path = write(
        *(done(id, confidence=0.95, leaves_machine=left) for id, (left, _) in pairs.items()),
        *(
            score(f"s-{id}", turn_id=id, name="judge_pair", value=value, source="judge")
            for id, (_, value) in pairs.items()
        ),
    )
    report = report_of(path)
    (only,) = report.bins
    assert only.judged == Share(1, 3)
    assert {suspect.turn.id for suspect in report.suspects} >= {"here", "needless"}
    assert "there" not in {
        suspect.turn.id for suspect in report.suspects if "judge_pair" in suspect.signals
    }


def test_shadow_pairs_are_told_apart_from_the_costs_of_turns(write: Write) -> None:
    path = write(
        done("t1"),
        call("c1", turn_id="t1", purpose="answer", cost_usd=0.0),
        call("c2", turn_id="t1", n=2, purpose="shadow", cost_usd=0.0125),
        shadow(turn_id="t1"),
    )
    report = report_of(path)
    assert report.totals.cost_usd == 0.0
    assert "1 more answer by the other model, which nobody saw, for $0.01." in report.notes[0]


def test_notes_differ_only_in_their_amounts(write: Write) -> None:
    def kept(id: str, spent: str) -> TurnRow:
        note = f"kept local: today's budget of $0.50 is used up ({spent} spent)"
        return done(id, notes=(note,), degradations=("classifier_timeout",))

    report = report_of(write(kept("a", "$0.51"), kept("b", "$0.62"), done("c")))
    assert [(c.kind, c.name, c.turns) for c in report.causes] == [
        ("degradation", "classifier_timeout", 2),
        ("note", "kept local: today's budget of … is used up (… spent)", 2),
    ]


def test_what_left_is_grouped_and_pages_are_one_target(write: Write) -> None:
    path = write(
        done("a", route="ENRICH", private_kinds={"EMAIL": 1}),
        cloud("b", private_kinds={"PERSON": 2}),
        egress("1", turn_id="b", purpose="answer", bytes=100, masked={"PERSON": 2}),
        egress("2", turn_id="a", host="a.example", purpose="page"),
        egress("3", turn_id="a", host="b.example", purpose="page", passed={"EMAIL": 1}),
        egress("4", turn_id="a", host="old.example", at=NOON - 9 * DAY_S),
    )
    left = report_of(path).egress
    assert [(d.host, d.purpose, d.calls, d.masked, d.passed) for d in left.destinations] == [
        ("2 sites", "page", 2, {}, {"EMAIL": 1}),
        ("api.x.ai", "answer", 1, {"PERSON": 2}, {}),
    ]
    assert (left.calls, left.bytes) == (3, 124)
    assert (left.private_turns, left.private_left) == (2, 1)
    assert (left.answered, left.unlogged) == (1, 0)


def test_what_left_without_a_record_is_counted(write: Write) -> None:
    path = write(cloud("a"), cloud("b"), done("c"), egress(turn_id="a"))
    left = report_of(path).egress
    assert (left.answered, left.unlogged) == (2, 1)


def test_searches(write: Write) -> None:
    def looked_up(turn_id: str, **changes: Any) -> LookupRow:
        values = {"sources": 3, "cited": (1, 2), "pages": 4, "pages_read": 3, "total_ms": 2900.0}
        row = {"turn_id": turn_id, "created_at": NOON, "rewritten_by": "model", **values, **changes}
        return LookupRow(**row)

    path = write(
        *(done(id, route="ENRICH") for id in "abc"),
        looked_up("a", invalid=1),
        looked_up("b", cited=()),
        looked_up(
            "c", sources=0, cited=(), problem="no page could be read", rewritten_by="timeout"
        ),
    )
    found = report_of(path).searches
    assert (found.n, found.failed, found.citing, found.cited, found.invalid) == (
        3,
        1,
        Share(1, 2),
        2,
        1,
    )
    assert (found.rewritten, found.problems) == (2, {"no page could be read": 1})
    assert found.total.p50_ms == 2905.0


def test_caps_know_today_and_the_worst_day(write: Write) -> None:
    path = write(
        cloud("a", cost_usd=0.25),
        cloud("b", cost_usd=0.04, started_at=NOON + DAY_S),
        cloud("c", cost_usd=0.03, started_at=NOON + 31 * DAY_S),
    )
    day, month = report_of(path, now_s=NOON + 31 * DAY_S + 1).caps
    assert (day.usd, day.now_usd, day.most_usd, day.most_in, day.reached) == (
        *(0.08, pytest.approx(0.03), 0.25, "2026-03-01", 1),
    )
    assert (month.now_usd, month.most_usd, month.reached) == (
        *(pytest.approx(0.03), pytest.approx(0.29), 0),
    )


def test_only_the_asked_time_counts(write: Write) -> None:
    path = write(*(done(f"t{day}", started_at=NOON + day * DAY_S) for day in range(5)))
    report = report_of(path, since=NOON + DAY_S, until=NOON + 3 * DAY_S)
    assert report.totals.turns == 2
    assert report_of(path, since=NOON + 9 * DAY_S).totals.turns == 0
    assert "in this time" in words.headline(report_of(path, since=NOON + 9 * DAY_S))


@pytest.mark.parametrize("at", [-5.0, 0.0, 4e9, 1e12, 1e300], ids=str)
def test_a_clock_that_was_wrong(at: float, write: Write) -> None:
    report = report_of(write(done("a"), cloud("b", started_at=at)))
    assert report.totals.turns == (2 if 0 <= at < 1e10 else 1)
    assert words.subtitle(report, UTC)


def test_more_turns_are_not_more_questions(write: Write) -> None:
    """A million must not mean a million statements."""
    asked: list[int] = []
    for count in (50, 200):
        path = write(*(done(f"t{index}") for index in range(count)))
        with reading(path) as connection:
            assert connection is not None
            statements: list[str] = []
            connection.set_trace_callback(statements.append)
            collect(connection, Asked(now_s=NOON, caps=CAPS, tz=UTC))
            connection.set_trace_callback(None)
        asked.append(len(statements))
    assert asked[0] == asked[1] < 100


def test_turns_worth_a_look_come_with_their_signs(write: Write) -> None:
    path = write(
        done("good", confidence=1.0),
        done("bad", confidence=1.0),
        done("broken", outcome="failed", error_code="reset", confidence=1.0),
        content("bad", question="A secret?"),
        score("s", turn_id="bad", name="correction", value=-0.5, source="implicit"),
    )
    suspects = report_of(path).suspects
    assert {each.turn.id: each.signals for each in suspects} == {
        "bad": ("correction",),
        "broken": ("reset",),
    }
    assert all(not each.question for each in suspects)
    with_texts = report_of(path, with_texts=True).suspects
    assert [each.question for each in with_texts if each.question] == ["A secret?"]


def test_versions_say_which_is_in_use(write: Write) -> None:
    path = write(
        prompt(), prompt(id="classify@2+x", first_seen=NOON + 1), policy(),
        done("a", prompt_id="classify@2+x", policy_id="policy-1", started_at=NOON + 2),
    )  # fmt: skip
    assert {v.id: v.is_current for v in report_of(path).versions} == {
        "classify@1+abcdef01": False,
        "classify@2+x": True,
        "policy-1": True,
    }


def _write_golden() -> None:
    """For a person who has looked at the report."""
    import tempfile

    from _month_of_use import Use, fill

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data" / "sessions.sqlite"
        fill(path, Use())
        text = json.dumps(document(report_of(path)), indent=1, ensure_ascii=False)
    GOLDEN.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    _write_golden()

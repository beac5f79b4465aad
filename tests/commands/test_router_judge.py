"""`hal router judge`: a log with pairs, a scripted Ollama, and a person at the keyboard."""

from __future__ import annotations

import argparse
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hal.commands.router_judge import run
from hal.commands.router_rate import rate
from hal.lab.router.judging import LEAST_RATED
from hal.lab.router.shadow_pairs import AnswerPair, answer_pairs, pair_scores
from hal.parsers.router_judge import add_judge
from hal.sessions.reader import SessionReader
from tests.servers import BUSY, OllamaServer
from tests.servers.script import Body, Label, Steps
from tests.sessions import rows

RIGHT, WRONG = "It is Paris.", "It is London."


@pytest.fixture
def ollama(data: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OllamaServer]:
    with OllamaServer(honest) as server:
        monkeypatch.setenv("HAL_OLLAMA_BASE_URL", server.url)
        yield server


def honest(body: Body) -> Steps:
    first, _, second = body["messages"][-1]["content"].partition("answer A ends")
    right = RIGHT in first, RIGHT in second
    said = {(True, False): "A", (False, True): "B"}.get(right, "TIE")
    return [Label({"A": 0.05, "B": 0.05, "T": 0.05} | {said[:1]: 0.9})]


def of_places(_body: Body) -> Steps:
    return [Label({"A": 0.9, "B": 0.05, "T": 0.05})]


def judging(server: OllamaServer) -> list[str]:
    """The judge's requests, without what warms up the classifier."""
    texts = (request.json["messages"][-1]["content"] for request in server.chats)
    return [text for text in texts if "answer A begins" in text]


def logged(data: Path, *pairs: tuple[str, str]) -> Path:
    """A turn for each pair (local answer, cloud's); the cloud answered every second one."""
    path = data / "sessions.sqlite"
    with rows.opened(path) as store:
        for number, (local, cloud) in enumerate(pairs):
            id, by_cloud = f"t{number:03}", number % 2 == 1
            shown, other = (cloud, local) if by_cloud else (local, cloud)
            at = {"started_at": rows.NOON + number, "leaves_machine": by_cloud}
            store.write(rows.turn(id, outcome="done", chat_id=f"chat-{id}", **at))
            store.write(rows.content(id, question="Capital of France?", answer=shown))
            made = rows.shadow(
                f"s-{id}", turn_id=id, leaves_machine=not by_cloud, call_id=f"c-{id}"
            )
            store.write(made)
            text = rows.shadow_content(f"s-{id}", answer=other)
            store.write(text).result(rows.SOON_S)
    return path


def judge(*words: str) -> int:
    parser = argparse.ArgumentParser()
    add_judge(parser.add_subparsers())
    return run(parser.parse_args(["judge", "--engine", "ollama", *words]))


def scores(path: Path) -> list[tuple[str, str, float]]:
    return rows.sql(path, "SELECT turn_id, label, value FROM score ORDER BY turn_id, source")


FOUR = ((RIGHT, WRONG), (WRONG, RIGHT), (RIGHT, RIGHT), (WRONG, RIGHT))


def test_each_pair_gets_a_score_once(
    data: Path, ollama: OllamaServer, capsys: pytest.CaptureFixture[str]
) -> None:
    path = logged(data, *FOUR)
    assert judge("--limit", "1") == 0
    assert scores(path) == [("t000", "local", 1.0)]
    assert judge() == 0
    said = capsys.readouterr()
    assert "4 pairs in the log, 3 of them not judged yet." in said.err
    assert "3 are judged now: 6 calls to nemotron-3-nano:30b." in said.err
    assert "uncalibrated: its verdicts count half, its ties not at all. Rate 20 more" in said.out
    assert scores(path) == [
        ("t000", "local", 1.0),
        ("t001", "cloud", -1.0),
        ("t002", "tie", 1.0),
        ("t003", "cloud", -1.0),
    ]
    assert len(judging(ollama)) == 8
    assert judge() == 0
    assert len(judging(ollama)) == 8
    who = rows.sql(path, "SELECT DISTINCT name, source, source_version, call_id FROM score")
    assert {(name, source) for name, source, _, _ in who} == {("judge_pair", "judge")}
    assert all(
        "judge_pair@1+" in version and len(version.split()[0]) == 12 for *_, version, _ in who
    )
    assert {call for *_, call in who} == {f"c-t00{number}" for number in range(4)}
    # What the judge was told is in the log as well.
    assert rows.sql(path, "SELECT name FROM prompt_version") == [("judge_pair",)]


def test_a_judge_of_places_is_told(
    data: Path, ollama: OllamaServer, capsys: pytest.CaptureFixture[str]
) -> None:
    ollama.answer(of_places)
    path = logged(data, *FOUR)
    assert judge("--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["now"] == {"local": 0, "cloud": 0, "tie": 0, "unsure": 4}
    assert document["judges"][0]["unsure"]["value"] == 1.0
    assert {value for *_, value in scores(path)} == {0.0}


def test_without_pairs_it_says_how_to_get_some(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert judge() == 1
    assert "SHADOW_SHARE" in capsys.readouterr().err


def test_pairs_that_are_none(data: Path) -> None:
    """Unfinished, expired, or both from one side."""
    path = logged(data, *FOUR)
    rows.sql(path, "UPDATE shadow SET outcome = 'cut' WHERE turn_id = 't000'")
    rows.sql(path, "UPDATE shadow SET leaves_machine = 1 WHERE turn_id = 't001'")
    rows.sql(path, "DELETE FROM content WHERE turn_id = 't002'")
    rows.sql(path, "DELETE FROM shadow_content WHERE shadow_id = 's-t003'")
    assert answer_pairs(SessionReader(path)) == []


def test_a_model_that_fails_leaves_what_was_judged(
    data: Path, ollama: OllamaServer, capsys: pytest.CaptureFixture[str]
) -> None:
    path = logged(data, *FOUR)
    ollama.when(lambda body: len(judging(ollama)) > 2, [BUSY])
    assert judge() == 1
    assert "Run it again to go on." in capsys.readouterr().out
    assert len(scores(path)) == 1


def test_a_person_calibrates_the_judge(
    data: Path,
    ollama: OllamaServer,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The judge is vain: where its own model's answer is wrong, it says tie."""

    def vain(_body: Body) -> Steps:
        return [Label({"A": 0.05, "B": 0.05, "T": 0.9})]

    ollama.answer(vain)
    path = logged(data, *[(WRONG, f"{RIGHT} Number {n}.") for n in range(LEAST_RATED + 1)])
    assert judge() == 0
    capsys.readouterr()
    screen = io.StringIO()
    monkeypatch.setattr("sys.stdin", Person(screen))
    monkeypatch.setattr("sys.stderr", screen)
    assert judge("--human", "--limit", str(LEAST_RATED), "--json") == 0
    # Blind: neither a model nor a side nor a verdict is named.
    assert not [w for w in ("grok", "xai", "ollama", "local", "tie\n") if w in screen.getvalue()]
    document = json.loads(capsys.readouterr().out)
    assert document["now"]["cloud"] == LEAST_RATED
    (found,) = document["judges"]
    assert (found["is_calibrated"], found["is_trusted"], found["missing"]) == (True, False, 0)
    assert found["counts"]["tie"]["cloud"] == LEAST_RATED
    assert found["people_said"]["tie"]["cloud"] == pytest.approx(21 / 23)
    assert len(rows.sql(path, "SELECT 1 FROM score WHERE source = 'human'")) == LEAST_RATED


class Person(io.StringIO):
    """Reads the screen, and knows the capital of France."""

    def __init__(self, screen: io.StringIO) -> None:
        super().__init__()
        self.screen = screen

    def readline(self, *_args: Any) -> str:  # type: ignore[override]
        first = self.screen.getvalue().rpartition("answer 1:")[2].partition("answer 2:")[0]
        return "1\n" if RIGHT in first else "2\n"


def test_the_words_of_a_person() -> None:
    pairs = [AnswerPair(f"t{n}", None, "Why?", "of the house", "of the cloud") for n in range(6)]
    draws = iter([0.1, 0.9, 0.1, 0.9, 0.1, 0.1])
    show = io.StringIO()
    heard = io.StringIO("1\n1\n maybe\n\n2\nT\ns\nq\n1\n")
    found = [(pair.turn_id, v.label) for pair, v in rate(pairs, heard, show, lambda: next(draws))]
    assert found == [("t0", "local"), ("t1", "cloud"), ("t2", "cloud"), ("t3", "tie")]
    shown = show.getvalue()
    assert "pair 6 of 6" in shown
    first = [part.split("answer 2")[0] for part in shown.split("answer 1:")[1:]]
    assert ["of the house" in part for part in first] == [True, False, True, False, True, True]


def test_a_terminal_is_not_commanded_and_the_end_of_input_is_the_end() -> None:
    show = io.StringIO()
    pair = AnswerPair("t", None, "Why?", "\x1b[2Jred", "b", (("user", "\x1b[31mbefore"),))
    assert list(rate([pair], io.StringIO(""), show)) == []
    assert "\x1b" not in show.getvalue()


def test_scores_of_before_there_were_pairs(data: Path) -> None:
    assert pair_scores(SessionReader(data / "none.sqlite")) == []

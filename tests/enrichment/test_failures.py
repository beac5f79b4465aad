"""Each failure has its sentence: in front of the answer, above it, for the model, for programs."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.enrichment import problems
from hal.enrichment.failures import (
    failure,
    instructions,
    note,
    problem_of,
    without_note,
    word,
)
from hal.enrichment.problems import Problem
from hal.enrichment.types import Cited, Findings, Freshness, Hit, Outcome, Results, Search
from hal.prompts import load_prompt
from tests.core.things import fixed

TODAY = date(2026, 11, 22)
PROMPT = load_prompt("no_evidence")
SEARCH = Search(("ships today", 'harbour "news"'), Freshness.WEEK)
HIT = Hit("https://a.example/", "A", "snippet", 1)
SOURCE = Cited(1, HIT.url, "A", "a.example", ("Nine ships.",))
URL = "http://127.0.0.1:8080"
REFUSED = problems.refused(URL)

# What was found, the code, what the user and the model read of it, and what the note says.
FAILURES: dict[str, tuple[Findings, str, str, str]] = {
    "nothing was asked": (
        Findings(Search(())),
        "no_words",
        "nothing was searched: without what is private",
        "without what is private, no words were left to search for",
    ),
    "nothing may be asked": (
        Findings(Search(()), problem=problems.silent("nothing is searched: it stays")),
        "private",
        "nothing is searched: it stays",
        "nothing of this chat may leave this machine",
    ),
    "SearXNG is down": (
        Findings(SEARCH, (Results("q", problem=REFUSED),) * 2),
        "refused",
        '"harbour news" (past week), but the search failed: nothing listens at 127.0.0.1:8080',
        "SearXNG does not answer at 127.0.0.1:8080",
    ),
    "it is left alone": (
        Findings(SEARCH, (Results("q", problem=problems.paused(REFUSED, 40)),)),
        "paused",
        "it is asked again in 40 s",
        "SearXNG does not answer at 127.0.0.1:8080",
    ),
    "the time was over": (
        Findings(SEARCH, problem=problems.too_slow(12)),
        "too_slow",
        "but the search failed: it took longer than 12 s",
        "the search took longer than 12 s",
    ),
    "nothing was found": (
        Findings(SEARCH, (Results("q", problem=problems.no_hits()),)),
        "no_hits",
        ", but the search found nothing",
        "the search found nothing",
    ),
    "nothing could be read": (
        Findings(
            SEARCH,
            (Results("q", (HIT,)),),
            outcomes=(Outcome(HIT.url, 1, "dropped", "timeout"), Outcome("x", 2, "unused", "y")),
        ),
        "unread",
        "but the only result could not be read (timeout)",
        "the only result could not be read (timeout)",
    ),
    "a prompt is broken": (
        Findings(SEARCH, (Results("q", (HIT,)),), problem=problems.no_prompt("Prompt x: no $y.")),
        "prompt",
        "but the search failed: Prompt x: no $y",
        "a prompt of hal-auto is broken",
    ),
}


@pytest.mark.parametrize(("findings", "code", "told", "brief"), FAILURES.values(), ids=FAILURES)
def test_each_failure_says_what_was_done(
    findings: Findings, code: str, told: str, brief: str
) -> None:
    said = failure(findings)
    assert told in said
    assert not said.endswith(".")
    prompt = instructions(PROMPT, findings, TODAY)
    assert said in prompt
    assert "2026-11-22 (Sunday)" in prompt
    assert "do not repeat it" in prompt
    problem = problem_of(findings)
    assert problem is not None
    assert (problem.code, word(findings)) == (code, f"none: {code}")
    begin, _, end = note(problem).partition(f"{brief}.")
    assert begin.startswith("*No web sources behind this answer: ")
    assert end == " What follows is from the model's memory and may be out of date.*\n\n"


def test_with_sources_nothing_failed() -> None:
    findings = Findings(SEARCH, sources=(SOURCE,))
    assert (failure(findings), problem_of(findings), word(findings)) == ("", None, "1 source")
    two = replace(findings, sources=(SOURCE, SOURCE))
    assert word(two) == "2 sources"


def test_what_a_server_said_is_for_the_user_alone() -> None:
    """It may quote the query, and it is somebody else's text: neither the model nor the log for
    ever, nor an answer that is kept by Open WebUI."""
    quoted = "Invalid value 'ships today'"
    rejected = problems.of_reply(URL, 400, "application/json", quoted)
    engines = problems.engines_failed([("google", quoted)])
    for problem in filter(None, (rejected, engines)):
        findings = Findings(SEARCH, (Results("ships today", problem=problem),))
        assert f"({quoted})" in failure(findings) or f": {quoted})" in failure(findings)
        assert quoted not in instructions(PROMPT, findings, TODAY)
        assert quoted not in problem.own_words + note(problem)


@fixed
@given(st.text(), st.text())
def test_the_note_is_one_line_and_can_be_taken_away(reason: str, answer: str) -> None:
    shown = note(Problem("code", reason))
    line, end = shown[:-2], shown[-2:]
    assert (line.count("*"), line[0], line[-1], end) == (2, "*", "*", "\n\n")
    assert line.splitlines() == [line]
    assert without_note(shown + answer) == answer.lstrip("\n")
    thoughts = "<details>\nhm\n</details>\n"
    assert without_note(thoughts + shown + answer) == thoughts + answer.lstrip("\n")


@pytest.mark.parametrize(
    "text",
    ["", "In May.", f"He said: {note(REFUSED)}", note(REFUSED)[:60], "*No web sources behind *"],
    ids=["nothing", "an answer", "quoted within a line", "cut off", "another sentence"],
)
def test_other_answers_stay_as_they_are(text: str) -> None:
    assert without_note(text) == text

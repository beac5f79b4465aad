"""The guards: every known kind of sabotage is blocked, and a good proposal is not."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hal.errors import ConfigError
from hal.lab.improve.guards import Gatekeeper
from hal.lab.improve.parts import Parts, is_only_a_threshold
from hal.lab.improve.phrases import RUN, Phrases
from hal.privacy.detect import DetectionFailed, Detector
from hal.prompts import load_prompt, parse_prompt
from hal.routing.question import Example, Question

from .sabotage import HARMLESS, PARENT, SABOTAGE, SAID

KEEPER = Gatekeeper.of(SAID, Detector().find)


def test_there_are_enough_kinds() -> None:
    assert len(SABOTAGE) >= 20


@pytest.mark.parametrize("kind", SABOTAGE)
def test_sabotage_is_blocked(kind: str) -> None:
    assert KEEPER.refusal(PARENT, SABOTAGE[kind]())


@pytest.mark.parametrize("kind", HARMLESS)
def test_what_is_in_order_is_not(kind: str) -> None:
    assert KEEPER.refusal(PARENT, HARMLESS[kind]()) == ""


def test_reasons_name_the_cause_and_quote_nobody() -> None:
    reasons = {kind: KEEPER.refusal(PARENT, make()) for kind, make in SABOTAGE.items()}
    assert "private" in reasons["an e-mail address"]
    assert "copies" in reasons["a user's sentence"]
    assert "placeholder" in reasons["the placeholder twice"]
    assert not any("conference" in reason or "anna" in reason for reason in reasons.values())


@pytest.mark.parametrize("name", ["classify", "search_need"])
def test_the_shipped_prompts_pass_as_their_own_successors(name: str) -> None:
    prompt = load_prompt(name)
    assert KEEPER.refusal(prompt, prompt.text) == ""


def test_a_detector_that_cannot_look_blocks() -> None:
    def broken(text: str) -> tuple[()]:
        raise DetectionFailed("The check failed.")

    assert "failed" in Gatekeeper.of((), broken).refusal(PARENT, HARMLESS["one more rule"]())


@settings(max_examples=30, deadline=None)
@given(text=st.text(max_size=300))
def test_any_text_has_an_answer(text: str) -> None:
    assert KEEPER.refusal(PARENT, text)


@given(
    words=st.lists(st.sampled_from("abcdefgh"), min_size=RUN, max_size=30), cut=st.integers(0, 24)
)
def test_every_run_of_a_user_is_known(words: list[str], cut: int) -> None:
    phrases = Phrases.of([" ".join(words)])
    at = min(cut, len(words) - RUN)
    assert phrases.are_in("Well, " + ", ".join(words[at : at + RUN]).upper() + "!")
    assert not phrases.are_in(" ".join(words[at : at + RUN - 1]))


@pytest.mark.parametrize("name", ["classify", "search_need"])
def test_parts_come_together_as_they_were(name: str) -> None:
    prompt = load_prompt(name)
    again = Question.from_prompt(Parts.of(prompt).prompt)
    old = Question.from_prompt(prompt)
    assert (again.system, again.examples, again.user) == (old.system, old.examples, old.user)
    assert again.labels == old.labels
    assert Parts.of(prompt).text == prompt.text


def test_parts_change_one_at_a_time() -> None:
    parts = Parts.of(PARENT)
    rated = parts.with_base_rates({"easy": 0.3, "normal": 0.6, "hard": 0.1}).prompt
    ruled = parts.with_rule("normal:  a\n letter.").prompt
    shown = parts.with_example(Example("What is\nrust?", "normal")).prompt
    assert Question.from_prompt(rated).base_rates["hard"] == pytest.approx(0.1)
    assert Question.from_prompt(ruled).system.endswith("\n- normal: a letter.")
    assert Question.from_prompt(shown).examples[-1] == Example("What is rust?", "normal")
    assert [is_only_a_threshold(PARENT, new) for new in (rated, ruled, shown)] == [
        True,
        False,
        False,
    ]


def test_a_prompt_of_another_form_has_no_parts() -> None:
    with pytest.raises(ConfigError):
        Parts.of(parse_prompt("x", "---\nversion: 1\n---\nSay something."))

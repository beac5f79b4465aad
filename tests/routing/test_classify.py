"""The classifier against a model whose tokens are scripted."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import log
from typing import Any

import pytest

from hal.errors import BadReply, ModelMissing, Unreachable
from hal.prompts import parse_prompt
from hal.routing.classify import (
    CONTENT_FREE,
    STRUCTURED_CONFIDENCE,
    Classifier,
    Questions,
    Windows,
)
from hal.routing.decide import Verdict
from hal.routing.question import Question
from hal.sizes import conversation_tokens
from hal.types import DIFFICULTIES, Message, Route, Turn
from tests.core.things import run, turn


def question(name: str, labels: str) -> Question:
    body = f"# system\nAnswer {name}.\n\n# user\nMessage: $question"
    return Question.from_prompt(
        parse_prompt(name, f"---\nversion: 1\nlabels: {labels}\n---\n{body}")
    )


QUESTIONS = Questions(
    question("difficulty", "A=SIMPLE B=MODERATE C=COMPLEX"), question("search", "Y=YES N=NO")
)
S, M, C = DIFFICULTIES
Tokens = dict[str, float]


def tokens(**p: float) -> Tokens:
    return {token: log(value) for token, value in p.items()}


FLAT_ABC, FLAT_YN = tokens(A=1 / 3, B=1 / 3, C=1 / 3), tokens(Y=0.5, N=0.5)


@dataclass
class Model:
    """A ClassifierModel that says what it is told to: one reply for content, one for its bias."""

    difficulty: Tokens | None = field(default_factory=lambda: tokens(A=0.2, B=0.3, C=0.5))
    search: Tokens | None = field(default_factory=lambda: tokens(Y=0.1, N=0.9))
    bias: Tokens | None = None
    label: object = "C"
    digest_: str = "sha256:1"
    before: Callable[[], Any] | None = None
    asked: list[tuple[Message, ...]] = field(default_factory=list)
    constrained: list[tuple[Message, ...]] = field(default_factory=list)
    windows: set[int] = field(default_factory=set)
    digests: int = 0

    async def first_token(
        self, model: str, messages: tuple[Message, ...], *, num_ctx: int
    ) -> Mapping[str, float] | None:
        self.asked.append(messages)
        self.windows.add(num_ctx)
        await asyncio.sleep(0)
        if self.before is not None:
            await self.before()
        is_search = messages[0].text == QUESTIONS.search.system
        if any(is_free(messages, text) for text in CONTENT_FREE):
            return FLAT_YN if is_search else (self.bias or FLAT_ABC)
        return self.search if is_search else self.difficulty

    async def structured(
        self,
        model: str,
        messages: tuple[Message, ...],
        schema: Mapping[str, object],
        *,
        num_ctx: int,
    ) -> Mapping[str, object]:
        self.constrained.append(messages)
        is_search = messages[0].text == QUESTIONS.search.system
        return {"label": "N" if is_search and self.label == "C" else self.label}

    async def digest(self, model: str) -> str:
        self.digests += 1
        return self.digest_

    @property
    def calibrations(self) -> int:
        return sum(is_free(messages, CONTENT_FREE[0]) for messages in self.asked)


def is_free(messages: tuple[Message, ...], text: str) -> bool:
    return messages in (QUESTIONS.difficulty.messages(text), QUESTIONS.search.messages(text))


@dataclass
class State:
    """A StateStore in memory."""

    values: dict[str, str] = field(default_factory=dict)

    async def get_state(self, key: str) -> str | None:
        return self.values.get(key)

    async def put_state(self, key: str, text: str) -> None:
        self.values[key] = text


def classifier(model: Model, state: State | None = None, num_ctx: int = 4096) -> Classifier:
    windows = Windows("tiny:1b", num_ctx, num_ctx)
    return Classifier(model, QUESTIONS, windows, State() if state is None else state)


def classified(model: Model, *turns: Turn, state: State | None = None) -> list[Verdict]:
    async def work() -> list[Verdict]:
        asked = classifier(model, state)
        return [await asked.classify(one) for one in turns or (turn(),)]

    return run(work())


def test_both_questions_make_one_verdict() -> None:
    verdict = classified(Model())[0]
    assert verdict.difficulty == pytest.approx({S: 0.2, M: 0.3, C: 0.5})
    assert verdict.needs_search == pytest.approx(0.1)
    assert verdict.calibrated
    assert verdict.degraded is None
    assert verdict.prompt_id == f"{QUESTIONS.difficulty.prompt.id} {QUESTIONS.search.prompt.id}"


def test_the_bias_is_taken_off() -> None:
    model = Model(tokens(A=0.5, B=0.4, C=0.1), bias=tokens(A=0.8, B=0.1, C=0.1))
    verdict = classified(model)[0]
    assert max(verdict.difficulty, key=verdict.difficulty.__getitem__) is Route.MODERATE


def test_calibration_is_measured_once() -> None:
    model, state = Model(), State()
    classified(model, turn("one"), turn("two"), turn("three"), state=state)
    assert model.calibrations == 2  # once for each question
    assert {key.split(":")[0] for key in state.values} == {"calibration"}
    assert all("sha256:1" in key for key in state.values)


def test_calibration_is_loaded_by_the_next_process() -> None:
    state = State()
    first, second = Model(bias=tokens(A=0.6, B=0.2, C=0.2)), Model()
    before = classified(first, state=state)[0]
    after = classified(second, state=state)[0]
    assert second.calibrations == 0
    assert after.difficulty == pytest.approx(before.difficulty)


def test_another_model_is_calibrated_anew() -> None:
    state = State()
    classified(Model(), state=state)
    other = Model(digest_="sha256:2")
    classified(other, state=state)
    assert other.calibrations == 2
    assert len(state.values) == 4


@pytest.mark.parametrize(
    "stored", ["", "no json", "[]", "null", "{}", '{"A": 0}', '{"A": "x", "B": 0, "C": 0}']
)
def test_a_broken_calibration_is_measured_again(stored: str) -> None:
    state = State()
    classified(Model(), state=state)
    state.values = dict.fromkeys(state.values, stored)
    model = Model()
    assert classified(model, state=state)[0].calibrated
    assert model.calibrations == 2
    assert all(json.loads(text) for text in state.values.values())


def test_a_warm_classifier_asks_a_turn_twice_and_no_more() -> None:
    async def work() -> tuple[Model, int]:
        model = Model()
        asked = classifier(model)
        await asked.warm()
        warmed = len(model.asked)
        assert (await asked.classify(turn())).calibrated
        return model, warmed

    model, warmed = run(work())
    assert warmed >= 2 * len(CONTENT_FREE)
    assert len(model.asked) == warmed + 2


def test_turns_at_once_share_one_calibration() -> None:
    async def work() -> Model:
        model = Model()
        asked = classifier(model)
        await asyncio.gather(*(asked.classify(turn(f"number {n}")) for n in range(5)))
        return model

    assert run(work()).calibrations == 2


def test_a_deadline_does_not_end_the_measuring() -> None:
    async def work() -> tuple[Model, Verdict]:
        gate = asyncio.Event()
        model = Model()
        asked = classifier(model)

        async def wait() -> None:
            if len(model.asked) > 2:  # the two answers came; the calibration hangs
                await gate.wait()

        model.before = wait
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await asked.classify(turn())
        gate.set()
        await asyncio.sleep(0.01)
        assert model.calibrations == 2
        return model, await asked.classify(turn())

    model, verdict = run(work())
    assert verdict.calibrated
    assert model.calibrations == 2


def test_a_failed_calibration_is_tried_again() -> None:
    async def work() -> Verdict:
        model = Model()
        asked = classifier(model)
        refuse = True

        async def fail() -> None:
            if refuse and len(model.asked) > 2:
                raise Unreachable("Nothing listens there.")

        model.before = fail
        with pytest.raises(Unreachable):
            await asked.classify(turn())
        await asyncio.sleep(0)
        refuse = False
        return await asked.classify(turn())

    assert run(work()).calibrated


def test_no_logprobs_means_constrained_answers_from_then_on() -> None:
    model = Model(difficulty=None, search=None)
    verdicts = classified(model, turn("one"), turn("two"))
    assert len(model.asked) == 2  # tried once for each question of the first turn
    assert len(model.constrained) == 4
    for verdict in verdicts:
        assert verdict.degraded == "classifier_without_logprobs"
        assert not verdict.calibrated
        assert verdict.difficulty[C] == pytest.approx(STRUCTURED_CONFIDENCE)
        assert sum(verdict.difficulty.values()) == pytest.approx(1.0)
        assert verdict.needs_search == pytest.approx(1 - STRUCTURED_CONFIDENCE)


@pytest.mark.parametrize("reply", [tokens(The=0.9, It=0.1), {}], ids=["words", "nothing"])
def test_something_else_than_a_label_is_a_bad_reply(reply: Tokens) -> None:
    with pytest.raises(BadReply, match="label"):
        classified(Model(difficulty=reply))


@pytest.mark.parametrize("label", ["D", "", None, 3, "c"], ids=str)
def test_a_constrained_answer_off_the_list_is_a_bad_reply(label: object) -> None:
    with pytest.raises(BadReply, match="label"):
        classified(Model(difficulty=None, search=None, label=label))


def test_a_missing_model_is_said() -> None:
    async def missing() -> None:
        raise ModelMissing("tiny:1b is not installed.")

    with pytest.raises(ModelMissing):
        classified(Model(before=missing))


def test_the_history_goes_in_without_this_turn() -> None:
    model = Model()
    asked = turn("And in German?", Message("user", "Translate tree"), Message("assistant", "arbre"))
    classified(model, asked)
    text = model.asked[0][-1].text
    assert "User: Translate tree\nAssistant: arbre" in text
    assert text.count("And in German?") == 1


def test_the_prompt_fits_the_window_of_the_model() -> None:
    async def work() -> Model:
        model = Model()
        history = [Message("user", "字" * 2000), Message("assistant", "word " * 2000)] * 3
        await classifier(model, num_ctx=1024).classify(turn("why " * 4000, *history))
        return model

    model = run(work())
    assert model.windows == {1024}  # one window, or the model is loaded anew
    assert all(conversation_tokens(messages) <= 1024 for messages in model.asked)

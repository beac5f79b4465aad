"""The name model in the masking: asked there and nowhere else, and never in the way of a turn."""

from __future__ import annotations

import asyncio
import threading
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest

from hal.commands.checks import names as names_check
from hal.commands.checks.result import Check, Context, Status
from hal.commands.stored import Places
from hal.errors import EgressRefused
from hal.name_model import NameModel
from hal.privacy.allowed import value_hash
from hal.privacy.kinds import Kind
from hal.privacy.masked import Masked
from hal.privacy.name_lists import NameLists
from hal.privacy.ner import Model, Ner, NerUnavailable, load
from hal.prompts import load_prompt
from hal.runtime import Runtime
from hal.settings import PrivacySettings, Settings
from hal.settings_reader import read_environment
from hal.shield import PrivacyState, Shield
from hal.types import Evidence, Findings, Message, PrivacyWord
from tests.core.things import turn
from tests.privacy.language import Language
from tests.servers import OllamaModel, OllamaServer

NAMES = NameLists.load()
NOWHERE = Model("no_such_model", "no_such_model-1.0", "")
WARNING = (
    "Names are masked by the rules alone. The name model is not installed. "
    "pip install 'hal-auto[ner]', or set PRIVACY_NER=false in ADVANCED."
)
# The rules know no part of the one name, and the other by heart.
UNKNOWN, KNOWN = "Ngozirwa Adeyemo", "Jennifer Miller"
QUESTION = f"Please send the draft to {UNKNOWN} by Monday, and a copy to {KNOWN}."


def settings(folder: Path, **environ: str) -> Settings:
    return read_environment({"HOME": str(folder), "HAL_DATA_DIR": str(folder), **environ})


def missing() -> Ner:
    return load(NAMES, NOWHERE)


def problem_here() -> NerUnavailable | None:
    """Why this Python has no name model."""
    try:
        load(NAMES)
    except NerUnavailable as error:
        return error
    return None


def standing_in(language: Language) -> NameModel:
    return NameModel(lambda: Ner(language, NAMES))


def shield(
    folder: Path, model: NameModel | None = None, *, mode: str = "scrub", ner: bool = True
) -> Shield:
    """Without a model, as where none is installed."""
    state = PrivacyState(settings(folder).log)
    state.name_model = model or NameModel(missing)
    rules = PrivacySettings(mode, attachments=False, ner=ner)
    return Shield(state, rules, load_prompt("placeholders"))


def masked(by: Shield, text: str = QUESTION, *earlier: Message) -> Masked:
    masking = by.masking(turn(text, *earlier), Evidence())
    asyncio.run(masking.prepare())
    assert masking.made is not None
    return masking.made


def looked_at(by: Shield, text: str, **changes: object) -> Findings:
    return asyncio.run(by.inspect(turn(text, **changes), was_hard=False))


# Not installed ------------------------------------------------------------------------------------


def test_without_the_model_the_rules_mask_and_somebody_is_told(tmp_path: Path) -> None:
    made = shield(tmp_path)
    asyncio.run(made.warm())
    assert made.state.warnings == (WARNING,)
    text = masked(made).turn.question
    assert UNKNOWN in text
    assert KNOWN not in text


@pytest.mark.parametrize(
    "rules",
    [PrivacySettings("scrub", False), PrivacySettings("local", False, ner=True)],
    ids=["off", "without effect"],
)
def test_who_does_not_need_it_is_not_told(tmp_path: Path, rules: PrivacySettings) -> None:
    made = shield(tmp_path)
    asyncio.run(made.warm())
    asyncio.run(replace(made, rules=rules).warm())
    assert made.state.warnings == ()


def test_it_is_looked_for_again_with_the_next_settings_and_not_before() -> None:
    installed = False
    tries = []

    def look() -> Ner:
        tries.append(installed)
        return Ner(Language(), NAMES) if installed else missing()

    model = NameModel(look)
    model.is_wanted = True
    assert (model.find(QUESTION), model.find(QUESTION)) == ((), ())
    assert (model.warnings, tries) == ((WARNING,), [False])
    installed = True
    assert model.find(QUESTION) == ()
    model.prepare()
    assert model.warnings == ()
    assert model.find(QUESTION)
    model.prepare()
    assert tries == [False, True]


def test_the_runtime_tells_it(tmp_path: Path) -> None:
    """Whatever is installed here: either it is ready after the start, or there is a warning."""
    with OllamaServer(models=[OllamaModel("first:30b")]) as server:
        environ = {
            "HAL_OLLAMA_BASE_URL": server.url,
            "HAL_LOCAL_MODEL": "first:30b",
            "HAL_CLASSIFIER_MODEL": "none:1b",
            "HAL_PRIVACY_MODE": "scrub",
            "HAL_PRIVACY_NER": "true",
        }
        runtime = Runtime(settings(tmp_path, **environ))
        runtime.start()
        runtime.submit(runtime.warmed()).result(30)
        told = [warning for warning in runtime.warnings if "name model" in warning]
        runtime.retire()
        assert runtime.join(30)
    problem = problem_here()
    assert told == ([f"Names are masked by the rules alone. {problem.sentence}"] if problem else [])


# Where a turn goes --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "ner", "text", "scrub"),
    [
        ("scrub", True, "How are you?", True),
        ("scrub", True, "Mail ann.lee@gmail.com for me", True),
        ("scrub", False, "How are you?", False),
        ("local", True, "How are you?", False),
        ("off", True, "How are you?", False),
    ],
)
def test_a_turn_in_which_the_rules_see_nothing_is_masked_too(
    tmp_path: Path, mode: str, ner: bool, text: str, scrub: bool
) -> None:
    found = looked_at(shield(tmp_path, mode=mode, ner=ner), text)
    assert (found.scrub, found.must_stay_local) == (scrub, False)


def test_it_opens_and_closes_no_way(tmp_path: Path) -> None:
    made = shield(tmp_path)
    said = {"privacy": PrivacyWord.PRIVATE}
    assert looked_at(made, "How are you?", **said).must_stay_local
    assert not looked_at(made, "How are you?", **said).scrub
    public = looked_at(made, "How are you?", privacy=PrivacyWord.PUBLIC)
    assert public.is_open
    assert not public.scrub


# In the masking -----------------------------------------------------------------------------------


def test_a_name_that_only_the_model_knows_is_masked(tmp_path: Path) -> None:
    made = masked(shield(tmp_path, standing_in(Language())))
    assert UNKNOWN not in made.turn.question
    assert UNKNOWN not in made.turn.messages[-1].text
    assert KNOWN not in made.turn.question
    assert {(Kind.PERSON, UNKNOWN), (Kind.PERSON, KNOWN)} <= set(made.values)


def test_it_is_masked_where_it_stood_before(tmp_path: Path) -> None:
    earlier = Message("assistant", f"Shall I ask {UNKNOWN}?")
    made = masked(shield(tmp_path, standing_in(Language())), "Yes, and then forget it.", earlier)
    assert UNKNOWN not in made.turn.messages[0].text


def test_it_is_asked_in_a_thread_and_for_the_masking_alone(tmp_path: Path) -> None:
    language = Language()
    made = shield(tmp_path, standing_in(language))
    looked_at(made, QUESTION)
    assert language.read == []
    masked(made)
    assert language.threads
    assert threading.main_thread() not in language.threads


def test_a_text_is_read_once(tmp_path: Path) -> None:
    language = Language()
    made = shield(tmp_path, standing_in(language))
    earlier = Message("assistant", f"Shall I ask {UNKNOWN}?")
    masked(made, QUESTION, earlier)
    assert sorted(language.read) == sorted([QUESTION, earlier.text])
    masked(made, f"Then tell {UNKNOWN}.", Message("user", QUESTION), earlier)
    assert language.read[2:] == [f"Then tell {UNKNOWN}."]


def test_what_the_user_allows_is_not_masked(tmp_path: Path) -> None:
    made = shield(tmp_path, standing_in(Language()))
    allowed = value_hash(made.state.key, Kind.PERSON, UNKNOWN)
    settings(tmp_path).log.allowed_values.write_text(f"{allowed}\n")
    made.state.refresh()
    text = masked(made).turn.question
    assert UNKNOWN in text
    assert KNOWN not in text


def test_a_model_that_breaks_lets_nothing_pass(tmp_path: Path) -> None:
    class Broken(Language):
        def memory_zone(self) -> AbstractContextManager[None]:
            raise ValueError(QUESTION)

    with pytest.raises(EgressRefused) as caught:
        masked(shield(tmp_path, standing_in(Broken())))
    assert UNKNOWN not in str(caught.value)


def test_the_model_itself(tmp_path: Path) -> None:
    if problem := problem_here():
        pytest.skip(f"{problem} pip install 'hal-auto[ner]'")
    made = masked(shield(tmp_path, NameModel(lambda: load(NAMES))))
    assert UNKNOWN not in made.turn.question


# `hal doctor` -------------------------------------------------------------------------------------


def told(folder: Path, **environ: str) -> list[Check]:
    made = settings(folder, **environ)
    return list(names_check.checks(Context(environ, made, Places.of({"HOME": str(folder)}), 9099)))


def test_the_doctor_says_nothing_of_what_nobody_wants(tmp_path: Path) -> None:
    assert told(tmp_path) == []


def test_the_doctor_knows_where_it_has_no_effect(tmp_path: Path) -> None:
    (check,) = told(tmp_path, HAL_PRIVACY_NER="true")
    assert (check.status, check.detail) == (Status.WARN, "not asked: PRIVACY_MODE is local")


def test_the_doctor_loads_it(tmp_path: Path) -> None:
    (check,) = told(tmp_path, HAL_PRIVACY_NER="true", HAL_PRIVACY_MODE="scrub")
    if problem := problem_here():
        assert (check.status, check.remedy) == (Status.WARN, problem.remedy)
        assert str(problem) in check.detail
    else:
        assert (check.status, check.remedy) == (Status.OK, "")

"""Learning from a log whose truth is known: it takes over when there is something to learn, never
on shuffled labels, and keeps its promises on turns to come.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import pairwise
from math import inf, isfinite, nan
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

pytest.importorskip("sklearn", reason="the lab extra is not installed")

import numpy as np

from hal.lab.router.calibrating import (
    TARGETS,
    Evidence,
    choice_for_share,
    choice_for_target,
    is_sure,
    served_gain,
)
from hal.lab.router.curve import Outcomes
from hal.lab.router.evaluating import rank
from hal.lab.router.evaluation import IN_FORCE, evaluate_examples, evaluate_log
from hal.lab.router.evaluation_document import document
from hal.lab.router.evaluation_page import evaluation_page
from hal.lab.router.evaluation_tables import headline, tables
from hal.lab.router.examples import pairs
from hal.lab.router.learning import (
    BOUNDARY,
    Learned,
    TooFewPairs,
    boundary_of,
    learn,
    look_of,
    newest,
)
from hal.lab.router.logged import Log, LoggedTurn, Pair, read_log
from hal.lab.router.replayed import NO_EXPLORATION, replay
from hal.lab.router.served import Said, counts_of, outcomes_of, said_of
from hal.lab.router.sides import Sides, divide
from hal.lab.router.target import TooFewTurns
from hal.routing.learned.deciding import SEARCH_SURE
from hal.routing.learned.folder import prior
from hal.sessions.cases import collect
from hal.sessions.own_connection import writing
from hal.sessions.reader import SessionReader
from tests.lab.router_log import CLOUD, LOCAL, World, write

# With fewer to learn from, words hardly show; with more, the test takes longer.
LEARNED = World(turns=700)
MADE = {"hal": "0.0.0"}


@cache
def log_of(world: World) -> Log:
    with TemporaryDirectory() as folder:
        path = write(Path(folder) / "sessions.sqlite", world)
        with writing(path) as connection:
            collect(connection)
        return read_log(SessionReader(path), Pair.of([LOCAL], CLOUD))


@cache
def learned() -> Learned:
    return learn(divide(log_of(LEARNED).turns), prior().weights, MADE)


def test_it_takes_over_where_there_is_something_to_learn() -> None:
    found = learned()
    assert found.verdict.takes_over, found.verdict
    assert found.verdict.learned_apgr > found.verdict.prior_apgr + 0.05
    assert found.has_search
    assert found.has_drafts


def test_the_file_says_from_what() -> None:
    made = learned().weights.made
    sides = divide(log_of(LEARNED).turns)
    assert (made["hal"], made["since"]) == ("0.0.0", "2026-09-21")
    assert int(made["pairs"]) == learned().learned_pairs
    assert "pairs rated by people" in made["labels"]
    assert boundary_of(learned().weights) == sides.boundary == float(made[BOUNDARY])


def test_what_it_has_seen_is_not_tested_on() -> None:
    sides = divide(log_of(LEARNED).turns)
    again = divide(log_of(LEARNED).turns, not_before=boundary_of(learned().weights))
    assert again.held_out == sides.held_out


@pytest.mark.parametrize("seed", range(3))
def test_shuffled_labels_never_take_over(seed: int) -> None:
    turns = [turn for turn in log_of(replace(LEARNED, seed=10 + seed)).turns if turn.label.is_pair]
    order = np.random.default_rng(seed).permutation(len(turns))
    shuffled = [
        replace(turn, label=turns[at].label, local_answer="")
        for turn, at in zip(turns, order, strict=True)
    ]
    found = learn(divide(shuffled), prior().weights, MADE)
    assert not found.verdict.takes_over


def test_too_few_pairs_are_refused_with_their_number() -> None:
    pairs = [turn for turn in log_of(LEARNED).turns if turn.label.is_pair][:400]
    alone = [replace(turn, chat=turn.id, began=turn.at) for turn in pairs]
    with pytest.raises(TooFewPairs, match="50 more are needed") as refused:
        learn(divide(alone), prior().weights, MADE)
    assert (refused.value.has, refused.value.missing) == (400, 50)


@pytest.mark.parametrize(("checked", "all_count"), [(0.0, False), (0.1, True)])
def test_a_judge_counts_in_full_once_people_have_checked_it(
    checked: float, all_count: bool
) -> None:
    found = log_of(World(turns=400, judge="j", checked=checked))
    assert (len(found.pairs) == len(log_of(World(turns=400)).pairs)) == all_count
    assert found.pairs


def test_of_many_turns_those_with_outcomes_and_the_newest_are_learned_from() -> None:
    turns = log_of(LEARNED).turns
    kept = newest([*turns] * 8)
    assert len(kept) == 4000
    assert all(turn.label.has_outcome for turn in kept)
    assert [turn.at for turn in kept] == sorted(turn.at for turn in kept)


def test_the_same_turns_are_one_look() -> None:
    turns = log_of(LEARNED).turns
    assert look_of(turns) == look_of(tuple(reversed(turns)))
    assert look_of(turns) != look_of(turns[1:])


def evidence(world: World, keep: Callable[[LoggedTurn], bool] = bool) -> Evidence:
    turns = [turn for turn in log_of(world).turns if turn.label.is_pair and keep(turn)]
    outcomes = outcomes_of(turns)
    said = said_of(learned().weights, turns)
    return Evidence(said, outcomes.weak, outcomes.strong, counts_of(turns))


@cache
def unseen() -> Evidence:
    boundary = boundary_of(learned().weights)
    return evidence(LEARNED, lambda turn: turn.began >= boundary)


@cache
def to_come() -> Evidence:
    return evidence(World(turns=1000, seed=77))


@pytest.mark.parametrize("target", [0.85, 0.9, 0.95])
def test_a_promise_is_kept_on_turns_to_come(target: float) -> None:
    choice = choice_for_target(unseen(), target)
    assert choice.worst_case >= target
    gain = served_gain(to_come().said, choice.margin, choice.threshold)
    served = to_come().measured((gain >= choice.threshold).astype(float))
    assert served.quality >= target
    assert choice.cloud_share < 0.9


def test_a_promise_with_drafts_is_kept_for_less() -> None:
    choice = choice_for_target(unseen(), 0.95)
    draft = choice.draft
    assert draft is not None
    assert draft.cloud_share < choice.cloud_share
    assert draft.high is not None
    assert draft.low < draft.high
    assert draft.worst_case >= 0.95
    said = to_come().said
    gain = served_gain(said, choice.margin, draft.low, draft.high)
    is_replaced = (gain >= draft.low) & (gain < draft.high) & (said.draft >= draft.threshold)
    is_direct = gain >= draft.high
    assert to_come().measured((is_direct | is_replaced).astype(float)).quality >= 0.95


def test_higher_promises_cost_more() -> None:
    shares = [choice_for_target(unseen(), target).cloud_share for target in TARGETS]
    # A choice that leaves the classifier out may cost two points more.
    assert all(low <= high + 0.02 for low, high in pairwise(shares))
    assert choice_for_target(unseen(), 1.0).quality >= 1.0


def test_a_share_is_a_share() -> None:
    choice = choice_for_share(unseen(), 0.1)
    assert choice.target is None
    assert choice.cloud_share <= 0.1
    assert choice.draft is None


def changed(**changes: object) -> Evidence:
    return replace(unseen(), said=replace(unseen().said, **changes))


def test_without_a_search_head_the_classifier_is_always_asked() -> None:
    choice = choice_for_target(changed(search=np.full(len(unseen().said), nan)), 0.95)
    assert (choice.margin, choice.sure_share) == (inf, 0.0)


def test_the_classifier_is_left_out_where_the_question_is_enough() -> None:
    choice = choice_for_target(unseen(), 0.95)
    assert isfinite(choice.margin)
    assert choice.sure_share > 0.2
    said = unseen().said
    sure = is_sure(said, choice.margin, choice.threshold) > 0
    assert (said.search[sure] <= SEARCH_SURE).all()


def test_a_question_that_says_nothing_never_leaves_the_classifier_out() -> None:
    noise = np.random.default_rng(0).normal(0, 1, len(unseen().said))
    choice = choice_for_target(changed(alone=noise), 0.95)
    assert choice.sure_share < 0.05


def test_local_answers_that_say_nothing_save_nothing() -> None:
    noise = np.random.default_rng(0).normal(0, 1, len(unseen().said))
    assert choice_for_target(changed(draft=noise), 0.95).draft is None
    assert choice_for_target(changed(draft=np.full(len(noise), nan)), 0.95).draft is None


def test_turns_that_were_likelier_to_be_asked_about_count_less() -> None:
    """Every easy turn was looked at, and one hard turn in four: the weights make it the whole."""
    random = np.random.default_rng(3)
    is_hard = random.random(8000) < 0.5
    scores = is_hard + random.normal(0, 0.4, len(is_hard))
    local = (random.random(len(is_hard)) < np.where(is_hard, 0.3, 0.95)).astype(float)
    whole = _evidence(scores, local, np.ones(len(is_hard)))
    looked = ~is_hard | (random.random(len(is_hard)) < 0.25)
    drawn = np.where(is_hard, 4.0, 1.0)[looked]
    weighted = _evidence(scores[looked], local[looked], drawn)
    plain = _evidence(scores[looked], local[looked], np.ones(int(looked.sum())))
    shares = [choice_for_target(one, 0.9).cloud_share for one in (whole, weighted, plain)]
    assert shares[1] == pytest.approx(shares[0], abs=0.04)
    assert shares[2] < shares[0] - 0.1


def _evidence(scores: np.ndarray, local: np.ndarray, counts: np.ndarray) -> Evidence:
    unknown = np.full(len(scores), nan)
    said = Said(scores, scores, unknown, unknown, unknown)
    return Evidence(said, local, np.ones(len(scores)), counts)


def test_weights_can_leave_too_few() -> None:
    """Three hundred turns, of which some count a hundred times, are worth fewer."""
    counts = np.where(np.arange(len(unseen().said)) < 10, 100.0, 1.0)
    with pytest.raises(TooFewTurns, match="are worth 16,") as refused:
        choice_for_target(replace(unseen(), counts=counts), 0.95)
    assert refused.value.missing == 284


def test_an_evaluation_by_numbers() -> None:
    routers = {IN_FORCE: learned().weights, "prior": prior().weights}
    found = document(evaluate_log(log_of(LEARNED), "router+1", routers, None))
    names = [one["name"] for one in (*found["routers"], *found["baselines"])]
    assert names == [
        *(IN_FORCE, "prior", "classifier", "prompt length", "random", "oracle"),
    ]
    apgr = {one["name"]: one["apgr"]["value"] for one in (*found["routers"], *found["baselines"])}
    assert apgr["oracle"] > apgr[IN_FORCE] > apgr["prior"]
    assert apgr["random"] == pytest.approx(0.5)
    assert found["pairs"] == 300
    assert not found["is_descriptive"]
    assert found["turns_learned_from"] > 200
    ways = {one["name"]: one for one in found["policies"]}
    assert (ways["always cloud"]["quality"], ways["always local"]["usd_per_100"]) == (1.0, 0.0)
    assert ways["always cloud"]["usd_per_100"] == pytest.approx(0.4)
    assert found["reliability"]["error"] < 0.15
    assert found["off_policy"]["why_not"] == NO_EXPLORATION
    assert found["latency"][0]["name"] == "classifier"


def test_too_few_turns_are_described_and_not_ranked() -> None:
    routers = {IN_FORCE: prior().weights}
    few = Log(tuple(turn for turn in log_of(LEARNED).turns if turn.label.is_pair)[:120])
    found = evaluate_log(few, "prior+1", routers, None)
    assert found.ranking.is_descriptive
    assert "180 are missing" in headline(found)
    assert "not a ranking" in next(tables(found)).notes[0]
    empty = evaluate_log(Log(), "prior+1", routers, None)
    assert headline(empty).startswith("No unseen turn")
    assert document(empty)["pairs"] == 0
    assert list(tables(empty)) == []


def test_the_page_holds_no_text_of_a_user() -> None:
    routers = {IN_FORCE: learned().weights}
    found = evaluate_log(log_of(replace(LEARNED, ratings=0.3)), "router+1", routers, None)
    shown = evaluation_page(found, "now")
    assert shown.count("<svg") == 5  # two of the three once for a desk and once for a phone
    assert "<script" not in shown
    assert not any(turn.question in shown for turn in log_of(LEARNED).turns)


def test_outcomes_of_ones_own_are_learned_from_five_fold() -> None:
    turns = [turn for turn in log_of(LEARNED).turns if turn.label.is_pair][:320]
    outcomes = outcomes_of(turns)
    texts = [turn.question for turn in turns]
    examples = pairs(texts, outcomes.weak, outcomes.strong)
    found = evaluate_examples("mine.jsonl", "prior+1", {IN_FORCE: prior().weights}, examples)
    apgr = {one.name: one.apgr.value for one in found.ranking.routers}
    assert apgr["learned here (5-fold)"] > apgr[IN_FORCE]


def test_models_that_are_equally_good_are_not_ranked() -> None:
    same = np.array([1.0, 0.0, 1.0])
    found = rank({IN_FORCE: np.arange(3.0)}, ["a", "b", "c"], Outcomes(same, same))
    assert not found.differ
    assert found.routers == ()


def test_a_policy_is_judged_on_explored_turns() -> None:
    """Half the turns went the other way: what the router would have come to is what it comes to."""
    world = World(turns=1500, seed=5, explored=0.4, ratings=1.0, pairs=0.0)
    turns = [turn for turn in log_of(world).turns if turn.label.has_outcome]
    said = said_of(learned().weights, turns)
    found = replay(turns, said.joined, said.p_local_ok, 0.3)
    assert found.estimate is not None, found.why_not
    assert found.estimate.effective_turns > 100
    truth = _truth(replace(world, pairs=1.0), {turn.id for turn in turns}, 0.3)
    assert found.estimate.doubly_robust.low < truth < found.estimate.doubly_robust.high


def _truth(world: World, ids: set[str], threshold: float) -> float:
    turns = [t for t in log_of(world).turns if t.id in ids and t.label.is_pair]
    leaves = said_of(learned().weights, turns).joined >= threshold
    outcomes = outcomes_of(turns)
    return float(np.where(leaves, outcomes.strong, outcomes.weak).mean())


@pytest.mark.parametrize(
    ("world", "words"),
    [
        (World(turns=60, pairs=0.0, ratings=1.0), "EXPLORATION was off"),
        (World(turns=60, pairs=0.0, explored=0.3), "No explored turn has"),
        (World(turns=60, pairs=0.0, explored=0.3, ratings=1.0), "are needed"),
    ],
    ids=["no exploration", "no outcome", "too few"],
)
def test_the_log_says_why_it_cannot_tell(world: World, words: str) -> None:
    turns = log_of(world).turns
    gain = np.zeros(len(turns))
    found = replay(turns, gain, gain, 0.0)
    assert found.estimate is None
    assert words in found.why_not


def test_sides_say_what_is_missing() -> None:
    assert Sides((), (), 0.0).missing == 450

"""Fitting: what is served equals scikit-learn's own sums, it learns what is there, it refuses."""

from __future__ import annotations

from dataclasses import replace

import pytest

pytest.importorskip("sklearn", reason="the lab extra is not installed")

import numpy as np
from scipy.sparse import csr_matrix, hstack
from sklearn.linear_model import Ridge

from hal.lab.router.batch import values
from hal.lab.router.curve import apgr_of
from hal.lab.router.drafts import cross_predict, draft_matrix, draft_scores, fit_drafts
from hal.lab.router.examples import Examples, PieceTable, pairs
from hal.lab.router.features import read_prompts
from hal.lab.router.fit import TooFewExamples, fit_router, folds_of, predict_many
from hal.lab.router.prior import FEATURES, fit_prior
from hal.lab.router.ridge import Recipe, duals, duals_without, inverse, scaled, scaling
from hal.routing.learned.cascade import judge_draft
from hal.routing.learned.predict import LearnedRouter
from hal.routing.learned.surface import SURFACE
from hal.routing.learned.weights_file import dump_weights, parse_weights

EASY = [
    "name",
    "colour",
    "animal",
    "capital",
    "city",
    "greeting",
    "food",
    "weather",
    "spelling",
    "day",
]
HARD = [
    "prove",
    "derive",
    "integral",
    "topology",
    "quantum",
    "compiler",
    "proof",
    "theorem",
    "optimise",
    "kernel",
]
TABLE = PieceTable(
    {word: at for at, word in enumerate(EASY + HARD)},
    np.random.default_rng(0).normal(size=(20, 6)),
)
NO_TABLE = PieceTable()


def turns(count: int, seed: int, *, embedded: bool = False) -> Examples:
    """Prompts whose words say how hard they are; the local model fails on most hard ones."""
    random = np.random.default_rng(seed)
    is_hard = random.random(count) < 0.5
    texts = [
        " ".join(random.choice(HARD if hard else EASY, 4)) + f" {random.integers(99)}?"
        for hard in is_hard
    ]
    local = (random.random(count) < np.where(is_hard, 0.3, 0.9)).astype(float)
    cloud = (random.random(count) < 0.9).astype(float)
    vectors = random.normal(size=(count, 5)) + is_hard[:, None]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return pairs(texts, local, cloud, embedding=vectors if embedded else None)


@pytest.mark.parametrize("embedded", [False, True], ids=["prompt", "embedding"])
@pytest.mark.parametrize("table", [NO_TABLE, TABLE], ids=["no table", "table"])
def test_what_is_served_is_what_scikit_learn_says(table: PieceTable, embedded: bool) -> None:
    """A ridge over all columns, by scikit-learn alone, through a file, to 1e-6."""
    examples, held, recipe = (
        turns(120, 1, embedded=embedded),
        turns(40, 2, embedded=embedded),
        Recipe(),
    )
    weights = parse_weights(dump_weights(fit_router(examples, table, recipe)))
    matrices = []
    train = read_prompts(examples.texts, table.vocabulary, examples.embedding)
    how = scaling(train, table.vectors, recipe)
    for one in (train, read_prompts(held.texts, table.vocabulary, held.embedding)):
        parts = scaled(one, how, table.vectors)
        dense = (parts.surface, parts.pieces, parts.embedding)
        matrices.append(
            hstack([*map(csr_matrix, dense), parts.words, parts.pairs, parts.parts]).tocsr()
        )
    gain = examples.cloud_ok - examples.local_ok
    model = Ridge(alpha=recipe.penalty, fit_intercept=False, solver="lsqr", tol=1e-12)
    model.fit(matrices[0], gain - gain.mean())
    raw = model.predict(matrices[1])
    stack = max(weights.gain.stacks, key=lambda one: len(one.inputs))
    expected = stack.bias + stack.weights[0] * raw
    assert predict_many(weights, held)[:, 1] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("embedded", [False, True], ids=["prompt", "embedding"])
def test_it_learns_what_is_there(embedded: bool) -> None:
    weights = fit_router(turns(300, 3, embedded=embedded))
    held = turns(300, 4, embedded=embedded)
    said = predict_many(weights, held)
    best = apgr_of(held.cloud_ok - held.local_ok, held.local_ok, held.cloud_ok)
    assert 0.65 < apgr_of(said[:, 1], held.local_ok, held.cloud_ok) < best
    assert abs(said[:, 0].mean() - held.local_ok.mean()) < 0.08
    assert ((said[:, 0] - held.local_ok) ** 2).mean() < 0.2


def test_shuffled_labels_teach_nothing() -> None:
    examples, held = turns(300, 5), turns(600, 6)
    found = []
    for seed in range(10):
        mixed = np.random.default_rng(seed).permutation(300)
        dealt = pairs(list(examples.texts), examples.local_ok[mixed], examples.cloud_ok[mixed])
        said = predict_many(fit_router(dealt), held)[:, 1]
        found.append(apgr_of(said, held.local_ok, held.cloud_ok))
    assert abs(np.mean(found) - 0.5) < 0.15


def with_classifier(examples: Examples, right: float, seed: int) -> Examples:
    random = np.random.default_rng(seed)
    hard = np.where(random.random(len(examples)) < right, 1 - examples.local_ok, 0.5)
    labels = np.column_stack([1 - hard, hard, np.full(len(hard), 0.1)])
    return Examples(
        examples.texts,
        examples.local_ok,
        examples.cloud_ok,
        np.asarray([float("7" in text) for text in examples.texts]),
        labels,
        examples.groups,
    )


def test_a_classifier_that_knows_more_is_believed() -> None:
    weights = fit_router(with_classifier(turns(300, 7), 0.9, 1))
    held = with_classifier(turns(300, 8), 0.9, 2)
    router = LearnedRouter(weights)
    labels = {"SIMPLE": 0.05, "COMPLEX": 0.95, "ENRICH": 0.1}
    assert router.predict("name a colour", labels).p_local_ok < 0.5
    assert router.predict("name a colour").p_local_ok > 0.6
    p = predict_many(weights, held)
    assert ((p[:, 0] > 0.5) == (held.local_ok > 0.5)).mean() > 0.85
    assert np.isfinite(p[:, 2]).all()


@pytest.mark.parametrize("embedded", [False, True], ids=["prompt", "embedding"])
def test_many_at_once_are_the_same_as_one_by_one(embedded: bool) -> None:
    examples, held = turns(120, 20, embedded=embedded), turns(60, 21, embedded=embedded)
    weights = fit_router(examples, TABLE)
    prompts = read_prompts(held.texts, TABLE.vocabulary, held.embedding)
    together = [values(weights, head, prompts) for head in (weights.local_ok, weights.gain)]
    assert predict_many(weights, held)[:, :2] == pytest.approx(np.array(together).T, abs=1e-9)


def test_a_search_head_needs_labels() -> None:
    assert fit_router(turns(100, 9)).needs_search is None
    never = replace(turns(100, 9), needs_search=np.zeros(100))
    assert fit_router(never).needs_search is None
    assert fit_router(with_classifier(turns(300, 10), 0.5, 3)).needs_search is not None


def test_turns_with_one_outcome_teach_the_local_head() -> None:
    examples = turns(200, 11)
    cloud = np.where(np.arange(200) < 80, examples.cloud_ok, np.nan)
    found = fit_router(pairs(list(examples.texts), examples.local_ok, cloud))
    assert found.gain.words != fit_router(examples).gain.words
    assert found.local_ok.words == fit_router(examples).local_ok.words


@pytest.mark.parametrize(
    ("local", "cloud", "says"),
    [
        (np.ones(20), np.zeros(20), "30 are missing"),
        (np.ones(100), np.zeros(100), "not all of"),
        (np.arange(100) % 2.0, np.full(100, np.nan), "both outcomes"),
    ],
    ids=["too few", "all the same", "no pairs"],
)
def test_what_cannot_be_learned(local: np.ndarray, cloud: np.ndarray, says: str) -> None:
    texts = list(turns(len(local), 12).texts)
    with pytest.raises(TooFewExamples, match=says):
        fit_router(pairs(texts, local, cloud))


def test_a_conversation_is_in_one_fold() -> None:
    groups = np.arange(100) // 4
    folds = folds_of(groups)
    assert set(folds) == {0, 1, 2, 3, 4}
    assert all(len(set(folds[groups == group])) == 1 for group in set(groups))


def drafted(count: int, seed: int) -> tuple[Examples, list[str]]:
    """Drafts whose arithmetic comes out exactly when the answer is good."""
    examples = turns(count, seed)
    return examples, [
        f"2 + 2 = {4 if ok else 5}. #### {4 if ok else 5}" for ok in examples.local_ok
    ]


def test_a_cascade_sees_what_the_prompt_does_not_show() -> None:
    examples, drafts = drafted(200, 13)
    weights = fit_drafts(fit_router(examples), examples, drafts, cross_predict(examples))
    held, answers = drafted(200, 14)
    prompt = predict_many(weights, held)
    assert weights.draft is not None
    scores = draft_scores(weights.draft, draft_matrix(held.texts, answers), prompt[:, :2])
    outcomes = held.local_ok, held.cloud_ok
    assert apgr_of(scores, *outcomes) > apgr_of(prompt[:, 1], *outcomes) + 0.05


def test_drafts_are_judged_in_the_lab_as_they_are_served() -> None:
    examples, drafts = drafted(200, 15)
    fitted = fit_drafts(fit_router(examples), examples, drafts, cross_predict(examples))
    weights = parse_weights(dump_weights(fitted))
    router = LearnedRouter(weights)
    assert weights.draft is not None
    for text, draft in zip(examples.texts[:20], drafts[:20], strict=True):
        prediction = router.predict(text)
        said = judge_draft(weights, text, draft, prediction)
        known = np.array([[prediction.p_local_ok, prediction.gain]])
        in_lab = draft_scores(weights.draft, draft_matrix([text], [draft]), known)
        assert said is not None
        assert said.gain == pytest.approx(in_lab[0], abs=1e-9)
        assert (said.p_ok > 0.5) == ("= 4" in draft)


def test_a_prior_learns_inside_each_benchmark() -> None:
    """Two benchmarks: in both, longer is harder; the one with longer prompts is easier."""
    made = []
    for seed, base, level in ((16, 12, 0.5), (17, 30, 0.9)):
        random = np.random.default_rng(seed)
        sizes = base + random.integers(0, base, 400)
        local = (random.random(400) < level - 0.4 * (sizes - base) / base).astype(float)
        made.append(pairs(["word " * size for size in sizes], local, np.ones(400)))
    weights = fit_prior(made, {"licence": "none"})
    used = {name for name, weight in zip(SURFACE, weights.gain.surface, strict=True) if weight}
    assert used <= set(FEATURES)
    router = LearnedRouter(weights)
    for short, long in ((14, 22), (34, 56)):
        assert router.predict("word " * short).gain < router.predict("word " * long).gain
        assert (
            router.predict("word " * short).p_local_ok > router.predict("word " * long).p_local_ok
        )


def test_what_one_inverse_says_of_a_fold_is_a_fit_without_it() -> None:
    random = np.random.default_rng(6)
    features, outcomes = random.normal(size=(40, 7)), random.random(40)
    gram, held_out = features @ features.T, np.arange(40) % 5 == 2
    found = duals_without(inverse(gram, 3.0), outcomes, held_out)
    seen = gram[np.ix_(~held_out, ~held_out)]
    assert found[~held_out] == pytest.approx(duals(inverse(seen, 3.0), outcomes[~held_out]))
    assert not found[held_out].any()


def test_features_that_were_read_before_change_nothing() -> None:
    examples = turns(120, 11)
    prompts = read_prompts(examples.texts, {})
    assert fit_router(examples, prompts=prompts) == fit_router(examples)
    assert cross_predict(examples, prompts=prompts) == pytest.approx(cross_predict(examples))

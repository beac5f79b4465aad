"""Verdicts on pairs: both orders together, and what they are worth against people."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.lab.router.judging import (
    CLOUD,
    LABELS,
    LEAST_RATED,
    LOCAL,
    TIE,
    TRUTHS,
    UNCHECKED_WEIGHT,
    UNSURE,
    JudgeCalibration,
    PairScore,
    calibrations,
    combined,
    human_verdict,
    pair_outcomes,
    pair_weight,
    unsure_share,
)

ORDERS = [
    (LOCAL, LOCAL, LOCAL, 1.0),
    (CLOUD, CLOUD, CLOUD, -1.0),
    (TIE, TIE, TIE, 1.0),
    (LOCAL, TIE, TIE, 1.0),
    (TIE, LOCAL, TIE, 1.0),
    (CLOUD, TIE, UNSURE, 0.0),
    (TIE, CLOUD, UNSURE, 0.0),
    (LOCAL, CLOUD, UNSURE, 0.0),
    (CLOUD, LOCAL, UNSURE, 0.0),
    *((UNSURE, said, UNSURE, 0.0) for said in LABELS),
    *((said, UNSURE, UNSURE, 0.0) for said in LABELS),
]


@pytest.mark.parametrize(("first", "second", "label", "value"), ORDERS)
def test_both_orders(first: str, second: str, label: str, value: float) -> None:
    verdict = combined(first, second)
    assert (verdict.label, verdict.value) == (label, value)


@pytest.mark.parametrize("label", TRUTHS)
def test_a_person_is_taken_at_the_word(label: str) -> None:
    assert human_verdict(label).label == label
    local_ok, cloud_ok = pair_outcomes(label)
    assert local_ok == (label != CLOUD)
    assert cloud_ok == (label != LOCAL)
    assert pair_weight(label) == 1.0


@pytest.mark.parametrize("label", LABELS)
def test_a_judge_whom_nobody_checked_counts_half_or_not_at_all(label: str) -> None:
    nobody = JudgeCalibration({(LOCAL, LOCAL): LEAST_RATED - 1})
    assert not nobody.is_calibrated
    assert pair_outcomes(label, nobody) == pair_outcomes(label)
    assert pair_weight(label, nobody) == (UNCHECKED_WEIGHT if label in (LOCAL, CLOUD) else 0.0)


def test_a_judge_who_prefers_its_own_answers_is_corrected() -> None:
    """Ten times it said "local" where people said "cloud": the label then means rather "cloud"."""
    vain = JudgeCalibration({(LOCAL, CLOUD): 10, (LOCAL, LOCAL): 5, (CLOUD, CLOUD): 5})
    assert vain.posterior(LOCAL) == {LOCAL: 6 / 18, CLOUD: 11 / 18, TIE: 1 / 18}
    local_ok, cloud_ok = pair_outcomes(LOCAL, vain)
    assert (local_ok, cloud_ok) == (pytest.approx(7 / 18), pytest.approx(12 / 18))
    assert vain.agreement.hits == 10
    assert vain.agreement.n == 20
    assert not vain.is_trusted


def test_what_was_never_seen_says_nothing() -> None:
    known = JudgeCalibration({(LOCAL, LOCAL): 30})
    assert known.posterior(UNSURE) == dict.fromkeys(TRUTHS, pytest.approx(1 / 3))
    assert known.is_trusted


def test_calibrations_take_the_last_word_of_each_and_keep_judges_apart() -> None:
    scores = [
        PairScore("a", "judge", "one", LOCAL),
        PairScore("a", "judge", "two", CLOUD),
        PairScore("b", "judge", "one", TIE),
        PairScore("a", "human", "", LOCAL),
        PairScore("a", "human", "", CLOUD),
        PairScore("c", "judge", "three", CLOUD),
    ]
    found = calibrations(scores)
    assert dict(found["one"].counts) == {(LOCAL, CLOUD): 1}
    assert dict(found["two"].counts) == {(CLOUD, CLOUD): 1}
    assert found["three"].rated == 0


def test_the_share_of_contradictions() -> None:
    share = unsure_share([UNSURE, LOCAL, UNSURE, TIE])
    assert (share.hits, share.n) == (2, 4)


_counts = st.dictionaries(
    st.tuples(st.sampled_from(LABELS), st.sampled_from(TRUTHS)), st.integers(0, 60)
)


@given(_counts, st.sampled_from(LABELS))
def test_outcomes_are_shares_and_somebody_is_good_enough(
    counts: dict[tuple[str, str], int], label: str
) -> None:
    calibration = JudgeCalibration(counts)
    assert sum(calibration.posterior(label).values()) == pytest.approx(1.0)
    local_ok, cloud_ok = pair_outcomes(label, calibration)
    assert 0.0 <= local_ok <= 1.0
    assert 0.0 <= cloud_ok <= 1.0
    # At least one of two answers is at least as good as the other.
    assert local_ok + cloud_ok >= 1.0 - 1e-9


@given(_counts, st.sampled_from(TRUTHS))
def test_more_agreement_never_makes_a_label_worth_less(
    counts: dict[tuple[str, str], int], label: str
) -> None:
    more = counts | {(label, label): counts.get((label, label), 0) + 1}
    before, after = JudgeCalibration(counts), JudgeCalibration(more)
    assert after.posterior(label)[label] >= before.posterior(label)[label]

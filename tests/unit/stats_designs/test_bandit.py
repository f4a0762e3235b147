"""Bandits against 40-digit arithmetic, simulation of posteriors and the score of each unit."""

import numpy as np
import pytest

from steelyard.errors import StatisticsError
from steelyard.stats.bandit import prob_best, thompson_shares, top_two_shares
from steelyard.stats.bandit_inference import adaptive_means, batched_effect
from steelyard.stats.comparison import superiority
from steelyard.stats.moments import Moments


def test_prob_best_has_the_digits_of_40_digit_arithmetic():
    expected = [0.06564455567833835, 0.6660668405941158, 0.012370657317478086, 0.2559179464100677]
    assert prob_best([1.0, 1.1, 0.9, 1.05], [0.05, 0.1, 0.08, 0.02]) == pytest.approx(expected, abs=1e-11)


def test_prob_best_of_two_is_the_normal_tail():
    # P(N(1, 1e-6²) > N(0, 1)) with a spread ratio of a million: Phi(1).
    assert prob_best([1.0, 0.0], [1e-6, 1.0])[0] == pytest.approx(0.8413447460685429, abs=1e-11)


def test_prob_best_of_equals_is_even_and_turns_with_the_direction():
    assert prob_best(np.ones((2, 3)), 0.5) == pytest.approx(np.full((2, 3), 1 / 3), abs=1e-13)
    assert prob_best([1, 2], [1, 1], direction=-1) == pytest.approx(prob_best([2, 1], [1, 1]), abs=1e-13)


def test_thompson_shares_have_a_floor_and_sum_to_one():
    shares = thompson_shares([0.98, 0.02, 0.0], floor=0.05)
    assert shares == pytest.approx(np.array([0.98, 0.05, 0.05]) / 1.08)


def test_top_two_shares_are_those_computed_by_hand():
    assert top_two_shares([0.6, 0.3, 0.1]) == pytest.approx(
        [0.46190476190476193, 0.3916666666666666, 0.1464285714285714], abs=1e-14
    )


def test_top_two_shares_with_a_certain_leader_let_the_others_challenge_equally():
    assert top_two_shares([1.0, 0.0, 0.0]).tolist() == [0.5, 0.25, 0.25]


def two_batches():
    return Moments.from_variances(n=[[300, 100], [100, 500]], mean=[[1.0, 1.2], [1.0, 1.1]], variance=4.0)


def test_batched_statistic_has_the_digits_of_40_digit_arithmetic():
    result = batched_effect(two_batches())
    assert result.statistic[0] == pytest.approx(0.9351210478797459, rel=1e-12)
    assert result.p_value[0] == pytest.approx(0.34972592061089847, rel=1e-12)
    assert result.smallest_n.tolist() == [100]


def test_batched_interval_holds_the_effects_that_are_not_rejected():
    result = batched_effect(two_batches(), weights=[2.0, 1.0])
    shifted = two_batches()
    shifted.mean[..., 1, 0] -= result.ci_upper[0]
    assert batched_effect(shifted, weights=[2.0, 1.0]).p_value[0] == pytest.approx(0.05)
    assert result.effect[0] / result.std_error[0] == pytest.approx(result.statistic[0])


def test_batched_effect_leaves_out_batches_without_both_variants():
    moments = Moments.from_variances(
        n=[[300, 100], [100, 500], [0, 10]], mean=[[1.0, 1.2], [1.0, 1.1], [0.0, 9.0]], variance=4.0
    )
    assert batched_effect(moments).statistic[0] == pytest.approx(0.9351210478797459, rel=1e-12)
    assert batched_effect(moments[2:]).reason.tolist() == ["insufficient_n"]


def test_student_correction_weakens_small_batches_only():
    small = Moments.from_variances(n=[[5, 5]], mean=[[0.0, 2.0]], variance=1.0)
    large = Moments.from_variances(n=[[5000, 5000]], mean=[[0.0, 0.06]], variance=1.0)
    for moments, ratio in ((small, 0.8), (large, 0.999)):
        plain, corrected = (batched_effect(moments, student=s).statistic[0] for s in (False, True))
        assert corrected < plain
        assert (corrected / plain > ratio) == (ratio == 0.999)


def test_adaptive_means_and_their_variance_are_those_of_the_units_scores():
    rng = np.random.default_rng(5)
    shares = np.array([[0.5, 0.5], [0.2, 0.8]])
    cells, scores, before = [], [], None
    for e in shares:
        which = (rng.random(400) < e[1]).astype(int)
        y = rng.normal(size=400) + which
        cells.append([Moments.from_rows(y[which == k][:, None]) for k in (0, 1)])
        own = np.array([y[which == k].mean() for k in (0, 1)])
        start = own if before is None else before
        scores.append(start + (which[:, None] == [0, 1]) * (y[:, None] - start) / e)
        before = own
    means = adaptive_means(Moments.stack([Moments.stack(row) for row in cells], axis=0), shares)
    weights = np.sqrt(shares * 400) / np.sqrt(shares * 400).sum(axis=0)
    estimate = sum(w * s.mean(axis=0) for w, s in zip(weights, scores, strict=True))
    cov = sum(np.outer(w, w) * np.cov(s.T) / 400 for w, s in zip(weights, scores, strict=True))
    assert means.mean == pytest.approx(estimate, rel=1e-10)
    assert means.cov == pytest.approx(cov, rel=1e-10)
    assert superiority(means.pairs()).reason.tolist() == [""]


def test_adaptive_means_need_two_units_of_each_variant_in_the_first_batch():
    moments = Moments.from_variances(n=[[1, 9], [10, 10]], mean=1.0, variance=1.0)
    assert adaptive_means(moments, [[0.5, 0.5], [0.5, 0.5]]).reason.tolist() == ["insufficient_n", ""]


def test_adaptive_means_without_any_unit_have_no_data():
    moments = Moments.from_variances(n=[[0, 0]], mean=0.0, variance=0.0)
    assert adaptive_means(moments, [[0.5, 0.5]]).reason.tolist() == ["no_data", "no_data"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: prob_best([1, 2], [1, 0]), "positive standard deviation"),
        (lambda: thompson_shares([0.5, 0.5], floor=0.6), "a floor of 0.6"),
        (lambda: thompson_shares([0.5, 0.6]), "sum to 1"),
        (lambda: top_two_shares([1.0]), "two or more variants"),
        (lambda: top_two_shares([0.5, 0.5], leader_share=0), "leader's share"),
        (lambda: batched_effect(two_batches(), weights=[1.0]), "do not fit 2 batches"),
        (lambda: batched_effect(two_batches(), weights=[1.0, 0.0]), "do not fit 2 batches"),
        (lambda: adaptive_means(two_batches(), [[0.5, 0.5], [1.0, 0.0]]), "logged shares"),
    ],
)
def test_bandits_refuse_what_they_cannot_answer(call, message):
    with pytest.raises(StatisticsError, match=message):
        call()

import numpy as np

from steelyard.stats.cautions import noisy_denominator, skewed_small_sample, small_counts


def test_small_counts_look_at_both_outcomes_and_spare_empty_cells() -> None:
    assert small_counts([0, 100, 100, 100], [0.0, 0.05, 0.5, 0.95]).tolist() == [False, True, False, True]


def test_lognormal_values_in_a_small_variant_are_flagged() -> None:
    skewness = (np.exp(1) + 2) * np.sqrt(np.exp(1) - 1)
    assert skewed_small_sample([100, 900, 20_000], skewness).tolist() == [True, True, False]


def test_denominator_within_ten_standard_errors_of_zero_is_noisy() -> None:
    assert noisy_denominator([100, 100], [0.9, 1.1], [1.0, 1.0]).tolist() == [True, False]

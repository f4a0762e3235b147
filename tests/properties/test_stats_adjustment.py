"""Laws of adjustment: covariates' scales and bases do not matter, useless covariates change nothing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.stats.adjustment import full, pooled
from steelyard.stats.comparison import superiority
from steelyard.stats.means import VariantMeans
from steelyard.stats.moments import Moments

# Properties of drawn worlds, broad beside the examples of the unit tests.
pytestmark = pytest.mark.long

seeds = st.integers(0, 2**32 - 1)
estimators = st.sampled_from([full, pooled])


def experiment(seed: int, covariates: int = 2) -> np.ndarray:
    """Unit rows of two variants, shape (2, 100, 1 + covariates)."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(2, 100, covariates))
    y = 5 + (x * rng.normal(size=(2, 1, covariates))).sum(axis=-1) + rng.normal(size=(2, 100))
    return np.concatenate([y[..., None], x], axis=-1)


def same(a: VariantMeans, b: VariantMeans, rel: float = 1e-8) -> None:
    assert a.mean == pytest.approx(b.mean, rel=rel)
    assert a.cov == pytest.approx(b.cov, rel=rel, abs=1e-12)
    assert a.df == pytest.approx(b.df)


@given(seeds, estimators, st.floats(-3, 3), st.floats(-100, 100))
def test_affine_maps_of_covariates_change_nothing(
    seed: int, estimate, log_scale: float, shift: float
) -> None:
    rows = experiment(seed)
    moved = rows.copy()
    moved[..., 1] = 10**log_scale * rows[..., 1] + shift
    moved[..., 2] = rows[..., 2] - 2 * rows[..., 1] + shift
    same(estimate(Moments.from_rows(moved)), estimate(Moments.from_rows(rows)))


@given(seeds, estimators, st.floats(-1e3, 1e3), st.floats(0.01, 100))
def test_outcome_in_other_units_gives_the_same_test(seed: int, estimate, shift: float, scale: float) -> None:
    rows = experiment(seed)
    moved = rows.copy()
    moved[..., 0] = scale * rows[..., 0] + shift
    before, after = (superiority(estimate(Moments.from_rows(part)).pairs()) for part in (rows, moved))
    assert after.effect == pytest.approx(scale * before.effect, rel=1e-7, abs=1e-9 * scale)
    assert after.p_value == pytest.approx(before.p_value, rel=1e-6)


@given(seeds, estimators)
def test_collinear_and_constant_covariates_change_nothing(seed: int, estimate) -> None:
    rows = experiment(seed)
    extra = np.stack([rows[..., 1] - 3 * rows[..., 2], np.full(rows.shape[:-1], 4.0)], axis=-1)
    same(
        estimate(Moments.from_rows(np.concatenate([rows, extra], axis=-1))),
        estimate(Moments.from_rows(rows)),
        rel=1e-7,
    )


@given(seeds)
@settings(max_examples=50)
def test_swapping_the_variants_flips_the_sign_only(seed: int) -> None:
    moments = Moments.from_rows(experiment(seed))
    forward, backward = superiority(full(moments).pairs(0)), superiority(full(moments).pairs(1))
    assert forward.effect == pytest.approx(-backward.effect)
    assert forward.p_value == pytest.approx(backward.p_value)


@given(seeds)
@settings(max_examples=50)
def test_means_adjusted_by_common_slopes_average_to_the_overall_mean(seed: int) -> None:
    rows = experiment(seed)
    result = pooled(Moments.from_rows(rows))
    assert (result.n * result.mean).sum() / result.n.sum() == pytest.approx(rows[..., 0].mean())

import numpy as np
import pytest

from steelyard.stats.moments import Moments
from steelyard.stats.ratio import linearise

rng = np.random.default_rng(4)


def test_linearised_moments_are_those_of_linearised_rows() -> None:
    d = rng.poisson(3, 400) + 1.0
    rows = np.column_stack([d * 0.4 + rng.normal(size=400), d, rng.normal(size=400), rng.normal(size=400)])
    linear, reason = linearise(Moments.from_rows(rows))
    ratio = rows[:, 0].mean() / d.mean()
    outcome = (rows[:, 0] - ratio * d) / d.mean() + ratio
    expected = Moments.from_rows(np.column_stack([outcome, rows[:, 2:]]))
    assert reason == ""
    assert linear.mean == pytest.approx(expected.mean, rel=1e-12)
    assert linear.m2 == pytest.approx(expected.m2, rel=1e-10)


def test_outcome_proportional_to_its_denominator_has_no_variance() -> None:
    d = rng.uniform(1, 2, 50)
    linear, _ = linearise(Moments.from_rows(np.column_stack([0.1 * d, d])))
    assert linear.mean[0] == pytest.approx(0.1)
    assert linear.variance[0] == 0.0


def test_impossible_products_are_inconsistent() -> None:
    moments = Moments(n=10, mean=[1.0, 1.0], m2=[[1.0, 1.5], [1.5, 1.0]])
    linear, _ = linearise(moments)
    assert linear.reasons() == "inconsistent_aggregates"


def test_cells_keep_their_own_reasons() -> None:
    good = Moments.from_rows(rng.uniform(1, 2, (20, 2)))
    empty = Moments(n=0, mean=[0, 0], m2=np.zeros((2, 2)))
    single = Moments(n=1, mean=[3.0, 2.0], m2=np.zeros((2, 2)))
    flat = Moments(n=5, mean=[1.0, 0.0], m2=np.eye(2))
    linear, reason = linearise(Moments.stack([good, empty, single, flat]))
    assert reason.tolist() == ["", "no_data", "insufficient_n", "zero_denominator"]
    assert np.isnan(linear.mean[[1, 3], 0]).all()
    assert linear.mean[2, 0] == 1.5
    assert linear.variance[0, 0] == pytest.approx(linearise(good)[0].variance[0], rel=1e-12)


def test_strata_linearised_about_the_variant_are_the_parts_of_the_variants_outcome() -> None:
    rows = np.column_stack([rng.normal(2, 1, 300), rng.poisson(3, 300) + 1.0, rng.normal(size=300)])
    strata = Moments.stack([Moments.from_rows(rows[:100]), Moments.from_rows(rows[100:])])
    whole = strata.pool(-1)
    parts, reason = linearise(strata, about=whole[..., None])
    expected, _ = linearise(whole)
    assert reason.tolist() == ["", ""]
    assert parts.pool(-1).mean == pytest.approx(expected.mean, rel=1e-12)
    assert parts.pool(-1).m2 == pytest.approx(expected.m2, rel=1e-9)
    assert parts.mean[0, 0] != pytest.approx(expected.mean[0], rel=1e-3)


def test_stratum_without_denominator_is_fine_where_its_variant_has_one() -> None:
    rows = np.column_stack([np.zeros(100), np.zeros(100)])
    rest = rng.uniform(1, 2, (100, 2))
    strata = Moments.stack([Moments.from_rows(rows), Moments.from_rows(rest)])
    parts, reason = linearise(strata, about=strata.pool(-1)[..., None])
    assert reason.tolist() == ["", ""]
    assert np.isfinite(parts.mean).all()

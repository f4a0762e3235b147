"""Laws of corrections and of the sample-ratio test."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from steelyard.stats.adjustment import full
from steelyard.stats.moments import Moments
from steelyard.stats.multiplicity import CORRECTIONS
from steelyard.stats.poststratification import poststratify
from steelyard.stats.srm import log_e_value

# Properties of drawn worlds, broad beside the examples of the unit tests.
pytestmark = pytest.mark.long

p_values = st.integers(1, 12).flatmap(lambda m: arrays(np.float64, m, elements=st.floats(0, 1)))
names = st.sampled_from(sorted(CORRECTIONS))


@given(p_values, names, st.randoms(use_true_random=False))
def test_order_of_tests_does_not_matter(p: np.ndarray, name: str, random) -> None:
    order = np.array(random.sample(range(len(p)), len(p)))
    adjusted = CORRECTIONS[name](p, None)
    assert CORRECTIONS[name](p[order], None) == pytest.approx(adjusted[order], rel=1e-12)


@pytest.mark.quick
@given(p_values, names)
def test_adjusted_p_values_keep_their_order_and_never_shrink(p: np.ndarray, name: str) -> None:
    adjusted = CORRECTIONS[name](p, None)
    order = np.argsort(p, kind="stable")
    assert (np.diff(adjusted[order]) >= -1e-15).all()
    assert (adjusted >= p - 1e-15).all()
    assert (adjusted <= 1).all()


@given(p_values)
def test_corrections_are_ordered_by_strictness(p: np.ndarray) -> None:
    bonferroni, holm, bh, by = (CORRECTIONS[name](p, None) for name in ("bonferroni", "holm", "bh", "by"))
    assert (bonferroni >= holm - 1e-15).all()
    assert (holm >= bh - 1e-15).all()
    assert (by >= bh - 1e-15).all()


@given(st.lists(st.integers(0, 10_000), min_size=2, max_size=5), st.randoms(use_true_random=False))
def test_sample_ratio_evidence_does_not_depend_on_the_names_of_variants(counts: list[int], random) -> None:
    order = random.sample(range(len(counts)), len(counts))
    shares = np.arange(1, len(counts) + 1.0)
    assert log_e_value(np.array(counts)[order], shares[order]) == pytest.approx(
        log_e_value(counts, shares), abs=1e-7
    )


@given(st.integers(0, 2**32 - 1))
def test_post_stratification_equals_dummies_up_to_degrees_of_freedom(seed: int) -> None:
    rng = np.random.default_rng(seed)
    stratum, variant = rng.integers(0, 3, 600), rng.integers(0, 2, 600)
    y = rng.normal(size=600) + stratum * rng.normal() + variant * stratum
    rows = np.column_stack([y, stratum == 1, stratum == 2]).astype(float)
    dummies = full(Moments.stack([Moments.from_rows(rows[variant == k]) for k in (0, 1)])).pairs()
    grid = [
        Moments.stack([Moments.from_rows(y[(stratum == s) & (variant == k), None]) for k in (0, 1)])
        for s in range(3)
    ]
    assert poststratify(Moments.stack(grid, axis=0)).pairs().effect == pytest.approx(
        dummies.effect, rel=1e-8, abs=1e-10
    )

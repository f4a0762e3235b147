"""Laws of moments: merging equals pooling the rows, shifts do not matter."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from steelyard.stats.moments import Moments

# Properties of drawn worlds, broad beside the examples of the unit tests.
pytestmark = pytest.mark.long

# Quarters: a spread far below the size of the values is lost in sums, and reported as none.
values = st.integers(-4000, 4000).map(lambda quarters: quarters / 4)
rows = st.integers(1, 30).flatmap(lambda n: arrays(np.float64, (n, 3), elements=values))


@given(rows, rows, rows)
def test_merging_moments_equals_pooling_rows(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> None:
    together = Moments.from_rows(np.concatenate([a, b, c]))
    one_by_one = Moments.from_rows(a).merge(Moments.from_rows(b)).merge(Moments.from_rows(c))
    at_once = Moments.stack([Moments.from_rows(part) for part in (a, b, c)]).pool(0)
    for merged in (one_by_one, at_once):
        assert merged.n == together.n
        assert merged.mean == pytest.approx(together.mean, rel=1e-12, abs=1e-10)
        assert merged.m2 == pytest.approx(together.m2, rel=1e-10, abs=1e-6)


@given(rows, st.floats(-1e3, 1e3))
def test_sums_about_any_shift_give_the_moments_of_the_rows(a: np.ndarray, shift: float) -> None:
    moved = a - shift
    moments = Moments.from_sums(n=len(a), sums=moved.sum(axis=0), products=moved.T @ moved, shift=shift)
    assert moments.mean == pytest.approx(Moments.from_rows(a).mean, rel=1e-9, abs=1e-9)
    assert moments.m2 == pytest.approx(Moments.from_rows(a).m2, rel=1e-9, abs=1e-4)


@given(rows)
def test_rows_are_never_inconsistent(a: np.ndarray) -> None:
    moments = Moments.from_sums(n=len(a), sums=a.sum(axis=0), products=a.T @ a)
    assert not any(moments.inconsistent(column) for column in range(3))

"""Time of the batch that a daily run of a large programme makes."""

import time

import numpy as np
import pytest

from steelyard.stats.adjustment import full
from steelyard.stats.comparison import superiority
from steelyard.stats.moments import Moments

CELLS = 100_000


@pytest.mark.slow
@pytest.mark.parametrize(("covariates", "seconds"), [(1, 0.5), (3, 1.5)])
def test_a_hundred_thousand_adjusted_comparisons_are_fast(covariates: int, seconds: float) -> None:
    """Full adjustment, Welch test, p-values with their logarithms and Fieller intervals, on one core."""
    rng = np.random.default_rng(21)
    k = 1 + covariates
    n = rng.integers(500, 1_000_000, (CELLS, 2)).astype(float)
    factor = rng.normal(size=(CELLS, 2, k, k))
    m2 = (factor @ np.swapaxes(factor, -1, -2) + np.eye(k)) * n[..., None, None]
    moments = Moments(n=n, mean=rng.normal(5, 0.01, (CELLS, 2, k)), m2=m2)
    times = []
    for _ in range(5):
        start = time.perf_counter()
        result = superiority(full(moments).pairs())
        times.append(time.perf_counter() - start)
    assert np.isfinite(result.relative_ci_upper).all()
    assert min(times) < seconds

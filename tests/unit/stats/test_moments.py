from decimal import Decimal

import numpy as np
import pytest

from steelyard.errors import StatisticsError
from steelyard.stats.exact import moments_from_exact_sums
from steelyard.stats.moments import Moments

rng = np.random.default_rng(1)


def sums_of(rows: np.ndarray, shift: np.ndarray) -> dict[str, np.ndarray | float]:
    moved = rows - shift
    return {"n": float(len(rows)), "sums": moved.sum(axis=0), "products": moved.T @ moved, "shift": shift}


def test_shifted_sums_give_the_variance_to_nine_digits_at_mean_1e9_and_sd_1() -> None:
    rows = 1e9 + rng.normal(size=(100_000, 2))
    moments = Moments.from_sums(**sums_of(rows, np.array([1e9, 1e9 + 3])))
    assert moments.cov == pytest.approx(np.cov(rows - 1e9, rowvar=False), rel=1e-9)
    assert moments.mean == pytest.approx(rows.mean(axis=0), rel=1e-14)


def test_exact_integer_sums_keep_a_small_variance_beside_a_big_mean() -> None:
    values = [10**9 + extra for extra in (4, 7, 13, 16)]
    squares = sum(value**2 for value in values)
    assert moments_from_exact_sums(n=4, sums=[sum(values)], products=[[squares]]).variance.tolist() == [30.0]
    # The same sums as floats have lost it, and say so rather than returning a number.
    floats = Moments.from_sums(n=4, sums=[float(sum(values))], products=[[float(squares)]])
    assert floats.variance.tolist() == [0.0]


def test_exact_sums_take_decimals() -> None:
    moments = moments_from_exact_sums(
        n=2, sums=[Decimal("0.3")], products=[[Decimal("0.1") ** 2 + Decimal("0.2") ** 2]]
    )
    assert moments.mean.tolist() == [0.15]
    assert moments.variance.tolist() == [0.005]


@pytest.mark.parametrize(
    ("n", "sums", "products", "message"),
    [
        (0, [0], [[0]], "exact sums need at least one unit"),
        (4, [40], [[300]], "inconsistent aggregates: a variance is negative"),
        (4, [40.0], [[490]], "not the float 40.0"),
    ],
)
def test_exact_sums_refuse_what_cannot_be(n: int, sums: list, products: list, message: str) -> None:
    with pytest.raises(StatisticsError, match=message):
        moments_from_exact_sums(n=n, sums=sums, products=products)


@pytest.mark.parametrize(
    ("total", "squares", "variance"),
    [(40.0, 490.0, 30.0), (40.0, 400.0, 0.0), (40.0, 400.0 - 1e-11, 0.0), (40.0, 399.0, np.nan)],
    ids=["positive", "zero", "negative by rounding", "impossible"],
)
def test_variance_guard(total: float, squares: float, variance: float) -> None:
    moments = Moments.from_sums(n=4, sums=[total], products=[[squares]])
    assert moments.variance == pytest.approx([variance], nan_ok=True)
    assert moments.inconsistent().tolist() is bool(np.isnan(variance))


def test_impossible_column_spoils_its_own_products_only() -> None:
    rows = rng.normal(5, 1, (50, 3))
    data = sums_of(rows, np.zeros(3))
    data["products"][1, 1] = 1.0
    moments = Moments.from_sums(**data)
    assert np.isnan(moments.m2[1]).all()
    assert np.isnan(moments.m2[:, 1]).all()
    assert moments.select([0, 2]).cov == pytest.approx(np.cov(rows[:, [0, 2]], rowvar=False))
    assert moments.reasons(1) == "inconsistent_aggregates"
    assert moments.reasons(2) == ""


def test_impossible_cell_spoils_what_it_is_pooled_into() -> None:
    good = Moments.from_rows(rng.normal(size=(10, 1)))
    bad = Moments.from_sums(n=4, sums=[40.0], products=[[300.0]])
    assert good.merge(bad).reasons() == "inconsistent_aggregates"


def test_merging_an_empty_cell_changes_nothing() -> None:
    good = Moments.from_rows(rng.normal(size=(10, 2)))
    empty = Moments(n=0, mean=[0, 0], m2=np.zeros((2, 2)))
    merged = empty.merge(good)
    assert merged.mean.tolist() == good.mean.tolist()
    assert merged.m2.tolist() == good.m2.tolist()
    assert empty.merge(empty).reasons() == "no_data"


def test_linear_combinations_have_the_moments_of_combined_rows() -> None:
    rows, weights = rng.normal(size=(40, 3)), np.array([[1.0, -2.0, 0.5], [0.0, 1.0, 1.0]])
    combined = Moments.from_rows(rows).linear(weights)
    assert combined.mean == pytest.approx((rows @ weights.T).mean(axis=0))
    assert combined.cov == pytest.approx(np.cov(rows @ weights.T, rowvar=False))


def test_indexing_speaks_of_the_batch_dimensions() -> None:
    moments = Moments.from_rows(rng.normal(size=(4, 3, 20, 2)))
    assert moments[1].n.shape == (3,)
    assert moments[..., 0].m2.shape == (4, 2, 2)
    assert moments[:, [2, 0]].mean.tolist() == moments.mean[:, [2, 0]].tolist()
    assert moments[1, 2].m2.tolist() == moments.m2[1, 2].tolist()
    assert moments[moments.n[:, 0] > 0].n.shape == (4, 3)


@pytest.mark.parametrize("axis", [0, 1, -1, -2])
def test_pool_and_stack_agree_on_what_an_axis_is(axis: int) -> None:
    rows = rng.normal(size=(3, 4, 10, 2))
    pooled = Moments.from_rows(rows).pool(axis)
    position = axis if axis >= 0 else axis + 2
    together = np.concatenate(np.split(rows, rows.shape[position], axis=position), axis=-2)
    expected = Moments.from_rows(np.squeeze(together, axis=position))
    assert pooled.mean == pytest.approx(expected.mean)
    assert pooled.m2 == pytest.approx(expected.m2)
    parts = [Moments.from_rows(np.take(rows, k, axis=position)) for k in range(rows.shape[position])]
    assert Moments.stack(parts, axis=axis).mean.tolist() == Moments.from_rows(rows).mean.tolist()


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(StatisticsError, match="do not fit together"):
        Moments(n=[1, 2], mean=[1.0, 2.0], m2=[[1.0]])


def test_counts_and_variances_build_the_same_moments_as_rows() -> None:
    rows = np.array([0, 1, 1, 0, 1.0])[:, None]
    expected = Moments.from_rows(rows)
    for built in (
        Moments.from_counts(n=5, successes=3),
        Moments.from_variances(n=5, mean=0.6, variance=rows.var(ddof=1)),
    ):
        assert built.mean == pytest.approx(expected.mean)
        assert built.m2 == pytest.approx(expected.m2)


@pytest.mark.parametrize("value", [0.7312345, 1 / 3, 123.456, 1e9])
@pytest.mark.parametrize("n", [1_000, 20_000, 300_000])
def test_naive_sums_of_a_constant_have_no_variance(value: float, n: int) -> None:
    """Roundings of a running sum of one value all point one way, further than those of different values."""
    values = np.full(n, value)
    moments = Moments.from_sums(n=n, sums=[np.cumsum(values)[-1]], products=[[np.cumsum(values**2)[-1]]])
    assert moments.m2.tolist() == [[0.0]]

import numpy as np
import pytest

from steelyard.stats.linear import solve_psd

rng = np.random.default_rng(2)


def test_one_column_equals_the_general_solution() -> None:
    xx, xy = rng.uniform(1, 5, (7, 1, 1)), rng.normal(size=(7, 1))
    one, rank = solve_psd(xx, xy)
    padded = np.zeros((7, 2, 2))
    padded[:, :1, :1] = xx
    both, both_rank = solve_psd(padded, np.column_stack([xy, np.zeros(7)]))
    assert both[:, :1] == pytest.approx(one, rel=1e-12)
    assert (both[:, 1] == 0).all()
    assert rank.tolist() == both_rank.tolist() == [1.0] * 7


def test_solution_is_least_squares_in_every_cell() -> None:
    x, y = rng.normal(size=(5, 30, 3)), rng.normal(size=(5, 30))
    beta, rank = solve_psd(np.swapaxes(x, -1, -2) @ x, np.einsum("bni,bn->bi", x, y))
    for cell in range(5):
        assert beta[cell] == pytest.approx(np.linalg.lstsq(x[cell], y[cell], rcond=None)[0], rel=1e-9)
    assert rank.tolist() == [3.0] * 5


def test_scales_far_apart_do_not_count_as_collinear() -> None:
    x = rng.normal(size=(200, 2)) * [1e-6, 1e6]
    y = x @ [3e6, 2e-6]
    beta, rank = solve_psd(x.T @ x, x.T @ y)
    assert rank == 2
    assert beta == pytest.approx([3e6, 2e-6], rel=1e-9)


def test_duplicate_columns_share_the_weight() -> None:
    x = rng.normal(size=(50, 1)) @ np.ones((1, 2))
    beta, rank = solve_psd(x.T @ x, x.T @ (4 * x[:, 0]))
    assert rank == 1
    assert beta == pytest.approx([2.0, 2.0], rel=1e-9)

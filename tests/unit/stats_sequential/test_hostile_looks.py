"""Sequential methods under inputs that no plan foresees: all is finite or has its reason, and alpha is kept."""

import numpy as np
import pytest
from scipy import stats

from steelyard.stats import always_valid
from steelyard.stats.group_sequential import Look, bounds
from steelyard.stats.sequential_p import sequential_p
from steelyard.stats.spending import SPENDING
from steelyard.stats.stagewise import stagewise

HUGE = [1e200, -1e200, np.inf, -np.inf]


def of(looks: tuple[Look, ...]) -> list[float | None]:
    return [look.bound for look in looks]


@pytest.mark.parametrize("sides", [1, 2])
@pytest.mark.parametrize("spending", sorted(SPENDING))
@pytest.mark.parametrize(
    ("information", "kept"),
    [
        ([10, 8, 12, 20], [0, 2, 3]),
        ([10, 10, 12, 20], [0, 2, 3]),
        ([0, 10, 12, 20], [1, 2, 3]),
        ([10, 12, 12, 11], [0, 1]),
        ([0, 0, 0, 20], [3]),
    ],
    ids=["falls", "stands still", "none at first", "never grows again", "one look"],
)
def test_a_look_that_tells_nothing_new_is_as_if_it_had_not_been(
    information: list[float], kept: list[int], spending: str, sides: int
) -> None:
    clock = [0.2, 0.4, 0.6, 1.0]
    every = bounds(clock, information, spending=spending, sides=sides)
    alone = bounds([clock[k] for k in kept], [information[k] for k in kept], spending=spending, sides=sides)
    assert of(tuple(every[k] for k in kept)) == pytest.approx(of(alone), rel=1e-12)
    for k in set(range(4)) - set(kept):
        before = every[k - 1].alpha_spent if k else 0.0
        assert (every[k].bound, every[k].alpha_spent, every[k].reason) == (None, before, "no_new_information")


@pytest.mark.parametrize("alpha", [1e-200, 1e-15, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("sides", [1, 2])
@pytest.mark.parametrize("spending", sorted(SPENDING))
def test_tiny_and_huge_levels_are_spent_to_the_end(alpha: float, sides: int, spending: str) -> None:
    looks = bounds([0.25, 0.5, 1.0], [1.0, 2.0, 4.0], alpha=alpha, sides=sides, spending=spending)
    assert looks[-1].alpha_spent == alpha
    assert looks[-1].bound is not None
    # The rest is spent at the last look at most as a test of its own would.
    rest = (alpha - looks[-2].alpha_spent) / sides
    assert looks[-1].bound <= stats.norm.isf(rest) + 1e-9
    if alpha < 0.9:
        assert looks[-1].bound >= stats.norm.isf(alpha / sides) - 1e-9


def crossed_far_out(looks: tuple[Look, ...], times: np.ndarray, random: np.random.Generator) -> float:
    """Estimate P(a standard Brownian motion crosses an upper bound), by drawing paths that drift towards it.

    The drifts lead to the bounds of several looks. Each path that crosses counts with its likelihood ratio against
    their mixture, so that a chance of one in a million shows in thousands of paths.
    """
    bound = np.array([np.inf if look.bound is None else look.bound for look in looks]) * np.sqrt(times)
    aims = [k for k in (0, 2, 9, 29, 89, 179, 364) if np.isfinite(bound[k])]
    drifts, paths = bound[aims] / times[aims], 4_000
    steps = random.normal(size=(len(aims), paths, len(times))) * np.sqrt(np.diff(times, prepend=0.0))
    walk = (steps.cumsum(axis=2) + drifts[:, None, None] * times).reshape(-1, len(times))
    hit = walk >= bound
    rows = np.flatnonzero(hit.any(axis=1))
    at = hit[rows].argmax(axis=1)
    reached = walk[rows, at]
    exponents = drifts[:, None] * reached - drifts[:, None] ** 2 * times[at] / 2
    return float(np.sum(1 / np.exp(exponents).mean(axis=0)) / len(walk))


@pytest.mark.long
@pytest.mark.parametrize("spending", sorted(SPENDING))
def test_a_year_of_daily_looks_at_a_corrected_level_spends_that_level(spending: str) -> None:
    times = np.arange(1, 366) / 365
    looks = bounds(times.tolist(), times.tolist(), alpha=1e-6, sides=1, spending=spending)
    found = crossed_far_out(looks, times, np.random.default_rng(1))
    # Relative Monte-Carlo error: one percent.
    assert found == pytest.approx(1e-6, rel=0.05)


def test_infinite_statistics_have_the_smallest_p_value_and_no_warning() -> None:
    clock = [[0.5, 1.0]]
    with np.errstate(all="raise", under="ignore"):
        two = sequential_p([[np.inf, 0.0]], clock, clock)
        down = sequential_p([[-np.inf, -np.inf]], clock, clock, sides=1)
        nothing = sequential_p([[np.nan, np.nan]], clock, clock)
    assert np.all((two > 0) & (two < 1e-290))
    assert down.tolist() == [[1.0, 1.0]]
    assert nothing.tolist() == [[1.0, 1.0]]


def test_p_value_of_looks_whose_information_falls_passes_over_them() -> None:
    p = sequential_p([[2.0, 9.0, 2.5]], [[0.3, 0.5, 1.0]], [[5.0, 4.0, 6.0]])
    alone = sequential_p([[2.0, 2.5]], [[0.3, 1.0]], [[5.0, 6.0]])
    assert p[0, [0, 2]] == pytest.approx(alone[0])
    assert p[0, 1] == p[0, 0]


def test_huge_statistics_of_always_valid_tests_are_certain_and_without_a_warning() -> None:
    with np.errstate(all="raise", under="ignore"):
        two = always_valid.p_value(HUGE, 1000, 500)
        one = always_valid.p_value(HUGE, 1000, 500, sides=1)
        nothing = always_valid.p_value(3.0, 0, 500)
    assert two.tolist() == [0.0] * 4
    assert one.tolist() == [0.0, 1.0, 0.0, 1.0]
    assert float(nothing) == 1.0


@pytest.mark.parametrize("alpha", [1e-300, 0.49, 0.5, 0.7, 0.999])
@pytest.mark.parametrize("sides", [1, 2])
def test_every_level_has_a_tuning_and_a_bound_that_keeps_it(alpha: float, sides: int) -> None:
    tuning = always_valid.optimal_tuning(1000, alpha=alpha, sides=sides)
    assert 0 < tuning < np.inf
    bound = always_valid.critical_value([1, 1000, 1e15], tuning, alpha=alpha, sides=sides)
    assert np.isfinite(bound).all()
    assert always_valid.log_e_value(bound, [1, 1000, 1e15], tuning, sides=sides) == pytest.approx(
        -np.log(alpha), rel=1e-6, abs=1e-8
    )


def test_a_single_look_is_the_fixed_test_in_all_that_is_reported() -> None:
    (look,) = bounds([1.0], [100.0])
    assert look.bound == pytest.approx(stats.norm.isf(0.025), abs=1e-12)
    found = stagewise([look], 2.5)
    assert found.p_value == pytest.approx(2 * stats.norm.sf(2.5), rel=1e-9)
    assert (found.estimate, found.ci_lower, found.ci_upper) == pytest.approx(
        (0.25, 0.25 - 0.1 * stats.norm.isf(0.025), 0.25 + 0.1 * stats.norm.isf(0.025))
    )
    assert sequential_p([[2.5]], [[1.0]], [[100.0]])[0, 0] == pytest.approx(found.p_value, rel=1e-8)

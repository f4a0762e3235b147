"""Every supported cell of the capability table gives the number that unit rows give.

The expected numbers are computed here from rows alone: per-variant least squares or stratum means for the estimate and
its variance, the textbook statistic of each hypothesis, and a critical value of each kind of test. Bounds of group
sequential tests come from the design's own function, which is held to published tables elsewhere.
"""

from functools import cache
from typing import Any

import numpy as np
import pytest
from scipy import stats as sp
from tests.support.matrix_world import DAYS, SQL, UNITS, FloatArray, Rows, experiment, make_rows, moments_of

from steelyard.analysis.capabilities import EVERYWHERE, Cell, cells
from steelyard.analysis.results import TestedMetric, analyse
from steelyard.stats.always_valid import optimal_tuning
from steelyard.stats.always_valid import required_n as always_valid_required_n
from steelyard.stats.group_sequential import bounds
from steelyard.stats.gst_exit import inflation
from steelyard.stats.means import VariantMeans

ROWS = {kind: make_rows(kind, seed) for seed, kind in enumerate(SQL)}
LAST = DAYS - 1
ALPHA = 0.05
QUANTILES = {
    "everyone": VariantMeans.independent(
        n=np.full((DAYS, 2), float(UNITS)),
        mean=np.tile([4.0, 4.4], (DAYS, 1)),
        variance=np.outer(DAYS / np.arange(1, DAYS + 1), [0.01, 0.012]),
    )
}
SUPPORTED = [cell for cell in cells() if cell.is_supported]


def linearised(rows: Rows, variant: int, kind: str, *, about: FloatArray | None = None) -> FloatArray:
    """Return rows with one outcome column: a ratio's is linearised about its variant's means."""
    values = rows.on(LAST, variant)
    if kind not in ("ratio", "clustered"):
        return values
    top, bottom = values[:, :2].mean(axis=0) if about is None else about
    ratio = top / bottom
    return np.column_stack([(values[:, 0] - ratio * values[:, 1]) / bottom + ratio, values[:, 2:]])


@cache
def estimate(
    kind: str, adjustment: str
) -> tuple[tuple[float, float], tuple[tuple[float, float], tuple[float, float]], float]:
    """Return the two means, their covariance matrix, and the degrees of freedom of the difference, from rows."""
    if kind == "quantile":
        return (4.0, 4.4), ((0.01, 0.0), (0.0, 0.012)), np.inf
    rows = ROWS[kind]
    data = [linearised(rows, variant, kind) for variant in (0, 1)]
    if adjustment == "post_stratify":
        return _poststratified(data, [rows.strata_on(LAST, variant) for variant in (0, 1)])
    x_all = np.concatenate([part[:, 1:] for part in data])
    means, slopes, noise, freedom = [], [], [], []
    for part in data:
        y, x = part[:, 0], part[:, 1:] if adjustment == "cuped" else part[:, :0]
        design = np.column_stack([np.ones(len(y)), x - (x_all.mean(axis=0) if x.shape[1] else 0.0)])
        coefficients, *_ = np.linalg.lstsq(design, y, rcond=None)
        residual = y - design @ coefficients
        df = len(y) - design.shape[1]
        means.append(coefficients[0])
        slopes.append(coefficients[1:])
        noise.append(residual @ residual / df / len(y))
        freedom.append(df)
    shared = np.atleast_2d(np.cov(x_all.T)) / len(x_all)
    cov = [[float(a @ shared @ b) if len(a) else 0.0 for b in slopes] for a in slopes]
    cov[0][0] += noise[0]
    cov[1][1] += noise[1]
    df = sum(noise) ** 2 / sum(v**2 / f for v, f in zip(noise, freedom, strict=True))
    if kind == "clustered":
        df = float(sum(freedom))
    return (means[0], means[1]), ((cov[0][0], cov[0][1]), (cov[1][0], cov[1][1])), df


def _poststratified(data: list[FloatArray], strata: list[Any]) -> Any:
    everyone = np.concatenate(strata)
    total = len(everyone)
    shares = [np.mean(everyone == s) for s in range(3)]
    table = np.array(
        [[part[codes == s, 0].mean() for s in range(3)] for part, codes in zip(data, strata, strict=True)]
    )
    spread = np.array(
        [
            [part[codes == s, 0].var(ddof=1) / np.sum(codes == s) for s in range(3)]
            for part, codes in zip(data, strata, strict=True)
        ]
    )
    means = table @ shares
    gaps = table - means[:, None]
    cov = (gaps * shares) @ gaps.T / total
    pieces = np.array(shares) ** 2 * spread
    sizes = np.array([[np.sum(codes == s) for s in range(3)] for codes in strata])
    per_variant = pieces.sum(axis=1) ** 2 / (pieces**2 / (sizes - 1)).sum(axis=1)
    own = pieces.sum(axis=1)
    df = own.sum() ** 2 / (own**2 / per_variant).sum()
    cov = cov + np.diag(own)
    return tuple(means), tuple(map(tuple, cov)), df


USES: dict[str, tuple[str, dict[str, Any]]] = {
    "superiority two-sided": ("primary", {"mde": "3%"}),
    "superiority one-sided": ("primary", {"mde": "3%", "alternative": "increase"}),
    "non-inferiority relative": ("guardrails", {"margin": "2%"}),
    "non-inferiority absolute": ("guardrails", {"margin": {"absolute": 0.05}}),
    "deterioration": ("guardrails", {}),
}


def statistic_of(cell: Cell) -> tuple[float, float]:
    """Return the statistic against its null hypothesis, and the standard error it is measured in."""
    (m0, m1), ((v0, c), (_, v1)), _ = estimate(cell.metric, cell.adjustment)
    if cell.hypothesis == "non-inferiority relative":
        error = np.sqrt(v1 + 0.98**2 * v0 - 2 * 0.98 * c)
        return (m1 - 0.98 * m0) / error, error
    error = np.sqrt(v1 + v0 - 2 * c)
    shift = 0.05 if cell.hypothesis == "non-inferiority absolute" else 0.0
    return (m1 - m0 + shift) / error, error


def analysed(cell: Cell, spending: str) -> TestedMetric:
    group, extra = USES[cell.hypothesis]
    spec = experiment(
        {"metric": cell.metric, "weight": 2, **extra},
        group,
        spending=spending,
        test=cell.test,
        adjustment=cell.adjustment,
        correction=cell.correction,
        alpha=ALPHA,
    )
    result = analyse(moments_of(spec, ROWS, QUANTILES), looks={})
    wanted = "non_inferiority" if "non-inferiority" in cell.hypothesis else cell.hypothesis.split()[0]
    return next(
        one for one in result.tests if one.test.label == cell.metric and one.test.hypothesis == wanted
    )


def spendings(cell: Cell) -> tuple[str, ...]:
    """Return the spending functions to test a cell with; the correction comes after the bounds, so all with one."""
    if cell.test == "group_sequential" and cell.correction == "bonferroni":
        return EVERYWHERE["spending"]
    return ("power",)


@pytest.mark.long
@pytest.mark.parametrize(
    ("cell", "spending"),
    [
        pytest.param(
            cell,
            spending,
            id=f"{cell.metric}-{cell.adjustment}-{cell.test}-{spending}-{cell.hypothesis}-{cell.correction}",
        )
        for cell in SUPPORTED
        for spending in spendings(cell)
    ],
)
def test_a_supported_cell_gives_the_number_of_the_rows(cell: Cell, spending: str) -> None:
    one = analysed(cell, spending)
    at = (0, LAST, 0)
    (m0, m1), ((v0, c), (_, v1)), df = estimate(cell.metric, cell.adjustment)
    statistic, _ = statistic_of(cell)
    assert one.comparison.effect[at] == pytest.approx(m1 - m0, rel=1e-9)
    assert one.comparison.std_error[at] == pytest.approx(np.sqrt(v1 + v0 - 2 * c), rel=1e-8)
    assert one.comparison.statistic[at] == pytest.approx(statistic, rel=1e-8)
    critical = expected_critical(cell, one, df, spending)
    assert one.critical.interval[LAST, 0] == pytest.approx(critical, rel=1e-6)
    half = critical * np.sqrt(v1 + v0 - 2 * c)
    assert one.comparison.ci_lower[at] == pytest.approx(m1 - m0 - half, rel=1e-6, abs=1e-9)
    low, high = fieller(m0, m1, v0=v0, v1=v1, c=c, q=critical)
    assert one.comparison.relative_ci_lower[at] == pytest.approx(low, rel=1e-6, abs=1e-9)
    assert one.comparison.relative_ci_upper[at] == pytest.approx(high, rel=1e-6, abs=1e-9)
    needed = expected_n(cell, one, spending)
    assert one.size.required_n[at] == pytest.approx(needed, rel=1e-4, abs=1.0, nan_ok=True)
    assert bool(one.size.powered[at]) == (needed <= min(units_of(one)))


def units_of(one: TestedMetric) -> tuple[float, float]:
    pairs = one.means.pairs
    return float(pairs.n_control[0, LAST, 0]), float(pairs.n_treatment[0, LAST, 0])


def expected_n(cell: Cell, one: TestedMetric, spending: str) -> float:
    """Return the units per variant of section 16; a test for deterioration has no planned power."""
    if cell.hypothesis == "deterioration":
        return np.nan
    (base, _), _, _ = estimate(cell.metric, cell.adjustment)
    _, error = statistic_of(cell)
    is_guardrail = cell.hypothesis.startswith("non-inferiority")
    distance = {"non-inferiority relative": 0.02 * base, "non-inferiority absolute": 0.05}.get(
        cell.hypothesis, 0.03 * base
    )
    # One success metric's test and each guardrail's may fail, and so may any alarm: section 14.
    beta = (0.2 - 0.01) / (2 if is_guardrail else 1)
    sides = 2 if cell.hypothesis == "superiority two-sided" else 1
    if cell.test == "always_valid":
        total = sum(units_of(one))
        tuning = float(optimal_tuning(2 * UNITS, alpha=one.test.alpha, sides=sides))
        planned = always_valid_required_n(
            distance, error * np.sqrt(total), alpha=one.test.alpha, power=1 - beta, sides=sides, tuning=tuning
        )
        return max(planned / total * min(units_of(one)), 100.0)
    drift = sp.norm.isf(one.test.alpha / sides) + sp.norm.isf(beta)
    if cell.test == "group_sequential":
        drift = planned_drift(one.test.alpha, beta, sides, spending)
    return float(min(units_of(one)) * (error * drift / distance) ** 2)


@cache
def planned_drift(alpha: float, beta: float, sides: int, spending: str) -> float:
    """Return the drift of the plan's equal looks, solved for by gst_exit, which published designs are held to."""
    times = [(day + 1) / DAYS for day in range(DAYS)]
    factor = inflation(times, alpha=alpha, power=1 - beta, sides=sides, spending=spending)
    return float((sp.norm.isf(alpha / sides) + sp.norm.isf(beta)) * np.sqrt(factor))


def fieller(m0: float, m1: float, *, v0: float, v1: float, c: float, q: float) -> tuple[float, float]:
    """Return the relative effects at which (m1 - R m0)^2 = q^2 Var(m1 - R m0), from the roots of a polynomial."""
    roots = np.roots([m0**2 - q**2 * v0, -2 * (m1 * m0 - q**2 * c), m1**2 - q**2 * v1])
    low, high = sorted(float(root.real) for root in roots)
    return low - 1, high - 1


def expected_critical(cell: Cell, one: TestedMetric, df: float, spending: str) -> float:
    sides = 2 if cell.hypothesis == "superiority two-sided" else 1
    alpha = one.test.alpha
    assert alpha == pytest.approx(expected_alpha(cell))
    if cell.test == "fixed":
        return float(sp.t.isf(alpha / sides, df) if np.isfinite(df) else sp.norm.isf(alpha / sides))
    if cell.test == "always_valid":
        return always_valid(alpha, sides, one)
    looks = [look for look in one.critical.looks if look["treatment"] == 0]
    found = bounds(
        [look["fraction"] for look in looks],
        [look["information"] for look in looks],
        alpha=alpha,
        sides=sides,
        spending=spending,
    )
    return float([look.bound for look in found if look.bound is not None][-1])


def expected_alpha(cell: Cell) -> float:
    """Return the level of section 14: success metrics and alarms share theirs, of which two thirds are this one's."""
    is_alone = cell.metric == "mean"
    if cell.hypothesis.startswith("superiority"):
        return ALPHA if cell.correction == "none" or is_alone else ALPHA * 2 / 3
    if cell.hypothesis.startswith("non-inferiority"):
        return ALPHA
    # The mean is named twice there, first as a success metric with the weight 1.
    return 0.01 if is_alone else 0.01 * 2 / 3


def always_valid(alpha: float, sides: int, one: TestedMetric) -> float:
    """Return the half width of the normal-mixture confidence sequence at the last day, by root finding."""
    n = float(one.means.pairs.n_control[0, LAST, 0] + one.means.pairs.n_treatment[0, LAST, 0])
    level = alpha * 2 / sides
    nu = 2 * UNITS / (-2 * np.log(level) + np.log1p(-2 * np.log(level)))
    if sides == 2:
        return float(np.sqrt((n + nu) / n * np.log((n + nu) / (nu * alpha**2))))

    def excess(s: float) -> float:
        return float(
            0.5 * np.log(4 * nu / (n + nu))
            + s**2 / (2 * (n + nu))
            + sp.norm.logcdf(s / np.sqrt(n + nu))
            - np.log(1 / alpha)
        )

    low, high = 0.0, 100 * np.sqrt(n)
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if excess(middle) < 0 else (low, middle)
    return high / np.sqrt(n)


def test_a_broken_estimate_would_be_seen() -> None:
    """The expected numbers differ between adjustments by far more than the tolerance."""
    errors = {
        adjustment: estimate("mean", adjustment)[1][1][1] for adjustment in ("none", "cuped", "post_stratify")
    }
    assert len({round(error, 7) for error in errors.values()}) == 3

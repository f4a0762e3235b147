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

from steelyard.analysis.capabilities import Cell, cells
from steelyard.analysis.results import TestedMetric, analyse
from steelyard.stats.group_sequential import bounds
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
    if kind != "ratio":
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
    "superiority two-sided": ("primary", {}),
    "superiority one-sided": ("primary", {"alternative": "increase"}),
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


def analysed(cell: Cell) -> TestedMetric:
    group, extra = USES[cell.hypothesis]
    spec = experiment(
        {"metric": cell.metric, **extra},
        group,
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


@pytest.mark.long
@pytest.mark.parametrize(
    "cell", SUPPORTED, ids=lambda c: f"{c.metric}-{c.adjustment}-{c.test}-{c.hypothesis}-{c.correction}"
)
def test_a_supported_cell_gives_the_number_of_the_rows(cell: Cell) -> None:
    one = analysed(cell)
    at = (0, LAST, 0)
    (m0, m1), ((v0, c), (_, v1)), df = estimate(cell.metric, cell.adjustment)
    statistic, _ = statistic_of(cell)
    assert one.comparison.effect[at] == pytest.approx(m1 - m0, rel=1e-9)
    assert one.comparison.std_error[at] == pytest.approx(np.sqrt(v1 + v0 - 2 * c), rel=1e-8)
    assert one.comparison.statistic[at] == pytest.approx(statistic, rel=1e-8)
    critical = expected_critical(cell, one, df)
    assert one.critical.interval[LAST, 0] == pytest.approx(critical, rel=1e-6)
    half = critical * np.sqrt(v1 + v0 - 2 * c)
    assert one.comparison.ci_lower[at] == pytest.approx(m1 - m0 - half, rel=1e-6, abs=1e-9)
    low, high = fieller(m0, m1, v0=v0, v1=v1, c=c, q=critical)
    assert one.comparison.relative_ci_lower[at] == pytest.approx(low, rel=1e-6, abs=1e-9)
    assert one.comparison.relative_ci_upper[at] == pytest.approx(high, rel=1e-6, abs=1e-9)


def fieller(m0: float, m1: float, *, v0: float, v1: float, c: float, q: float) -> tuple[float, float]:
    """Return the relative effects at which (m1 - R m0)^2 = q^2 Var(m1 - R m0), from the roots of a polynomial."""
    roots = np.roots([m0**2 - q**2 * v0, -2 * (m1 * m0 - q**2 * c), m1**2 - q**2 * v1])
    low, high = sorted(float(root.real) for root in roots)
    return low - 1, high - 1


def expected_critical(cell: Cell, one: TestedMetric, df: float) -> float:
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
    )
    return float([look.bound for look in found if look.bound is not None][-1])


def expected_alpha(cell: Cell) -> float:
    """Return the level of section 14: success metrics share alpha, guardrails have it whole, alarms share theirs."""
    names = {cell.metric, "mean"}
    if cell.hypothesis.startswith("superiority"):
        return ALPHA if cell.correction == "none" else ALPHA / len(names)
    if cell.hypothesis.startswith("non-inferiority"):
        return ALPHA
    return 0.01 / len(names)


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

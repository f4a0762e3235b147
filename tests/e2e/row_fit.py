"""Estimates from unit rows, fitted by statsmodels, without the engine's statistics."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import statsmodels.api as sm
from scipy import optimize
from tests.e2e.unit_rows import Rows

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class RowFit:
    """Means of all variants: ``own`` is the part of a mean's variance that other variants do not share."""

    n: FloatArray
    mean: FloatArray
    cov: FloatArray
    own: FloatArray
    df: FloatArray

    def effect(self, t: int) -> float:
        return float(self.mean[t] - self.mean[0])

    def variance(self, t: int, share: float = 1.0) -> float:
        """Variance of the treatment's mean less a share of the control's."""
        return float(self.cov[t, t] + share**2 * self.cov[0, 0] - 2 * share * self.cov[0, t])

    def welch_df(self, t: int) -> float:
        a, b = self.own[t], self.own[0]
        return float((a + b) ** 2 / (a**2 / self.df[t] + b**2 / self.df[0]))

    def fieller(self, t: int, critical: float) -> tuple[float, float]:
        """Return the relative effects at which the test of ``m1 = R m0`` just rejects, by root finding."""

        def excess(ratio: float) -> float:
            return (self.mean[t] - ratio * self.mean[0]) ** 2 - critical**2 * self.variance(t, ratio)

        middle = self.mean[t] / self.mean[0]
        reach = 20 * critical * np.sqrt(self.variance(t, middle)) / abs(self.mean[0])
        ends = [optimize.brentq(excess, middle, middle + sign * reach, xtol=1e-15) for sign in (-1, 1)]
        return ends[0] - 1, ends[1] - 1


def fit(rows: Rows) -> RowFit:
    """Fit every variant's mean: least squares of the outcome on variants, covariates about their overall means
    and all interactions, and what the overall means add to the variance. A ratio is linearised first."""
    variants = int(rows.variant.max()) + 1
    member = rows.variant[:, None] == np.arange(variants)
    n = member.sum(axis=0).astype(float)
    outcome = rows.y[:, 0] if rows.y.shape[1] == 1 else _linearised(rows, member)
    x = rows.x[:, rows.x.std(axis=0) > 0]
    p = x.shape[1]
    centred = x - x.mean(axis=0)
    slopes = [np.where(member[:, [k]], centred, 0.0) for k in range(variants)]
    found = sm.OLS(outcome, np.column_stack([member.astype(float), *slopes])).fit()
    mean = np.asarray(found.params[:variants])
    residual = np.asarray(found.resid)
    df = n - 1 - p
    own = np.array([(residual[member[:, k]] ** 2).sum() / df[k] / n[k] for k in range(variants)])
    beta = np.asarray(found.params[variants:]).reshape(variants, p)
    spread = np.atleast_2d(np.cov(x, rowvar=False)) / len(x) if p else np.zeros((0, 0))
    return RowFit(n=n, mean=mean, cov=np.diag(own) + beta @ spread @ beta.T, own=own, df=df)


def _linearised(rows: Rows, member: npt.NDArray[np.bool_]) -> FloatArray:
    z = np.empty(len(rows.y))
    for k in range(member.shape[1]):
        own = rows.y[member[:, k]]
        top, bottom = own.mean(axis=0)
        ratio = top / bottom
        z[member[:, k]] = (own[:, 0] - ratio * own[:, 1]) / bottom + ratio
    return z

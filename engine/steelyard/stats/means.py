"""Estimated means of variants with their joint uncertainty: what every comparison starts from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np

from steelyard.stats.arrays import (
    ArrayLike,
    BoolArray,
    FloatArray,
    TextArray,
    divide,
    root,
    together,
)
from steelyard.stats.reasons import ZERO_VARIANCE, ZERO_VARIANCE_IN_ONE_VARIANT, choose, fine, first

Notes = Mapping[str, BoolArray]
"""Which cells a remark of `steelyard.stats.reasons.NOTES` is about."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MeanPair:
    """Means of a treatment and its control, as far as a comparison needs them; all shapes ``(..., T)``.

    Attributes:
        n_control, n_treatment: Units.
        mean_control, mean_treatment: Estimated means; NaN where there is no data.
        var_control, var_treatment: Variances of these means (not of the units).
        covariance: Covariance of the two means; 0 without adjustment.
        df: Degrees of freedom of the difference; infinite where it is treated as normal.
        raw_variance: Variance of the unadjusted difference.
        reason: Why the variance of the difference is unknown, '' where it is known.
        notes: Remarks that apply to either variant.
    """

    n_control: FloatArray
    n_treatment: FloatArray
    mean_control: FloatArray
    mean_treatment: FloatArray
    var_control: FloatArray
    var_treatment: FloatArray
    covariance: FloatArray
    df: FloatArray
    raw_variance: FloatArray
    reason: TextArray
    notes: Notes

    @property
    def effect(self) -> FloatArray:
        """Difference of the means, treatment minus control."""
        return self.mean_treatment - self.mean_control

    @property
    def variance(self) -> FloatArray:
        """Variance of the difference; NaN where the reason says why."""
        spread = self.var_treatment + self.var_control - 2 * self.covariance
        return np.where(self.reason == "", spread, np.nan)

    @property
    def std_error(self) -> FloatArray:
        """Standard error of the difference; NaN where the reason says why."""
        return root(self.variance)

    @property
    def variance_reduction(self) -> FloatArray:
        """Share of the unadjusted difference's variance that the adjustment removed."""
        return 1 - divide(self.variance, self.raw_variance)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VariantMeans:
    """Means of all variants of a comparison, adjusted or not.

    Attributes:
        n: Units, shape ``(..., K)``.
        mean: Estimated means, shape ``(..., K)``.
        cov: Covariance matrix of the estimated means, shape ``(..., K, K)``.
        residual: The part of each mean's variance that is its own units' noise, shape ``(..., K)``.
        df: Degrees of freedom of ``residual``, shape ``(..., K)``.
        raw_mean: Means before adjustment, shape ``(..., K)``.
        raw_variance: Variances of the raw means, shape ``(..., K)``.
        rank: Number of coefficients that the adjustment used, shape ``(..., K)``.
        reason: Why a mean or its variance is unknown, shape ``(..., K)``.
        notes: Remarks and the cells they are about, each of shape ``(..., K)``.
        method: ``none``, ``full``, ``pooled``, ``post_stratify`` or ``quantile``.
    """

    n: FloatArray
    mean: FloatArray
    cov: FloatArray
    residual: FloatArray
    df: FloatArray
    raw_mean: FloatArray
    raw_variance: FloatArray
    rank: FloatArray
    reason: TextArray
    notes: Notes
    method: str

    @classmethod
    def independent(
        cls,
        *,
        n: ArrayLike,
        mean: ArrayLike,
        variance: ArrayLike,
        df: ArrayLike = np.inf,
        reason: TextArray | None = None,
        method: str = "none",
    ) -> Self:
        """Build from means that do not share data, such as quantiles or means from a publication.

        Args:
            n: Units, shape ``(..., K)``.
            mean: Estimates, same shape.
            variance: Variances of the estimates (not of the units), same shape.
            df: Degrees of freedom of the variances; infinite means that they count as known.
            reason: Why an estimate is unknown; NaN in ``mean`` or ``variance`` needs one.
            method: What made the estimates.

        Examples:
            >>> published = VariantMeans.independent(n=[100, 100], mean=[1.0, 1.5], variance=[0.04, 0.05])
            >>> published.pairs().effect.tolist(), published.pairs().std_error.tolist()
            ([0.5], [0.3])
        """
        units, value, spread, freedom = together(n, mean, variance, df)
        why = choose(units.shape) if reason is None else reason
        known = fine(why)
        own = np.where(known, spread, np.nan)
        cov = np.where(np.eye(units.shape[-1], dtype=bool), own[..., None], 0.0)
        return cls(
            n=units,
            mean=value,
            cov=np.where(known[..., :, None] & known[..., None, :], cov, np.nan),
            residual=own,
            df=np.where(known, freedom, np.nan),
            raw_mean=value,
            raw_variance=own,
            rank=np.zeros(units.shape),
            reason=why,
            notes={},
            method=method,
        )

    def pairs(self, control: int = 0) -> MeanPair:
        """Return every other variant beside the control, in order; shapes ``(..., K - 1)``."""
        treated = [k for k in range(self.n.shape[-1]) if k != control]
        own, base = (slice(None), [control])
        variances = np.diagonal(self.cov, axis1=-2, axis2=-1)
        pieces = np.stack(np.broadcast_arrays(self.residual[..., treated], self.residual[..., base]), axis=-1)
        freedom = np.stack(np.broadcast_arrays(self.df[..., treated], self.df[..., base]), axis=-1)
        shape = pieces.shape[:-1]
        constant = pieces == 0
        reason = first(
            *np.broadcast_arrays(self.reason[..., treated], self.reason[..., base]),
            choose(shape, (constant.all(axis=-1), ZERO_VARIANCE)),
        )
        notes = {name: cells[..., treated] | cells[..., base] for name, cells in self.notes.items()}
        notes[ZERO_VARIANCE_IN_ONE_VARIANT] = constant.any(axis=-1) & (reason == "")
        return MeanPair(
            n_control=np.broadcast_to(self.n[..., base], shape),
            n_treatment=self.n[..., treated],
            mean_control=np.broadcast_to(self.mean[..., base], shape),
            mean_treatment=self.mean[..., treated],
            var_control=np.broadcast_to(variances[..., base], shape),
            var_treatment=variances[..., treated],
            covariance=self.cov[..., control, own][..., treated],
            df=np.where(reason == "", satterthwaite(pieces, freedom), np.nan),
            raw_variance=self.raw_variance[..., treated] + self.raw_variance[..., base],
            reason=reason,
            notes=notes,
        )


def satterthwaite(pieces: FloatArray, df: FloatArray) -> FloatArray:
    """Degrees of freedom of a sum of independent variance estimates along the last axis.

    References:
        Satterthwaite (1946), Biometrics Bulletin 2, 110-114; Welch (1947), Biometrika 34, 28-35.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        total, weight = pieces.sum(axis=-1) ** 2, (pieces**2 / df).sum(axis=-1)
    exact = np.isinf(df).all(axis=-1)
    return np.where(exact, np.inf, divide(total, weight))

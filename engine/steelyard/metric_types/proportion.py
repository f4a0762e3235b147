"""Share of units with a property, such as users who bought something."""

from typing import ClassVar

import numpy as np

from steelyard.metric_types.base import MetricType, Reduced
from steelyard.stats.cautions import small_counts
from steelyard.stats.moments import Moments
from steelyard.stats.reasons import SMALL_COUNTS, VALUES_NOT_BINARY

BINARY_TOLERANCE = 1e-6


class Proportion(MetricType):
    """The mean of a 0/1 value per unit, compared like any mean."""

    name: ClassVar[str] = "proportion"
    columns: ClassVar[tuple[str, ...]] = ("value",)

    def default_fill(self, *, additive: bool) -> float | None:
        """Return 0: a unit without rows does not have the property."""
        return 0.0

    def reduce(self, moments: Moments, *, about: Moments | None = None) -> Reduced:
        """Return the moments unchanged, noting values other than 0 and 1 and small counts."""
        self._require_columns(moments)
        share, spread = moments.mean[..., 0], moments.m2[..., 0, 0]
        with np.errstate(invalid="ignore"):
            binary = np.abs(spread - moments.n * share * (1 - share)) <= BINARY_TOLERANCE * moments.n
        notes = {
            SMALL_COUNTS: small_counts(moments.n, share) & binary,
            VALUES_NOT_BINARY: ~binary & ~moments.inconsistent(0),
        }
        return Reduced(moments=moments, reason=moments.reasons(0), notes=notes)

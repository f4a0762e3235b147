"""Mean per unit, such as revenue per user."""

from typing import ClassVar

from steelyard.metric_types.base import MetricType, Reduced
from steelyard.stats.moments import Moments


class Mean(MetricType):
    """The mean of one value per unit; its moments are compared as they are."""

    name: ClassVar[str] = "mean"
    columns: ClassVar[tuple[str, ...]] = ("value",)

    def default_fill(self, *, additive: bool) -> float | None:
        """Return 0 for sums and counts, None for anything else."""
        return 0.0 if additive else None

    def reduce(self, moments: Moments, *, about: Moments | None = None) -> Reduced:
        """Return the moments unchanged."""
        self._require_columns(moments)
        return Reduced(moments=moments, reason=moments.reasons(0), notes={})

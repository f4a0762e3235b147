"""Quantile of rows clustered in units, such as the 99th percentile of page load times."""

from typing import ClassVar

from steelyard.metric_types.base import MetricType, Reduced
from steelyard.stats.moments import Moments
from steelyard.stats.ratio import linearise


class Quantile(MetricType):
    """A quantile of all rows of a variant's units.

    The columns are, per unit, the number of rows at or below the variant's estimated quantile and the number
    of rows. Their ratio is the estimated distribution function, whose standard error says which neighbouring
    quantiles bound the estimate; `steelyard.stats.quantile` goes on from there.

    References:
        Deng, Knoblich & Lu (2018), "Applying the Delta Method in Metric Analytics", KDD, section 4.
    """

    name: ClassVar[str] = "quantile"
    columns: ClassVar[tuple[str, ...]] = ("rows_at_or_below", "rows")

    def default_fill(self, *, additive: bool) -> float | None:
        """Return None: a unit without rows has no part in the distribution."""
        return None

    def reduce(self, moments: Moments, *, about: Moments | None = None) -> Reduced:
        """Return the moments of the distribution function at the estimated quantile."""
        self._require_columns(moments)
        linear, reason = linearise(moments, about=about)
        return Reduced(moments=linear, reason=reason, notes={})

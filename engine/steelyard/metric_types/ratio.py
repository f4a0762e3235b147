"""Ratio of two means, such as revenue per session when users are randomised."""

from typing import ClassVar

import numpy as np

from steelyard.metric_types.base import MetricType, Reduced
from steelyard.stats.cautions import noisy_denominator
from steelyard.stats.moments import Moments
from steelyard.stats.ratio import linearise
from steelyard.stats.reasons import NOISY_DENOMINATOR


class Ratio(MetricType):
    """The ratio of the mean numerator to the mean denominator, by the delta method.

    References:
        Deng, Knoblich & Lu (2018), "Applying the Delta Method in Metric Analytics", KDD.
    """

    name: ClassVar[str] = "ratio"
    columns: ClassVar[tuple[str, ...]] = ("numerator", "denominator")

    def default_fill(self, *, additive: bool) -> float | None:
        """Return 0 for both parts."""
        return 0.0

    def reduce(self, moments: Moments, *, about: Moments | None = None) -> Reduced:
        """Replace the parts by ``(y - R d) / mean(d) + R``, with each cell's ratio R or that of ``about``.

        Cells whose mean denominator is not positive get the reason ``zero_denominator``.
        """
        self._require_columns(moments)
        linear, reason = linearise(moments, about=about)
        centre = moments if about is None else about
        spread = np.sqrt(np.nan_to_num(centre.variance[..., 1]))
        noisy = noisy_denominator(centre.n, centre.mean[..., 1], spread)
        return Reduced(moments=linear, reason=reason, notes={NOISY_DENOMINATOR: noisy & (reason == "")})

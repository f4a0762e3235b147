"""Units beside the shares that the allocation had for them: of their day, or of their epoch where it changed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from steelyard.analysis.means import epochs_of
from steelyard.analysis.moments import Segment
from steelyard.analysis.results import Analysis, FloatArray
from steelyard.spec.design import EPOCH
from steelyard.stats.srm import CONCENTRATIONS, sequential


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Arrivals:
    """Units that one allocation ruled.

    Attributes:
        units: New units per day, shape (days, variants).
        shares: Of the variants, shape (variants,).
    """

    units: FloatArray
    shares: FloatArray

    @property
    def expected(self) -> FloatArray:
        """The units that each variant should have of each day's, shape (days, variants)."""
        return np.asarray(self.units.sum(axis=1)[:, None] * self.shares)


def split_by_shares(analysis: Analysis, segment: Segment) -> list[Arrivals]:
    """Return everyone's or a segment's units, by epoch where the allocation changes.

    A unit has the shares of the day of its first exposure, on whatever day its trigger makes it count.
    """
    experiment, exposed = analysis.calendar.experiment, analysis.moments.exposed
    if not experiment.epochs:
        return [Arrivals(units=exposed[segment], shares=_floats([v.share for v in experiment.variants]))]
    by_start = {epoch.start.isoformat(): _floats(epoch.shares) for epoch in experiment.epochs}
    return [
        Arrivals(units=exposed[part], shares=by_start[part[1][: len("2026-04-01")]])
        for part in ([segment] if segment[0] == EPOCH else epochs_of(analysis.moments, segment))
    ]


def arrivals_p(parts: Sequence[Arrivals]) -> float:
    """Return the p-value, at every day together, of units following their shares.

    Each allocation has an e-value of its own, and each unit speaks in one of them, so that they multiply.
    """
    each = [sequential(part.units, part.shares, concentration=CONCENTRATIONS).log_e_value for part in parts]
    return float(np.exp(-max(0.0, np.sum(each, axis=0).max())))


def _floats(shares: Iterable[Fraction]) -> FloatArray:
    return np.array([float(share) for share in shares])

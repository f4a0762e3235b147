"""What a metric type is: the columns it needs of each unit, and how their moments become one outcome."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from steelyard.errors import StatisticsError
from steelyard.stats.arrays import TextArray
from steelyard.stats.means import Notes
from steelyard.stats.moments import Moments


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reduced:
    """Moments with a single outcome column, ready for `steelyard.stats.adjustment`.

    Attributes:
        moments: Columns are the outcome and the covariates, in each cell of the input.
        reason: Why a cell has no outcome, '' where it has one.
        notes: Remarks, see `steelyard.stats.reasons.NOTES`.
    """

    moments: Moments
    reason: TextArray
    notes: Notes


class MetricType(ABC):
    """How one kind of metric is counted and compared.

    Attributes:
        name: The word that a metric's config uses.
        columns: The outcome columns that the metric's query yields per unit, in the order of the moments.
    """

    name: ClassVar[str]
    columns: ClassVar[tuple[str, ...]]

    @abstractmethod
    def default_fill(self, *, additive: bool) -> float | None:
        """Return the value of a unit without rows; None leaves such units out.

        Args:
            additive: Whether the value is made of sums and counts by addition, subtraction and
                multiplication alone.
        """

    @abstractmethod
    def reduce(self, moments: Moments, *, about: Moments | None = None) -> Reduced:
        """Turn moments of the outcome columns and covariates into moments of one outcome and the covariates.

        Args:
            moments: Any batch shape; the first ``len(columns)`` columns are the outcome's, the rest
                covariates.
            about: The moments that a nonlinear outcome is linearised about, broadcast to the cells; each
                cell's own if not given. For strata of shape ``(..., S, K)`` pass
                ``moments.pool(-2)[..., None, :]``, so that all strata of a variant share its ratio.
        """

    def names(self, covariates: Sequence[str] = ()) -> tuple[str, ...]:
        """Return the names of all columns that the moments have, in their order."""
        return (*self.columns, *covariates)

    def _require_columns(self, moments: Moments) -> None:
        have = moments.mean.shape[-1]
        if have < len(self.columns):
            raise StatisticsError(
                f"a {self.name} needs moments of {', '.join(self.columns)}, but they have {have} column",
                hint="the outcome's columns come before the covariates",
            )

"""The bookkeeping of alpha: which look may test, and how much it spends."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from steelyard.errors import StatisticsError
from steelyard.stats.arrays import BoolArray, FloatArray, TextArray
from steelyard.stats.gst_chain import Chains
from steelyard.stats.reasons import FINE, REASONS, TOO_EARLY, choose
from steelyard.stats.spending import log_spend

NO_NEW_INFORMATION: Final = "no_new_information"
NO_ALPHA_RELEASED: Final = "no_alpha_released"
FINAL: Final = "final"

LOOK_REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        TOO_EARLY: REASONS[TOO_EARLY],
        NO_NEW_INFORMATION: "Nothing new is known since an earlier look, so this one does not count.",
        NO_ALPHA_RELEASED: "The planned sample has not come nearer, so no error probability is released.",
        FINAL: "An earlier look has used all of the error probability: its decision stands.",
    }
)
"""Why a look has no bound, in words."""

LEAST_SPEND = 1e-300
"""A look that would spend less than this has no bound: it is too early to stop."""

_GROWTH = 1e-9  # information must grow by more than this share, or the look tells nothing new
_EXHAUSTED = 1.0 - 1e-12  # share of alpha from which on nothing is left


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ledger:
    """Who spends what at which look, before any bound is solved; shape (designs, looks) each.

    Attributes:
        information: Information as observed.
        clock: Spending clock, non-decreasing, at most 1.
        spent: One-sided alpha spent up to and including each look.
        increment: One-sided alpha spent by each look.
        tested: Looks that have a bound.
        bound: Bounds on record, NaN elsewhere.
        reason: Why a look has no bound, empty where it has.
    """

    information: FloatArray
    clock: FloatArray
    spent: FloatArray
    increment: FloatArray
    tested: BoolArray
    bound: FloatArray
    reason: TextArray

    @classmethod
    def keep(
        cls,
        fractions: FloatArray,
        information: FloatArray,
        level: FloatArray,
        *,
        known: tuple[FloatArray, FloatArray],
        spending: str,
        parameter: float | None,
    ) -> "Ledger":
        """Walk through the looks of all designs, spending only at looks that test.

        Args:
            fractions: Spending clock, shape (designs, looks); NaN where a design has no such look.
            information: Observed information, same shape.
            level: One-sided level, shape (designs,).
            known: Bounds and one-sided cumulative alpha on record, NaN elsewhere, shape as ``fractions``.
            spending: A key of ``SPENDING``.
            parameter: Parameter of the spending function.

        Raises:
            StatisticsError: A look on record has a bound although its information did not grow.
        """
        ledger = cls(
            information=information,
            clock=np.zeros_like(fractions),
            spent=np.zeros_like(fractions),
            increment=np.zeros_like(fractions),
            tested=np.zeros(fractions.shape, dtype=bool),
            bound=known[0].copy(),
            reason=np.zeros(fractions.shape, dtype=object),
        )
        spent, time, most = np.zeros_like(level), np.zeros_like(level), np.zeros_like(level)
        for look in range(fractions.shape[1]):
            time = np.fmax(time, np.minimum(fractions[:, look], 1.0))
            info = np.where(np.isfinite(information[:, look]), information[:, look], 0.0)
            grows = (info > most * (1.0 + _GROWTH)) & np.isfinite(fractions[:, look])
            target = np.where(time >= 1.0, level, np.exp(log_spend(time, np.log(level), spending, parameter)))
            exhausted = spent >= level * _EXHAUSTED
            recorded = np.isfinite(known[1][:, look])
            tested = grows & ~exhausted & ~recorded & (target - spent >= LEAST_SPEND)
            after = np.where(recorded, known[1][:, look], np.where(tested, target, spent))
            ledger.clock[:, look], ledger.spent[:, look] = time, after
            ledger.increment[:, look] = after - spent
            ledger.tested[:, look] = np.where(recorded, np.isfinite(known[0][:, look]), tested)
            ledger.reason[:, look] = _reasons(ledger.tested[:, look], exhausted, grows, target)
            if np.any(recorded & ledger.tested[:, look] & ~grows):
                raise StatisticsError(
                    "a look on record has a bound although its information did not grow",
                    hint="hand over the persisted looks in order and unchanged",
                )
            spent, most = after, np.maximum(most, info)
        return ledger

    def chains(self) -> Chains:
        """Return the looks that test, packed to the left."""
        order, length = self._order(), self.tested.sum(axis=1)
        inside = np.arange(order.shape[1]) < length[:, None]
        return Chains(
            information=np.take_along_axis(self.information, order, 1),
            log_spend=np.log(np.maximum(np.take_along_axis(self.increment, order, 1), LEAST_SPEND)),
            bound=np.where(inside, np.take_along_axis(self.bound, order, 1), np.inf),
            length=length,
        )

    def unpack(self, packed: FloatArray) -> FloatArray:
        """Return values of the chains at their looks, infinite where a look does not test."""
        values = np.full(self.clock.shape, np.inf)
        np.put_along_axis(values, self._order(), packed, 1)
        return np.where(self.tested, values, np.inf)

    def _order(self) -> NDArray[np.int64]:
        return np.argsort(~self.tested, axis=1, kind="stable")


def _reasons(tested: BoolArray, exhausted: BoolArray, grows: BoolArray, target: FloatArray) -> TextArray:
    return choose(
        tested.shape,
        (tested, FINE),
        (exhausted, FINAL),
        (~grows, NO_NEW_INFORMATION),
        (target < LEAST_SPEND, TOO_EARLY),
        (True, NO_ALPHA_RELEASED),
    )

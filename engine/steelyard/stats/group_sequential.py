"""Group sequential bounds that only ever go forward.

A look is settled once and for all when it is taken: its bound depends on the looks before it, never on those
after, and looks that are already on record are taken as they are.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from steelyard.errors import StatisticsError
from steelyard.stats.arrays import ArrayLike, FloatArray, TextArray, as_floats, together
from steelyard.stats.gst_chain import solve_chains
from steelyard.stats.gst_ledger import Ledger
from steelyard.stats.spending import resolve_spending


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look of a group sequential design, to be kept and never computed again.

    Attributes:
        information: 1 / Var(effect) at this look.
        fraction: Spending clock: share of the planned sample, non-decreasing, at most 1.
        alpha_spent: Alpha spent by all looks up to and including this one, both sides together.
        bound: Reject where the statistic (two-sided: its absolute value) is at or above it; ``None``
            where this look cannot reject.
        reason: Why there is no bound: ``too_early`` (less than 1e-300 to spend), ``no_new_information``
            (information did not grow), ``no_alpha_released`` (the clock did not advance) or ``final``
            (all alpha was spent by an earlier look); see ``LOOK_REASONS``. Empty where there is one.
    """

    information: float
    fraction: float
    alpha_spent: float
    bound: float | None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BoundsBatch:
    """Bounds of many designs, shape (designs, looks) each.

    Attributes:
        bound: Bound of each look, infinite where it cannot reject (see ``Look.reason``).
        alpha_spent: Alpha spent up to and including each look, both sides together.
        fraction: The spending clock that was used.
        reason: As ``Look.reason``, empty where there is a bound.
    """

    bound: FloatArray
    alpha_spent: FloatArray
    fraction: FloatArray
    reason: TextArray


def bounds(
    fractions: Sequence[float],
    information: Sequence[float],
    *,
    alpha: float = 0.05,
    sides: int = 2,
    spending: str = "power",
    parameter: float | None = None,
    persisted: Sequence[Look] = (),
    final: bool = False,
) -> tuple[Look, ...]:
    """Return the bounds of new looks, given those already on record.

    The spending clock and the correlations are separate: ``fractions`` says how much alpha is released,
    ``information`` how strongly looks depend on each other. The first look with a fraction of 1 or more
    spends all that is left, and later looks are ``final``.

    Args:
        fractions: Share of the planned sample at each new look.
        information: 1 / Var(effect) at each new look, any unit.
        alpha: Level of the design, all looks and both sides together.
        sides: 2 rejects where |Z| reaches the bound, 1 where Z does.
        spending: A key of ``SPENDING``.
        parameter: Parameter of the spending function, see ``resolve_spending``.
        persisted: Looks on record, in order; they are neither changed nor returned.
        final: The last new look is declared the last one: it spends all alpha that is left. Only for reasons
            that do not depend on the effect.

    Returns:
        One ``Look`` for each new look.

    Raises:
        StatisticsError: A value is outside its range, or the looks on record contradict each other.

    References:
        Lan & DeMets (1983), Biometrika 70, 659-663; (1989), Statistics in Medicine 8, 1191-1198.
        Checked against R gsDesign, rpact and ldbounds, and against 40-digit arithmetic for two looks.

    Examples:
        >>> plan = bounds([0.5, 1.0], [50.0, 100.0], spending="obrien_fleming")
        >>> [round(look.bound, 3) for look in plan]
        [2.963, 1.969]
        >>> later = bounds([1.2], [130.0], spending="obrien_fleming", persisted=plan[:1])
        >>> [(round(look.bound, 3), look.alpha_spent) for look in later]
        [(1.973, 0.05)]
    """
    _check_looks(fractions, information)
    clock = [*fractions[:-1], 1.0] if final and fractions else list(fractions)
    batch = bounds_batch(
        [[*(look.fraction for look in persisted), *clock]],
        [[*(look.information for look in persisted), *information]],
        alpha=alpha,
        sides=sides,
        spending=spending,
        parameter=parameter,
        persisted_bound=[[math.inf if look.bound is None else look.bound for look in persisted]],
        persisted_alpha_spent=[[look.alpha_spent for look in persisted]],
    )
    return tuple(
        Look(
            information=float(information[k]),
            fraction=float(batch.fraction[0, j]),
            alpha_spent=float(batch.alpha_spent[0, j]),
            bound=float(batch.bound[0, j]) if math.isfinite(batch.bound[0, j]) else None,
            reason=str(batch.reason[0, j]),
        )
        for k, j in enumerate(range(len(persisted), len(persisted) + len(clock)))
    )


def bounds_batch(
    fractions: ArrayLike,
    information: ArrayLike,
    *,
    alpha: ArrayLike = 0.05,
    sides: int = 2,
    spending: str = "power",
    parameter: float | None = None,
    persisted_bound: ArrayLike | None = None,
    persisted_alpha_spent: ArrayLike | None = None,
) -> BoundsBatch:
    """Return the bounds of many designs at once; equal designs are solved once.

    Args:
        fractions: Spending clock, shape (designs, looks). NaN: the design has no such look.
        information: 1 / Var(effect), same shape. Zero, negative or not finite: no test at this look.
        alpha: Level of each design, scalar or shape (designs,).
        sides: 2 or 1, see ``bounds``.
        spending: A key of ``SPENDING``.
        parameter: Parameter of the spending function.
        persisted_bound: Bounds on record of the first looks, shape (designs, recorded looks); infinite where
            a look had none, NaN where the design has fewer looks on record.
        persisted_alpha_spent: Their cumulative alpha spent, same shape, NaN in the same places.

    Returns:
        The bounds, persisted looks included as they were.

    Raises:
        StatisticsError: Shapes, ``alpha``, ``sides`` or the spending function do not fit, or looks on record
            have bounds although their information did not grow.

    References:
        See ``bounds``.

    Examples:
        >>> batch = bounds_batch([[0.5, 1.0], [0.5, 1.0]], [[1.0, 2.0], [1.0, 1.5]])
        >>> batch.bound.round(3).tolist()
        [[2.498, 2.018], [2.498, 1.995]]
    """
    clock, info = np.atleast_2d(as_floats(fractions)), np.atleast_2d(as_floats(information))
    level = together(alpha, np.ones(len(clock)))[0]
    _check_design(clock, info, level, sides)
    resolve_spending(spending, parameter)
    known = _known(clock.shape, persisted_bound, persisted_alpha_spent, sides)
    stacked = np.column_stack([level[:, None] / sides, clock, info, *known])
    if not stacked.size:
        return BoundsBatch(
            bound=info, alpha_spent=info, fraction=clock, reason=np.empty(clock.shape, dtype=object)
        )
    rows = np.ascontiguousarray(stacked).view(np.dtype((np.void, stacked.shape[1] * 8)))[:, 0]
    _, index, inverse = np.unique(rows, return_index=True, return_inverse=True)
    ledger = Ledger.keep(
        clock[index],
        info[index],
        level[index] / sides,
        known=(known[0][index], known[1][index]),
        spending=spending,
        parameter=parameter,
    )
    solved = solve_chains(ledger.chains(), sides=sides)
    return BoundsBatch(
        bound=ledger.unpack(solved)[inverse],
        alpha_spent=sides * ledger.spent[inverse],
        fraction=ledger.clock[inverse],
        reason=ledger.reason[inverse],
    )


def _known(
    shape: tuple[int, ...], bound: ArrayLike | None, spent: ArrayLike | None, sides: int
) -> tuple[FloatArray, FloatArray]:
    """Return bounds and one-sided alpha on record, padded with NaN to all looks."""
    full = np.full(shape, np.nan), np.full(shape, np.nan)
    if (bound is None) != (spent is None):
        raise StatisticsError("looks on record need both their bounds and their alpha spent")
    if bound is not None and spent is not None:
        given = np.atleast_2d(as_floats(bound)), np.atleast_2d(as_floats(spent))
        if given[0].shape != given[1].shape or len(given[0]) != shape[0] or given[0].shape[1] > shape[1]:
            raise StatisticsError("looks on record do not match the shape of the looks")
        columns = slice(0, given[0].shape[1])
        full[0][:, columns], full[1][:, columns] = given[0], given[1] / sides
    return full


def _check_looks(fractions: Sequence[float], information: Sequence[float]) -> None:
    if not all(math.isfinite(value) and value >= 0.0 for value in (*fractions, *information)):
        raise StatisticsError(
            "a look has a fraction or an information that is negative or not finite",
            hint="leave the look out; without data its information is 0",
        )


def _check_design(fractions: FloatArray, information: FloatArray, level: FloatArray, sides: int) -> None:
    if fractions.shape != information.shape or fractions.ndim != 2:
        raise StatisticsError(
            f"fractions {fractions.shape} and information {information.shape} differ in shape"
        )
    if not np.all((level > 0.0) & (level < 1.0)):
        raise StatisticsError("alpha lies outside (0, 1)", hint="write 5 % as 0.05")
    if sides not in (1, 2):
        raise StatisticsError(f"a test has 1 or 2 sides, not {sides}")

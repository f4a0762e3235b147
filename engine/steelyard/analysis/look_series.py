"""Group sequential bounds that continue from the looks on record."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from steelyard.analysis.calendar import Calendar
from steelyard.analysis.critical import Critical, Evidence, FloatArray, first_side, reached
from steelyard.analysis.hypotheses import Test
from steelyard.errors import StatisticsError
from steelyard.stats.group_sequential import BoundsBatch, bounds_batch
from steelyard.stats.reasons import TOO_EARLY
from steelyard.stats.sequential_p import sequential_p

SMALLEST_VARIANT = 100
"""Units that each variant needs before a statistic is held against a normal bound."""

NO_LOOK = "no_look_on_this_day"
_EXHAUSTED = 1 - 1e-12


def sequential(
    tests: Sequence[tuple[Test, Evidence]],
    calendar: Calendar,
    persisted: Mapping[tuple[str, str, int], Sequence[Mapping[str, Any]]],
) -> list[Critical]:
    """Bounds of group sequential tests: those on record stay, new looks continue from them.

    Args:
        tests: The tests with their statistics on everyone.
        calendar: The experiment's looks.
        persisted: Looks on record by (metric, hypothesis, treatment), in order.

    Raises:
        StatisticsError: A look on record lies before the experiment's start.
    """
    series = [
        _Series(test, evidence, calendar, treatment, _known(persisted, test, treatment, calendar))
        for test, evidence in tests
        for treatment in range(evidence.statistic.shape[1])
    ]
    _solve(series, calendar)
    found = iter(series)
    return [_gather([next(found) for _ in range(evidence.statistic.shape[1])]) for _, evidence in tests]


def _known(
    persisted: Mapping[tuple[str, str, int], Sequence[Mapping[str, Any]]],
    test: Test,
    treatment: int,
    calendar: Calendar,
) -> list[Mapping[str, Any]]:
    """Return the looks on record up to the last day."""
    looks = persisted.get((test.record, test.hypothesis, treatment), ())
    known = [look for look in looks if look["as_of"] <= calendar.days[-1]]
    if known and known[0]["as_of"] < calendar.days[0]:
        raise StatisticsError(
            f"a look of {known[0]['as_of']} is on record, before the start on {calendar.days[0]}",
            where=f"experiment {calendar.experiment.name}",
            hint="restore the start, or forget the looks with --full-refresh",
        )
    return known


def _gather(series: Sequence["_Series"]) -> Critical:
    value = np.stack([one.value for one in series], axis=1)
    return Critical(
        value=value,
        interval=_latest(value),
        p_value=np.stack([one.p_value for one in series], axis=1),
        crossed=np.stack([one.crossed for one in series], axis=1),
        side=np.stack([one.side for one in series], axis=1),
        is_final=np.stack([one.is_final for one in series], axis=1),
        reason=np.stack([one.reason for one in series], axis=1),
        looks=[look for one in series for look in one.new_looks],
        record=[look for one in series for look in one.all_looks],
        look_number=np.stack([one.number for one in series], axis=1),
        e_value=np.full(value.shape, np.nan),
    )


def _latest(bounds: FloatArray) -> FloatArray:
    """Return on each day the bound of the latest look that had one; infinite before the first."""
    known = np.isfinite(bounds)
    position = np.maximum.accumulate(np.where(known, np.arange(len(bounds))[:, None], -1), axis=0)
    found = np.take_along_axis(bounds, np.maximum(position, 0), axis=0)
    return np.where(position >= 0, found, np.inf)


def _solve(series: Sequence["_Series"], calendar: Calendar) -> None:
    """Solve all designs of the same shape together."""
    settings = calendar.experiment.analysis
    shapes: dict[tuple[int, int, int], list[_Series]] = {}
    for one in series:
        shapes.setdefault((one.test.sides, len(one.known), len(one.fractions)), []).append(one)
    for (sides, known, looks), alike in shapes.items():
        if not looks:
            continue
        fractions = np.stack([one.fractions for one in alike])
        information = np.stack([one.information for one in alike])
        recorded = {
            "persisted_bound": np.stack([one.recorded("bound", np.inf) for one in alike]),
            "persisted_alpha_spent": np.stack([one.recorded("alpha_spent", 0.0) for one in alike]),
        }
        batch = bounds_batch(
            fractions,
            information,
            alpha=np.array([one.test.alpha for one in alike]),
            sides=sides,
            spending=settings.spending,
            parameter=settings.spending_parameter,
            **(recorded if known else {}),
        )
        p = sequential_p(
            np.stack([one.statistics for one in alike]),
            fractions,
            information,
            sides=sides,
            spending=settings.spending,
            parameter=settings.spending_parameter,
            persisted_p=_recorded_p(alike) if known else None,
        )
        for k, one in enumerate(alike):
            one.finish(batch, k, p[k])


def _recorded_p(series: Sequence["_Series"]) -> FloatArray | None:
    """Return the p-values on record; None where a look has none, so that all are worked out again."""
    found = np.stack([one.recorded("p_value", np.nan) for one in series])
    return None if np.isnan(found).any() else found


class _Series:
    """The looks of one test on one treatment: those on record, then the new ones."""

    def __init__(
        self,
        test: Test,
        evidence: Evidence,
        calendar: Calendar,
        treatment: int,
        known: Sequence[Mapping[str, Any]],
    ) -> None:
        self.test, self.treatment, self.days, self.known = test, treatment, calendar.days, known
        days, column = calendar.days, (slice(None), treatment)
        last = known[-1]["as_of"] if known else days[0] - timedelta(days=1)
        fresh = [i for i in calendar.look_indices(test) if days[i] > last]
        self.n, self.is_small = evidence.n[column], evidence.smallest_n[column] < SMALLEST_VARIANT
        information = np.where(self.is_small, 0.0, evidence.information[column])
        self.positions = [(look["as_of"] - days[0]).days for look in known] + fresh
        self.fractions = np.concatenate([self.recorded("fraction", 0.0), calendar.fraction(test)[fresh]])
        self.information = np.concatenate([self.recorded("information", 0.0), information[fresh]])
        self.statistics = np.concatenate(
            [self.recorded("statistic", np.nan), evidence.statistic[column][fresh]]
        )
        self.value = np.full(len(days), np.inf)
        self.p_value = np.ones(len(days))
        self.crossed = np.zeros(len(days), dtype=bool)
        self.side = np.zeros(len(days))
        self.is_final = np.zeros(len(days), dtype=bool)
        self.reason = np.full(len(days), NO_LOOK, dtype=object)
        self.number = np.zeros(len(days), dtype=np.int64)
        self.new_looks: list[dict[str, Any]] = []

    @property
    def all_looks(self) -> list[dict[str, Any]]:
        """The looks on record, then the new ones."""
        return [*({**look, "treatment": self.treatment} for look in self.known), *self.new_looks]

    def recorded(self, name: str, absent: float) -> FloatArray:
        """Return one column of the looks on record."""
        found = [look.get(name) for look in self.known]
        return np.array([absent if value is None else float(value) for value in found])

    def finish(self, batch: BoundsBatch, k: int, p: FloatArray) -> None:
        """Take the solved bounds; what is on record about a crossing stays."""
        bound, spent = batch.bound[k], batch.alpha_spent[k]
        with np.errstate(invalid="ignore"):
            new = reached(self.statistics, self.test) >= bound
        hit = np.array([bool(look["crossed"]) for look in self.known] + new[len(self.known) :].tolist())
        at = self.positions
        self.value[at], self.p_value[at], self.reason[at] = bound, p, batch.reason[k]
        self.crossed[at], self.is_final[at] = hit, spent >= self.test.alpha * _EXHAUSTED
        self.number[at] = np.arange(1, len(at) + 1)
        self.reason[self.is_small & (self.number > 0)] = TOO_EARLY
        shown = np.full(len(self.days), np.nan)
        shown[at] = self.statistics
        self.side = first_side(self.crossed, shown)
        self.crossed = np.logical_or.accumulate(self.crossed)
        self.is_final = np.logical_or.accumulate(self.is_final)
        self.p_value = np.minimum.accumulate(self.p_value)
        self.new_looks = [
            {**self._look(i, batch, k), "crossed": bool(hit[i]), "p_value": float(p[i])}
            for i in range(len(self.known), len(at))
        ]

    def _look(self, i: int, batch: BoundsBatch, k: int) -> dict[str, Any]:
        """Return the row of a new look, without what it found."""
        position = self.positions[i]
        return {
            "treatment": self.treatment,
            "look": i + 1,
            "as_of": self.days[position],
            "n": int(self.n[position]),
            "information": float(self.information[i]),
            "fraction": float(batch.fraction[k, i]),
            "alpha_spent": float(batch.alpha_spent[k, i]),
            "bound": _number(batch.bound[k, i]),
            "statistic": _number(self.statistics[i]),
        }


def _number(value: npt.NDArray[np.float64] | float) -> float | None:
    return float(value) if np.isfinite(value) else None

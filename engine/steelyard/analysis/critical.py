"""What each test's statistic must reach on each day: fixed, group sequential or always valid."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from steelyard.analysis.hypotheses import Test
from steelyard.analysis.moments import EVERYONE, ExperimentMoments
from steelyard.stats import always_valid
from steelyard.stats.group_sequential import bounds_batch
from steelyard.stats.means import MeanPair
from steelyard.stats.reasons import TOO_EARLY
from steelyard.stats.sequential_p import sequential_p
from steelyard.stats.significance import critical_value, p_value, z_score

FloatArray = npt.NDArray[np.float64]
DAY = timedelta(days=1)
SMALLEST_VARIANT = 100
NOT_STOPPED = "fixed_test_not_stopped"
NO_LOOK = "no_look_on_this_day"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Critical:
    """Bounds of one test; arrays of shape (days, treatments).

    Attributes:
        value: What the evidence must reach: infinite where it cannot.
        interval: Half width of the intervals in standard errors: the bound of the latest look that had one.
        p_value: p-value to show: that of the whole sequence of looks.
        crossed: Whether it has been reached on this day or an earlier look.
        reason: Why there is no test on a day, '' where there is one.
        looks: Rows of the table ``looks`` that are new.
        look_number: Number of the look on a day; 0 without one.
    """

    value: FloatArray
    interval: FloatArray
    p_value: FloatArray
    crossed: npt.NDArray[np.bool_]
    reason: npt.NDArray[np.object_]
    looks: list[dict[str, Any]]
    look_number: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evidence:
    """A test's statistics on everyone, as the bounds see them; shape (days, treatments).

    Attributes:
        statistic: Evidence against the null hypothesis, as a t statistic.
        df: Degrees of freedom.
        information: 1 / variance of the estimate.
        n: Units of treatment and control together.
        smallest_n: Units of the smaller of the two.
    """

    statistic: FloatArray
    df: FloatArray
    information: FloatArray
    n: FloatArray
    smallest_n: FloatArray

    @classmethod
    def of(cls, pair: MeanPair, signed: FloatArray, variance: FloatArray) -> "Evidence":
        """Collect the evidence of a test from its pair of means."""
        with np.errstate(divide="ignore", invalid="ignore"):
            information = np.where(variance > 0, 1 / variance, 0.0)
        return cls(
            statistic=signed,
            df=pair.df,
            information=np.nan_to_num(information, nan=0.0, posinf=0.0),
            n=pair.n_control + pair.n_treatment,
            smallest_n=np.minimum(pair.n_control, pair.n_treatment),
        )


class Calendar:
    """Which days are looks, how far the plan has come on each, and which is the last.

    Args:
        moments: The experiment.
    """

    def __init__(self, moments: ExperimentMoments) -> None:
        self.moments = moments
        self.experiment = moments.planned.numbered.spec
        self.days = moments.days

    @property
    def is_finished(self) -> bool:
        """Whether no more data will come: the last window of the last unit has closed."""
        end = self.experiment.end
        if end is None:
            return False
        ends = [measure.end for _, measure in self.moments.planned.measures if measure.end is not None]
        longest = max(ends, default=timedelta(0))
        return self.moments.planned.numbered.as_of >= end + -(-longest // DAY) * DAY

    @property
    def is_stopped(self) -> bool:
        """Whether a fixed test may be looked at."""
        end = self.experiment.end
        past = end is not None and self.moments.planned.numbered.as_of >= end
        return self.experiment.status in ("stopped", "decided") or past

    def look_indices(self) -> list[int]:
        """Return the positions of the days that are looks; the last day of a finished experiment is one."""
        wanted = [i for i, day in enumerate(self.days) if self._is_look(day)]
        last = len(self.days) - 1
        if self.is_finished and last not in wanted:
            wanted.append(last)
        return wanted

    def _is_look(self, day: date) -> bool:
        number = (day - self.days[0]).days + 1
        looks = self.experiment.analysis.looks
        if looks == "daily":
            return True
        if looks == "weekly":
            return number % 7 == 0
        return number in looks or day in looks

    def fraction(self, test: Test) -> FloatArray:
        """Return the share of the plan that has been reached, per day: planned units, or planned days.

        Units count once their window has closed; the last look of a finished experiment spends what is left.
        """
        lag = test.measure.end or timedelta(0)
        exposed = np.cumsum(self.moments.exposed[EVERYONE].sum(axis=1))
        delay = -(-lag // DAY)
        complete = np.concatenate(
            [np.zeros(min(delay, len(exposed))), exposed[: max(len(exposed) - delay, 0)]]
        )
        target = self.experiment.duration.target_sample_size_per_variant
        if target is not None:
            fraction = complete / (target * len(self.experiment.variants))
        elif self.experiment.end is not None:
            planned = (self.experiment.end - self.days[0]).days + 1
            fraction = np.array([max((day - self.days[0] - lag).days + 1, 0) / planned for day in self.days])
        else:
            fraction = np.zeros(len(self.days))
        if self.is_finished:
            fraction[-1] = 1.0
        return np.minimum(fraction, 1.0)


def fixed(evidence: Evidence, test: Test, calendar: Calendar) -> Critical:
    """Bounds of a fixed test: one look, once the experiment is stopped."""
    shape = evidence.statistic.shape
    value = critical_value(test.alpha, np.nan_to_num(evidence.df, nan=1.0, posinf=np.inf), _word(test))
    p = p_value(evidence.statistic, evidence.df, "two-sided" if test.sides == 2 else "greater")
    reason = np.full(shape, "" if calendar.is_stopped else NOT_STOPPED, dtype=object)
    with np.errstate(invalid="ignore"):
        crossed = (_reached(evidence.statistic, test) >= value) & calendar.is_stopped
    return Critical(
        value=value,
        interval=value,
        p_value=p,
        crossed=crossed,
        reason=reason,
        looks=[],
        look_number=np.zeros(shape, dtype=np.int64),
    )


def always(evidence: Evidence, test: Test, calendar: Calendar) -> Critical:
    """Bounds of an always-valid test: a look on every day."""
    target = calendar.experiment.duration.target_sample_size_per_variant or 10_000
    tuning = float(always_valid.optimal_tuning(2.0 * target, alpha=test.alpha, sides=test.sides))
    value = always_valid.critical_value(
        evidence.n, tuning, alpha=test.alpha, sides=test.sides, smallest_n=evidence.smallest_n
    )
    z = z_score(evidence.statistic, evidence.df)
    each = always_valid.p_value(z, evidence.n, tuning, sides=test.sides, smallest_n=evidence.smallest_n)
    p = always_valid.running_p(each.T).T
    with np.errstate(invalid="ignore"):
        crossed = np.logical_or.accumulate(_reached(z, test) >= value, axis=0)
    reason = np.where(np.isfinite(value), "", TOO_EARLY).astype(object)
    numbers = np.broadcast_to(np.arange(1, len(value) + 1)[:, None], value.shape)
    return Critical(
        value=value, interval=value, p_value=p, crossed=crossed, reason=reason, looks=[], look_number=numbers
    )


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
    """
    series = [
        _Series(
            test, evidence, calendar, treatment, persisted.get((test.label, test.hypothesis, treatment), ())
        )
        for test, evidence in tests
        for treatment in range(evidence.statistic.shape[1])
    ]
    _solve(series, calendar)
    found = iter(series)
    return [_gather([next(found) for _ in range(evidence.statistic.shape[1])]) for _, evidence in tests]


def _gather(series: Sequence["_Series"]) -> Critical:
    value = np.stack([one.value for one in series], axis=1)
    return Critical(
        value=value,
        interval=_latest(value),
        p_value=np.stack([one.p_value for one in series], axis=1),
        crossed=np.stack([one.crossed for one in series], axis=1),
        reason=np.stack([one.reason for one in series], axis=1),
        looks=[look for one in series for look in one.new_looks],
        look_number=np.stack([one.number for one in series], axis=1),
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
        batch = bounds_batch(
            fractions,
            information,
            alpha=np.array([one.test.alpha for one in alike]),
            sides=sides,
            spending=settings.spending,
            parameter=settings.spending_parameter,
            persisted_bound=np.stack([one.recorded("bound", np.inf) for one in alike]) if known else None,
            persisted_alpha_spent=np.stack([one.recorded("alpha_spent", 0.0) for one in alike])
            if known
            else None,
        )
        p = sequential_p(
            np.stack([one.statistics for one in alike]),
            fractions,
            information,
            sides=sides,
            spending=settings.spending,
            parameter=settings.spending_parameter,
        )
        for k, one in enumerate(alike):
            one.finish(batch.bound[k], batch.alpha_spent[k], batch.fraction[k], batch.reason[k], p[k])


class _Series:
    """The looks of one test on one treatment: those on record, then the new ones."""

    def __init__(
        self,
        test: Test,
        evidence: Evidence,
        calendar: Calendar,
        treatment: int,
        persisted: Sequence[Mapping[str, Any]],
    ) -> None:
        self.test, self.treatment, self.days = test, treatment, calendar.days
        days, column = calendar.days, (slice(None), treatment)
        self.known = [look for look in persisted if look["as_of"] <= days[-1]]
        last = self.known[-1]["as_of"] if self.known else None
        fresh = [i for i in calendar.look_indices() if last is None or days[i] > last]
        self.n = evidence.n[column]
        z = np.nan_to_num(z_score(evidence.statistic[column], evidence.df[column]), nan=0.0)
        information = np.where(
            evidence.smallest_n[column] >= SMALLEST_VARIANT, evidence.information[column], 0.0
        )
        self.positions = [(look["as_of"] - days[0]).days for look in self.known] + fresh
        self.fractions = np.concatenate([self.recorded("fraction", 0.0), calendar.fraction(test)[fresh]])
        self.information = np.concatenate([self.recorded("information", 0.0), information[fresh]])
        self.statistics = np.concatenate([self.recorded("statistic", 0.0), z[fresh]])
        self.value = np.full(len(days), np.inf)
        self.p_value = np.ones(len(days))
        self.crossed = np.zeros(len(days), dtype=bool)
        self.reason = np.full(len(days), NO_LOOK, dtype=object)
        self.number = np.zeros(len(days), dtype=np.int64)
        self.new_looks: list[dict[str, Any]] = []

    def recorded(self, name: str, absent: float) -> FloatArray:
        """Return one column of the looks on record."""
        return np.array([absent if look[name] is None else float(look[name]) for look in self.known])

    def finish(
        self,
        bound: FloatArray,
        spent: FloatArray,
        fraction: FloatArray,
        reason: npt.NDArray[np.object_],
        p: FloatArray,
    ) -> None:
        """Take the solved bounds; what is on record about a crossing stays."""
        reached = _reached(self.statistics, self.test) >= bound
        hit = np.array([bool(look["crossed"]) for look in self.known] + reached[len(self.known) :].tolist())
        for k, position in enumerate(self.positions):
            self.value[position], self.p_value[position] = bound[k], p[k]
            self.reason[position], self.crossed[position] = reason[k], hit[k]
            self.number[position] = k + 1
            if k >= len(self.known):
                self.new_looks.append(
                    {
                        "treatment": self.treatment,
                        "look": k + 1,
                        "as_of": self.days[position],
                        "n": int(self.n[position]),
                        "information": float(self.information[k]),
                        "fraction": float(fraction[k]),
                        "alpha_spent": float(spent[k]),
                        "bound": float(bound[k]) if np.isfinite(bound[k]) else None,
                        "statistic": float(self.statistics[k]),
                        "crossed": bool(hit[k]),
                    }
                )
        self.crossed = np.logical_or.accumulate(self.crossed)
        self.p_value = np.minimum.accumulate(self.p_value)


def _word(test: Test) -> str:
    return "two-sided" if test.sides == 2 else "greater"


def _reached(statistic: FloatArray, test: Test) -> FloatArray:
    return np.abs(statistic) if test.sides == 2 else statistic

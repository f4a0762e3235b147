"""Which days of an experiment are looks, and how far its plan has come on each."""

from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from steelyard.analysis.hypotheses import Test
from steelyard.analysis.moments import EVERYONE, ExperimentMoments

FloatArray = npt.NDArray[np.float64]
DAY = timedelta(days=1)


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
        longest = max((self.moments.lag(measure) for _, measure in self.moments.planned.measures), default=0)
        return self.moments.planned.numbered.as_of >= end + longest * DAY

    @property
    def is_stopped(self) -> bool:
        """Whether a fixed test may be looked at: its last day has come, whatever the file said of it before."""
        end = self.experiment.end
        return end is not None and self.moments.planned.numbered.as_of >= end

    def look_indices(self, test: Test) -> list[int]:
        """Return the positions of the days that are looks; the day on which a test's data end is one."""
        last = self.last_index(test)
        return [i for i, day in enumerate(self.days) if i == last or self._is_look(day)]

    def last_index(self, test: Test) -> int | None:
        """Return the position of the day on which the last unit's window closes; None as long as it is to come."""
        end = self.experiment.end
        if end is None:
            return None
        index = (end - self.days[0]).days + self.moments.lag(test.measure)
        if index < len(self.days):
            return index
        return len(self.days) - 1 if self.is_finished else None

    def _is_look(self, day: date) -> bool:
        number = (day - self.days[0]).days + 1
        looks = self.experiment.analysis.looks
        if looks == "daily":
            return True
        if looks == "weekly":
            return number % 7 == 0
        return number in looks or day in looks

    def complete(self, test: Test) -> FloatArray:
        """Return the units whose windows have closed, shape (days, variants)."""
        exposed = np.cumsum(self.moments.exposed[EVERYONE], axis=0)
        delay = min(self.moments.lag(test.measure), len(exposed))
        return np.concatenate([np.zeros((delay, exposed.shape[1])), exposed[: len(exposed) - delay]])

    def fraction(self, test: Test) -> FloatArray:
        """Return the share of the plan that has been reached, per day: planned units, or planned days.

        The planned number of units is that of the variant with the smallest allocation. The day on which the test's
        data end spends what is left.
        """
        target, end = self.experiment.duration.target_sample_size_per_variant, self.experiment.end
        lag = self.moments.lag(test.measure)
        if target is not None:
            smallest = min(float(variant.share) for variant in self.experiment.variants)
            complete = self.complete(test)
            # With shares that change, the smallest variant's own units; else those that it is to have.
            units = complete.min(axis=1) if self.experiment.epochs else complete.sum(axis=1) * smallest
            reached = units / target
        elif end is not None:
            planned = (end - self.days[0]).days + 1
            reached = np.maximum(np.arange(len(self.days)) - lag + 1, 0) / planned
        else:
            reached = np.zeros(len(self.days))
        last = self.last_index(test)
        if last is not None:
            reached[last:] = 1.0
        return np.asarray(np.minimum(reached, 1.0))

    def planned_looks(self, test: Test) -> int:
        """Return how many looks the plan has; without an end, how many there have been."""
        end = self.experiment.end
        if end is None:
            return max(len(self.look_indices(test)), 1)
        days = (end - self.days[0]).days + 1
        looks = self.experiment.analysis.looks
        if isinstance(looks, str):
            return days if looks == "daily" else max(-(-days // 7), 1)
        return len(looks)

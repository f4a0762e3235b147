"""The sample size of an experiment with several metrics: that of the metric that needs most, at the rule's levels."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isfinite
from typing import Literal

import numpy as np

from steelyard.errors import StatisticsError
from steelyard.stats.arrays import Alternative
from steelyard.stats.decision import DecisionDesign, decision_design
from steelyard.stats.gst_exit import inflation
from steelyard.stats.power import minimum_detectable_effect, required_n_relative, std_error_at


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedMetric:
    """A metric as its history shows it, and what the experiment is to find out about it.

    Attributes:
        name: The metric's name.
        role: ``success``, or ``guardrail`` with a margin.
        mean: The control's mean, positive.
        sd: Standard deviation of units; of a ratio, of its linearised outcome.
        relative_effect: Success: the relative effect to detect. Guardrail: its margin. Above 0.
        direction: 1 where an increase is good, -1 where a decrease is.
        sides: Of a success metric's test, 2 or 1; a guardrail's has one.
        r_squared: Share of the variance that covariates explain.
        weight: Of a success metric, its part of alpha against the others'.
    """

    name: str
    role: Literal["success", "guardrail"]
    mean: float
    sd: float
    relative_effect: float
    direction: int = 1
    sides: int = 2
    r_squared: float = 0.0
    weight: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricSize:
    """What one metric needs.

    Attributes:
        name: The metric's name.
        alpha: Level of its test.
        power: Power of its test.
        n_control, n_treatment: Whole units with which its test has that power.
        detectable: Relative effect, or margin, that is found with that power at the experiment's size.
    """

    name: str
    alpha: float
    power: float
    n_control: int
    n_treatment: int
    detectable: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentSize:
    """The size of an experiment.

    Attributes:
        n_control, n_treatment: Whole units of the control and of each treatment.
        largest: The metric that needs as many.
        metrics: What each metric needs, in order.
        design: Levels of the tests.
    """

    n_control: int
    n_treatment: int
    largest: str
    metrics: tuple[MetricSize, ...]
    design: DecisionDesign


def plan_experiment(
    metrics: Sequence[PlannedMetric],
    *,
    alpha: float = 0.05,
    power: float = 0.8,
    alarms: int = 0,
    alpha_harm: float = 0.0,
    treatments: int = 1,
    ratio: float = 1.0,
    looks: int = 1,
    spending: str = "power",
    parameter: float | None = None,
) -> ExperimentSize:
    """Size an experiment so that a treatment with the planned effects is shipped with the power asked for.

    Its levels are those of `decision_design`, and its tests those of the analysis: unequal variances, relative margins
    with the control's mean as an estimate, and the chance to stop at each of several looks.

    Args:
        metrics: Success metrics and guardrails with a margin.
        alpha: Probability of a false ship.
        power: Probability of shipping a treatment that has the planned effect on one success metric and violates no
            margin.
        alarms: Number of tests for deterioration and quality.
        alpha_harm: Probability of any false alarm of those.
        treatments: Number of treatments.
        ratio: Units of each treatment per unit of the control; see `optimal_ratio`.
        looks: Number of equally spaced looks; 1 for a fixed test.
        spending, parameter: How a group sequential test spends alpha, see `spend`.

    Returns:
        The size, and what each metric needs and can detect.

    Raises:
        StatisticsError: There is no metric, or a mean, an effect or a level is out of range.

    References:
        Schultzberg, Ankargren & Frånberg (2024), arXiv 2402.11609, for the levels. The sizes are checked against R
        through `required_n`, and the power by simulated analyses.

    Examples:
        >>> size = plan_experiment([
        ...     PlannedMetric(name="orders", role="success", mean=2.0, sd=3.0, relative_effect=0.05, r_squared=0.3),
        ...     PlannedMetric(name="latency", role="guardrail", mean=300, sd=90, relative_effect=0.02, direction=-1),
        ... ], looks=14)
        >>> size.n_control, size.largest, [one.n_control for one in size.metrics]
        (14308, 'orders', [14308, 4239])
        >>> [round(one.detectable, 4) for one in size.metrics]
        [0.05, 0.0109]
    """
    if not metrics or looks < 1:
        raise StatisticsError(
            "an experiment is planned for at least one metric and one look",
            hint="name what it is to find out",
        )
    for one in metrics:
        _check(one)
    success = [one for one in metrics if one.role == "success"]
    design = decision_design(
        alpha=alpha,
        power=power,
        success=len(success),
        guardrails=len(metrics) - len(success),
        deterioration=alarms,
        alpha_harm=alpha_harm,
        treatments=treatments,
    )
    mean_weight = sum(one.weight for one in success) / max(len(success), 1)
    tests = [_Test.of(one, design, mean_weight=mean_weight) for one in metrics]
    clock = [(look + 1) / looks for look in range(looks)]
    factors = [test.inflation(clock, spending, parameter) for test in tests]
    return _sized(tests, factors, ratio, design)


def _check(metric: PlannedMetric) -> None:
    if not (0 < metric.relative_effect < inf and metric.direction in (1, -1)):
        raise StatisticsError(
            f"{metric.name} is planned with the effect {metric.relative_effect} in direction {metric.direction}",
            hint="give effects and margins above 0, and say by the direction which way is good",
        )
    if metric.role not in ("success", "guardrail") or metric.sides not in (1, 2):
        raise StatisticsError(
            f"{metric.name} is planned as {metric.role} with a test of {metric.sides} sides",
            hint="role is success or guardrail, sides are 1 or 2",
        )
    if not (metric.sd > 0 and metric.weight > 0 and isfinite(metric.sd * metric.weight)):
        raise StatisticsError(
            f"{metric.name} is planned with the standard deviation {metric.sd} and the weight {metric.weight}",
            hint="both are positive; a metric that does not vary needs no experiment",
        )
    if metric.role == "guardrail" and metric.direction == 1 and metric.relative_effect >= 1:
        raise StatisticsError(
            f"{metric.name} is planned with a margin of all that there is", hint="write 2 % as 0.02"
        )


def _sized(
    tests: Sequence["_Test"], factors: Sequence[float], ratio: float, design: DecisionDesign
) -> ExperimentSize:
    """Return the size that the test asks for which needs most."""
    sizes = [test.units(ratio, factor) for test, factor in zip(tests, factors, strict=True)]
    largest = max(range(len(sizes)), key=sizes.__getitem__)
    n_control, n_treatment = _whole(sizes[largest], ratio)
    return ExperimentSize(
        n_control=n_control,
        n_treatment=n_treatment,
        largest=tests[largest].metric.name,
        metrics=tuple(
            MetricSize(
                name=test.metric.name,
                alpha=test.alpha,
                power=test.power,
                n_control=_whole(n, ratio)[0],
                n_treatment=_whole(n, ratio)[1],
                detectable=test.detectable(n_control, n_treatment, factor),
            )
            for test, n, factor in zip(tests, sizes, factors, strict=True)
        ),
        design=design,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Test:
    """One test as the analysis makes it."""

    metric: PlannedMetric
    alpha: float
    power: float
    null: float
    alternative: Alternative

    @classmethod
    def of(cls, metric: PlannedMetric, design: DecisionDesign, *, mean_weight: float) -> "_Test":
        assert design.beta is not None
        preferred: Alternative = "greater" if metric.direction > 0 else "less"
        if metric.role == "guardrail":
            null = -metric.direction * metric.relative_effect
            return cls(
                metric=metric,
                alpha=design.alpha_guardrail,
                power=1 - design.beta,
                null=null,
                alternative=preferred,
            )
        assert design.alpha_success is not None
        alternative: Alternative = "two-sided" if metric.sides == 2 else preferred
        level = design.alpha_success * metric.weight / mean_weight
        return cls(metric=metric, alpha=level, power=1 - design.beta, null=0.0, alternative=alternative)

    @property
    def sides(self) -> int:
        return 2 if self.alternative == "two-sided" else 1

    @property
    def sd_control(self) -> float:
        """Standard deviation with which the control enters the linear hypothesis."""
        return self.metric.sd * (1 + self.null)

    def inflation(self, clock: Sequence[float], spending: str, parameter: float | None) -> float:
        """Return the factor of its looks over a fixed test."""
        return inflation(
            clock,
            alpha=self.alpha,
            power=self.power,
            sides=self.sides,
            spending=spending,
            parameter=parameter,
        )

    def units(self, ratio: float, factor: float) -> float:
        """Units of the control, not rounded."""
        effect = self.metric.direction * self.metric.relative_effect if self.null == 0 else 0.0
        size = required_n_relative(
            effect,
            mean_control=self.metric.mean,
            sd_control=self.metric.sd,
            relative_null=self.null,
            alpha=self.alpha,
            power=self.power,
            alternative=self.alternative,
            ratio=ratio,
            r_squared=self.metric.r_squared,
            inflation=factor,
        )
        return float(size.control)

    def detectable(self, n_control: int, n_treatment: int, factor: float) -> float:
        """Relative effect or margin found at a size; a margin's own part in the variance is kept as planned."""
        error = std_error_at(
            n_control=n_control,
            n_treatment=n_treatment,
            sd_control=self.sd_control,
            sd_treatment=self.metric.sd,
            r_squared=self.metric.r_squared,
        )
        found = minimum_detectable_effect(
            error, alpha=self.alpha, power=self.power, alternative=self.alternative, inflation=factor
        )
        return float(found) / self.metric.mean


def _whole(n: float, ratio: float) -> tuple[int, int]:
    return int(np.ceil(n)), int(np.ceil(n * ratio))

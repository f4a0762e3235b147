"""Which tests an experiment runs, and at which levels."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from steelyard.analysis.moments import ExperimentMoments
from steelyard.compile.measure import Measure
from steelyard.spec.experiment import Experiment
from steelyard.spec.experiment_metrics import MetricUse
from steelyard.stats.decision import DecisionDesign, decision_design

Hypothesis = Literal["superiority", "non_inferiority", "deterioration"]
Role = Literal["success", "guardrail", "deterioration", "quality"]
Use = tuple[MetricUse, Measure]
_DIRECTIONS = {"increase": 1, "decrease": -1, "none": 0}
_ALTERNATIVES = {"two-sided": "two-sided", "increase": "greater", "decrease": "less"}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Test:
    """One hypothesis on one metric, for every treatment.

    Attributes:
        use: The metric's role.
        measure: The metric.
        hypothesis: What is tested.
        alpha: Level of the test for one treatment, all looks together.
        weight: Its part of what the tests of its part of the decision rule share; equal parts are 1 each.
        beta: Type II error that it is planned with; None for tests that need no power.
        direction: 1 where an increase is good, -1 where a decrease is, 0 where neither.
        decides_as: The test's part in the decision rule.
        record: The metric as the table ``looks`` names it: with its version where an experiment uses several.
    """

    __test__ = False

    use: MetricUse
    measure: Measure
    hypothesis: Hypothesis
    alpha: float
    weight: float
    beta: float | None
    direction: int
    decides_as: Role
    record: str = ""

    @property
    def label(self) -> str:
        """The metric as the experiment's tables name it."""
        return self.measure.key.name

    @property
    def alternative(self) -> str:
        """In SciPy's words: two-sided, greater or less."""
        if self.hypothesis == "superiority":
            return _ALTERNATIVES[self.use.alternative] if self.decides_as == "success" else "two-sided"
        wanted = self.direction if self.hypothesis == "non_inferiority" else -self.direction
        return "greater" if wanted > 0 else "less"

    @property
    def sides(self) -> int:
        """2 or 1."""
        return 2 if self.alternative == "two-sided" else 1

    @property
    def shown_alternative(self) -> str:
        """In the words of specs and tables: two-sided, increase or decrease."""
        return {"two-sided": "two-sided", "greater": "increase", "less": "decrease"}[self.alternative]


def design_tests(moments: ExperimentMoments) -> tuple[list[Test], DecisionDesign]:
    """Return the tests of an experiment and the levels they share.

    Success metrics share alpha by their weights, guardrails with a margin get it whole, and all tests for deterioration
    and quality share the false-alarm budget by theirs (STATISTICS 14). A metric without a direction is not tested for
    deterioration, and one with several roles is tested for it once, with its first role's weight. Without a correction
    every success metric has alpha. An A/A tests every metric, whatever its role, for any difference; together they
    share alpha, likewise by weights.
    """
    experiment, uses = moments.planned.numbered.spec, moments.planned.measures
    if experiment.design == "aa":
        return _design_aa(experiment, _once(uses))
    success = [one for one in uses if one[0].role == "success"]
    guarded = [one for one in uses if one[0].role == "guardrail" and one[0].margin is not None]
    quality = [one for one in uses if one[0].role == "quality"]
    watched = _once([one for one in uses if one[0].role != "quality" and _direction(one[1]) != 0])
    settings = experiment.analysis
    design = decision_design(
        alpha=settings.alpha,
        power=settings.power,
        success=len(success),
        guardrails=len(guarded),
        deterioration=len(watched),
        quality=len(quality),
        alpha_harm=settings.deterioration_alpha,
        treatments=len(experiment.treatments),
    )
    if settings.correction == "none":
        design = replace(design, alpha_success=settings.alpha, alpha_guardrail=settings.alpha)
    parts = [1.0] * len(success) if settings.correction == "none" else _parts(success)
    alarms = _parts([*watched, *quality])
    tests = [
        *_tests(
            success, "superiority", "success", alpha=design.alpha_success, beta=design.beta, weights=parts
        ),
        *_tests(guarded, "non_inferiority", "guardrail", alpha=design.alpha_guardrail, beta=design.beta),
        *_tests(
            watched, "deterioration", "deterioration", alpha=design.alpha_harm, weights=alarms[: len(watched)]
        ),
        *_tests(quality, "superiority", "quality", alpha=design.alpha_harm, weights=alarms[len(watched) :]),
    ]
    return _named(tests), design


def _design_aa(experiment: Experiment, uses: Sequence[Use]) -> tuple[list[Test], DecisionDesign]:
    """Return one test for any difference per metric, at levels that bound the chance of any false alarm by alpha."""
    settings = experiment.analysis
    design = decision_design(
        alpha=settings.alpha,
        power=settings.power,
        success=len(uses),
        guardrails=0,
        treatments=len(experiment.treatments),
    )
    level, beta = design.alpha_success, design.beta
    tests = _tests(uses, "superiority", "success", alpha=level, beta=beta, weights=_parts(uses))
    return _named(list(tests)), design


def _once(uses: Sequence[Use]) -> list[Use]:
    """Return the first use of each metric."""
    first = {measure.name: (use, measure) for use, measure in reversed(uses)}
    return [one for one in uses if first[one[1].name][0] is one[0]]


def _parts(uses: Sequence[Use]) -> list[float]:
    """Return the metrics' weights, on average 1."""
    weights = [use.weight for use, _ in uses]
    return [weight * len(weights) / sum(weights) for weight in weights]


def _tests(
    uses: Sequence[Use],
    hypothesis: Hypothesis,
    decides_as: Role,
    *,
    alpha: float | None,
    beta: float | None = None,
    weights: Sequence[float] = (),
) -> Iterator[Test]:
    for (use, measure), weight in zip(uses, weights or [1.0] * len(uses), strict=True):
        assert alpha is not None
        yield Test(
            use=use,
            measure=measure,
            hypothesis=hypothesis,
            alpha=alpha * weight,
            weight=weight,
            beta=beta,
            direction=_direction(measure),
            decides_as=decides_as,
        )


def _named(tests: Sequence[Test]) -> list[Test]:
    """Name the tests as the table ``looks`` does."""
    versions: dict[str, set[int]] = {}
    for test in tests:
        versions.setdefault(test.label, set()).add(test.measure.key.version)
    return [
        replace(test, record=test.label if len(versions[test.label]) == 1 else str(test.measure.key))
        for test in tests
    ]


def _direction(measure: Measure) -> int:
    return _DIRECTIONS[measure.query.source.config.direction]

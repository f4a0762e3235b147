"""Which tests an experiment runs, and at which levels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from steelyard.analysis.moments import ExperimentMoments
from steelyard.compile.measure import Measure
from steelyard.spec.experiment_metrics import MetricUse
from steelyard.stats.decision import DecisionDesign, decision_design

Hypothesis = Literal["superiority", "non_inferiority", "deterioration"]
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
        beta: Type II error that it is planned with; None for tests that need no power.
        direction: 1 where an increase is good, -1 where a decrease is, 0 where neither.
        decides_as: The test's part in the decision rule.
    """

    __test__ = False

    use: MetricUse
    measure: Measure
    hypothesis: Hypothesis
    alpha: float
    beta: float | None
    direction: int
    decides_as: Literal["success", "guardrail", "deterioration", "quality"]

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

    Success metrics share alpha, guardrails with a margin get it whole, and all tests for deterioration and quality
    share the false-alarm budget (STATISTICS 14). A metric without a direction is not tested for deterioration.
    """
    experiment = moments.planned.numbered.spec
    uses = moments.planned.measures
    success = [(use, measure) for use, measure in uses if use.role == "success"]
    guarded = [(use, measure) for use, measure in uses if use.role == "guardrail" and use.margin is not None]
    watched = [(u, m) for u, m in uses if u.role in ("success", "guardrail") and _direction(m) != 0]
    quality = [(use, measure) for use, measure in uses if use.role == "quality"]
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
    alpha_success = settings.alpha if settings.correction == "none" else design.alpha_success
    tests = [
        _test(use, m, "superiority", alpha_success, beta=design.beta, decides_as="success")
        for use, m in success
    ]
    tests += [
        _test(use, m, "non_inferiority", design.alpha_guardrail, beta=design.beta, decides_as="guardrail")
        for use, m in guarded
    ]
    tests += [
        _test(use, m, "deterioration", design.alpha_harm, decides_as="deterioration") for use, m in watched
    ]
    tests += [_test(use, m, "superiority", design.alpha_harm, decides_as="quality") for use, m in quality]
    return tests, design


def _test(
    use: MetricUse,
    measure: Measure,
    hypothesis: Hypothesis,
    alpha: float | None,
    *,
    beta: float | None = None,
    decides_as: Literal["success", "guardrail", "deterioration", "quality"],
) -> Test:
    assert alpha is not None
    return Test(
        use=use,
        measure=measure,
        hypothesis=hypothesis,
        alpha=alpha,
        beta=beta,
        direction=_direction(measure),
        decides_as=decides_as,
    )


def _direction(measure: Measure) -> int:
    return _DIRECTIONS[measure.query.source.config.direction]


def order(tests: Sequence[Test]) -> list[Test]:
    """Return tests in the order of the experiment's file, each metric's together."""
    names = [test.measure.name for test in tests]
    return sorted(tests, key=lambda test: names.index(test.measure.name))

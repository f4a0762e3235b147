"""A published interval leaves out the null value on a day exactly where that day's test rejects, and so is decided."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.matrix_world import DAYS, Rows, experiment, make_rows, moments_of

from steelyard.analysis.result_rows import result_rows
from steelyard.analysis.results import Analysis, TestedMetric, analyse

# Properties of drawn worlds, broad beside the examples of the unit tests.
pytestmark = pytest.mark.long

ROWS = {name: {seed: make_rows(name, seed) for seed in range(6)} for name in ("mean", "proportion", "ratio")}
USES: dict[str, tuple[str, dict[str, Any]]] = {
    "two-sided": ("primary", {}),
    "increase": ("primary", {"alternative": "increase"}),
    "decrease": ("primary", {"alternative": "decrease"}),
    "relative margin": ("guardrails", {"margin": "4%"}),
    "absolute margin": ("guardrails", {"margin": {"absolute": 0.05}}),
}
# So near to its bound a decision is a matter of rounding.
EDGE = 1e-9


def moved(rows: Rows, effect: float) -> Rows:
    """Return rows whose treatment is better or worse by a part of the spread of the outcome."""
    values = rows.values.copy()
    values[1, :, 0] += effect * values[..., 0].std()
    return Rows(values=values, strata=rows.strata, day=rows.day)


def analysed(metric: str, use: str, seed: int, effect: float, **options: Any) -> Analysis:
    group, extra = USES[use]
    rows = {name: moved(ROWS[name][seed], effect) for name in {metric, "mean"}}
    spec = experiment({"metric": metric, **extra}, group, **options)
    return analyse(moments_of(spec, rows, {}), looks={})


def leaves_out_null(one: TestedMetric, row: dict[str, Any], *, relative: bool) -> bool:
    """Return whether the ends of an interval, as an analyst reads them, leave out the null value on the tested side."""
    prefix = "relative_effect" if relative else "effect"
    lower, upper = row[f"{prefix}_ci_lower"], row[f"{prefix}_ci_upper"]
    margin = one.test.use.margin if one.test.hypothesis == "non_inferiority" else None
    null = 0.0 if margin is None else -one.test.direction * margin.value
    above, below = lower > null, upper < null
    return {"two-sided": above or below, "increase": above, "decrease": below}[row["alternative"]]


def scales(one: TestedMetric, row: dict[str, Any]) -> list[bool]:
    """Return on which scales a null value is a number: of a margin its own, of no effect both; True is relative."""
    margin = one.test.use.margin if one.test.hypothesis == "non_inferiority" else None
    if margin is not None:
        return [margin.kind == "relative"]
    return [False] if row["relative_effect_ci_lower"] is None else [False, True]


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(sorted(ROWS)),
    st.sampled_from(sorted(USES)),
    st.integers(0, 5),
    st.floats(-0.4, 0.4),
    st.fixed_dictionaries(
        {
            "test": st.sampled_from(["fixed", "group_sequential", "always_valid"]),
            "adjustment": st.sampled_from(["none", "cuped", "post_stratify"]),
            "correction": st.sampled_from(["none", "bonferroni"]),
            "alpha": st.sampled_from([0.01, 0.05, 0.3]),
        }
    ),
)
def test_an_interval_leaves_out_the_null_value_exactly_where_the_day_rejects(
    metric: str, use: str, seed: int, effect: float, options: dict[str, Any]
) -> None:
    analysis = analysed(metric, use, seed, effect, **options)
    rows = [row for row in result_rows(analysis) if row["dimension"] == ""]
    for position, one in enumerate(analysis.tests):
        found = False
        for day, row in enumerate(rows[position * DAYS : (position + 1) * DAYS]):
            bound, evidence = one.critical.value[day, 0], one.comparison.evidence[0, day, 0]
            is_tested = np.isfinite(bound) and (options["test"] != "fixed" or day == DAYS - 1)
            if not is_tested or abs(evidence - bound) < EDGE:
                continue
            rejects = bool(evidence >= bound)
            assert [leaves_out_null(one, row, relative=scale) for scale in scales(one, row)] == [
                rejects
            ] * len(scales(one, row))
            # What has been found at one look stays found.
            found |= rejects
            assert row["significant"] == found
            assert one.decisive[day, 0] == found


@pytest.mark.parametrize("correction", ["holm", "bh"])
def test_a_correction_that_finds_more_never_finds_less_than_its_intervals(correction: str) -> None:
    """Intervals are Bonferroni's: simultaneous, and so never shorter than what the correction says."""
    more = 0
    for seed in range(6):
        for effect in (-0.2, -0.1, 0.0, 0.1, 0.2):
            analysis = analysed("proportion", "two-sided", seed, effect, test="fixed", correction=correction)
            for one in analysis.tests[:2]:
                at = (0, DAYS - 1, 0)
                lower, upper = one.comparison.ci_lower[at], one.comparison.ci_upper[at]
                is_outside = lower > 0 or upper < 0
                assert one.significant[at] or not is_outside
                more += bool(one.significant[at]) and not is_outside
    assert more > 0

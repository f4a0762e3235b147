"""What a group sequential test says of itself: how far it has come, whether hope is left, what it found on stopping."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from steelyard.analysis.insight import Row, insight
from steelyard.analysis.results import Analysis, TestedMetric
from steelyard.errors import StatisticsError
from steelyard.stats.group_sequential import Look
from steelyard.stats.gst_futility import futility_design
from steelyard.stats.stagewise import stagewise


def stopping_rows(analysis: Analysis) -> Iterator[Row]:
    """Yield how far each success metric's test has come, its futility bound, and what it found where it has stopped."""
    settings = analysis.calendar.experiment.analysis
    if settings.test != "group_sequential":
        return
    for one in analysis.tests:
        if one.test.decides_as != "success":
            continue
        for treatment, variant in enumerate(analysis.calendar.experiment.treatments):
            looks = [look for look in one.critical.record if look["treatment"] == treatment]
            if not looks:
                continue
            yield _reached(one, analysis, variant.name, looks[-1])
            stopped = _stop(one, looks)
            if stopped is None and analysis.calendar.experiment.design != "aa":
                yield from _futility(one, analysis, variant.name, looks[-1])
            if stopped is not None:
                yield from _found(one, variant.name, looks[: stopped + 1])


def _stop(one: TestedMetric, looks: list[dict[str, Any]]) -> int | None:
    """Return the position of the look that ended the test: the first that crossed, or the one that spent the rest."""
    for position, look in enumerate(looks):
        if look["bound"] is not None and (
            look["crossed"] or look["alpha_spent"] >= one.test.alpha * (1 - 1e-12)
        ):
            return position
    return None


def _reached(one: TestedMetric, analysis: Analysis, variant: str, look: Mapping[str, Any]) -> Row:
    """Return how much of the plan has been reached, in units where units were planned."""
    target = analysis.calendar.experiment.duration.target_sample_size_per_variant
    complete = analysis.calendar.complete(one.test)[-1]
    share, detail = float(look["fraction"]), f"Look {look['look']} at {look['fraction']:.1%} of the plan."
    if target is not None:
        share = float(complete.min()) / target
        word = "over" if share > 1 else "under" if analysis.calendar.is_finished and share < 1 else "within"
        detail += (
            f" The smallest variant has {complete.min():,.0f} of {target:,} planned units: {word} the plan."
        )
    return insight(
        "plan_reached", one, variant, hypothesis=one.test.hypothesis, estimate=share, detail=detail
    )


def _futility(one: TestedMetric, analysis: Analysis, variant: str, look: Mapping[str, Any]) -> Iterator[Row]:
    """Yield the non-binding bound below which the planned effect is unlikely to be found any more."""
    settings, test = analysis.calendar.experiment.analysis, one.test
    if test.beta is None or test.direction == 0 or look["statistic"] is None:
        return
    bound = futility_bound(
        float(look["fraction"]),
        looks=analysis.calendar.planned_looks(test),
        alpha=test.alpha / test.sides,
        power=1 - test.beta,
        spending=settings.spending,
        parameter=settings.spending_parameter,
    )
    preferred = {"two-sided": test.direction, "greater": 1, "less": 1}[test.alternative]
    statistic = preferred * float(look["statistic"])
    if bound is None:
        words, reason = "This look has no futility bound.", "too_early"
    else:
        words, reason = (
            ("Below" if statistic < bound else "Not below") + " the futility bound (advice only).",
            "",
        )
    yield insight(
        "futility",
        one,
        variant,
        hypothesis=test.hypothesis,
        estimate=np.nan if bound is None else bound,
        statistic=statistic,
        detail=f"Look {look['look']}: {words}",
        reason=reason or None,
    )


@lru_cache(maxsize=1024)
def futility_bound(
    fraction: float, *, looks: int, alpha: float, power: float, spending: str, parameter: float | None
) -> float | None:
    """Return the futility bound of a look at a share of the plan, between those of equally spaced planned looks.

    Non-binding, so that reading it between looks costs nothing.

    Args:
        fraction: Share of the plan.
        looks: Number of planned looks.
        alpha: One-sided level.
        power: Power of the design.
        spending: Spending function of alpha.
        parameter: Its parameter.

    Returns:
        The bound; None where so early a look has none.

    Examples:
        >>> round(futility_bound(0.5, looks=2, alpha=0.025, power=0.9, spending="obrien_fleming", parameter=None), 3)
        0.048
    """
    plan = _planned_futility(looks, alpha, power, spending, parameter)
    known = [(share, bound) for share, bound in plan if bound is not None]
    if not known or fraction < known[0][0]:
        return None
    return float(np.interp(fraction, [share for share, _ in known], [bound for _, bound in known]))


@lru_cache(maxsize=256)
def _planned_futility(
    looks: int, alpha: float, power: float, spending: str, parameter: float | None
) -> tuple[tuple[float, float | None], ...]:
    fractions = [(k + 1) / looks for k in range(looks)]
    try:
        design = futility_design(fractions, alpha=alpha, power=power, spending=spending, parameter=parameter)
    except StatisticsError:
        # So much of the error is spent early that the plan leaves no room for a futility bound.
        return ()
    return tuple(zip(fractions, design.lower, strict=True))


def _found(one: TestedMetric, variant: str, looks: list[dict[str, Any]]) -> Iterator[Row]:
    """Yield what the look that stopped the test found: in the stage-wise order, and as a repeated interval."""
    last, test = looks[-1], one.test
    sign = -1.0 if test.alternative == "less" else 1.0
    plan = [
        Look(
            information=look["information"],
            fraction=look["fraction"],
            alpha_spent=look["alpha_spent"],
            bound=look["bound"],
        )
        for look in looks
    ]
    found = stagewise(plan, float(last["statistic"]), alpha=test.alpha, sides=test.sides)
    limits = sorted((sign * found.ci_lower, sign * found.ci_upper))
    when = f"look {last['look']} stopped the test on {last['as_of']}"
    yield insight(
        "stagewise",
        one,
        variant,
        hypothesis=test.hypothesis,
        estimate=sign * found.estimate,
        ci_lower=limits[0],
        ci_upper=limits[1],
        statistic=last["statistic"],
        p_value=found.p_value,
        detail=f"Estimated where {when}, without the bias of stopping early.",
    )
    error = 1 / np.sqrt(last["information"])
    effect = sign * last["statistic"] * error
    yield insight(
        "repeated_interval",
        one,
        variant,
        hypothesis=test.hypothesis,
        estimate=effect,
        std_error=error,
        ci_lower=effect - last["bound"] * error,
        ci_upper=effect + last["bound"] * error,
        statistic=last["statistic"],
        p_value=last.get("p_value"),
        detail=f"Seen where {when}; the interval holds at all looks.",
    )

"""What an A/A experiment, whose variants get the same, may not declare."""

from collections.abc import Mapping, Sequence
from typing import Any

from steelyard.spec.experiment_metrics import Metrics, MetricUse
from steelyard.spec.inference import Analysis
from steelyard.spec.model import problem

BOUNDING_ANY = ("bonferroni", "holm")
"""Corrections that bound the chance of any false alarm."""

_UNPLANNED: Mapping[str, Any] = {"margin": None, "mde": None, "alternative": "two-sided"}
_WHY: Mapping[str, tuple[str, str]] = {
    "margin": (
        "an A/A has no margin: every metric is tested for any difference, and none may be found",
        "leave the margin out; how much harm a change may do is a question to an A/B",
    ),
    "mde": (
        "an A/A expects no effect, so it plans for none",
        "leave mde out; say duration: {target_sample_size_per_variant: …} for how long it is to run",
    ),
    "alternative": (
        "an A/A is tested in both directions: a difference in either is a fault",
        "leave the alternative out",
    ),
}


def check_aa(
    design: str, metrics: Metrics, analysis: Analysis, *, configs: Sequence[Mapping[str, Any]]
) -> None:
    """Refuse what variants that get the same cannot have.

    Args:
        design: The experiment's.
        metrics: Its metrics.
        analysis: Its settings.
        configs: What each variant sets.
    """
    if design != "aa":
        return
    for index, config in enumerate(configs):
        if config != configs[0]:
            raise problem(
                "the variants of an A/A get the same, and this one sets something else than the first",
                at=["variants", index, "config"],
                hint="give all variants one config, or say design: fixed_split",
            )
    for group in ("primary", "secondary", "guardrails", "quality"):
        for index, use in enumerate(getattr(metrics, group)):
            for name, absent in _UNPLANNED.items():
                if getattr(use, name) != absent:
                    message, hint = _WHY[name]
                    raise problem(message, at=["metrics", group, index, name], hint=hint)
    if analysis.correction not in BOUNDING_ANY:
        raise problem(
            f"correction: {analysis.correction} does not bound the chance of any false alarm, which is what an A/A"
            " promises",
            at=["analysis", "correction"],
            hint=f"use one of {', '.join(BOUNDING_ANY)}",
        )


def without_plans(metrics: Metrics) -> Metrics:
    """Return metrics, such as those that a surface requires, without margins, expected effects and directions."""

    def plain(use: MetricUse) -> MetricUse:
        return use.model_copy(update=dict(_UNPLANNED))

    return metrics.model_copy(
        update={
            group: tuple(plain(use) for use in getattr(metrics, group))
            for group in ("primary", "secondary", "guardrails", "quality")
        }
    )

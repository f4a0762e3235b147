"""A switchback's blocks, one by one: the randomisation test and the look for carry-over."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from steelyard.analysis.insight import Row, insight, metrics_once
from steelyard.analysis.results import Analysis, FloatArray, TestedMetric
from steelyard.errors import StatisticsError
from steelyard.spec.design import BLOCK, BLOCK_PARTS
from steelyard.stats.switchback import block_values, carry_over_test, randomisation_test
from steelyard.stats.switchback_designs import coin_assignments, complete_assignments
from steelyard.stats.switchback_series import SHORTEST_SERIES, SeriesEffect, hac_effect, horvitz_thompson

MOST_BLOCKS = 5_000
"""More units than this are no blocks of time."""

ONE_KIND = "blocks_of_one_variant"
BROKEN = "sequence_of_blocks_broken"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Blocks:
    """A metric's blocks, by region and in the order of time within it; shape (blocks,).

    Attributes:
        regions: Region of each block.
        values: Mean or ratio of each.
        treated: Whether it had the treatment.
        gaps: Regions in which a block has no value, so that what is left is no unbroken sequence.
    """

    regions: tuple[str, ...]
    values: FloatArray
    treated: npt.NDArray[np.bool_]
    gaps: frozenset[str] = frozenset()

    def of(self, region: str) -> "Blocks":
        """Return the blocks of a region."""
        here = np.array([one == region for one in self.regions])
        return Blocks(
            regions=tuple(one for one in self.regions if one == region),
            values=self.values[here],
            treated=self.treated[here],
            gaps=self.gaps & {region},
        )


def switchback_rows(analysis: Analysis) -> Iterator[Row]:
    """Yield each metric's randomisation test, and per region whether an effect carries over into the next block.

    Raises:
        StatisticsError: There are so many units that they cannot be blocks.
    """
    experiment = analysis.calendar.experiment
    if experiment.design != "switchback" or not analysis.calendar.is_stopped:
        return
    (variant,) = experiment.treatments
    for one in metrics_once(analysis):
        blocks = read_blocks(one, analysis)
        if blocks.treated.all() or not blocks.treated.any():
            yield insight("randomisation_test", one, variant.name, reason=ONE_KIND)
            continue
        yield _randomised(one, analysis, blocks, variant.name)
        for region in dict.fromkeys(blocks.regions):
            yield _carried_over(one, analysis, blocks.of(region), variant.name, region)
            yield from _series(one, analysis, blocks.of(region), variant.name, region)


def read_blocks(one: TestedMetric, analysis: Analysis) -> Blocks:
    """Return a metric's blocks that have a value at the last day.

    Raises:
        StatisticsError: There are so many units that they cannot be blocks.
    """
    experiment = analysis.calendar.experiment
    cells = analysis.moments.metrics[one.test.measure.name].cells
    labels = [segment for segment in cells if segment[0] == BLOCK]
    if len(labels) > MOST_BLOCKS:
        raise StatisticsError(
            f"a switchback has {len(labels):,} units, which are too many to be blocks of time",
            where=f"experiment {experiment.name}",
            hint="let the unit of the exposures be a block: a region and the start of a time",
        )
    treatment = 1 - one.means.control
    found, lost = [], set()
    for segment in labels:
        cell = cells[segment]
        counted = np.flatnonzero(cell.n[-1] > 0)
        moment, region, unit = segment[1].split(BLOCK_PARTS, 2)
        if len(counted) != 1:
            lost.add(region)
            continue
        mean = cell.mean[-1, counted[0]]
        bottom = float(mean[1]) if len(one.test.measure.fills) == 2 else 1.0
        found.append((region, moment, unit, float(mean[0]), bottom, bool(counted[0] == treatment)))
    found.sort()
    values, reason = block_values([row[3] for row in found], [row[4] for row in found])
    known = reason == ""
    return Blocks(
        regions=tuple(row[0] for row, is_known in zip(found, known, strict=True) if is_known),
        values=values[known],
        treated=np.array([row[5] for row in found], dtype=bool)[known],
        gaps=frozenset(lost).union(
            row[0] for row, has_value in zip(found, known, strict=True) if not has_value
        ),
    )


def _randomised(one: TestedMetric, analysis: Analysis, blocks: Blocks, variant: str) -> Row:
    experiment = analysis.calendar.experiment
    strata = blocks.regions if len(set(blocks.regions)) > 1 else None
    total = len(blocks.values)
    if experiment.switchback is not None and experiment.switchback.assignment == "complete":
        assignments = complete_assignments(total, _treated(blocks), strata=strata)
    else:
        assignments = coin_assignments(total, share=float(experiment.treatments[0].share))
    test = randomisation_test(blocks.values, blocks.treated, assignments, strata=strata, alpha=one.test.alpha)
    return insight(
        "randomisation_test",
        one,
        variant,
        estimate=test.effect,
        ci_lower=test.ci_lower,
        ci_upper=test.ci_upper,
        p_value=test.p_value,
        detail=f"{total:,} blocks, against {test.assignments:,} assignments that the design could have made.",
    )


def _treated(blocks: Blocks) -> int | Sequence[int]:
    """Return how many blocks were treated, per region in the order of their names where there are several."""
    regions = sorted(set(blocks.regions))
    counts = [int(blocks.of(region).treated.sum()) for region in regions]
    return counts if len(counts) > 1 else counts[0]


def _carried_over(one: TestedMetric, analysis: Analysis, blocks: Blocks, variant: str, region: str) -> Row:
    settings, switchback = analysis.calendar.experiment.analysis, analysis.calendar.experiment.switchback
    found = carry_over_test(blocks.values, blocks.treated, alpha=settings.alpha)
    dimension = switchback.region if switchback is not None and switchback.region is not None else ""
    return insight(
        "carry_over",
        one,
        variant,
        dimension=dimension,
        segment=region if dimension else "",
        estimate=found.estimate,
        std_error=found.std_error,
        ci_lower=found.ci_lower,
        ci_upper=found.ci_upper,
        statistic=found.statistic,
        p_value=found.p_value,
        detail="Effect in blocks just after a switch, less that in later ones.",
        reason=str(found.reason) or None,
    )


def _series(
    one: TestedMetric, analysis: Analysis, blocks: Blocks, variant: str, region: str
) -> Iterator[Row]:
    """Yield what only an unbroken sequence of a region's blocks tells.

    With a declared carry-over, the effect of always treating by Horvitz and Thompson's weights. From 200 blocks on,
    the effect with an error that allows for autocorrelation; of fewer it would be too small.
    """
    experiment = analysis.calendar.experiment
    switchback = experiment.switchback
    dimension = switchback.region if switchback is not None and switchback.region is not None else ""
    place = {"dimension": dimension, "segment": region if dimension else ""}
    order = None if switchback is None else switchback.carry_over
    if order is not None:
        detail = f"Effect of always treating, where a block feels {order} before it; a conservative error."
        if blocks.gaps or len(blocks.values) <= order + 1:
            yield insight("sustained_effect", one, variant, detail=detail, reason=BROKEN, **place)
        else:
            yield _of_series(
                "sustained_effect",
                one,
                variant,
                lambda: horvitz_thompson(
                    blocks.values,
                    blocks.treated,
                    carry_over=order,
                    share=float(experiment.treatments[0].share),
                    alpha=one.test.alpha,
                ),
                detail=detail,
                **place,
            )
    if len(blocks.values) >= SHORTEST_SERIES and not blocks.gaps:
        yield _of_series(
            "autocorrelated_effect",
            one,
            variant,
            lambda: hac_effect(blocks.values, blocks.treated, alpha=one.test.alpha),
            detail=f"With an error that allows for autocorrelation of {len(blocks.values):,} blocks.",
            **place,
        )


def _of_series(
    kind: str, one: TestedMetric, variant: str, estimate: Callable[[], SeriesEffect], **others: str
) -> Row:
    """Return an estimate's row; blocks that do not vary, or are all of one variant, give none."""
    try:
        found = estimate()
    except StatisticsError:
        return insight(kind, one, variant, reason=ONE_KIND, **others)
    return insight(
        kind,
        one,
        variant,
        estimate=found.effect,
        std_error=found.std_error,
        ci_lower=found.ci_lower,
        ci_upper=found.ci_upper,
        statistic=found.effect / found.std_error,
        p_value=found.p_value,
        **others,
    )

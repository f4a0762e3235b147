"""Units that two experiments share, as arrays: how many by their variants in both, and the moments of the metrics."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from steelyard.compile.moment_sql import Layout
from steelyard.compile.plan import GroupPlan
from steelyard.compile.shared_units import SharedQuery, Sharing
from steelyard.spec.experiment import Experiment
from steelyard.stats.moments import Moments

FloatArray = npt.NDArray[np.float64]


@dataclass(slots=True, kw_only=True, eq=False)
class SharedUnits:
    """The units that an experiment shares with another one.

    Attributes:
        other: The other experiment.
        counts: Units of each pair of epochs of the two allocations and of each pair of variants, shape (epochs, A, B).
        moments: By the measure's name: moments of the first experiment's metric, shape (epochs, A * B), its first
            variant with each of the other's, then its second. The columns are as in `MetricMoments`.
        metrics: As in `Sharing`.
    """

    other: Experiment
    counts: FloatArray
    moments: dict[str, Moments] = field(default_factory=dict)
    metrics: str = "primary"


def read_shared(
    plan: GroupPlan,
    sharing: Sharing,
    query: SharedQuery,
    rows: Sequence[tuple[Any, ...]],
    shifts: Mapping[str, float],
) -> dict[str, dict[str, SharedUnits]]:
    """Return what the experiments of a plan share with others, by the names of both.

    Args:
        plan: The plan that asked.
        sharing: The pairs.
        query: The question.
        rows: Its rows.
        shifts: Value of each shift placeholder.
    """
    numbers = {one.number: one.spec.name for one in plan.numbered}
    names, width = sharing.names, 1 + len(query.terms)
    sums: dict[tuple[str, str], FloatArray] = {}
    for number, variant, epoch, other_no, digit, *values in rows:
        name, other = numbers[int(number)], names[int(other_no)]
        if other not in sharing.others[name]:
            continue
        own, place = sharing.places[name], sharing.places[other]
        epochs = (len(own.epochs), len(place.epochs))
        if (name, other) not in sums:
            sums[name, other] = np.zeros((*epochs, own.variants, place.variants, width))
        other_epoch, other_variant = place.read(int(digit))
        first = own.epochs.index(str(epoch)) if len(own.epochs) > 1 else 0
        at = (first, other_epoch, int(variant), other_variant)
        sums[name, other][at] = [0.0 if value is None else float(value) for value in values]
    found: dict[str, dict[str, SharedUnits]] = {}
    wanted = {one.numbered.spec.name: {m.name for m in one.measured} for one in plan.group.experiments}
    for (name, other), array in sums.items():
        counts = array[..., 0].reshape(-1, *array.shape[2:4])
        cells = array.reshape(len(counts), -1, width)[..., 1:]
        found.setdefault(name, {})[other] = SharedUnits(
            other=sharing.specs[other],
            counts=counts,
            moments={
                layout.measure: _moments(layout, cells, query.terms, shifts)
                for layout in query.layouts
                if layout.measure in wanted[name]
            },
            metrics=sharing.metrics,
        )
    return found


def _moments(layout: Layout, cells: FloatArray, terms: Sequence[str], shifts: Mapping[str, float]) -> Moments:
    """Return one measure's moments, shape (epochs, A * B)."""
    index = {name: number for number, name in enumerate(terms)}
    width = len(layout.vector)
    sums, products = np.zeros((*cells.shape[:2], width)), np.zeros((*cells.shape[:2], width, width))
    for i, name in enumerate(layout.sums):
        assert name is not None
        sums[..., i] = cells[..., index[name]]
    for (i, j), name in layout.products.items():
        products[..., i, j] = products[..., j, i] = cells[..., index[name]]
    shift = np.array([shifts.get(f"shift_{name}", 0.0) for name in layout.vector])
    return Moments.from_sums(n=cells[..., index[layout.n]], sums=sums, products=products, shift=shift)

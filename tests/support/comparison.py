"""Compares the engine's moments with the oracle's."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from tests.support.brute_force import Cell, Experiment, Rows, analysed_units, extent, levels, moments
from tests.support.worlds import World

# Relative to the matrix: sqrt(m2_ii m2_jj). The floor is relative to the range of all units together, of whose size
# rounding is: a segment whose units happen to agree has no spread of its own.
TOLERANCE, FLOOR = 1e-9, 1e-13


def differences(world: World, found: Mapping[str, Any], *, is_series: bool = True) -> Iterator[str]:
    """Yield what differs between the engine's moments of a world, by experiment, and the oracle's.

    Args:
        world: The world.
        found: The engine's moments.
        is_series: Whether every day counts, not only the last.
    """
    rows = world.rows()
    settled = {one.name: world.settled(one) for one in world.experiments if one.start <= world.as_of}
    if set(found) != set(settled):
        yield f"experiments {sorted(found)}, expected {sorted(settled)}"
        return
    everyone = [unit for experiment in settled.values() for unit in analysed_units(rows, experiment)]
    ranked = levels(everyone, world.covariate_dimensions())
    sizes = _sizes(rows, settled.values(), ranked)
    for chosen in (one for one in world.experiments if one.name in settled):
        experiment, answer = settled[chosen.name], found[chosen.name]
        by_name = {label.split("@")[0]: metric for label, metric in answer.metrics.items()}
        if set(by_name) != set(experiment.metrics):
            yield f"{chosen.name}: metrics {sorted(by_name)}, expected {sorted(experiment.metrics)}"
            continue
        for name, metric in experiment.metrics.items():
            expected = moments(rows, experiment, metric, ranked=ranked)
            wanted = {segment for segment in expected[1] if segment[0] in ("", *chosen.dimensions)}
            cells = by_name[name].cells
            if chosen.adjustment == "none":
                cells = {segment: _leading(cell, len(metric.parts)) for segment, cell in cells.items()}
            first = 0 if is_series else len(expected[0]) - 1
            for difference in _of_metric(answer.days, cells, expected, wanted, size=sizes[name], first=first):
                yield f"{chosen.name} {name} {difference}"


def _leading(cell: Any, width: int) -> Cell:
    """Return the outcomes alone: covariates may be there for another experiment."""
    return Cell(n=cell.n, mean=cell.mean[..., :width], m2=cell.m2[..., :width, :width])


def _of_metric(
    days: list[Any],
    cells: Mapping[tuple[str, str], Any],
    expected: tuple[list[Any], dict[Any, Cell]],
    wanted: set[Any],
    *,
    size: np.ndarray,
    first: int,
) -> Iterator[str]:
    known, oracle = expected
    if not days or days != known[: len(days)]:
        yield f"days {days}, expected the first of {known}"
        return
    if not wanted:
        nobody = all(not np.any(cell.n) for cell in cells.values())
        if not nobody:
            yield "units, and the oracle has none"
        return
    for segment in sorted(wanted):
        if segment not in cells:
            yield f"{segment} is missing"
            continue
        for number, day in list(enumerate(known))[first:]:
            # After the engine's last day nothing moves any more.
            mine, ours = cells[segment], min(number, len(days) - 1)
            parts = [np.asarray(getattr(mine, part))[ours] for part in ("n", "mean", "m2")]
            cell = oracle[segment]
            problem = _of_day(parts, [cell.n[number], cell.mean[number], cell.m2[number]], size)
            if problem:
                yield f"{segment} on {day}: {problem}"
                break


def _of_day(parts: list[np.ndarray], expected: list[np.ndarray], size: np.ndarray) -> str:
    (n, mean, m2), (n_expected, mean_expected, m2_expected) = parts, expected
    if not np.array_equal(n, n_expected):
        return f"n {n}, expected {n_expected}"
    if mean.shape != mean_expected.shape:
        return f"vectors of {mean.shape[-1]}, expected {mean_expected.shape[-1]}"
    counted = n_expected > 0
    spread = np.sqrt(np.diagonal(m2_expected, axis1=-2, axis2=-1))
    size = np.resize(size, mean.shape[-1]) if size.size else np.zeros(mean.shape[-1])
    allowed = TOLERANCE * spread[..., :, None] * spread[..., None, :] + FLOOR * np.outer(size, size)
    near = 1e-15 * np.abs(mean_expected) + TOLERANCE * spread + FLOOR * size
    if not np.all((np.abs(mean - mean_expected) <= near)[counted]):
        return f"mean {mean.tolist()}, expected {mean_expected.tolist()}"
    # A spread that is lost in the sums' own rounding is reported as none, and its cross products with it.
    lost = (np.diagonal(m2, axis1=-2, axis2=-1) == 0) & (spread**2 <= FLOOR * size**2)
    allowed[lost[..., :, None] | lost[..., None, :]] = np.inf
    if not np.all((np.abs(m2 - m2_expected) <= allowed)[counted]):
        return f"m2 {m2.tolist()}, expected {m2_expected.tolist()}"
    return ""


def _sizes(
    rows: Rows, experiments: Iterable[Experiment], ranked: Mapping[str, Sequence[str]]
) -> dict[str, np.ndarray]:
    """Return, for each metric, the root of n times the range of each value, over all experiments.

    Shifts are shared by experiments, and are rounded to 24 bits themselves.
    """
    columns: dict[str, dict[int, list[np.ndarray]]] = {}
    for experiment in experiments:
        for name, metric in experiment.metrics.items():
            values = extent(rows, experiment, metric, ranked=ranked)
            found = columns.setdefault(name, {})
            for number in range(values.shape[-1] if values.size else 0):
                found.setdefault(number, []).append(values[:, number])
    return {
        name: np.array([_size(np.concatenate(parts)) for parts in by.values()])
        for name, by in columns.items()
    }


def _size(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    if not known.size:
        return 0.0
    return float((np.ptp(known) + 2.0**-23 * np.abs(known).max() + 1e-3) * np.sqrt(len(known)))

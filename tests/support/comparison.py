"""Compares the engine's moments with the oracle's."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from tests.support.brute_force import Cell, analysed_units, levels, moments
from tests.support.worlds import World

# Relative to the matrix: sqrt(m2_ii m2_jj). The floor is relative to the same of all units together, of whose size
# rounding is: a segment whose units happen to agree has no spread of its own.
TOLERANCE, FLOOR = 1e-9, 1e-13


def differences(world: World, found: Mapping[str, Any]) -> Iterator[str]:
    """Yield what differs between the engine's moments of a world, by experiment, and the oracle's."""
    rows = world.rows()
    settled = {one.name: world.settled(one) for one in world.experiments if one.start <= world.as_of}
    if set(found) != set(settled):
        yield f"experiments {sorted(found)}, expected {sorted(settled)}"
        return
    everyone = [unit for experiment in settled.values() for unit in analysed_units(rows, experiment)]
    ranked = levels(everyone, world.covariate_dimensions())
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
            for difference in _of_metric(answer.days, cells, expected, wanted):
                yield f"{chosen.name} {name} {difference}"


def _leading(cell: Any, width: int) -> Cell:
    """Return the outcomes alone: covariates may be there for another experiment."""
    return Cell(n=cell.n, mean=cell.mean[..., :width], m2=cell.m2[..., :width, :width])


def _of_metric(
    days: list[Any],
    cells: Mapping[tuple[str, str], Any],
    expected: tuple[list[Any], dict[Any, Cell]],
    wanted: set[Any],
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
    pooled = _spread(oracle["", ""])
    for segment in sorted(wanted):
        if segment not in cells:
            yield f"{segment} is missing"
            continue
        for number, day in enumerate(known):
            # After the engine's last day nothing moves any more.
            mine, ours = cells[segment], min(number, len(days) - 1)
            parts = [np.asarray(getattr(mine, part))[ours] for part in ("n", "mean", "m2")]
            problem = _of_day(
                parts, [getattr(oracle[segment], part)[number] for part in ("n", "mean", "m2")], pooled
            )
            if problem:
                yield f"{segment} on {day}: {problem}"
                break


def _of_day(parts: list[np.ndarray], expected: list[np.ndarray], pooled: np.ndarray) -> str:
    (n, mean, m2), (n_expected, mean_expected, m2_expected) = parts, expected
    if not np.array_equal(n, n_expected):
        return f"n {n}, expected {n_expected}"
    if mean.shape != mean_expected.shape:
        return f"vectors of {mean.shape[-1]}, expected {mean_expected.shape[-1]}"
    counted = n_expected > 0
    spread = np.sqrt(np.diagonal(m2_expected, axis1=-2, axis2=-1))
    allowed = TOLERANCE * spread[..., :, None] * spread[..., None, :] + FLOOR * np.outer(pooled, pooled)
    size = TOLERANCE * (np.abs(mean_expected) * 1e-3 + spread) + FLOOR * pooled
    if not np.all((np.abs(mean - mean_expected) <= size)[counted]):
        return f"mean {mean.tolist()}, expected {mean_expected.tolist()}"
    if not np.all((np.abs(m2 - m2_expected) <= allowed)[counted]):
        return f"m2 {m2.tolist()}, expected {m2_expected.tolist()}"
    return ""


def _spread(cell: Cell) -> np.ndarray:
    """Return, for each value, the root of its largest sum of squares about the mean of all units, of any day."""
    squares = np.zeros(cell.mean.shape[-1])
    for n, mean, m2 in zip(cell.n, cell.mean, cell.m2, strict=True):
        if n.sum():
            center = (n[:, None] * mean).sum(axis=0) / n.sum()
            within = np.diagonal(m2, axis1=-2, axis2=-1).sum(axis=0)
            squares = np.maximum(squares, within + (n[:, None] * (mean - center) ** 2).sum(axis=0))
    return np.sqrt(squares) + 1e-3

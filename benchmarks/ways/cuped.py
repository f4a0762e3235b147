"""Effect and standard error from sums per variant, with numpy."""

from collections.abc import Mapping

import numpy as np

from benchmarks.ways.task import Sums, metrics, product_name

CONTROL, TREATMENT = "control", "treatment"


def estimates(sums: Sums) -> dict[str, dict[str, tuple[float, float]]]:
    """Return (effect, standard error) of each metric, adjusted in the two ways that are usual.

    ``pooled`` is CUPED as tea-tasting has it: one slope for all units, the ratio's covariate is its ratio before.
    ``separate`` is regression with slopes of each variant's own, and with the variance of the covariates' mean; the
    ratio's covariates are its numerator and denominator before.
    """
    found: dict[str, dict[str, tuple[float, float]]] = {"pooled": {}, "separate": {}}
    for name, parts in metrics().items():
        cells = {variant: _cell(one, parts) for variant, one in sums.items()}
        found["pooled"][name] = pooled(cells)
        found["separate"][name] = separate(cells)
    return found


class Cell:
    """n, means and covariances of (y…, x…) in one variant."""

    def __init__(self, n: float, mean: np.ndarray, cov: np.ndarray) -> None:
        self.n, self.mean, self.cov = n, mean, cov

    @property
    def width(self) -> int:
        """How many outcomes: 2 for a ratio."""
        return len(self.mean) // 2


def _cell(sums: Mapping[str, float], parts: tuple[str, ...]) -> Cell:
    names = [f"{side}_{part}" for side in "yx" for part in parts]
    n = sums["n"]
    mean = np.array([sums[name] for name in names]) / n
    products = np.array([[_product(sums, a, b) for b in names] for a in names])
    return Cell(n, mean, (products - n * np.outer(mean, mean)) / (n - 1))


def _product(sums: Mapping[str, float], a: str, b: str) -> float:
    key = product_name(a, b)
    return sums[key] if key in sums else sums[product_name(b, a)]


def _whole(cells: Mapping[str, Cell]) -> Cell:
    """Return the cell of all units together."""
    ns = np.array([cell.n for cell in cells.values()])
    means = np.stack([cell.mean for cell in cells.values()])
    n, mean = ns.sum(), (ns[:, None] * means).sum(axis=0) / ns.sum()
    within = sum((cell.n - 1) * cell.cov for cell in cells.values())
    between = sum(count * np.outer(row - mean, row - mean) for count, row in zip(ns, means, strict=True))
    return Cell(n, mean, (within + between) / (n - 1))


def _gradient(mean: np.ndarray) -> np.ndarray:
    """Return the weights that make a ratio of two columns one; 1 for a single column."""
    return np.ones(1) if len(mean) == 1 else np.array([1.0, -mean[0] / mean[1]]) / mean[1]


def _level(mean: np.ndarray) -> float:
    return float(mean[0]) if len(mean) == 1 else float(mean[0] / mean[1])


def pooled(cells: Mapping[str, Cell]) -> tuple[float, float]:
    """Return effect and standard error with one slope for all units."""
    whole = _whole(cells)
    w = whole.width
    y, x = _gradient(whole.mean[:w]), _gradient(whole.mean[w:])
    theta = (y @ whole.cov[:w, w:] @ x) / (x @ whole.cov[w:, w:] @ x)
    levels, variance = {}, 0.0
    for name, cell in cells.items():
        own_y, own_x = _gradient(cell.mean[:w]), _gradient(cell.mean[w:])
        weights = np.concatenate([own_y, -theta * own_x])
        levels[name] = _level(cell.mean[:w]) - theta * _level(cell.mean[w:])
        variance += weights @ cell.cov @ weights / cell.n
    return float(levels[TREATMENT] - levels[CONTROL]), float(np.sqrt(variance))


def separate(cells: Mapping[str, Cell]) -> tuple[float, float]:
    """Return effect and standard error with slopes of each variant's own."""
    whole = _whole(cells)
    w = whole.width
    levels, slopes, variance = {}, {}, 0.0
    for name, cell in cells.items():
        gradient = _gradient(cell.mean[:w])
        slope = np.linalg.lstsq(cell.cov[w:, w:], gradient @ cell.cov[:w, w:], rcond=None)[0]
        weights = np.concatenate([gradient, -slope])
        freedom = cell.n - 1 - len(slope)
        variance += weights @ cell.cov @ weights * (cell.n - 1) / freedom / cell.n
        levels[name] = _level(cell.mean[:w]) - slope @ (cell.mean[w:] - whole.mean[w:])
        slopes[name] = slope
    gap = slopes[TREATMENT] - slopes[CONTROL]
    variance += gap @ whole.cov[w:, w:] @ gap / whole.n
    return float(levels[TREATMENT] - levels[CONTROL]), float(np.sqrt(variance))

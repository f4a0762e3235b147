"""Least squares from centred products, safe against collinear columns."""

import numpy as np

from steelyard.stats.arrays import FloatArray, divide

EIGENVALUE_CUT = 1e-10
"""Directions with less than this share of a correlation matrix's largest eigenvalue carry no information."""
EXACT_FIT = 1e-12
"""A residual below this share of a sum of squares is rounding: the columns explain everything."""


def solve_psd(xx: FloatArray, xy: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Solve ``xx b = xy`` on the correlation scale, with minimum norm where ``xx`` is singular.

    Args:
        xx: Centred products of the covariates, shape ``(..., p, p)``.
        xy: Centred products with the outcome, shape ``(..., p)``.

    Returns:
        Coefficients, shape ``(..., p)``, and the effective rank, shape ``(...)``. A column without variance
        gets 0.
    """
    if xx.shape[-1] == 1:
        spread = xx[..., 0]
        has = spread > 0
        return np.where(has, divide(xy, spread), 0.0), has[..., 0].astype(np.float64)
    diagonal = np.diagonal(xx, axis1=-2, axis2=-1)
    scale = np.where(diagonal > 0, 1 / np.sqrt(np.where(diagonal > 0, diagonal, 1.0)), 0.0)
    values, vectors = np.linalg.eigh(xx * scale[..., :, None] * scale[..., None, :])
    kept = values > EIGENVALUE_CUT * np.maximum(values[..., -1:], 1.0)
    inverse = np.where(kept, 1 / np.where(kept, values, 1.0), 0.0)
    projected = (np.swapaxes(vectors, -1, -2) @ (scale * xy)[..., None])[..., 0]
    solution = (vectors @ (inverse * projected)[..., None])[..., 0]
    return scale * solution, kept.sum(axis=-1).astype(np.float64)

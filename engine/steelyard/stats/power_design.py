"""How allocation and clustering change the number of units that an experiment needs."""

import numpy as np

from steelyard.stats.arrays import ArrayLike, FloatArray, as_floats


def optimal_ratio(
    *, sd_control: ArrayLike = 1.0, sd_treatment: ArrayLike = 1.0, treatments: int = 1
) -> FloatArray:
    """Units of each treatment per unit of the control that need the fewest units in total.

    Args:
        sd_control, sd_treatment: Standard deviations of units.
        treatments: Number of treatments that share the control.

    Raises:
        StatisticsError: The values are no numbers, or their shapes do not fit.

    References:
        Dunnett (1955), JASA 50, for the square root of the number of treatments.

    Examples:
        >>> float(optimal_ratio(treatments=4))
        0.5
    """
    return np.asarray(as_floats(sd_treatment) / as_floats(sd_control) / np.sqrt(treatments))


def design_effect(*, cluster_size: ArrayLike, icc: ArrayLike, cv: ArrayLike = 0.0) -> FloatArray:
    """Factor by which clustering multiplies the number of units.

    Args:
        cluster_size: Mean units per cluster.
        icc: Intra-cluster correlation.
        cv: Coefficient of variation of the cluster sizes.

    Raises:
        StatisticsError: The values are no numbers, or their shapes do not fit.

    References:
        Eldridge, Ashby & Kerry (2006), International Journal of Epidemiology 35.

    Examples:
        >>> round(float(design_effect(cluster_size=20, icc=0.05, cv=0.6)), 4)
        2.31
    """
    size = (as_floats(cv) ** 2 + 1) * as_floats(cluster_size)
    return np.asarray(1 + (size - 1) * as_floats(icc))

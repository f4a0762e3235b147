"""Python's part by itself: bounds of 10,000 comparisons, and imports."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from benchmarks.child import measure
from steelyard.stats.group_sequential import bounds_batch


def run(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Solve 10,000 designs of 14 looks whose information grows each in its own way."""
    steps = np.random.default_rng(0).uniform(0.5, 1.5, (settings["comparisons"], 14))
    information = np.cumsum(steps, axis=1)
    fractions = information / information[:, -1:]
    bounds = bounds_batch(fractions, information, alpha=0.05)
    return {"largest": float(bounds.bound.max())}


if __name__ == "__main__":
    measure(run)

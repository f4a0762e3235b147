"""What importing Steelyard costs: the package, and all that a run needs."""

import importlib
from collections.abc import Mapping
from typing import Any

from benchmarks.child import measure


def run(settings: Mapping[str, Any]) -> dict[str, Any]:
    importlib.import_module(settings["module"])
    return {}


if __name__ == "__main__":
    measure(run)

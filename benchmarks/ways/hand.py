"""One scan of the events by hand-written SQL, CUPED by numpy."""

from collections.abc import Mapping
from typing import Any

from benchmarks.child import measure
from benchmarks.ways.cuped import estimates
from benchmarks.ways.data import open_views
from benchmarks.ways.task import one_look


def run(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {"estimates": estimates(one_look(open_views(settings)))}


if __name__ == "__main__":
    measure(run)

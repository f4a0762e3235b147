"""One scan of the events by hand-written SQL, CUPED by numpy."""

from collections.abc import Mapping
from typing import Any

from benchmarks.child import measure
from benchmarks.ways.cuped import estimates
from benchmarks.ways.data import open_views
from benchmarks.ways.task import one_look


def run(settings: Mapping[str, Any]) -> dict[str, Any]:
    connection = open_views(settings)
    return {"estimates": estimates(one_look(lambda statement: connection.execute(statement).fetchall()))}


if __name__ == "__main__":
    measure(run)

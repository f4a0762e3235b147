"""What has been published of the experiments whose changes a holdback holds back."""

from datetime import date
from typing import Any

from steelyard.analysis.holdback import Shipped
from steelyard.spec.experiment import Experiment
from steelyard.warehouse.base import Warehouse
from steelyard.warehouse.read import read_rows


def read_shipped(warehouse: Warehouse, schema: str, experiment: Experiment, *, as_of: date) -> list[Shipped]:
    """Return the latest effects, up to a day, of the variants that a holdback's experiments decided to ship.

    Args:
        warehouse: Where.
        schema: Schema of the engine's tables.
        experiment: The holdback.
        as_of: The day.
    """
    return [_read(warehouse, schema, name, as_of) for name in experiment.shipped]


def _read(warehouse: Warehouse, schema: str, name: str, as_of: date) -> Shipped:
    decided = [
        row
        for row in read_rows(warehouse, schema, "decisions", {"experiment_id": name, "decision": "ship"})
        if row["as_of"] <= as_of
    ]
    if not decided:
        return Shipped(experiment=name)
    last = max(row["as_of"] for row in decided)
    variants = [row["variant"] for row in decided if row["as_of"] == last]
    if len(variants) > 1:
        return Shipped(experiment=name, variants=tuple(variants))
    here: dict[str, Any] = {"experiment_id": name, "as_of": last, "variant": variants[0]}
    results = read_rows(
        warehouse, schema, "results", {**here, "hypothesis": "superiority", "dimension": "", "segment": ""}
    )
    stopped = read_rows(warehouse, schema, "insights", {**here, "kind": "stagewise"})
    estimates = {row["metric"]: row["estimate"] for row in stopped if row["estimate"] is not None}
    effects = {
        row["metric"]: (estimates.get(row["metric"], row["effect"]), row["std_error"])
        for row in results
        if row["effect"] is not None and row["std_error"] is not None
    }
    return Shipped(experiment=name, variants=tuple(variants), effects=effects)

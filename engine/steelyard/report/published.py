"""Reports from what has been published."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from steelyard.errors import WarehouseError
from steelyard.report.text import Report
from steelyard.spec.fields import closest
from steelyard.warehouse.base import Warehouse
from steelyard.warehouse.read import read_rows


def load_reports(
    warehouse: Warehouse, schema: str, *, experiment: str | None = None, as_of: date | None = None
) -> Iterator[Report]:
    """Yield the latest report of one experiment, or of all.

    Raises:
        WarehouseError: Nothing has been published, or not of this experiment or day.
    """
    catalogue = {row["experiment_id"]: row for row in read_rows(warehouse, schema, "experiments")}
    if experiment is not None and experiment not in catalogue:
        raise WarehouseError(
            f"nothing is published of {experiment!r}",
            where=f"schema {schema}",
            hint=closest(experiment, catalogue) or "run steelyard run",
        )
    names = list(catalogue) if experiment is None else [experiment]
    for name in names:
        report = _load(warehouse, schema, catalogue[name], as_of)
        if report is not None:
            yield report
        elif experiment is not None:
            raise WarehouseError(
                f"nothing is published of {experiment!r} as of {as_of}",
                where=f"schema {schema}",
                hint=f"run steelyard run --as-of {as_of}",
            )


def _load(warehouse: Warehouse, schema: str, row: dict[str, Any], as_of: date | None) -> Report | None:
    name = {"experiment_id": row["experiment_id"]}
    decisions = read_rows(warehouse, schema, "decisions", name)
    days = sorted({decision["as_of"] for decision in decisions})
    if as_of is not None:
        days = [day for day in days if day == as_of]
    if not days:
        return None
    here = {**name, "as_of": days[-1]}
    return Report(
        experiment=row,
        as_of=days[-1],
        results=_ordered(read_rows(warehouse, schema, "results", here), row),
        decisions=[decision for decision in decisions if decision["as_of"] == days[-1]],
        health=read_rows(warehouse, schema, "health", here),
        insights=_insights(warehouse, schema, here),
    )


def _insights(warehouse: Warehouse, schema: str, where: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the insights; none where the schema is of a version that had none."""
    return (
        read_rows(warehouse, schema, "insights", where) if warehouse.table_columns("insights", schema) else []
    )


def _ordered(rows: list[dict[str, Any]], experiment: dict[str, Any]) -> list[dict[str, Any]]:
    """Return results in the order of the experiment's file."""
    groups = ["primary", "secondary", "guardrails", "quality"]
    metrics = experiment["metrics"]
    names = [str(use["metric"]).split("@")[0] for group in groups for use in metrics.get(group, ())]
    hypotheses = ["superiority", "non_inferiority", "deterioration"]
    return sorted(
        rows,
        key=lambda row: (
            row["dimension"],
            row["segment"],
            names.index(row["metric"]) if row["metric"] in names else len(names),
            hypotheses.index(row["hypothesis"]),
        ),
    )

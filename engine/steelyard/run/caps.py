"""Percentile caps on record: computed once for an experiment, kept until a full refresh."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from steelyard.compile.group import PlannedExperiment
from steelyard.compile.moment_sql import cap_name
from steelyard.warehouse.base import Warehouse
from steelyard.warehouse.read import read_rows


def frozen_caps(
    warehouse: Warehouse, schema: str, experiments: Iterable[PlannedExperiment]
) -> dict[str, float | None]:
    """Return the caps on record, by the names that a run's plan gives them.

    Args:
        warehouse: Where.
        schema: Schema of the engine's tables.
        experiments: The experiments of a run's group, whose numbers differ from run to run.
    """
    found: dict[str, float | None] = {}
    for planned in experiments:
        numbered = planned.numbered
        for row in read_rows(warehouse, schema, "caps", {"experiment_id": numbered.spec.name}):
            found[f"{row['name']}_{numbered.number}"] = row["value"]
    return found


def cap_rows(
    planned: PlannedExperiment, caps: Mapping[str, float | None], *, as_of: date
) -> Iterator[dict[str, Any]]:
    """Yield the rows of the table ``caps`` of an experiment; a cap without values to take it from has none yet.

    Args:
        planned: The experiment.
        caps: Caps of its run, by name.
        as_of: Last day of the run.
    """
    for metric, name in dict.fromkeys(_names(planned)):
        value = caps.get(f"{name}_{planned.numbered.number}")
        if value is not None:
            yield {"name": name, "metric": metric, "value": value, "as_of": as_of}


def _names(planned: PlannedExperiment) -> Iterator[tuple[str, str]]:
    for measure in planned.measured:
        before = [one.measure for one in measure.covariates if one.measure is not None]
        for owner, is_covariate in ((measure, False), *((one, True) for one in before)):
            for side, _ in owner.percentile_caps:
                for index in range(len(owner.fills)):
                    yield owner.key.name, cap_name(owner, index, side, None, is_covariate=is_covariate)

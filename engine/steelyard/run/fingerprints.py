"""What a state depends on, as hashes by name, so that a change can be named."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from steelyard import __version__
from steelyard.compile.group import ColumnTypes, PlannedExperiment
from steelyard.compile.incremental import cap_names
from steelyard.compile.lock import meaning_of
from steelyard.compile.measure import Measure
from steelyard.spec.loader import ProjectFiles

STATE_VERSION = 6
"""Raised with every change to what the tables of a state hold."""

Caps = Mapping[str, Mapping[str, float | None]]
"""Percentile caps on record: by experiment and name."""


def state_parts(
    exposures: str,
    experiments: Sequence[PlannedExperiment],
    files: ProjectFiles,
    *,
    types: ColumnTypes,
    dialect: str,
    searched: Sequence[str],
    caps: Caps,
) -> dict[str, str]:
    """Return the hashes of all that a state depends on.

    Args:
        exposures: The log of exposures.
        experiments: Experiments with the measures that the state holds.
        files: The project.
        types: What the warehouse says of the columns.
        dialect: Dialect of the target.
        searched: Schemas in which tables are looked for.
        caps: Percentile caps on record.
    """
    project = files.project
    log = project.exposures[exposures]
    parts = {
        "the engine": f"{__version__}, state {STATE_VERSION}",
        "the project's time zones or dialect": _hash(
            [project.timezone, project.naive_timestamps, project.dialect, dialect]
        ),
        "the search path of tables": _hash(list(searched)),
        f"exposures {exposures}": _hash(
            [log.model_dump(mode="json", exclude={"lateness"}), project.units[log.unit]]
        ),
        "the types of columns": _hash([_types(types.logs), _types(types.facts)]),
        "the SQL templates": _hash(_templates(files)),
    }
    for planned in experiments:
        spec = planned.numbered.spec
        trigger = spec.analysis.trigger
        parts[f"experiment {spec.name}"] = _hash(
            [
                spec.start,
                spec.end,
                [variant.name for variant in spec.variants],
                spec.targeting,
                spec.analysis.dimensions,
                spec.design,
                spec.epochs,
                spec.analysis.novelty,
                None if trigger is None else project.triggers[trigger].model_dump(mode="json"),
            ]
        )
        own = caps.get(spec.name, {})
        for _, measure in planned.measures:
            others = planned.other_caps.get(measure.name, ())
            limits = {name: own.get(name) for one in (measure, *others) for name in cap_names(one)}
            beside = [[one.cap for one in others]] if others else []
            parts[f"metric {measure.name} of {spec.name}"] = _hash([_measure(measure), limits, *beside])
    return parts


def changes(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    """Return in words what differs; '' where nothing does.

    Examples:
        >>> changes({"the engine": "1", "metric a of x": "2"}, {"the engine": "1", "metric b of x": "3"})
        'metric a of x is gone, metric b of x is new'
    """
    found = [f"{name} is gone" for name in before if name not in now]
    found += [f"{name} is new" for name in now if name not in before]
    found += [f"{name} has changed" for name in now if name in before and now[name] != before[name]]
    return ", ".join(found)


def _measure(measure: Measure) -> list[Any]:
    before = [
        covariate.dimension if covariate.measure is None else _measure(covariate.measure)
        for covariate in measure.covariates
    ]
    return [
        measure.name,
        meaning_of(measure.query).fingerprint,
        measure.start,
        measure.end,
        measure.entry,
        measure.fills,
        measure.lookback,
        before,
    ]


def _templates(files: ProjectFiles) -> dict[str, str]:
    folder = files.folder("templates")
    paths = sorted(folder.glob("**/*.sql")) if folder.is_dir() else []
    return {path.relative_to(folder).as_posix(): _hash(path.read_text(encoding="utf-8")) for path in paths}


def _types(types: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(kind) for name, kind in sorted(types.items())}


def _hash(content: Any) -> str:
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]

"""`steelyard.yml`: what all experiments and metrics of a project share."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from steelyard.errors import SpecError
from steelyard.spec.fields import closest, parse_file_name, parse_label, parse_level, shown
from steelyard.spec.inference import ColumnName, Defaults
from steelyard.spec.model import OneOrMany, Spec, Whole, parsed_by, problem
from steelyard.spec.programme import Programme
from steelyard.spec.times import parse_days, parse_zone

Text = Annotated[str, parsed_by(parse_label)]
FileName = Annotated[str, parsed_by(parse_file_name)]
Zone = Annotated[str, parsed_by(parse_zone)]
Threshold = Annotated[float, parsed_by(parse_level)]


def _parse_sql(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise SpecError(f"{shown(value)} is not a query")
    return value.strip()


Sql = Annotated[str, parsed_by(_parse_sql)]


class Exposures(Spec):
    """A log of who saw which variant, and when.

    Attributes:
        unit: A unit of the project; its key column is in the query.
        sql: One row per exposure.
        timestamp: Column with the moment.
        experiment: Column with the experiment's name.
        variant: Column with the variant's name.
        dimensions: Columns that results may be split by.
        lateness: Whole days that a later run reads again.
    """

    unit: ColumnName
    sql: Sql
    timestamp: Text
    experiment: Text = "experiment_id"
    variant: Text = "variant"
    dimensions: Annotated[tuple[ColumnName, ...], OneOrMany] = ()
    lateness: Annotated[timedelta, parsed_by(parse_days)] = timedelta(days=2)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if len(set(self.dimensions)) < len(self.dimensions):
            raise problem("a dimension stands twice", at=["dimensions"])
        return self


class Trigger(Spec):
    """A log of units that met the changed surface, and when.

    Attributes:
        unit: A unit of the project; its key column is in the query.
        sql: One row per unit and moment.
        timestamp: Column with the moment.
    """

    unit: ColumnName
    sql: Sql
    timestamp: Text


class Source(Spec):
    """Where the tables of ``{{ source('name', 'table') }}`` are.

    Attributes:
        schema_name: Schema, or database and schema; tables not in ``tables`` are in it. Written ``schema``.
        tables: Relation of each table that is elsewhere or named otherwise.
    """

    schema_name: Text | None = Field(default=None, alias="schema")
    tables: dict[str, Text] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _accept_a_schema(cls, value: Any) -> Any:
        return {"schema": value} if isinstance(value, str) else value


class Privacy(Spec):
    """What protects single units.

    Attributes:
        minimum_units: Segments with fewer units are not shown.
    """

    minimum_units: Annotated[Whole, Field(ge=0)] = 0


class Health(Spec):
    """From where on a health check warns or fails.

    Attributes:
        srm_alpha: Sample-ratio mismatch: p-values below it fail.
        pre_exposure_alpha: Imbalance before the exposure: p-values below it fail.
        multiple_exposure_share: Share of units seen in two variants above which the check warns.
        assignment_share: Share of assignments that are not as recomputed above which the check fails.
        interaction_alpha: An effect that depends on another experiment's variant: p-values below it warn.
        interaction_metrics: Whether effects on primary metrics alone are compared, or on all but quality ones.
        shared_units_limit: Units of all experiments together, times one for each few experiments, beyond which those
            that experiments share are not looked at; 0 never looks at them.
    """

    srm_alpha: Threshold = 0.001
    pre_exposure_alpha: Threshold = 0.001
    multiple_exposure_share: Threshold = 0.01
    assignment_share: Threshold = 0.001
    interaction_alpha: Threshold = 0.01
    interaction_metrics: Literal["primary", "all"] = "primary"
    shared_units_limit: Annotated[int, Field(ge=0)] = 50_000_000


class Paths(Spec):
    """Folders, relative to the project."""

    metrics: Text = "metrics"
    experiments: Text = "experiments"
    surfaces: Text = "surfaces"
    fixtures: Text = "fixtures"
    templates: Text = "sql_templates"
    tests: Text = "tests/metrics"
    target: Text = "target"
    allocation: Text = "allocation"


Scalar = str | int | float | bool


def _parse_vars(value: Any) -> Any:
    for name, item in value.items() if isinstance(value, dict) else ():
        items = item if isinstance(item, list) else [item]
        if not all(isinstance(one, Scalar) for one in items):
            raise problem(
                f"vars: {name!r} must be a text, a number, true, false, or a list of those", at=[name]
            )
    return value


class Project(Spec):
    """A project, every default filled in.

    Attributes:
        name: The project's name.
        profile: Entry of ``profiles.yml``; the project's name unless set.
        timezone: IANA zone in which days begin.
        naive_timestamps: IANA zone of timestamps that carry none.
        dialect: Dialect that the project's SQL is written in; None is the target's.
        target_schema: Schema of the engine's tables, unless the profile's output names one. Key ``schema``.
        units: Key column of each unit.
        exposures: By name.
        triggers: By name.
        programmes: By name; see `Programme`.
        defaults: Of experiments and metrics.
        vars: Values of ``{{ var('x') }}``.
        sources: By name.
        dbt_manifest: Path of a dbt ``manifest.json`` through which ``ref`` resolves.
        privacy: What protects single units.
        health: Thresholds of the health checks.
        paths: Folders.
    """

    name: FileName
    profile: FileName
    timezone: Zone = "UTC"
    naive_timestamps: Zone = "UTC"
    dialect: Text | None = None
    target_schema: ColumnName = Field(default="steelyard", alias="schema")
    units: dict[ColumnName, Text]
    exposures: dict[ColumnName, Exposures] = Field(default_factory=dict)
    triggers: dict[ColumnName, Trigger] = Field(default_factory=dict)
    programmes: dict[FileName, Programme] = Field(default_factory=dict)
    defaults: Defaults = Defaults()
    vars: Annotated[dict[str, Any], BeforeValidator(_parse_vars)] = Field(default_factory=dict)
    sources: dict[str, Source] = Field(default_factory=dict)
    dbt_manifest: Text | None = None
    privacy: Privacy = Privacy()
    health: Health = Health()
    paths: Paths = Paths()

    @model_validator(mode="before")
    @classmethod
    def _name_the_profile(cls, value: Any) -> Any:
        return {"profile": value.get("name", "default"), **value} if isinstance(value, dict) else value

    @model_validator(mode="after")
    def _check_units(self) -> Self:
        if not self.units:
            raise problem("a project needs a unit", at=["units"], hint="add user: user_id")
        kinds: dict[str, Mapping[str, Exposures | Trigger | Programme]] = {
            "exposures": self.exposures,
            "triggers": self.triggers,
            "programmes": self.programmes,
        }
        for kind, logs in kinds.items():
            for name, log in logs.items():
                if log.unit not in self.units:
                    at = (kind, name, "unit")
                    raise problem(f"unknown unit {log.unit!r}", at=at, hint=closest(log.unit, self.units))
        return self

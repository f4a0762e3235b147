"""Where `ref('model')` and `source('name', 'table')` lead."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlglot import exp

from steelyard.errors import CompileError
from steelyard.spec.fields import closest
from steelyard.spec.project import Project, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class RelationNames:
    """Names of relations as metrics write them, resolved to quoted SQL names.

    Attributes:
        sources: The project's `sources`.
        models: Relation of each dbt model, from its manifest; None without one, and `ref` then names a table.
    """

    sources: Mapping[str, Source] = field(default_factory=dict)
    models: Mapping[str, str] | None = None

    def ref(self, model: str) -> str:
        """Return the relation of a dbt model.

        Raises:
            CompileError: The manifest has no such model.
        """
        if self.models is None:
            return _quoted(model)
        if model not in self.models:
            raise CompileError(
                f"unknown model {model!r}", hint=closest(model, self.models) or "run dbt compile again"
            )
        return self.models[model]

    def source(self, name: str, table: str) -> str:
        """Return the relation of a table of a source.

        Raises:
            CompileError: The project names no such source.
        """
        if name not in self.sources:
            raise CompileError(
                f"unknown source {name!r}",
                hint=closest(name, self.sources) or "add it under sources in steelyard.yml",
            )
        source = self.sources[name]
        if table in source.tables:
            return _quoted(source.tables[table])
        return _quoted(f"{source.schema_name}.{table}" if source.schema_name else table)


def load_relations(project: Project, root: Path) -> RelationNames:
    """Read the dbt manifest, if the project names one.

    Raises:
        CompileError: The manifest is missing or is not one.
    """
    models = None if project.dbt_manifest is None else _models(root / project.dbt_manifest)
    return RelationNames(sources=project.sources, models=models)


def _models(path: Path) -> dict[str, str]:
    try:
        manifest: Any = json.loads(path.read_text(encoding="utf-8"))
        nodes = [*manifest["nodes"].values(), *manifest.get("sources", {}).values()]
        return {
            node["name"]: node["relation_name"]
            for node in nodes
            if node.get("resource_type") in ("model", "seed", "snapshot") and node.get("relation_name")
        }
    except OSError as error:
        raise CompileError(
            f"the dbt manifest cannot be read: {error.strerror}", where=str(path), hint="run dbt compile"
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CompileError("this is no dbt manifest", where=str(path), hint="run dbt compile") from error


def _quoted(name: str) -> str:
    """Quote only what needs it: the text is read in the metric's dialect, and quotes differ between dialects."""
    return ".".join(exp.to_identifier(part).sql("duckdb") for part in name.split("."))

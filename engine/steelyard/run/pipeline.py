"""One run: plan, collect, analyse and publish every experiment, none of which takes another down."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from time import perf_counter
from typing import Any

from steelyard import __version__
from steelyard.analysis.around_effect import around_effect
from steelyard.analysis.bandit import bandit_rows
from steelyard.analysis.between_experiments import interaction_rows
from steelyard.analysis.capabilities import require_supported
from steelyard.analysis.collect import Collected, unused_name
from steelyard.analysis.decisions import decision_rows
from steelyard.analysis.factorial import factorial_rows
from steelyard.analysis.health import health_rows
from steelyard.analysis.holdback import Shipped, holdback_rows
from steelyard.analysis.learning import learning_rows
from steelyard.analysis.moment_rows import moment_rows
from steelyard.analysis.result_rows import look_rows, result_rows
from steelyard.analysis.results import Looks, analyse
from steelyard.analysis.rollout import rollout_rows
from steelyard.analysis.stopping import stopping_rows
from steelyard.analysis.switchback import switchback_rows
from steelyard.compile.catalogue import experiment_row, metric_row
from steelyard.compile.group import Group, plan_groups
from steelyard.compile.lock import meaning_of
from steelyard.compile.measure import MetricKey
from steelyard.errors import EngineError
from steelyard.run.auditor import Auditor
from steelyard.run.caps import cap_rows, frozen_caps
from steelyard.run.collect import collect_group, last_exposure_day
from steelyard.run.incremental import Incremental
from steelyard.run.metrics import read_metrics, select_experiments, sorted_items
from steelyard.run.provenance import git_commit, run_label, sql_hash
from steelyard.run.reuse import Reuse
from steelyard.run.shipped import read_shipped
from steelyard.spec.loader import ProjectFiles
from steelyard.spec.profile import Profile
from steelyard.warehouse.base import Warehouse
from steelyard.warehouse.migrate import ensure_tables
from steelyard.warehouse.publish import end_interrupted, publish_experiment, publish_run
from steelyard.warehouse.read import read_looks
from steelyard.warehouse.retry import with_retries

Progress = Callable[[str], None]


@dataclass(slots=True, kw_only=True)
class RunResult:
    """What a run did.

    Attributes:
        run_id: Its name: the same for the same definitions, day and selection.
        as_of: Last day.
        published: Rows written per table, by experiment.
        decisions: Decision rows by experiment.
        health: Health rows by experiment.
        failures: Error of each experiment that failed.
        skipped: Why an experiment was left out.
        seconds: Wall time of each stage.
        statements: SQL of each statement, by log of exposures; of those with one name the second is ``name_2``.
        reused: What was taken from state, by experiment.
    """

    run_id: str
    as_of: date
    published: dict[str, dict[str, int]] = field(default_factory=dict)
    decisions: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    health: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    statements: dict[str, dict[str, str]] = field(default_factory=dict)
    reused: dict[str, Reuse] = field(default_factory=dict)

    @property
    def status(self) -> str:
        """success, partial or error."""
        if not self.failures:
            return "success"
        return "partial" if self.published else "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What a run is asked to do.

    Attributes:
        as_of: Last day; None for the last day of exposures, and at most yesterday.
        select: Names of experiments, ``tag:x`` or ``metric:x``; empty for all.
        full_refresh: Whether looks and caps on record are forgotten first.
        is_series: Whether every day is wanted, not only the last.
        max_rows: Most rows that may be read; None for any number.
        max_bytes: Most bytes, likewise.
    """

    as_of: date | None = None
    select: tuple[str, ...] = ()
    full_refresh: bool = False
    is_series: bool = True
    max_rows: int | None = None
    max_bytes: int | None = None


class Run:
    """One run on one connection."""

    def __init__(
        self,
        files: ProjectFiles,
        profile: Profile,
        warehouse: Warehouse,
        options: RunOptions,
        progress: Progress,
    ) -> None:
        self.files, self.warehouse, self.options, self.progress = files, warehouse, options, progress
        self.schema, self.target = profile.target_schema, profile.target
        self.is_incremental = profile.output.incremental
        self.queries = read_metrics(files, dialect=warehouse.dialect)
        self.fingerprints = {key: meaning_of(query).fingerprint for key, query in self.queries.items()}
        self.started = datetime.now(UTC)
        self.chosen = select_experiments(files, options.select)
        ensure_tables(warehouse, self.schema)
        as_of = options.as_of or last_exposure_day(files, warehouse)
        self.result = RunResult(run_id=self._run_id(as_of), as_of=as_of)
        self.audits: dict[str, list[dict[str, Any]]] = {}

    def execute(self) -> RunResult:
        """Run every group, then record the run."""
        if self.warehouse.is_exclusive:
            end_interrupted(self.warehouse, self.schema)
        self._record(status="running")
        try:
            for name in self.chosen:
                self._check_started(name)
            ready = [name for name in self.chosen if name not in self.result.skipped]
            for group in self._groups(ready):
                self._run_group(group)
        except BaseException as error:
            # Where the connection is gone, the next run records that this one was interrupted.
            with suppress(EngineError):
                self._record(status="error", failures={"": str(error) or "interrupted"})
            raise
        self._record(status=self.result.status, failures=self.result.failures)
        return self.result

    def _check_started(self, name: str) -> None:
        spec = self.files.experiments[name]
        if spec.status == "draft":
            self.result.skipped[name] = "it is a draft"
        elif spec.start is not None and spec.start > self.result.as_of:
            self.result.skipped[name] = f"it starts on {spec.start}, after {self.result.as_of}"

    def _groups(self, names: Sequence[str]) -> Iterator[Group]:
        """Yield the groups; an experiment that cannot be planned fails alone."""
        plannable = []
        for name in names:
            try:
                for group in plan_groups(
                    self.files, self.queries, as_of=self.result.as_of, selected=[name], is_series=True
                ):
                    for planned in group.experiments:
                        require_supported(planned.numbered.spec, planned.measures)
            except EngineError as error:
                self._fail(name, error)
            else:
                plannable.append(name)
        yield from plan_groups(
            self.files,
            self.queries,
            as_of=self.result.as_of,
            selected=plannable,
            is_series=self.options.is_series,
        )

    def _run_group(self, group: Group) -> None:
        names = [one.numbered.spec.name for one in group.experiments]
        self.progress(f"{group.exposures}: {len(names)} experiments, {len(group.scans)} scans")
        started = perf_counter()
        try:
            collected = self._collect(group, names)
        except EngineError as error:
            self._isolate(names, error)
            return
        self.result.seconds[f"collect {group.exposures}"] = perf_counter() - started
        said = self.result.statements.setdefault(group.exposures, {})
        said |= {unused_name(name, said): text for name, text in collected.statements.items()}
        started = perf_counter()
        self._audit(names)
        self.result.seconds[f"audit {group.exposures}"] = perf_counter() - started
        started = perf_counter()
        # A holdback reads what is published of the experiments that it names.
        for name in sorted(names, key=lambda name: bool(self.files.experiments[name].shipped)):
            self._publish(name, collected)
        self.result.seconds[f"analyse {group.exposures}"] = perf_counter() - started

    def _audit(self, names: Sequence[str]) -> None:
        """Recompute the assignments of the experiments that declare them."""
        declared = [name for name in names if self.files.experiments[name].is_assignment_declared]
        if declared:
            auditor = Auditor(self.files, self.warehouse, as_of=self.result.as_of)
            self.audits |= {name: [row] for name, row in auditor.health_rows(declared).items()}

    def _collect(self, group: Group, names: Sequence[str]) -> Collected:
        """Return a group's moments, from state where the warehouse keeps it, and say what was read."""
        caps, label = self._caps(group), run_label(self.result.run_id, names)
        why = ""
        if not self.options.is_series:
            why = "--latest computes one day"
        elif not self.is_incremental:
            why = "the output in profiles.yml has incremental: false"
        elif not self.warehouse.keeps_state:
            why = f"no state is kept on {self.warehouse.dialect}"
        if why:
            collected = collect_group(group, self.files, self.warehouse, frozen_caps=caps, label=label)
            self.result.reused.update(dict.fromkeys(names, Reuse(mode="full", reason=why)))
        else:
            incremental = Incremental(
                self.files,
                self.queries,
                self.warehouse,
                schema=self.schema,
                as_of=self.result.as_of,
                full_refresh=self.options.full_refresh,
                run_id=self.result.run_id,
            )
            collected = incremental.collect(group, frozen_caps=caps, label=label)
            self.result.reused.update(incremental.reused)
        self._tell_reuse(names)
        return collected

    def _tell_reuse(self, names: Sequence[str]) -> None:
        """Say what was reused, experiments of which the same is to be said together."""
        said: dict[str, list[str]] = {}
        for name in names:
            said.setdefault(str(self.result.reused[name]), []).append(name)
        for words, those in said.items():
            more = f" and {len(those) - 3} more" if len(those) > 3 else ""
            self.progress(f"{', '.join(those[:3])}{more}: {words}")

    def _isolate(self, names: Sequence[str], error: EngineError) -> None:
        """Run a group's experiments one by one, so that the one that fails takes no other down."""
        if len(names) == 1:
            self._fail(names[0], error)
            return
        self.progress(
            f"the shared plan failed ({error.args[0]}); running {len(names)} experiments one by one"
        )
        for name in names:
            for group in plan_groups(
                self.files,
                self.queries,
                as_of=self.result.as_of,
                selected=[name],
                is_series=self.options.is_series,
            ):
                self._run_group(group)

    def _publish(self, name: str, collected: Collected) -> None:
        try:
            tables = self._tables(name, collected)
            self.result.published[name] = with_retries(
                lambda: publish_experiment(
                    self.warehouse,
                    self.schema,
                    experiment_id=name,
                    as_of=self.result.as_of,
                    tables=tables,
                    full_refresh=self.options.full_refresh,
                ),
                tell=self.progress,
            )
        except EngineError as error:
            self._fail(name, error)
            return
        self.result.decisions[name] = list(tables["decisions"])
        self.result.health[name] = list(tables["health"])

    def _tables(self, name: str, collected: Collected) -> dict[str, list[dict[str, Any]]]:
        """Return the rows of every table of an experiment."""
        moments = collected.experiments[name]
        looks = {} if self.options.full_refresh else self._looks(name)
        analysis = analyse(moments, looks=looks)
        health = [
            *health_rows(analysis, collected.counts[name], self.files.project.health),
            *self.audits.get(name, []),
        ]
        decisions = list(decision_rows(analysis, health))
        minimum = self.files.project.privacy.minimum_units
        series = [self._stamp(row) for row in result_rows(analysis) if _is_shown(row, minimum)]
        latest = [{**row, "as_of": self.result.as_of} for row in _of_day(series, moments.days[-1])]
        stored = [self._stamp(row) for row in moment_rows(moments)]
        return {
            "results": latest,
            "timeseries": series if self.options.is_series else _of_day(series, moments.days[-1]),
            "looks": [self._stamp(row) for row in look_rows(analysis)],
            "health": [self._stamp(row) for row in health],
            "decisions": [self._stamp(row) for row in decisions],
            "insights": [
                self._stamp(row)
                for row in (
                    *around_effect(analysis, collected.counts[name], minimum_units=minimum),
                    *interaction_rows(analysis, collected.counts[name], minimum_units=minimum),
                    *stopping_rows(analysis),
                    *factorial_rows(analysis),
                    *bandit_rows(analysis),
                    *rollout_rows(analysis, health),
                    *switchback_rows(analysis),
                    *holdback_rows(analysis, self._shipped(name)),
                )
            ],
            "learning": [self._stamp(row) for row in learning_rows(analysis, decisions, health)],
            "caps": [
                self._stamp(row) for row in cap_rows(moments.planned, collected.caps, as_of=self.result.as_of)
            ],
            "moments": stored if self.options.is_series else _of_day(stored, moments.days[-1]),
        }

    def _shipped(self, name: str) -> list[Shipped]:
        return read_shipped(
            self.warehouse, self.schema, self.files.experiments[name], as_of=self.result.as_of
        )

    def _stamp(self, row: dict[str, Any]) -> dict[str, Any]:
        stamped = {**row, "run_id": self.result.run_id}
        if "metric_type" in row:
            key = MetricKey(name=row["metric"], version=row["metric_version"])
            stamped["metric_fingerprint"] = self.fingerprints[key]
        return stamped

    def _looks(self, name: str) -> Looks:
        treatments = [variant.name for variant in self.files.experiments[name].treatments]
        found: dict[tuple[str, str, int], list[Mapping[str, Any]]] = {}
        for look in read_looks(self.warehouse, self.schema, name):
            if look["variant"] in treatments:
                key = (look["metric"], look["hypothesis"], treatments.index(look["variant"]))
                found.setdefault(key, []).append(look)
        return found

    def _caps(self, group: Group) -> dict[str, float | None]:
        if self.options.full_refresh:
            return {}
        return frozen_caps(self.warehouse, self.schema, group.experiments)

    def _fail(self, name: str, error: EngineError) -> None:
        self.result.failures[name] = str(error)

    def _run_id(self, as_of: date) -> str:
        """Return a name that is the same for the same definitions, day and selection."""
        meanings = sorted(f"{key} {fingerprint}" for key, fingerprint in self.fingerprints.items())
        specs = [self.files.experiments[name].model_dump_json() for name in self.chosen]
        settings = self.files.project.model_dump_json()
        text = "\n".join(
            [__version__, as_of.isoformat(), settings, str(self.options.is_series), *meanings, *specs]
        )
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def _sql_hash(self) -> str | None:
        """Return a hash of the compiled SQL, or of what it is compiled from where it follows from state as well."""
        if all(one.mode == "full" for one in self.result.reused.values()):
            return sql_hash(self.result.statements)
        exposures = {name: one.sql for name, one in self.files.project.exposures.items()}
        metrics = {str(key): meaning_of(query).sql for key, query in sorted_items(self.queries)}
        return sql_hash({"exposures": exposures, "metrics": metrics})

    def _record(self, *, status: str, failures: Mapping[str, str] | None = None) -> None:
        """Write the run and the catalogue."""
        run = {
            "run_id": self.result.run_id,
            "started": self.started,
            "ended": None if status == "running" else datetime.now(UTC),
            "status": status,
            "as_of": self.result.as_of,
            "engine_version": __version__,
            "git_commit": git_commit(self.files.root),
            "sql_hash": self._sql_hash(),
            "rows_read": None,
            "bytes_read": None,
            "stage_seconds": {name: round(value, 3) for name, value in self.result.seconds.items()},
            "experiments": list(self.chosen),
            "failures": dict(failures or {}),
            "target": self.target,
        }
        metrics = [
            {**metric_row(key, query), "run_id": self.result.run_id}
            for key, query in sorted_items(self.queries)
        ]
        experiments = [
            {**experiment_row(self.files.experiments[name]), "run_id": self.result.run_id}
            for name in self.chosen
        ]
        publish_run(
            self.warehouse,
            self.schema,
            run=run,
            metrics=metrics if status != "running" else (),
            experiments=experiments if status != "running" else (),
        )


def _of_day(rows: Sequence[dict[str, Any]], day: date) -> list[dict[str, Any]]:
    """Return the rows of a day. Without the series, open windows of earlier days hold what came after them."""
    return [row for row in rows if row["as_of"] == day]


def _is_shown(row: Mapping[str, Any], minimum: int) -> bool:
    """Return whether a row has enough units to be shown."""
    return bool(row["dimension"] == "" or min(row["n_control"], row["n_variant"]) >= minimum)

"""A project and what can be done with it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

from steelyard.compile.group import ColumnTypes, plan_groups
from steelyard.compile.measure import MetricKey
from steelyard.compile.metric_query import MetricQuery
from steelyard.compile.plan import GroupPlan
from steelyard.errors import EngineError, WarehouseError
from steelyard.run.artifacts import (
    require_folder,
    write_failure,
    write_run_results,
    write_running,
    write_statements,
)
from steelyard.run.budget import require_budget
from steelyard.run.collect import project_templates
from steelyard.run.metrics import read_metrics, select_experiments
from steelyard.run.pipeline import Progress, Run, RunOptions, RunResult
from steelyard.spec.loader import ProjectFiles, load_project
from steelyard.spec.profile import Profile, load_profile
from steelyard.warehouse.base import Warehouse
from steelyard.warehouse.registry import connect

WAIT_SECONDS = 10.0
"""How long a run waits for another one that holds the warehouse."""


class Project:
    """A project: its files, and what can be done with them.

    Args:
        files: The files.
        target: Target of the profile; None for its default.
        profiles_dir: Where ``profiles.yml`` is; None for the usual places.

    Examples:
        >>> Project.load("nowhere")
        Traceback (most recent call last):
        steelyard.errors.SpecError: no steelyard.yml in nowhere
          hint: run steelyard init, or name a project with --project-dir
    """

    def __init__(
        self, files: ProjectFiles, *, target: str | None = None, profiles_dir: Path | None = None
    ) -> None:
        self.files, self._target, self._profiles_dir = files, target, profiles_dir

    @classmethod
    def load(
        cls, path: Path | str = ".", *, target: str | None = None, profiles_dir: Path | None = None
    ) -> "Project":
        """Read and validate a project.

        Raises:
            SpecError: Everything that is wrong in its files.
        """
        return cls(load_project(path), target=target, profiles_dir=profiles_dir)

    def profile(self) -> Profile:
        """Return the chosen output of the project's profile."""
        return load_profile(
            self.files.project, self.files.root, target=self._target, profiles_dir=self._profiles_dir
        )

    def connect(self, *, wait_seconds: float = WAIT_SECONDS) -> Warehouse:
        """Connect to the target."""
        return connect(self.profile(), wait_seconds=wait_seconds)

    @contextmanager
    def writer(self) -> Iterator[Warehouse]:
        """Connect to the target as the only one that writes to its schema.

        Raises:
            WarehouseError: Another process still writes; says who it is.
        """
        schema = self.profile().target_schema
        with (
            self.connect(wait_seconds=WAIT_SECONDS) as warehouse,
            warehouse.only_writer(schema, wait_seconds=WAIT_SECONDS),
        ):
            yield warehouse

    def metrics(self, *, dialect: str = "duckdb") -> dict[MetricKey, MetricQuery]:
        """Read and take apart every metric."""
        return read_metrics(self.files, dialect=dialect)

    def plans(
        self,
        *,
        as_of: date | None = None,
        select: Sequence[str] = (),
        is_series: bool = True,
        dialect: str = "duckdb",
    ) -> list[GroupPlan]:
        """Return the plans of a run without a warehouse; types of columns are taken from the metrics' own words."""
        queries = self.metrics(dialect=dialect)
        chosen = select_experiments(self.files, select)
        groups = plan_groups(
            self.files,
            queries,
            as_of=as_of or _last_planned(self.files),
            selected=chosen,
            is_series=is_series,
        )
        templates = project_templates(self.files)
        return [
            GroupPlan(group, files=self.files, types=ColumnTypes(), templates=templates, dialect=dialect)
            for group in groups
        ]

    def run(self, options: RunOptions | None = None, *, progress: Progress = lambda _: None) -> RunResult:
        """Compile, push down, analyse and publish.

        Args:
            options: What to do.
            progress: Called with one line as each stage begins.

        Raises:
            EngineError: Nothing could be run; a single experiment's failure is in the result.
        """
        asked = options or RunOptions()
        require_folder(self.files)
        profile = self.profile()
        write_running(self.files, options=asked, target=profile.target)
        try:
            with self.writer() as warehouse, self._keeping_statements(warehouse):
                if asked.max_rows is not None or asked.max_bytes is not None:
                    self._require_budget(warehouse, asked)
                result = Run(self.files, profile, warehouse, asked, progress).execute()
        except EngineError as error:
            write_failure(self.files, error, options=asked, target=profile.target)
            raise
        except KeyboardInterrupt:
            told = WarehouseError(
                "the run was interrupted", hint="run it again; nothing half-written is kept"
            )
            write_failure(self.files, told, options=asked, target=profile.target)
            raise
        write_run_results(self.files, result, target=profile.target)
        return result

    @contextmanager
    def _keeping_statements(self, warehouse: Warehouse) -> Iterator[None]:
        """Write what a run asks to ``target/run``, whether it ends well or not."""
        warehouse.asked = []
        try:
            yield
        finally:
            write_statements(self.files, warehouse.asked)

    def _require_budget(self, warehouse: Warehouse, options: RunOptions) -> None:
        plans = self.plans(
            as_of=options.as_of,
            select=options.select,
            is_series=options.is_series,
            dialect=warehouse.dialect,
        )
        require_budget(plans, warehouse, options)


def _last_planned(files: ProjectFiles) -> date:
    """Return a day on which every experiment has begun, for plans without a warehouse."""
    days = [day for spec in files.experiments.values() for day in (spec.start, spec.end) if day is not None]
    return max(days, default=datetime.now(UTC).date())

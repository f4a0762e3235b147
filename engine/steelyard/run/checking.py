"""Everything that can be wrong with a project before a warehouse is asked."""

from collections.abc import Iterator

from steelyard.analysis.capabilities import require_supported
from steelyard.assign.allocation.programmes import disagreements, load_programmes
from steelyard.compile.lock import LOCK_FILE, check_lock, write_lock
from steelyard.compile.measure import Measure
from steelyard.errors import CompileError, EngineError, SpecError
from steelyard.run.project import Project
from steelyard.spec.experiment import Experiment
from steelyard.spec.experiment_metrics import MetricUse


def check_project(project: Project, *, is_locked: bool = False) -> Iterator[str]:
    """Yield what was found to be in order, and what was assumed.

    Args:
        project: The project.
        is_locked: Whether a version that ``metrics.lock`` lacks is an error; otherwise it is added.

    Raises:
        EngineError: The first thing that is wrong, or a list of all of one kind.
    """
    queries = project.metrics()
    unlocked = check_lock(project.files.root, queries)
    if unlocked and is_locked:
        names = ", ".join(map(str, unlocked))
        raise SpecError(f"{LOCK_FILE} lacks {names}", hint="run steelyard check and commit the lock")
    drafts = [name for name, spec in project.files.experiments.items() if spec.status == "draft"]
    problems = [str(one) for one in disagreements(project.files, load_programmes(project.files))]
    notes: list[str] = []
    for name, spec in project.files.experiments.items():
        if name in drafts and spec.start is None:
            continue
        try:
            for plan in project.plans(select=[name]):
                units = plan.questions({}).units
                for statement in (*plan.setup(), *([] if units is None else [units])):
                    plan.text(statement.tree)
                for planned in plan.group.experiments:
                    require_supported(planned.numbered.spec, planned.measures)
                    notes += _notes(planned.numbered.spec, planned.measures)
        except EngineError as error:
            problems.append(str(error))
    if problems:
        raise CompileError("\n".join(dict.fromkeys(problems)))
    write_lock(project.files.root, queries)
    yield f"{len(queries)} metrics, {len(project.files.experiments)} experiments, {len(drafts)} of them drafts"
    if unlocked:
        yield f"{LOCK_FILE}: added {', '.join(map(str, unlocked))}"
    yield from notes


def _notes(experiment: Experiment, measures: tuple[tuple[MetricUse, Measure], ...]) -> Iterator[str]:
    """Yield what an experiment's analysis assumes."""
    if experiment.analysis.test == "fixed":
        return
    windowless = [m for _, m in measures if m.query.source.config.window is None]
    names = ", ".join(dict.fromkeys(measure.key.name for measure in windowless))
    if windowless and windowless[0].end is not None:
        yield (
            f"{experiment.name}: {experiment.analysis.test} tests take cohort metrics; {names}: "
            f"{windowless[0].end.days} days after the exposure, mature (defaults.window)"
        )

"""What a warehouse cannot say in a statement, and which metric asks for it."""

from collections.abc import Iterator

from steelyard.compile.exposure_plan import ExposurePlan
from steelyard.compile.group import Statement
from steelyard.dialects.dialect import Dialect
from steelyard.dialects.registry import DIALECTS
from steelyard.errors import CompileError


def refusals_of(plan: ExposurePlan, statement: Statement) -> Iterator[CompileError]:
    """Yield what the plan's dialect refuses in a statement.

    Each refusal says the statement and the files of the metrics in whose own words it is found; where it is found in
    none, the files of all metrics that the statement is for.
    """
    dialect = DIALECTS[plan.dialect]
    refusals = dialect.refusals(statement.tree)
    words = _words_of_metrics(plan, statement, dialect) if refusals else {}
    for refusal in refusals:
        message = refusal.args[0]
        files = [file for file in statement.files if message in words.get(file, ())] or statement.files
        where = f"{', '.join(files)}: statement {statement.name}" if files else f"statement {statement.name}"
        yield CompileError(message, where=where, hint=refusal.hint)


def _words_of_metrics(plan: ExposurePlan, statement: Statement, dialect: Dialect) -> dict[str, set[str]]:
    """Return, by the files of a statement's metrics, what is refused in the metric as it is written."""
    measures = [*plan.group.measures.values()]
    measures += [c.measure for one in plan.group.measures.values() for c in one.covariates if c.measure]
    return {
        one.query.source.where: {refusal.args[0] for refusal in dialect.refusals(one.query.tree)}
        for one in measures
        if one.query.source.where in statement.files
    }

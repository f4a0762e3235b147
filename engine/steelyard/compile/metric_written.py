"""A metric's query as its author wrote it, with constants for its bounds: what a warehouse is asked to check."""

from sqlglot import exp

from steelyard.compile.metric_query import MetricQuery
from steelyard.compile.time_predicate import STARTS, bound_name


def written_query(query: MetricQuery, *, first: exp.Expr, last: exp.Expr) -> exp.Expr:
    """Return a metric's query with its bounds in place.

    Args:
        query: The metric.
        first: Start of the span, of the time column's type.
        last: Its end.
    """

    def bind(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Placeholder | exp.Parameter):
            return (first if bound_name(node) in STARTS else last).copy()
        return node

    return query.tree.copy().transform(bind)

"""Changes of moments by day since the last closed day: from the rows of the open days and the totals until then."""

from collections.abc import Mapping
from typing import Any

from sqlglot import exp

from steelyard.compile.day_moments import DayMoments
from steelyard.compile.scan import Scan, ScanPartial
from steelyard.compile.unit_values import UnitValues, total_over_days
from steelyard.compile.values import column


class DaysSince(DayMoments):
    """Builds one query over a scan's open days.

    Open days are few and most units are active on one of them, so each row is joined with the rows before it: a window
    over all that units have had would sort what most of them need not have sorted.

    Args:
        scan: A scan with a row per unit and day.
        units: Values of units, the covariates among them.
        experiments: Whose caps count for which units, as in `Group.capped_like`.
        recent: Table with the rows of the open days, and of those before the exposure of units that have entered.
        known: Table with the totals until the closed day; None where no unit of before is read.
        before: Relation of each scan's rows before the exposure, by the name that `UnitValues` reads it by.
        is_asked: Condition on ``recent`` that the changes of a row are wanted; None for all.
    """

    def __init__(
        self,
        scan: Scan,
        *,
        units: UnitValues,
        experiments: Mapping[int, int],
        recent: str,
        known: exp.Expr | None,
        before: dict[str, exp.Expr],
        is_asked: exp.Expr | None = None,
    ) -> None:
        super().__init__(scan, units=units, experiments=experiments)
        self.recent, self.known, self.before, self.is_asked = recent, known, before, is_asked

    def context(self) -> dict[str, Any]:
        """Return the values of the template ``day_moments.sql``."""
        read = {
            one.table
            for value in self.values.trees
            for one in value["tree"].find_all(exp.Column)
            if one.table in self.before
        }
        since = {
            "recent": self.recent,
            "known": self.known,
            "is_asked": self.is_asked,
            "before": [{"name": name, "relation": self.before[name]} for name in sorted(read)],
        }
        return {**super().context(), "since": since}

    def _columns(self) -> list[dict[str, Any]]:
        return [self._column(partial) for partial in self.scan.partials]

    def _column(self, partial: ScanPartial) -> dict[str, Any]:
        name, merge = partial.name, partial.partial.merge
        before: exp.Expr = column(name, "earlier")
        if self.known is not None:
            before = merged(merge, column(name, "closed"), before)
        return {
            "name": name,
            "before_name": f"{name}_before",
            "merged": total_over_days(partial),
            "now": merged(merge, before, column(name, "recent")),
            "before": before,
        }

    def _covariate(self, raw: str) -> exp.Expr:
        (tree,) = [one for one, name in self.units.columns.names.items() if name == raw]
        return tree.copy()


def merged(merge: str, left: exp.Expr, right: exp.Expr) -> exp.Expr:
    """Return two partial aggregates as one; either may be NULL.

    Args:
        merge: How they merge, as `Partial.merge` names it.
        left: One.
        right: The other.
    """
    if merge in ("add", "distinct"):
        both: exp.Expr = exp.Add(this=left.copy(), expression=right.copy())
    else:
        compare = exp.LT if merge == "min" else exp.GT
        first = exp.If(this=compare(this=left.copy(), expression=right.copy()), true=left.copy())
        # Without a default: where either is NULL neither comparison holds.
        second = exp.If(
            this=exp.Not(this=exp.paren(compare(this=left.copy(), expression=right.copy()))),
            true=right.copy(),
        )
        both = exp.Case(ifs=[first, second])
    return exp.Coalesce(this=both, expressions=[left.copy(), right.copy()])

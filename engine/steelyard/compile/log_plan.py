"""Questions about a log of exposures beside the analysed units: what it holds that cannot be analysed."""

from datetime import timedelta

from sqlglot import exp

from steelyard.compile.clock import timestamp_literal
from steelyard.compile.exposure_plan import DAY, ExposurePlan
from steelyard.compile.exposure_sql import first_variant, starting
from steelyard.compile.values import column

LEAD = timedelta(days=30)
"""How long before the first start exposures are looked for that come too early."""


class LogPlan(ExposurePlan):
    """The questions of one group; takes what `ExposurePlan` takes."""

    def log_quality_query(self) -> exp.Expr:
        """Return a query for exposures that cannot be analysed: experiment, place, has_unit, variant, n, last moment.

        The place is inside the experiment's dates, before its start, after its end, or later than the run's last day.
        """
        context = self._seen_context()
        is_unit = exp.paren(context["is_unit"])
        first = self.clock.start_of(min(one.first_day for one in self.numbered) - LEAD)
        since = starting(
            column("exposed_at", "log"),
            self._not_before(first),
            self.log_types(self.group.exposures),
            self.clock,
        )
        as_of = timestamp_literal(self.clock.start_of(self.numbered[0].as_of + DAY))
        own = {
            "is_unit": is_unit,
            "is_unit_here": is_unit,
            "since": since,
            "place": _place(context["instant"], as_of),
        }
        return self.templates.render("log_quality.sql", **{**context, **own})

    def multiple_query(self) -> exp.Expr:
        """Return a query for units seen in several variants: experiment, variant they were first seen in, n."""
        variants = max(len(one.spec.variants) for one in self.numbered)
        first = first_variant(self._ordering_dimensions(), variants=variants)
        number = column("experiment_no")
        return (
            exp.select(
                number, exp.alias_(first, "first_variant_no"), exp.alias_(exp.Count(this=exp.Star()), "n")
            )
            .from_("seen_units")
            .where(exp.NEQ(this=column("variant_no"), expression=column("last_variant_no")))
            .group_by(number.copy(), first.copy())
        )

    def assigned_query(self) -> exp.Expr | None:
        """Return a query for units seen in one variant, of experiments with a trigger: experiment, variant, n."""
        triggered = [one.number for one in self.numbered if one.spec.analysis.trigger is not None]
        if not triggered:
            return None
        keys = [column("experiment_no"), column("variant_no")]
        return (
            exp.select(*keys, exp.alias_(exp.Count(this=exp.Star()), "n"))
            .from_("seen_units")
            .where(exp.EQ(this=column("variant_no"), expression=column("last_variant_no")))
            .where(
                exp.In(this=column("experiment_no"), expressions=[exp.Literal.number(n) for n in triggered])
            )
            .group_by(*(key.copy() for key in keys))
        )


def _place(moment: exp.Expr, as_of: exp.Expr) -> exp.Expr:
    """Return where a moment lies: inside an experiment's dates, before or after them, or later than the run."""
    starts, ends = column("starts_at", "experiments"), column("ends_at", "experiments")
    return (
        exp.Case(default=exp.Literal.string("inside"))
        .when(exp.LT(this=moment.copy(), expression=starts), exp.Literal.string("before"))
        .when(exp.GTE(this=moment.copy(), expression=as_of), exp.Literal.string("later"))
        .when(exp.GTE(this=moment.copy(), expression=ends), exp.Literal.string("after"))
    )

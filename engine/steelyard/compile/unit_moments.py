"""Moments of values that a unit has once: cohort metrics, a single look, and covariates on entry."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from sqlglot import exp

from steelyard.compile.clock import date_literal
from steelyard.compile.measure import Measure
from steelyard.compile.moment_sql import (
    Columns,
    Layout,
    Terms,
    Vector,
    add_direct_terms,
    caps_context,
    caps_of,
)
from steelyard.compile.unit_values import UnitValues
from steelyard.compile.values import capped, column


class UnitMoments:
    """Builds one query over the values of units for many measures.

    Args:
        values: The values, which the query's own are added to.
        experiments: Whose caps count for which units, as in `Group.capped_like`.
    """

    def __init__(self, values: UnitValues, *, experiments: Mapping[int, int]) -> None:
        self.values, self.experiments = values, experiments
        self.capped, self.terms = Columns(prefix="v"), Terms()
        self.layouts: list[Layout] = []

    def add(self, measure: Measure, *, entry: str, with_outcomes: bool, until: date | None = None) -> Layout:
        """Add a measure's moments; without outcomes only those of its covariates, on entry.

        Args:
            measure: The measure.
            entry: Column with the day from which on a unit counts.
            with_outcomes: Whether its values are wanted, beside those of its covariates.
            until: Day by which a unit must count; None where the rows keep their day.
        """
        vector = self._vector(measure, with_outcomes=with_outcomes)
        if until is not None:
            has_entered = exp.LTE(this=column(entry), expression=date_literal(until))
            known = [] if vector.is_counted is None else [vector.is_counted]
            vector = replace(vector, is_counted=exp.and_(has_entered, *known))
        n, sums, products = add_direct_terms(vector, self.terms, with_outcomes=with_outcomes)
        layout = Layout(
            measure=measure.name,
            vector=(*vector.outcomes, *vector.covariates),
            outcomes=len(measure.fills),
            n=n,
            sums=tuple(sums),
            products=products,
            entry=entry,
        )
        self.layouts.append(layout)
        return layout

    def context(self) -> dict[str, Any]:
        """Return the values of the template ``unit_moments.sql``."""
        return {
            "capped": self.capped.trees,
            "known_caps": caps_context((value["tree"] for value in self.capped.trees), self.experiments),
            "terms": self.terms.trees,
        }

    def _vector(self, measure: Measure, *, with_outcomes: bool) -> Vector:
        covariates = self._covariates(measure)
        if not with_outcomes:
            return Vector(outcomes=("",) * len(measure.fills), covariates=covariates, is_counted=None)
        outcomes = []
        for index, name in enumerate(self.values.outcomes(measure, measure.fills)):
            caps = caps_of(measure, index, is_covariate=False, experiments=self.experiments)
            outcomes.append(self.capped.add(capped(column(name), caps)))
        if all(fill is not None for fill in measure.fills):
            return Vector(outcomes=tuple(outcomes), covariates=covariates, is_counted=None)
        known = [exp.Not(this=exp.Is(this=column(name), expression=exp.null())) for name in outcomes]
        return Vector(outcomes=tuple(outcomes), covariates=covariates, is_counted=exp.and_(*known))

    def _covariates(self, measure: Measure) -> tuple[str, ...]:
        names = []
        for raw, owner, index in self.values.covariates(measure):
            tree: exp.Expr = column(raw)
            if owner is not None:
                tree = capped(tree, caps_of(owner, index, is_covariate=True, experiments=self.experiments))
            names.append(self.capped.add(tree))
        return tuple(names)

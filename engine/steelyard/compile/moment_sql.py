"""Moments as SQL: which sums a measure needs, and the trees that compute them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlglot import exp

from steelyard.compile.exposure_sql import CELLS_PER_EXPERIMENT
from steelyard.compile.measure import Measure
from steelyard.compile.scan import Scan
from steelyard.compile.values import Caps, Read, as_double, column, filled, measured, number


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where one measure's moments are in a result.

    Attributes:
        measure: The measure's name.
        vector: Names of its values: outcome (and denominator), then covariates.
        outcomes: How many of them are outcomes: 1, or 2 for a ratio.
        n: Column with the number of units.
        sums: Column of each value's sum about its shift; None where another query has it.
        products: Column of each cross product, by pair of positions.
        entry: Column with the day from which on a unit counts; '' for changes by day.
    """

    measure: str
    vector: tuple[str, ...]
    outcomes: int
    n: str
    sums: tuple[str | None, ...]
    products: Mapping[tuple[int, int], str]
    entry: str


@dataclass(slots=True, kw_only=True)
class Terms:
    """Sums of a query; equal ones are computed once."""

    names: dict[exp.Expr, str] = field(default_factory=dict)
    trees: list[dict[str, Any]] = field(default_factory=list)

    def add(self, tree: exp.Expr) -> str:
        """Return the column of a sum."""
        if tree not in self.names:
            self.names[tree] = f"m{len(self.names) + 1}"
            self.trees.append({"name": self.names[tree], "tree": tree})
        return self.names[tree]


@dataclass(slots=True, kw_only=True)
class Columns:
    """Value columns of a query; equal ones are computed once."""

    prefix: str
    names: dict[exp.Expr, str] = field(default_factory=dict)
    trees: list[dict[str, Any]] = field(default_factory=list)

    def add(self, tree: exp.Expr) -> str:
        """Return the column of a value."""
        if tree not in self.names:
            self.names[tree] = f"{self.prefix}{len(self.names) + 1}"
            self.trees.append({"name": self.names[tree], "tree": tree})
        return self.names[tree]


def shift(name: str) -> exp.Expr:
    """Return the placeholder of a value's shift, bound once the shifts are known."""
    return exp.Placeholder(this=f"shift_{name}")


def shifted(name: str) -> exp.Expr:
    """Return a value less its shift."""
    return exp.paren(exp.Sub(this=column(name), expression=shift(name)))


def product(left: exp.Expr, right: exp.Expr) -> exp.Expr:
    """Return a product."""
    return exp.Mul(this=left, expression=right)


def total(tree: exp.Expr) -> exp.Expr:
    """Return a sum."""
    return exp.Sum(this=tree)


def cap_value(
    measure: Measure, index: int, side: str, *, is_covariate: bool, experiments: Mapping[int, int]
) -> exp.Expr:
    """Return a percentile cap: a placeholder, or with several experiments a column of ``caps``."""
    if len(set(experiments.values())) == 1:
        only = next(iter(experiments.values()))
        return exp.Placeholder(this=cap_name(measure, index, side, only, is_covariate=is_covariate))
    return column(cap_name(measure, index, side, None, is_covariate=is_covariate), "caps")


def caps_context(trees: Iterable[exp.Expr], experiments: Mapping[int, int]) -> dict[str, Any] | None:
    """Return the relation ``caps`` that trees read: one row per experiment; None where they read none.

    Args:
        trees: The trees.
        experiments: As in `Group.capped_like`.
    """
    names = sorted({one.name for tree in trees for one in tree.find_all(exp.Column) if one.table == "caps"})
    if not names:
        return None
    rows = [
        [exp.Literal.number(number), *(_cap_placeholder(f"{name}_{owner}") for name in names)]
        for number, owner in experiments.items()
    ]
    return {"names": names, "rows": rows, "cells_per_experiment": CELLS_PER_EXPERIMENT}


def _cap_placeholder(name: str) -> exp.Expr:
    return exp.cast(exp.Placeholder(this=name), exp.DType.DOUBLE, copy=False)


def cap_name(measure: Measure, index: int, side: str, experiment: int | None, *, is_covariate: bool) -> str:
    """Return the name of a percentile cap; without the experiment, the column that holds it for all of them."""
    metric = "".join(c if c.isalnum() else "_" for c in measure.name)
    name = f"{side}_cap_{metric}_{'before' if is_covariate else 'value'}{index + 1}"
    return name if experiment is None else f"{name}_{experiment}"


def caps_of(measure: Measure, index: int, *, is_covariate: bool, experiments: Mapping[int, int]) -> Caps:
    """Return the limits of one value of a measure."""
    limits: dict[str, exp.Expr] = {}
    for side in ("lower", "upper"):
        cap = getattr(measure.winsorize, side) if measure.winsorize is not None else None
        if cap is not None and cap.kind == "value":
            limits[side] = number(cap.value)
        elif cap is not None:
            limits[side] = cap_value(measure, index, side, is_covariate=is_covariate, experiments=experiments)
    return Caps(**limits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Vector:
    """Columns of one measure in a query.

    Attributes:
        outcomes: Columns of its outcome, or numerator and denominator.
        covariates: Columns of its covariates.
        is_counted: Condition under which a unit counts; None: always.
    """

    outcomes: tuple[str, ...]
    covariates: tuple[str, ...]
    is_counted: exp.Expr | None


def covariate_trees(
    measure: Measure, reads: Mapping[str, tuple[Scan, Read]], levels: Mapping[str, Sequence[str]]
) -> list[tuple[exp.Expr, Measure | None, int]]:
    """Return the covariates of a measure, uncapped, with the measure and value that caps them."""
    trees: list[tuple[exp.Expr, Measure | None, int]] = []
    for covariate in measure.covariates:
        if covariate.measure is None:
            trees += [
                (tree, None, 0) for tree in _dummies(covariate.dimension, levels.get(covariate.dimension, ()))
            ]
            continue
        scan, read = reads[covariate.measure.name]
        for index, fill in enumerate(covariate.measure.fills):
            value = measured(scan, covariate.measure, index, read)
            trees.append((filled(value, 0.0 if fill is None else fill), covariate.measure, index))
        if not covariate.measure.is_always_counted:
            missing = exp.or_(
                *(
                    exp.Is(this=measured(scan, covariate.measure, index, read), expression=exp.null())
                    for index, fill in enumerate(covariate.measure.fills)
                    if fill is None
                )
            )
            trees.append((as_double(missing), None, 0))
    return trees


def _dummies(dimension: str, levels: Sequence[str]) -> list[exp.Expr]:
    """Return an indicator for each level but the first, the most frequent; the tenth gathers the rest."""
    named = levels[1:10]
    here = column(f"dim_{dimension}", "cells")
    trees = [as_double(exp.EQ(this=here.copy(), expression=exp.Literal.string(level))) for level in named]
    if len(levels) > 10:
        known = [exp.Literal.string(level) for level in levels[:10]]
        trees.append(as_double(exp.Not(this=exp.In(this=here.copy(), expressions=known))))
    return trees


def add_direct_terms(
    vector: Vector, terms: Terms, *, with_outcomes: bool
) -> tuple[str, list[str | None], dict[tuple[int, int], str]]:
    """Add n, sums and products of values that a unit has once."""

    def guarded(tree: exp.Expr) -> exp.Expr:
        if vector.is_counted is None:
            return tree
        return exp.Case(ifs=[exp.If(this=vector.is_counted.copy(), true=tree)])

    names = [*vector.outcomes, *vector.covariates]
    first = 0 if with_outcomes else len(vector.outcomes)
    one = exp.Literal.number(1)
    n = terms.add(exp.Count(this=exp.Star()) if vector.is_counted is None else exp.Count(this=guarded(one)))
    sums: list[str | None] = [None] * len(names)
    products: dict[tuple[int, int], str] = {}
    for i in range(first, len(names)):
        sums[i] = terms.add(total(guarded(shifted(names[i]))))
        for j in range(i, len(names)):
            products[(i, j)] = terms.add(total(guarded(product(shifted(names[i]), shifted(names[j])))))
    return n, sums, products

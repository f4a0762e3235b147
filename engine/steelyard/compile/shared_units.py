"""Units of several experiments: which pairs are looked at, and a unit's variants in them as few numbers."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from steelyard.compile.group import PlannedExperiment
from steelyard.compile.moment_sql import Layout
from steelyard.compile.values import column
from steelyard.spec.design import EPOCH
from steelyard.spec.experiment import Experiment
from steelyard.spec.experiment_metrics import MetricUse

CODES = "unit_codes"
CODES_PER_WORD = 4_096
"""Combinations of variants that one number tells apart; the units that have each are added up before pairs are made."""
NOT_PAIRED = ("switchback",)
"""Designs whose units, blocks of time, are in no other experiment's variant."""


NO_MOMENTS = ("cluster", "bandit")
"""Designs whose effects are no contrast of cells: a cluster's units go together, a bandit's shares follow outcomes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a unit's variant in one experiment stands in its numbers.

    Attributes:
        word: Which of the numbers, from 0.
        unit: The digit's value.
        epochs: Epochs of the allocation, '' alone where it never changes.
        variants: Number of variants.
    """

    word: int
    unit: int
    epochs: tuple[str, ...]
    variants: int

    @property
    def radix(self) -> int:
        """Values of the digit: 0 for a unit that is not in the experiment, then each variant of each epoch."""
        return self.variants * len(self.epochs) + 1

    def read(self, digit: int) -> tuple[int, int]:
        """Return epoch and variant of a digit above 0."""
        return divmod(digit - 1, self.variants)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sharing:
    """The experiments of a run that may share units.

    Attributes:
        specs: All experiments that are in a pair, by name.
        places: Of each of them.
        others: For each of them, those that it is paired with: days of exposures in common, on the same log.
        metrics: ``primary`` or ``all``: the metrics whose effects are looked at.
        left_out: Units that were too many to be looked at, so that no place is left; 0 where they are not.
    """

    specs: Mapping[str, Experiment]
    places: Mapping[str, Place]
    others: Mapping[str, tuple[str, ...]]
    metrics: str = "primary"
    left_out: int = 0

    @classmethod
    def of(cls, planned: Sequence[PlannedExperiment], *, metrics: str = "primary") -> "Sharing":
        """Return the pairs of a group's experiments."""
        able = [one.numbered for one in planned if one.numbered.spec.design not in NOT_PAIRED]
        others = {
            one.spec.name: tuple(
                other.spec.name
                for other in able
                if other is not one and other.first_day <= one.last_day and one.first_day <= other.last_day
            )
            for one in able
        }
        paired = [one.spec for one in able if others[one.spec.name]]
        return cls(
            specs={one.name: one for one in paired},
            places=dict(_placed(paired)),
            others={name: found for name, found in others.items() if found},
            metrics=metrics,
        )

    @property
    def names(self) -> list[str]:
        """The experiments, in the order of their numbers in the answer."""
        return list(self.places)

    @property
    def words(self) -> list[str]:
        """Names of a unit's numbers."""
        count = 1 + max(place.word for place in self.places.values())
        return [f"word_{number + 1}" for number in range(count)]

    def within(self, units: int, *, limit: int) -> "Sharing":
        """Return this, or what says that the units are too many.

        Args:
            units: Units of all experiments together.
            limit: Most times that a unit may be added up; each is once for each of its numbers.
        """
        if units * len(self.words) <= limit:
            return self
        return replace(self, specs={}, places={}, left_out=units)


NOBODY = Sharing(specs={}, places={}, others={})
"""No pairs, where it is known that there are none."""


def _placed(specs: Sequence[Experiment]) -> Iterator[tuple[str, Place]]:
    """Yield the place of each experiment: as many to a number as `CODES_PER_WORD` allows."""
    word, unit = 0, 1
    for spec in specs:
        epochs = tuple(epoch.start.isoformat() for epoch in spec.epochs) or ("",)
        place = Place(word=word, unit=unit, epochs=epochs, variants=len(spec.variants))
        if unit > 1 and unit * place.radix > CODES_PER_WORD:
            word, unit = word + 1, 1
            place = Place(word=word, unit=unit, epochs=epochs, variants=len(spec.variants))
        yield spec.name, place
        unit *= place.radix


def due_measures(planned: PlannedExperiment, *, metrics: str) -> Iterator[str]:
    """Yield the measures of an experiment whose effects may be looked at: a fixed test's once it has ended.

    Args:
        planned: The experiment.
        metrics: As in `Sharing`.
    """
    numbered = planned.numbered
    spec = numbered.spec
    is_ended = spec.end is not None and numbered.as_of >= spec.end
    if spec.design in NO_MOMENTS or (spec.analysis.test == "fixed" and not is_ended):
        return
    for use, measure in planned.measures:
        if is_looked_at(use, metrics) and not measure.is_quantile:
            yield measure.name


def is_looked_at(use: MetricUse, metrics: str) -> bool:
    """Return whether a metric in this role is among ``metrics``, as in `Sharing`."""
    return use.role != "quality" and (metrics == "all" or use.tier == "primary")


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedQuery:
    """A query for the units that experiments share: n, and moments where any are due.

    Its columns are experiment, variant, epoch, number of the other experiment in `Sharing.names`, digit in it, n,
    and the terms.

    Attributes:
        tree: The query, with placeholders for shifts and caps.
        terms: Columns of sums.
        layouts: Where each measure's moments are.
        shifts: Makes the query for the shifts; None where there are no moments.
        shift_names: Placeholders of each column of ``shifts``.
    """

    tree: exp.Expr
    terms: list[str]
    layouts: list[Layout]
    shifts: Callable[[], exp.Expr] | None
    shift_names: Mapping[str, list[str]]


def word_trees(sharing: Sharing, numbers: Mapping[str, int], *, has_epochs: bool) -> list[exp.Expr]:
    """Return each of a unit's numbers as a sum over its experiments.

    Args:
        sharing: The experiments.
        numbers: Number of each in the plan.
        has_epochs: Whether units have an epoch.
    """
    trees: list[exp.Expr] = []
    for position in range(len(sharing.words)):
        case = exp.Case(this=column("experiment_no"), default=exp.Literal.number(0))
        for name, place in sharing.places.items():
            if place.word == position:
                digit = _digit(place) if has_epochs else _plus_one(column("variant_no"))
                value = exp.Mul(this=exp.paren(digit), expression=exp.Literal.number(place.unit))
                case = case.when(exp.Literal.number(numbers[name]), value, copy=False)
        trees.append(exp.cast(exp.Sum(this=case), exp.DType.BIGINT))
    return trees


def _digit(place: Place) -> exp.Expr:
    digit: exp.Expr = _plus_one(column("variant_no"))
    if len(place.epochs) > 1:
        before = exp.Case(default=exp.Literal.number(0))
        for number, epoch in enumerate(place.epochs):
            is_epoch = exp.EQ(this=column(f"dim_{EPOCH}"), expression=exp.Literal.string(epoch))
            before = before.when(is_epoch, exp.Literal.number(number * place.variants), copy=False)
        digit = exp.Add(this=digit, expression=before)
    return digit


def _plus_one(tree: exp.Expr) -> exp.Expr:
    return exp.Add(this=tree, expression=exp.Literal.number(1))


def units_of(numbers: Sequence[int]) -> exp.Select:
    """Return a query for the units of some experiments, counted once for each."""
    among = exp.In(this=column("experiment_no"), expressions=[exp.Literal.number(one) for one in numbers])
    return exp.select(exp.Count(this=exp.Star())).from_("analysed_units").where(among)


def any_coded() -> exp.Select:
    """Return a query for one unit that is in several experiments."""
    return exp.select("unit").from_(CODES).limit(1)


def place_rows(sharing: Sharing) -> list[list[exp.Expr]]:
    """Return number, word, value and radix of each experiment's digit, as literals."""
    return [
        [exp.Literal.number(value) for value in (number, place.word + 1, place.unit, place.radix)]
        for number, place in enumerate(sharing.places.values())
    ]

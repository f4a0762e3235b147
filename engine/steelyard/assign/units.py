"""Who is in which variant of one experiment: for a unit, or for columns of them, piece by piece."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelyard.assign.evaluation import Why
from steelyard.hashing import Assignment, BucketSet, Scheme
from steelyard.hashing.batch import batch
from steelyard.hashing.units import text_of
from steelyard.targeting import Rule, attributes_of, matcher

NO_BUCKET = -1
Buckets = NDArray[np.int64]
Flags = NDArray[np.bool_]
REASONS = (Why.ASSIGNED, Why.NO_UNIT, Why.HOLDBACK, Why.NOT_ALLOCATED, Why.NOT_TARGETED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assigned:
    """What became of some units, in their order.

    Attributes:
        buckets: The buckets that draw the variants; `NO_BUCKET` where there is no unit.
        variants: Positions among the experiment's variants; -1 where there is none.
        reasons: Positions among `REASONS`.
    """

    buckets: Buckets
    variants: NDArray[np.int64]
    reasons: NDArray[np.int64]


class Assigner:
    """Assigns units to the variants of one experiment.

    Args:
        assignment: How it does: hash, cuts, and the buckets of programmes.
        targeting: For whom; None is everyone.

    Examples:
        >>> from steelyard.hashing import DEFAULT
        >>> halves = Assignment(experiment="exp_checkout", scheme=DEFAULT, salt="exp_checkout",
        ...     variants=("control", "treatment"), cuts=(5000, 10000))
        >>> found = Assigner(halves).assign(["user_1", "user_2", None, ""])
        >>> found.buckets.tolist(), found.variants.tolist(), [REASONS[k].value for k in found.reasons]
        ([2419, 2062, -1, -1], [0, 0, -1, -1], ['assigned', 'assigned', 'no_unit', 'no_unit'])
    """

    def __init__(self, assignment: Assignment, targeting: Rule | None = None) -> None:
        self.assignment = assignment
        self.attributes = tuple(sorted(attributes_of(targeting)))
        self._targets: Callable[[Mapping[str, Any]], bool] | None = (
            None if targeting is None else matcher(targeting)
        )

    def assign(self, units: Any, attributes: Mapping[str, Sequence[Any]] | None = None) -> Assigned:
        """Assign a column of units.

        Args:
            units: A pyarrow array of text or integers; or a sequence of text, integers and None.
            attributes: Columns of what targeting asks for, as long as the units; None leaves targeting out.

        Raises:
            SpecError: A unit is neither text nor an integer.
        """
        one = self.assignment
        buckets = _buckets(one.scheme, one.salt, units)
        variants = np.searchsorted(one.cuts, buckets, side="right")
        has_unit = buckets != NO_BUCKET
        held = np.zeros(len(buckets), dtype=np.bool_)
        for part in one.outside:
            held |= _is_in(part, units)
        inside = np.logical_and.reduce(
            [variants < len(one.variants), *(_is_in(part, units) for part in one.inside)]
        )
        targeted = self._targeted(len(buckets), attributes)
        # The first that holds, in the order in which clients ask.
        reasons = np.select([~has_unit, held, ~inside, ~targeted], [1, 2, 3, 4], default=0)
        return Assigned(
            buckets=buckets, variants=np.where(reasons == 0, variants, -1), reasons=reasons.astype(np.int64)
        )

    def _targeted(self, n: int, attributes: Mapping[str, Sequence[Any]] | None) -> Flags:
        if self._targets is None or attributes is None:
            return np.ones(n, dtype=np.bool_)
        columns = [attributes[name] for name in self.attributes]
        rows = (dict(zip(self.attributes, values, strict=True)) for values in zip(*columns, strict=True))
        return np.fromiter(map(self._targets, rows), dtype=np.bool_, count=n)


def _buckets(scheme: Scheme, salt: str, units: Any, buckets: int | None = None) -> Buckets:
    if hasattr(units, "fill_null"):
        found = batch(scheme, salt, units, buckets).fill_null(NO_BUCKET)
        return np.asarray(found.to_numpy(zero_copy_only=False), dtype=np.int64)
    known = np.fromiter((text_of(unit) is not None for unit in units), dtype=np.bool_, count=len(units))
    result = np.full(len(units), NO_BUCKET, dtype=np.int64)
    result[known] = batch(scheme, salt, [unit for unit in units if text_of(unit) is not None], buckets)
    return result


def _is_in(part: BucketSet, units: Any) -> Flags:
    members = np.zeros(part.buckets + 1, dtype=np.bool_)
    members[list(part.members)] = True
    # A unit without a bucket finds the last place, which is nobody's.
    found: Flags = members[_buckets(part.scheme, part.salt, units, part.buckets)]
    return found

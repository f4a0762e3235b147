"""Experiments that would set the same property for the same unit."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from types import MappingProxyType
from typing import Any

from steelyard.assign.allocation.conflicts import is_exclusive
from steelyard.errors import SpecError
from steelyard.spec.experiment import Experiment
from steelyard.spec.fields import parse_fraction
from steelyard.spec.programme import Programme
from steelyard.targeting import are_disjoint, parse_rule

# Warehouses compare flags with numbers.
_AS_NUMBERS = MappingProxyType({"true": "1", "false": "0"})
IsDisjoint = Callable[[Experiment, Experiment], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Collision:
    """Two experiments that set one property and may share a unit.

    Attributes:
        experiment, other: Their names, in order.
        surface: The surface that the property is of; '' where the experiments name none.
        property: Its name.
    """

    experiment: str
    other: str
    surface: str
    property: str


def property_collisions(
    experiments: Iterable[Experiment],
    programmes: Mapping[str, Programme],
    *,
    is_disjoint: IsDisjoint | None = None,
) -> tuple[Collision, ...]:
    """Return the properties that two of the experiments would set for the same unit.

    Args:
        experiments: Those that run at the same time.
        programmes: The project's, by name.
        is_disjoint: Whether no unit can meet the targeting of both; `targeting_is_disjoint` if not given.

    Returns:
        One collision per pair and property, sorted by experiment.
    """
    ordered = sorted(experiments, key=lambda one: one.name)
    return tuple(
        Collision(experiment=one.name, other=other.name, surface=one.surface or "", property=name)
        for one, other in combinations(ordered, 2)
        if one.surface == other.surface
        and may_share_units(one, other, programmes, is_disjoint=is_disjoint or targeting_is_disjoint)
        for name in sorted(properties_of(one) & properties_of(other))
    )


def require_no_collisions(
    experiments: Iterable[Experiment],
    programmes: Mapping[str, Programme],
    *,
    where: Callable[[str], str] = str,
    is_disjoint: IsDisjoint | None = None,
) -> None:
    """Refuse experiments that collide.

    Args:
        experiments: Those that run at the same time.
        programmes: The project's, by name.
        where: From an experiment's name to its place, such as ``files.where``.
        is_disjoint: As in `property_collisions`.

    Raises:
        SpecError: Every collision, one entry each.
    """
    found = property_collisions(experiments, programmes, is_disjoint=is_disjoint)
    if found:
        raise SpecError("\n".join(map(str, _refusals(found, where))))


def may_share_units(
    one: Experiment,
    other: Experiment,
    programmes: Mapping[str, Programme],
    *,
    is_disjoint: IsDisjoint | None = None,
) -> bool:
    """Return whether a unit can be in both experiments while both run."""
    if (is_disjoint or targeting_is_disjoint)(one, other):
        return False
    if one.programme is None or one.programme != other.programme or one.programme not in programmes:
        return True
    return not is_exclusive(one, other, exclusive=programmes[one.programme].exclusive)


def targeting_is_disjoint(one: Experiment, other: Experiment) -> bool:
    """Return whether what experiments target and hold eligible proves that no unit meets both.

    Values that some warehouse could take for the same, such as 1 and ``"1.0"``, prove nothing.
    """
    rules = [None if spec.eligible is None else parse_rule(spec.eligible) for spec in (one, other)]
    if are_disjoint(*rules):
        return True
    shared = one.targeting.keys() & other.targeting.keys()
    return any(
        {_value(value) for value in one.targeting[column]}.isdisjoint(map(_value, other.targeting[column]))
        for column in shared
    )


def properties_of(experiment: Experiment) -> set[str]:
    """Return the properties that any of an experiment's variants sets."""
    return {name for variant in experiment.variants for name in variant.config}


def _value(value: Any) -> Fraction | str:
    text = str(value).strip().casefold()
    try:
        return parse_fraction(_AS_NUMBERS.get(text, text))
    except SpecError:
        return text


def _refusals(found: Iterable[Collision], where: Callable[[str], str]) -> Iterator[SpecError]:
    for one in found:
        surface = f" of the surface {one.surface!r}" if one.surface else ""
        yield SpecError(
            f"{one.other!r} sets the property {one.property!r}{surface}, and so does {one.experiment!r}, "
            "and a unit may be in both",
            where=where(one.other),
            hint="make them exclusive in one programme, or give them targeting without a value in common",
        )

"""Limits on a unit's value: the ones that decide, and others beside them that show how much hangs on the choice."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, model_validator

from steelyard.errors import SpecError
from steelyard.spec.fields import parse_number, parse_percentage, shown
from steelyard.spec.model import Flag, Spec, problem

NO_CAP = "none"
MOST_OTHERS = 10
"""Other caps of one metric: each is one more column of the pass over units."""


class Cap(Spec):
    """A limit on a unit's value.

    Attributes:
        kind: Whether ``value`` is in the metric's own unit, or a percentile in (0, 100).
        value: The limit.
    """

    kind: Literal["value", "percentile"]
    value: float

    def __str__(self) -> str:
        return f"{self.value:.15g}{'%' if self.kind == 'percentile' else ''}"


def _parse_cap(value: Any) -> Any:
    if isinstance(value, Cap):
        return value
    share = parse_percentage(value)
    if share is None:
        return {"kind": "value", "value": parse_number(value)}
    if not 0 < share < 1:
        raise SpecError(f"{shown(value)} is not a percentile between 0% and 100%")
    return {"kind": "percentile", "value": float(share * 100)}


AnyCap = Annotated[Cap, BeforeValidator(_parse_cap)]


class Limits(Spec):
    """An upper and a lower cap, or one of them, or none.

    Attributes:
        upper: Values above it count as it.
        lower: Values below it count as it.
    """

    upper: AnyCap | None = None
    lower: AnyCap | None = None

    def __str__(self) -> str:
        """Return the limits in a word.

        Examples:
            >>> upper, lower = Cap(kind="percentile", value=99.5), Cap(kind="value", value=-3.0)
            >>> str(Limits(upper=upper)), str(Limits(upper=upper, lower=lower)), str(Limits())
            ('99.5%', '-3 to 99.5%', 'none')
        """
        if self.lower is None:
            return NO_CAP if self.upper is None else str(self.upper)
        return f"from {self.lower}" if self.upper is None else f"{self.lower} to {self.upper}"

    @property
    def caps(self) -> tuple[Cap, ...]:
        """The caps that there are, the lower one first."""
        return tuple(cap for cap in (self.lower, self.upper) if cap is not None)

    @property
    def is_empty_range(self) -> bool:
        """Whether the lower limit is not below the upper one, as far as that can be told without data."""
        caps = self.caps
        return len(caps) == 2 and caps[0].kind == caps[1].kind and caps[0].value >= caps[1].value


def _parse_sensitivity(value: Any) -> Any:
    if value is False:
        return ()
    if value is not None and not isinstance(value, list | tuple):
        raise SpecError(f"{shown(value)} is no list of caps", hint="write ['95%', 'none'], or false")
    if value is not None and not 0 < len(value) <= MOST_OTHERS:
        raise SpecError(
            f"the list has {len(value)} caps, not 1 to {MOST_OTHERS}",
            hint="write false to show the effect under no other cap",
        )
    return value


class Winsorize(Limits):
    """Limits on a unit's value, one or both.

    Attributes:
        ignore_zeros: Percentiles are those of the values that are not 0.
        sensitivity: Other limits under which the effect is shown beside the one that decides; None: no limits, and for
            percentiles those that cut off twice and half as much.
    """

    ignore_zeros: Flag = False
    sensitivity: Annotated[tuple[Limits, ...] | None, BeforeValidator(_parse_sensitivity)] = None

    @model_validator(mode="before")
    @classmethod
    def _complete(cls, value: Any) -> Any:
        """Put a single cap of ``sensitivity`` on the side that the metric caps."""
        if not isinstance(value, dict) or not isinstance(value.get("sensitivity"), list | tuple):
            return value
        return {**value, "sensitivity": [_completed(one, value) for one in value["sensitivity"]]}

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.caps:
            raise problem("winsorize names neither upper nor lower")
        if self.is_empty_range:
            raise problem("lower must be below upper", at=["lower"])
        if self.ignore_zeros and all(cap.kind == "value" for cap in self.caps):
            raise problem("ignore_zeros needs a percentile", at=["ignore_zeros"])
        seen = {str(self)}
        for position, other in enumerate(self.others):
            at: tuple[str | int, ...] = ("sensitivity", position)
            if other.is_empty_range:
                raise problem(f"{other}: lower must be below upper", at=at)
            if str(other) in seen:
                raise problem(
                    f"the cap {other} stands there already",
                    at=at,
                    hint="list caps other than the metric's own, each once",
                )
            seen.add(str(other))
        return self

    @property
    def others(self) -> tuple[Limits, ...]:
        """The other limits, a single cap completed to the side that it is for.

        Examples:
            >>> caps = Winsorize.model_validate({"upper": "99%", "lower": 0})
            >>> [str(other) for other in caps.others]
            ['none', '0 to 98%', '0 to 99.5%']
            >>> caps = Winsorize.model_validate({"upper": 500, "sensitivity": [200, "99.9%"]})
            >>> [str(other) for other in caps.others]
            ['200', '99.9%']
        """
        return (Limits(), *self._around()) if self.sensitivity is None else self.sensitivity

    def with_limits(self, limits: Limits) -> "Winsorize | None":
        """Return other limits as a metric's own; None where there are none."""
        if not limits.caps:
            return None
        has_percentile = any(cap.kind == "percentile" for cap in limits.caps)
        own = {"upper": limits.upper, "lower": limits.lower, "sensitivity": False}
        return Winsorize.model_validate({**own, "ignore_zeros": self.ignore_zeros and has_percentile})

    def _around(self) -> Iterator[Limits]:
        """Yield the limits that cut off twice, and half, as much as the percentiles do."""
        if all(cap.kind == "value" for cap in self.caps):
            return
        for factor in (Decimal(2), Decimal("0.5")):
            limits = Limits(
                upper=_moved(self.upper, factor, "upper"), lower=_moved(self.lower, factor, "lower")
            )
            is_possible = all(cap.kind == "value" or 0 < cap.value < 100 for cap in limits.caps)
            if is_possible and not limits.is_empty_range:
                yield limits


def _completed(other: Any, metric: Mapping[str, Any]) -> Any:
    """Return an entry of ``sensitivity`` as limits: beside an upper cap the metric's lower one stays."""
    if other == NO_CAP:
        return Limits()
    if other is None or other == {}:
        raise problem(
            "an entry of sensitivity is empty", at=["sensitivity"], hint="write none for no cap at all"
        )
    if isinstance(other, dict | Limits):
        return other
    if metric.get("upper") is None:
        return {"lower": other}
    return {"upper": other, "lower": metric.get("lower")}


def _moved(cap: Cap | None, factor: Decimal, side: Literal["lower", "upper"]) -> Cap | None:
    """Return a percentile that cuts off so many times as much; a value stays."""
    if cap is None or cap.kind == "value":
        return cap
    # In decimals, so that 99.9 % becomes 99.8 % and not 99.80000000000001 %.
    value = Decimal(repr(cap.value))
    return Cap(
        kind="percentile",
        value=float(100 - (100 - value) * factor if side == "upper" else value * factor),
    )

"""The variants' shares, exactly, in ten-thousandths."""

import re
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from steelyard.errors import SpecError
from steelyard.spec.fields import parse_fraction, parse_percentage, shown, shown_number

TEN_THOUSANDTHS = 10_000
_RATIO = re.compile(r"([0-9]{1,9})\s*/\s*([0-9]{1,9})")


def parse_allocations(values: Sequence[Any]) -> tuple[int, ...]:
    """Return the exact shares of all variants in ten-thousandths, which add up to 10,000.

    * Nothing given for any of them: equal shares.
    * ``"50%"`` and ``"1/3"`` mean themselves.
    * Plain numbers are read together: they are percentages when they add up to exactly 100, and shares
      when they (with any percentages and fractions beside them) add up to exactly 1. So ``50`` is 50 % only
      in a list whose plain numbers add up to 100.
    * What is finer than a ten-thousandth goes to the largest remainders, the earlier variant first.

    Raises:
        SpecError: Some given and some not, a share that is not above 0 or below a ten-thousandth, or a
            total that is neither 1 nor 100.

    Examples:
        >>> parse_allocations(["33.3%", "33.3%", "33.4%"])
        (3330, 3330, 3340)
        >>> parse_allocations([50, 50]), parse_allocations([0.5, 0.5]), parse_allocations([None] * 3)
        ((5000, 5000), (5000, 5000), (3334, 3333, 3333))
    """
    if all(value is None for value in values):
        return _apportion([Fraction(1, len(values))] * len(values))
    if any(value is None for value in values):
        raise SpecError(
            "some variants have an allocation and some have none", hint="give all of them one, or none"
        )
    certain = [_certain_share(value) for value in values]
    plain = [parse_fraction(value) for value, share in zip(values, certain, strict=True) if share is None]
    scale = 100 if len(plain) == len(values) and sum(plain) == 100 else 1
    rest = iter(plain)
    shares = [next(rest) / scale if share is None else share for share in certain]
    for value, share in zip(values, shares, strict=True):
        if share <= 0:
            raise SpecError(
                f"the allocation {shown(value)} is not above 0",
                hint="give the variant a share, or leave it out",
            )
    total = sum(shares, Fraction(0))
    if total != 1:
        raise SpecError(f"the allocations add up to {_total(total, plain)}", hint=_total_hint(shares))
    return _apportion(shares)


def _certain_share(value: Any) -> Fraction | None:
    ratio = _RATIO.fullmatch(value.strip()) if isinstance(value, str) else None
    if ratio is None:
        return parse_percentage(value)
    if int(ratio[2]) == 0:
        raise SpecError(f"{shown(value)} is not a share")
    return Fraction(int(ratio[1]), int(ratio[2]))


def _total(total: Fraction, plain: Sequence[Fraction]) -> str:
    if plain and total > 1:
        return f"{shown_number(total)}, which is neither 1 nor 100"
    return f"{shown_number(total * 100)}%, not 100%" if not plain else f"{shown_number(total)}, not 1"


def _total_hint(shares: Sequence[Fraction]) -> str:
    same = len(set(shares)) == 1
    return f"write '1/{len(shares)}' for each, or leave them out for equal shares" if same else ""


def _apportion(shares: Sequence[Fraction]) -> tuple[int, ...]:
    exact = [share * TEN_THOUSANDTHS for share in shares]
    whole = [int(value) for value in exact]
    order = sorted(range(len(shares)), key=lambda index: (whole[index] - exact[index], index))
    for index in order[: TEN_THOUSANDTHS - sum(whole)]:
        whole[index] += 1
    if 0 in whole:
        raise SpecError("an allocation is below 0.01%", hint="shares are multiples of 1/10,000")
    return tuple(whole)

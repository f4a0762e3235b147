"""Designs other than one fixed split: epochs of a changing allocation, and the factors of variants."""

from collections.abc import Mapping, Sequence
from datetime import date
from fractions import Fraction
from itertools import pairwise, product
from typing import Annotated, Any, Literal

from pydantic import Field

from steelyard.errors import SpecError
from steelyard.spec.allocation import TEN_THOUSANDTHS, parse_allocations
from steelyard.spec.inference import Analysis, ColumnName
from steelyard.spec.model import Spec, Whole, parsed_by, problem
from steelyard.spec.times import parse_day

Design = Literal["fixed_split", "rollout", "bandit", "switchback", "cluster", "factorial", "holdback", "aa"]
SMALLEST_SHARE = TEN_THOUSANDTHS // 100
"""Of a variant in a bandit's batch, in ten-thousandths."""
WITH_EPOCHS = ("rollout", "bandit")
EPOCH = "allocation_epoch"
"""Dimension by which results are split where the allocation changes: the first day of a unit's epoch."""


def epoch_by(dimension: str) -> str:
    """Return the name of the dimension whose levels are an epoch's first day, a space, and a level of another.

    Examples:
        >>> epoch_by("country")
        'allocation_epoch_by_country'
    """
    return f"{EPOCH}_by_{dimension}"


def epoch_and_level(segment: str) -> tuple[str, str]:
    """Return an epoch and a level of the other dimension, of a segment of `epoch_by`.

    Examples:
        >>> epoch_and_level("2026-04-08 South Korea")
        ('2026-04-08', 'South Korea')
    """
    epoch, _, level = segment.partition(" ")
    return epoch, level


BLOCK = "switchback_block"
"""Dimension by which a switchback's units, its blocks, are told apart: moment, region and unit of each."""
BLOCK_PARTS = "\x1f"


class Switchback(Spec):
    """How the blocks of a switchback got their variants.

    Attributes:
        assignment: ``coin`` tosses one for each block; ``complete`` fixes how many are treated, in each region.
        region: Dimension of the exposures within which blocks follow each other; None for one sequence.
        carry_over: Number of earlier blocks that a block still feels; None where that is not asked.
    """

    assignment: Literal["coin", "complete"] = "coin"
    region: ColumnName | None = None
    carry_over: Annotated[Whole, Field(ge=0, le=100)] | None = None


class Epoch(Spec):
    """A time of one allocation.

    Attributes:
        start: Its first day; it ends where the next one begins.
        allocation: Shares of the variants in ten-thousandths, in their order.
    """

    start: Annotated[date, parsed_by(parse_day)]
    allocation: tuple[int, ...]

    @property
    def shares(self) -> tuple[Fraction, ...]:
        """The shares, exactly."""
        return tuple(Fraction(share, TEN_THOUSANDTHS) for share in self.allocation)


def parse_epochs(value: Any, names: Sequence[Any]) -> Any:
    """Bring epochs into the order of the variants.

    Args:
        value: As written: a list of ``{start: day, allocation: list or mapping}``.
        names: The variants.

    Raises:
        SpecError: An allocation does not fit the variants.
    """
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise problem(
            "epochs must be a list", at=["epochs"], hint="write - {start: 2026-04-01, allocation: [90%, 10%]}"
        )
    return [_parse_epoch(one, names, index) for index, one in enumerate(value)]


def _parse_epoch(value: dict[str, Any], names: Sequence[Any], index: int) -> dict[str, Any]:
    at = ("epochs", index, "allocation")
    written = value.get("allocation")
    if isinstance(written, dict):
        if set(written) != set(names):
            raise problem("an epoch must give every variant its share, and no other", at=at)
        written = [written[name] for name in names]
    if not isinstance(written, list | tuple) or len(written) != len(names):
        raise problem("an epoch must have one share for each variant", at=at)
    try:
        return {**value, "allocation": parse_allocations(written)}
    except SpecError as error:
        raise problem(error.args[0], at=at, hint=error.hint) from None


def check_epochs(
    design: str, epochs: Sequence[Epoch], *, start: date | None, end: date | None, analysis: Analysis
) -> None:
    """Refuse epochs that do not cover the experiment, and what cannot be analysed within them."""
    if design not in WITH_EPOCHS:
        if epochs:
            raise problem(
                f"{_named(design)} has one allocation",
                at=["epochs"],
                hint="say design: rollout or bandit, or leave epochs out",
            )
        return
    if design == "bandit" and analysis.test != "fixed":
        raise problem(
            f"test: {analysis.test} needs shares that outcomes have no say in",
            at=["analysis", "test"],
            hint="use test: fixed, which adds up the batches' statistics",
        )
    if design == "bandit":
        _check_floor(epochs)
    if len(epochs) < 2:
        raise problem(
            f"a {design} needs the epochs of its allocation",
            at=["epochs"],
            hint="add epochs: [{start: 2026-04-01, allocation: [90%, 10%]}, …], or use fixed_split",
        )
    if start is not None and epochs[0].start != start:
        raise problem(
            f"the first epoch begins on {epochs[0].start}, not with the start {start}", at=["epochs", 0]
        )
    for index, (one, following) in enumerate(pairwise(epochs), start=1):
        if following.start <= one.start or (end is not None and following.start > end):
            raise problem(
                f"the epoch of {following.start} does not come after the one before it and by the end",
                at=["epochs", index],
            )


def _check_floor(epochs: Sequence[Epoch]) -> None:
    """Refuse shares so small that a batch says nothing of a variant."""
    for index, epoch in enumerate(epochs):
        if min(epoch.allocation) < SMALLEST_SHARE:
            raise problem(
                f"a bandit's share of {min(epoch.allocation) / TEN_THOUSANDTHS:.2%} is below its floor of 1%",
                at=["epochs", index, "allocation"],
                hint="inference afterwards rests on every variant in every batch: keep 1% to 10% for each",
            )


def _named(design: str) -> str:
    return "an A/A" if design == "aa" else f"a {design}"


def check_blocks(design: str, switchback: Switchback | None, *, variants: int, analysis: Analysis) -> None:
    """Refuse what a switchback, whose units are blocks of time, does not go with."""
    if design != "switchback":
        if switchback is not None:
            raise problem(
                f"{_named(design)} has no blocks",
                at=["switchback"],
                hint="say design: switchback, or leave it out",
            )
        return
    if variants != 2:
        raise problem("a switchback switches between two variants", at=["variants"])
    if switchback is not None and switchback.carry_over is not None and switchback.assignment != "coin":
        raise problem(
            "carry_over weighs blocks by the chance of their past, which only coins give",
            at=["switchback", "carry_over"],
            hint="say assignment: coin if each block's was tossed for itself, or leave carry_over out",
        )
    for name, value, wanted in (
        ("test", analysis.test, "fixed"),
        ("trigger", analysis.trigger or "none", "none"),
    ):
        if value != wanted:
            raise problem(
                f"a switchback does not go with {name}: {value}",
                at=["analysis", name],
                hint=f"blocks of time are few, and each is as it is: use {name}: {wanted}",
            )
    if analysis.adjustment == "cuped":
        raise problem(
            "a switchback does not go with adjustment: cuped",
            at=["analysis", "adjustment"],
            hint="blocks of time have no past of their own: use adjustment: none, or post_stratify by a dimension such"
            " as the part of the day",
        )


FEWEST_SEQUENTIAL = 100
"""Clusters per variant before which a sequential test has no bound."""


def check_clusters(design: str, test: str, planned: int | None) -> None:
    """Refuse sequential tests that are planned to end before they could begin."""
    if design == "cluster" and test != "fixed" and planned is not None and planned < FEWEST_SEQUENTIAL:
        raise problem(
            f"test: {test} needs {FEWEST_SEQUENTIAL} clusters per variant, and {planned} are planned",
            at=["analysis", "test"],
            hint="use test: fixed",
        )


def check_factors(design: str, factors: Sequence[Mapping[str, str]]) -> None:
    """Refuse variants that are no cells of a full crossing of factors.

    Args:
        design: The experiment's.
        factors: Level of each factor, by variant.
    """
    if design != "factorial":
        for index, levels in enumerate(factors):
            if levels:
                raise problem(
                    "only a factorial has factors", at=["variants", index], hint="say design: factorial"
                )
        return
    names = list(factors[0])
    if len(names) < 2 or any(set(levels) != set(names) for levels in factors):
        raise problem(
            "every variant of a factorial has a level of each of at least two factors",
            at=["variants"],
            hint="write {name: both, factors: {button: new, price: new}}",
        )
    found = [tuple(levels[name] for name in names) for levels in factors]
    wanted = set(product(*(dict.fromkeys(levels[name] for levels in factors) for name in names)))
    if (
        len(set(found)) < len(found)
        or set(found) != wanted
        or any(len(set(one)) < 2 for one in zip(*found, strict=True))
    ):
        raise problem(
            "the variants of a factorial are all combinations of its factors' levels, each once",
            at=["variants"],
            hint=f"with these levels there are {len(wanted)} combinations",
        )

"""The settings of the statistics: a project's defaults, and one experiment's."""

from datetime import date, timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, model_validator

from steelyard.errors import SpecError
from steelyard.spec.fields import parse_column_name, parse_level, parse_number, shown
from steelyard.spec.model import OneOrMany, Spec, parsed_by, problem
from steelyard.spec.times import parse_day, parse_days, parse_duration

Test = Literal["fixed", "group_sequential", "always_valid"]
Spending = Literal["power", "obrien_fleming", "pocock", "hwang_shih_decani"]
Adjustment = Literal["cuped", "post_stratify", "none"]
Correction = Literal["bonferroni", "holm", "bh", "e_bh", "none"]
Level = Annotated[float, parsed_by(parse_level)]
ColumnName = Annotated[str, parsed_by(parse_column_name)]

# Kim and DeMets' rho, and Hwang, Shih and DeCani's gamma (STATISTICS 9.2: -4 is close to O'Brien-Fleming).
_SPENDING_PARAMETERS = {"power": 2.0, "hwang_shih_decani": -4.0}

_LAST_LOOK = 3650


def _parse_looks(value: Any) -> Any:
    if value in ("daily", "weekly"):
        return value
    if not isinstance(value, list | tuple) or not value:
        raise SpecError(f"unknown looks {shown(value)}", hint="write daily, weekly, or a list of days")
    return tuple(_parse_look(look) for look in value)


def _parse_look(value: Any) -> int | date:
    if isinstance(value, int) and not isinstance(value, bool):
        if value < 1:
            raise SpecError(f"the look {value} is before the first day", hint="day 1 is the day of the start")
        if value > _LAST_LOOK:
            raise SpecError(f"the look {value} is after day {_LAST_LOOK}")
        return value
    return parse_day(value)


def _parse_none(value: Any) -> Any:
    """Accept YAML's null where the word none is meant."""
    return "none" if value is None else value


class Inference(Spec):
    """What a project sets once and an experiment may set again.

    Attributes:
        alpha: False-ship risk of an experiment (STATISTICS 14), in (0, 1).
        power: Planned power, in (0, 1).
        deterioration_alpha: False-alarm budget of all deterioration and quality tests; below ``1 - power``.
        looks: ``daily``, ``weekly`` or days, where day 1 is the day of the start; a look sees its whole day.
        spending: Alpha-spending function of a group sequential test.
        spending_parameter: Its rho or gamma; None where the function has none.
        adjustment: Variance reduction.
        correction: Multiplicity correction over success metrics and variants.
        dimensions: Columns of the exposures by whose values results are split.
    """

    alpha: Level = 0.05
    power: Level = 0.8
    deterioration_alpha: Level = 0.01
    looks: Annotated[str | tuple[int | date, ...], BeforeValidator(_parse_looks)] = "daily"
    spending: Spending = "power"
    spending_parameter: Annotated[float, parsed_by(parse_number)] | None = None
    adjustment: Annotated[Adjustment, BeforeValidator(_parse_none)] = "cuped"
    correction: Annotated[Correction, BeforeValidator(_parse_none)] = "bonferroni"
    dimensions: Annotated[tuple[ColumnName, ...], OneOrMany] = ()

    @model_validator(mode="before")
    @classmethod
    def _fill_the_spending_parameter(cls, value: Any) -> Any:
        if isinstance(value, dict) and value.get("spending_parameter") is None:
            default = _SPENDING_PARAMETERS.get(str(value.get("spending", "power")))
            return {**value, "spending_parameter": default}
        return value

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.spending_parameter is not None:
            if self.spending not in _SPENDING_PARAMETERS:
                raise problem(f"{self.spending} has no spending_parameter", at=["spending_parameter"])
            if self.spending == "power" and self.spending_parameter <= 0:
                raise problem(
                    "spending_parameter of power spending must be above 0", at=["spending_parameter"]
                )
        if self.deterioration_alpha >= 1 - self.power:
            raise problem("deterioration_alpha must be below 1 - power", at=["deterioration_alpha"])
        if len(set(self.dimensions)) < len(self.dimensions):
            raise problem("a dimension stands twice", at=["dimensions"])
        return self


class Defaults(Inference):
    """The project's defaults.

    Attributes:
        analysis: Kind of test of experiments that name none.
        covariate_lookback: Days before the exposure that the default covariate covers; whole days.
        window: Window of a metric without one under a sequential test.
    """

    analysis: Test = "group_sequential"
    covariate_lookback: Annotated[timedelta, parsed_by(parse_days)] = parse_days(14)
    window: Annotated[timedelta, parsed_by(parse_duration)] = parse_duration(7)

    def to_analysis(self, given: dict[str, Any]) -> dict[str, Any]:
        """Return an experiment's analysis block on top of these defaults, as written, not yet validated."""
        inherited = {name: getattr(self, name) for name in Inference.model_fields}
        if "spending" in given:
            del inherited["spending_parameter"]
        return {**inherited, "test": self.analysis, **given}


class Analysis(Inference):
    """How one experiment is analysed, every default filled in.

    Attributes:
        test: Kind of test; under the two sequential ones every metric is a cohort metric.
        trigger: Name of one of the project's triggers.
        novelty: Whether each unit's later half of the window is compared with its earlier half.
    """

    test: Test
    trigger: ColumnName | None = None
    novelty: bool = False

"""A metric's config: what its SQL file says about the metric beside the query."""

from dataclasses import dataclass
from datetime import timedelta
from re import fullmatch
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from steelyard.errors import SpecError
from steelyard.spec.caps import Winsorize
from steelyard.spec.fields import parse_column_name, parse_number, shown
from steelyard.spec.inference import ColumnName, Level, Test
from steelyard.spec.model import Flag, OneOrMany, Spec, Whole, parsed_by, problem, validate
from steelyard.spec.times import parse_duration

Duration = Annotated[timedelta, parsed_by(parse_duration)]
MetricType = Literal["mean", "proportion", "ratio", "quantile"]
Direction = Literal["increase", "decrease", "none"]


@dataclass(frozen=True, slots=True)
class MetricRef:
    """A metric as an experiment names it: the newest version, or a pinned one.

    Examples:
        >>> MetricRef.parse("checkout_rate@1")
        MetricRef(name='checkout_rate', version=1)
        >>> str(MetricRef.parse("checkout_rate"))
        'checkout_rate'
    """

    name: str
    version: int | None = None

    @classmethod
    def parse(cls, value: Any) -> Self:
        """Parse ``name`` or ``name@version``.

        Raises:
            SpecError: Not text, not a safe name, or a version that is not a number from 1 on.
        """
        if isinstance(value, cls):
            return value
        if not isinstance(value, str):
            raise SpecError(f"{shown(value)} is not a metric", hint="write checkout_rate or checkout_rate@1")
        name, at, version = value.partition("@")
        if at and not fullmatch("[1-9][0-9]{0,8}", version):
            raise SpecError(f"{value!r} pins no version", hint=f"write {name}@1")
        return cls(parse_column_name(name), int(version) if at else None)

    def __str__(self) -> str:
        return self.name if self.version is None else f"{self.name}@{self.version}"


class Window(Spec):
    """Which rows count, as spans after the exposure: ``[start, end)``.

    Attributes:
        start: Beginning of the window.
        end: Its end; None while it ends with the analysis.
        mature: Only units whose window has closed count.
    """

    start: Duration = timedelta(0)
    end: Duration | None = None
    mature: Flag = False

    @model_validator(mode="before")
    @classmethod
    def _accept_an_end(cls, value: Any) -> Any:
        return {"end": value} if isinstance(value, str | int | float) else value

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.end is None and self.mature:
            raise problem(
                "mature needs a window with an end", at=["mature"], hint="write {end: 7d, mature: true}"
            )
        if self.end is not None and self.end <= self.start:
            raise problem("the window ends before it starts", at=["end"])
        return self


class Covariate(Spec):
    """What reduces the metric's variance.

    Attributes:
        enabled: False: nothing.
        lookback: Span before the exposure; None takes the project's ``covariate_lookback``.
        names: Other metrics or dimensions of the exposures; empty means the metric itself.
    """

    enabled: Flag = True
    lookback: Duration | None = None
    names: tuple[ColumnName, ...] = ()

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.lookback == timedelta(0):
            raise problem(
                "a lookback must be longer than nothing", at=["lookback"], hint="write false for none"
            )
        return self


def _parse_covariate(value: Any) -> Any:
    if isinstance(value, Covariate):
        return value
    if isinstance(value, bool):
        return Covariate(enabled=value)
    if isinstance(value, list | tuple):
        if not value or len(set(map(str, value))) < len(value):
            raise SpecError("the list is empty or names something twice", hint="write false for no covariate")
        return {"names": value}
    if not isinstance(value, dict):
        raise SpecError(
            f"{shown(value)} is not a covariate", hint="write {lookback: 14d}, a list of names, or false"
        )
    return value


def _parse_fill(value: Any) -> Any:
    return value if value is None or value == "auto" else parse_number(value)


class MetricConfig(Spec):
    """The config block of a metric file.

    Attributes:
        version: From 1 on.
        unit: A unit of the project; None while the project has only one.
        type: How a unit's value is analysed.
        dialect: Dialect that the query is written in; None is the target's.
        direction: Which way is better.
        window: None: from the exposure to the end of the analysis.
        fill: Value of a unit without rows; None leaves it out; ``auto``: by the query, 0 for sums and counts.
        winsorize: Caps; None for none.
        covariate: What reduces the variance.
        quantile: In (0, 1); of ``type: quantile`` only.
        cluster: Column whose values are independent of each other, where units are not.
        description: For readers.
        owner: For readers.
        tags: For selection.
    """

    version: Annotated[Whole, Field(ge=1, le=999_999_999)] = 1
    unit: ColumnName | None = None
    type: MetricType = "mean"
    dialect: str | None = None
    direction: Direction = "none"
    window: Window | None = None
    fill: Annotated[float | Literal["auto"] | None, BeforeValidator(_parse_fill)] = "auto"
    winsorize: Winsorize | None = None
    covariate: Annotated[Covariate, BeforeValidator(_parse_covariate)] = Covariate()
    quantile: Level | None = None
    cluster: ColumnName | None = None
    description: str = ""
    owner: str | None = None
    tags: Annotated[tuple[str, ...], OneOrMany] = ()

    @classmethod
    def parse(cls, mapping: Any, where: str) -> Self:
        """Validate a config block.

        Args:
            mapping: The keywords of ``config(...)``.
            where: ``file:line`` for messages.

        Raises:
            SpecError: All that is wrong with it.
        """
        return validate(cls, mapping, lambda _: where)

    def window_under(self, test: Test, default: timedelta) -> Window:
        """Return the window that counts under a kind of test.

        A value that keeps growing breaks the independent increments that sequential bounds rest on, so the
        two sequential tests take mature windows only: the metric's own, or one of the default length.

        Args:
            test: The experiment's kind of test.
            default: The project's ``defaults.window``.

        Examples:
            >>> config = MetricConfig.parse({"window": {"start": "1d"}}, "metrics/x.sql:1")
            >>> config.window_under("group_sequential", timedelta(days=7)).end
            datetime.timedelta(days=8)
        """
        window = self.window or Window()
        if test == "fixed":
            return window
        end = window.start + default if window.end is None else window.end
        return Window(start=window.start, end=end, mature=True)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.type == "quantile" and self.quantile is None:
            raise problem("type quantile needs a quantile", hint="add quantile=0.99")
        if self.type != "quantile" and self.quantile is not None:
            raise problem("quantile needs type 'quantile'", at=["quantile"], hint="add type='quantile'")
        if self.winsorize is not None and self.type in ("proportion", "quantile"):
            raise problem(f"winsorize has no meaning for type {self.type}", at=["winsorize"])
        return self

"""The metrics of an experiment: which, in what role, and what counts as a result."""

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, PlainSerializer, model_validator

from steelyard.errors import SpecError
from steelyard.spec.fields import parse_number, parse_relative, shown
from steelyard.spec.metric import MetricRef
from steelyard.spec.model import Spec, parsed_by, problem

Role = Literal["success", "guardrail", "quality"]
HEAVIEST = 1000
"""The largest weight: with more, the others have next to nothing left of what is shared."""
_ROLES: dict[str, tuple[str, str | None]] = {
    "primary": ("success", "primary"),
    "secondary": ("success", "secondary"),
    "guardrails": ("guardrail", None),
    "quality": ("quality", None),
}


class Margin(Spec):
    """A non-inferiority margin, above 0.

    Attributes:
        kind: Whether ``value`` is a share of control's mean or in the metric's own unit.
        value: How much worse than control is still acceptable.
    """

    kind: Literal["relative", "absolute"]
    value: float


def _parse_margin(value: Any) -> Any:
    if isinstance(value, Margin):
        return value
    if not isinstance(value, dict):
        return Margin(kind="relative", value=parse_relative(value))
    if set(value) not in ({"absolute"}, {"relative"}):
        raise SpecError("a margin is 1% (relative) or {absolute: 0.5}")
    if "relative" in value:
        return Margin(kind="relative", value=parse_relative(value["relative"]))
    absolute = parse_number(value["absolute"])
    if absolute <= 0:
        raise SpecError(f"{shown(value['absolute'])} is not above 0")
    return Margin(kind="absolute", value=absolute)


def _parse_weight(value: Any) -> float:
    weight = parse_number(value)
    if not 0 < weight <= HEAVIEST:
        raise SpecError(f"the weight {shown(value)} is not above 0 and at most {HEAVIEST:,}")
    return weight


class MetricUse(Spec):
    """One metric in one role.

    Attributes:
        metric: Name and, where pinned, version.
        role: success, guardrail or quality.
        tier: primary or secondary, of success metrics only.
        margin: Of guardrails only; one without a margin is only watched for deterioration.
        mde: Relative effect that the experiment is planned to detect.
        alternative: Of success metrics; the tests of the other roles are one-sided by their nature.
        weight: Of its part in an error probability that metrics share, against the others' weights: of alpha among
            the success metrics, of the false-alarm budget among the tests for deterioration and quality.
    """

    metric: Annotated[MetricRef, parsed_by(MetricRef.parse), PlainSerializer(str)]
    role: Role
    tier: Literal["primary", "secondary"] | None = None
    margin: Annotated[Margin, BeforeValidator(_parse_margin)] | None = None
    mde: Annotated[float, parsed_by(parse_relative)] | None = None
    alternative: Literal["two-sided", "increase", "decrease"] = "two-sided"
    weight: Annotated[float, parsed_by(_parse_weight)] = 1.0

    @classmethod
    def keys(cls) -> list[str]:
        """Return the keys that a file may use; the role is where the metric stands."""
        return ["metric", "margin", "mde", "alternative", "weight"]

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.margin is not None and self.role != "guardrail":
            raise problem(
                "only a guardrail has a margin", at=["margin"], hint="list the metric under guardrails"
            )
        if self.alternative != "two-sided" and self.role != "success":
            raise problem("only a success metric has an alternative", at=["alternative"])
        return self


class Metrics(Spec):
    """An experiment's metrics by role, in the order of the file."""

    primary: tuple[MetricUse, ...] = ()
    secondary: tuple[MetricUse, ...] = ()
    guardrails: tuple[MetricUse, ...] = ()
    quality: tuple[MetricUse, ...] = ()

    @property
    def uses(self) -> tuple[MetricUse, ...]:
        """All uses: primary, secondary, guardrails, quality."""
        return (*self.primary, *self.secondary, *self.guardrails, *self.quality)

    @model_validator(mode="after")
    def _refuse_duplicates(self) -> Self:
        seen: dict[tuple[str, str], set[int | None]] = {}
        for group in _ROLES:
            for index, use in enumerate(getattr(self, group)):
                versions = seen.setdefault((use.role, use.metric.name), set())
                at = (group, index, "metric")
                if _may_be_the_same(use, versions):
                    message = f"the metric {use.metric.name!r} stands twice among the {use.role} metrics"
                    raise problem(message, at=at)
                if use.role == "quality" and _may_be_the_same(
                    use, seen.get(("success", use.metric.name), set())
                ):
                    message = f"the metric {use.metric.name!r} is both a success and a quality metric"
                    raise problem(
                        message,
                        at=at,
                        hint="a quality metric must not move, a success metric shall: choose one",
                    )
                versions.add(use.metric.version)
        return self

    def with_required(self, required: "Metrics") -> "Metrics":
        """Return these and the required metrics that are not among them in any role."""
        named = {use.metric.name for use in self.uses}
        added = {
            group: (
                *getattr(self, group),
                *(use for use in getattr(required, group) if use.metric.name not in named),
            )
            for group in _ROLES
        }
        return self.model_copy(update=added)


def _may_be_the_same(use: MetricUse, versions: set[int | None]) -> bool:
    """Return whether a use may mean a version that has been named; without a version it is the newest."""
    return bool(versions) and (None in versions or use.metric.version in versions | {None})


def parse_metrics(value: Any) -> Any:
    """Bring the accepted shapes into the one of `Metrics`: a list of names is of primary metrics."""
    if isinstance(value, str | list):
        value = {"primary": value}
    if not isinstance(value, dict):
        return value
    return {group: _parse_group(group, uses) if group in _ROLES else uses for group, uses in value.items()}


def _parse_group(group: str, value: Any) -> Any:
    if value is None:
        return ()
    role, tier = _ROLES[group]
    uses = value if isinstance(value, list | tuple) else [value]
    for index, use in enumerate(uses):
        if isinstance(use, dict) and (extra := use.keys() & {"role", "tier"}):
            at, hint = (group, index, *extra), "the role is the list that the metric stands in"
            raise problem(f"unknown key {min(extra)!r}", at=at, hint=hint)
    written = [use if isinstance(use, dict) else {"metric": use} for use in uses]
    return [{**use, "role": role, "tier": tier} for use in written]

"""An experiment file, long form or short, as one normalised model."""

from collections.abc import Mapping
from datetime import date, timedelta
from fractions import Fraction
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, PlainSerializer, ValidationInfo, model_validator

from steelyard.errors import SpecError
from steelyard.hashing import DEFAULT, SCHEMES, Scheme
from steelyard.spec.aa import check_aa
from steelyard.spec.allocation import TEN_THOUSANDTHS, parse_allocations
from steelyard.spec.design import (
    Design,
    Epoch,
    Switchback,
    check_blocks,
    check_clusters,
    check_epochs,
    check_factors,
    parse_epochs,
)
from steelyard.spec.experiment_metrics import Metrics, MetricUse, parse_metrics
from steelyard.spec.fields import closest, parse_label, parse_relative, shown
from steelyard.spec.inference import Analysis, ColumnName, Defaults
from steelyard.spec.metric import MetricRef
from steelyard.spec.model import OneOrMany, Spec, Whole, parsed_by, problem
from steelyard.spec.programme import parse_scheme
from steelyard.spec.project import FileName, Text
from steelyard.spec.targeting import Eligible
from steelyard.spec.times import parse_day

Status = Literal["draft", "running", "stopped", "decided"]
Day = Annotated[date, parsed_by(parse_day)]


class Variant(Spec):
    """One variant.

    Attributes:
        name: As the exposures log it; any text.
        allocation: Its share in ten-thousandths; those of an experiment add up to 10,000.
        config: What it sets, for the surface it runs on.
        factors: Its level of each factor, of a factorial.
    """

    name: Text
    allocation: int
    config: dict[str, Any] = Field(default_factory=dict)
    factors: dict[Text, Text] = Field(default_factory=dict)

    @property
    def share(self) -> Fraction:
        """The share, exactly."""
        return Fraction(self.allocation, TEN_THOUSANDTHS)


def _parse_variants(value: Any) -> Any:
    """Accept a list of names, a mapping from name to allocation (or to the rest), or a list of mappings."""
    written = _as_mappings(value)
    for index, variant in enumerate(written):
        for key in variant:
            if key not in Variant.model_fields:
                raise problem(
                    f"unknown key {key!r}", at=[index, key], hint=closest(key, Variant.model_fields)
                )
    names = [str(variant.get("name")) for variant in written]
    for index, name in enumerate(names):
        if name in names[:index]:
            raise problem(f"the variant {name!r} stands twice", at=[index])
    if len(written) < 2:
        raise SpecError("an experiment needs at least two variants", hint="name a control and a treatment")
    allocations = parse_allocations([variant.get("allocation") for variant in written])
    return [{**variant, "allocation": share} for variant, share in zip(written, allocations, strict=True)]


def _as_mappings(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, dict):
        items = [
            (name, rest if isinstance(rest, dict) else {"allocation": rest}) for name, rest in value.items()
        ]
        return [{"name": name, **rest} for name, rest in items]
    if isinstance(value, list):
        return [item if isinstance(item, dict) else {"name": parse_label(item)} for item in value]
    raise SpecError(f"{shown(value)} is not a list of variants")


def _parse_targeting(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    parsed = {column: item if isinstance(item, list) else [item] for column, item in value.items()}
    for column, items in parsed.items():
        if not items or not all(isinstance(item, str | int | float | date) for item in items):
            raise problem(
                f"targeting: {column!r} must be a value or a list of values",
                at=[column],
                hint="write country: [SG, MY]",
            )
    return parsed


class Duration(Spec):
    """How long the experiment is meant to run.

    Attributes:
        minimum_runtime_days: No decision to ship before so many full days.
        target_sample_size_per_variant: Planned units per variant.
    """

    minimum_runtime_days: Annotated[Whole, Field(ge=1, le=3650)] | None = None
    target_sample_size_per_variant: Annotated[Whole, Field(ge=1)] | None = None


class Experiment(Spec):
    """An experiment, every default filled in.

    Attributes:
        name: Its id in the exposures.
        hypothesis: For readers.
        owner: For readers.
        surface: Product area.
        tags: For selection, and for what others are exclusive to.
        exposures: Name of the project's exposures that log it.
        status: draft, running, stopped or decided.
        start: First day; None for a draft only.
        end: Last day, included; None while it is open.
        design: How units are assigned.
        variants: At least two.
        epochs: Of a rollout: when its allocation changed; that of the variants is the last one.
        switchback: Of a switchback: how its blocks got their variants.
        averaging: Of a factorial: whether levels that an effect is averaged over count the same or by their share.
        shipped: Of a holdback: experiments whose changes it holds back.
        reach: Of a holdback: share of the units that a shipped change reached, where that is not all of them.
        retention: Of a holdback: which of its metrics, a proportion, says that a unit is still there.
        control: Name of the variant that the others are compared with.
        targeting: Values that columns of the exposures must have.
        metrics: By role.
        duration: How long it is meant to run.
        analysis: How it is analysed.
        salt: Draws the variant; None is the experiment's name. A changed allocation needs another.
        scheme: Hash scheme of the variant's bucket.
        programme: Whose buckets it claims; None is open to every unit.
        exclusive_to: No unit is in this experiment and in one with any of these tags.
        eligible: Rule on the attributes that clients know of a unit; beside ``targeting``, and only for assignment.
        domain: Which holdbacks it leaves alone; its surface's domain unless set.
    """

    name: FileName
    hypothesis: str = ""
    owner: str | None = None
    surface: FileName | None = None
    tags: Annotated[tuple[str, ...], OneOrMany] = ()
    exposures: ColumnName
    status: Status
    start: Day | None = None
    end: Day | None = None
    design: Design = "fixed_split"
    variants: Annotated[tuple[Variant, ...], BeforeValidator(_parse_variants)]
    epochs: tuple[Epoch, ...] = ()
    switchback: Switchback | None = None
    averaging: Literal["equal", "population"] = "equal"
    shipped: Annotated[tuple[FileName, ...], OneOrMany] = ()
    reach: dict[FileName, Annotated[float, parsed_by(parse_relative)]] = Field(default_factory=dict)
    retention: Annotated[MetricRef, parsed_by(MetricRef.parse), PlainSerializer(str)] | None = None
    control: Text
    targeting: Annotated[dict[Text, tuple[Any, ...]], BeforeValidator(_parse_targeting)] = Field(
        default_factory=dict
    )
    metrics: Annotated[Metrics, BeforeValidator(parse_metrics)]
    duration: Duration = Duration()
    analysis: Analysis
    salt: Text | None = None
    scheme: Annotated[str, parsed_by(parse_scheme)] = DEFAULT.name
    programme: FileName | None = None
    exclusive_to: Annotated[tuple[str, ...], OneOrMany] = ()
    domain: FileName | None = None
    eligible: Eligible = None

    @property
    def assignment_salt(self) -> str:
        """The salt that draws the variant."""
        return self.name if self.salt is None else self.salt

    @property
    def hash_scheme(self) -> Scheme:
        """The scheme that draws the variant."""
        return SCHEMES[self.scheme]

    @property
    def is_assignment_declared(self) -> bool:
        """Whether the file says how units are assigned; every run then recomputes what was logged."""
        return bool({"salt", "scheme", "programme"} & self.model_fields_set)

    @property
    def treatments(self) -> tuple[Variant, ...]:
        """The variants beside control, in the order of the file."""
        return tuple(variant for variant in self.variants if variant.name != self.control)

    @property
    def metric_uses(self) -> tuple[MetricUse, ...]:
        """All metrics with their roles."""
        return self.metrics.uses

    def look_days(self, as_of: date) -> tuple[date, ...]:
        """Return the days at whose end results are looked at, up to ``as_of``; the planned end is one.

        Raises:
            SpecError: A draft without a start has no days.
        """
        if self.start is None:
            raise SpecError(f"the experiment {self.name!r} has no start", hint="add start: 2026-04-01")
        last = as_of if self.end is None else min(self.end, as_of)
        days = [self.start + timedelta(days=number) for number in range((last - self.start).days + 1)]
        return tuple(day for day in days if day == self.end or self._is_look(day))

    def _is_look(self, day: date) -> bool:
        number = (day - self.start).days + 1 if self.start else 0
        looks = self.analysis.looks
        return looks == "daily" or (number % 7 == 0 if looks == "weekly" else number in looks or day in looks)

    @model_validator(mode="before")
    @classmethod
    def _fill_defaults(cls, value: Any, info: ValidationInfo) -> Any:
        if not isinstance(value, dict):
            return value
        context: Mapping[str, Any] = info.context or {}
        filled = {**value}
        exposures = list(context.get("exposures", ()))
        if "exposures" not in filled and len(exposures) == 1:
            filled["exposures"] = exposures[0]
        if "status" not in filled:
            filled["status"] = "running" if filled.get("start") is not None else "draft"
        if "allocation" in filled:
            filled["variants"] = _join_allocation(filled.get("variants"), filled.pop("allocation"))
        if filled.get("epochs") is not None:
            filled = _settle_epochs(filled)
        if filled.get("control") is None:
            filled["control"] = _default_control(filled.get("variants"))
        given = filled.get("analysis")
        given = {"test": given} if isinstance(given, str) else given
        if given is None or isinstance(given, dict):
            filled["analysis"] = context.get("defaults", Defaults()).to_analysis(given or {})
        return filled

    @model_validator(mode="after")
    def _check(self) -> Self:
        names = [variant.name for variant in self.variants]
        if self.control not in names:
            raise problem(
                f"no variant is named {self.control!r}", at=["control"], hint=closest(self.control, names)
            )
        check_aa(
            self.design, self.metrics, self.analysis, configs=[variant.config for variant in self.variants]
        )
        check_epochs(self.design, self.epochs, start=self.start, end=self.end, analysis=self.analysis)
        check_blocks(self.design, self.switchback, variants=len(self.variants), analysis=self.analysis)
        check_clusters(self.design, self.analysis.test, self.duration.target_sample_size_per_variant)
        check_factors(self.design, [variant.factors for variant in self.variants])
        if self.averaging != "equal" and self.design != "factorial":
            raise problem(
                "only a factorial averages over factors", at=["averaging"], hint="say design: factorial"
            )
        if self.shipped and self.design != "holdback":
            raise problem(
                "only a holdback has shipped experiments", at=["shipped"], hint="say design: holdback"
            )
        self._check_reach()
        self._check_retention()
        if not self.metrics.uses:
            raise problem("the experiment names no metric", at=["metrics"], hint="add primary: some_metric")
        self._check_salt()
        self._check_days()
        return self

    def _check_reach(self) -> None:
        for name, share in self.reach.items():
            if name not in self.shipped:
                raise problem(
                    f"{name!r} has a reach and is not shipped",
                    at=["reach", name],
                    hint=closest(name, self.shipped) or "list it under shipped",
                )
            if share > 1:
                raise problem(f"the reach of {name!r} is above 100%", at=["reach", name])

    def _check_retention(self) -> None:
        if self.retention is None:
            return
        if self.design != "holdback":
            raise problem("only a holdback has a retention", at=["retention"], hint="say design: holdback")
        names = [use.metric.name for use in self.metrics.uses]
        if self.retention.name not in names:
            raise problem(
                f"the retention {self.retention.name!r} is none of the experiment's metrics",
                at=["retention"],
                hint=closest(self.retention.name, names) or "list it under guardrails",
            )

    def _check_salt(self) -> None:
        try:
            SCHEMES[self.scheme].check_salt(self.assignment_salt)
        except SpecError as error:
            raise problem(error.args[0], at=["salt"], hint=error.hint) from None
        if self.exclusive_to and self.programme is None:
            raise problem(
                "exclusive_to needs a programme",
                at=["exclusive_to"],
                hint="experiments can only keep out of each other's way on buckets that they share",
            )

    def _check_days(self) -> None:
        if self.start is None:
            if self.status != "draft":
                raise problem(
                    f"an experiment that is {self.status} needs a start", hint="add start: 2026-04-01"
                )
            if self.end is not None:
                raise problem("an end needs a start", at=["end"])
            return
        if self.end is None and self.status in ("stopped", "decided"):
            raise problem(f"an experiment that is {self.status} needs an end", hint="add end: 2026-04-14")
        if self.end is not None and self.end < self.start:
            raise problem(f"the end {self.end} is before the start {self.start}", at=["end"])
        self._check_looks(self.start)

    def _check_looks(self, start: date) -> None:
        looks = self.analysis.looks
        if isinstance(looks, str):
            return
        days = [look if isinstance(look, date) else start + timedelta(days=look - 1) for look in looks]
        for index, day in enumerate(days):
            at = ("analysis", "looks", index)
            if day < start or (self.end is not None and day > self.end):
                raise problem(f"the look {looks[index]} is not between the start and the end", at=at)
            if index and day <= days[index - 1]:
                raise problem(f"the look {looks[index]} does not come after the one before it", at=at)


def _join_allocation(variants: Any, allocation: Any) -> Any:
    """Join the short form's list of names with its ``allocation``, a list in the same order or a mapping."""
    if not isinstance(variants, list) or not all(isinstance(name, str) for name in variants):
        raise problem("allocation needs variants to be a list of names", at=["allocation"])
    if isinstance(allocation, dict) and set(allocation) == set(variants):
        return {name: allocation[name] for name in variants}
    if not isinstance(allocation, list) or len(allocation) != len(variants):
        raise problem("allocation must have one share for each variant", at=["allocation"])
    return [{"name": name, "allocation": share} for name, share in zip(variants, allocation, strict=True)]


def _settle_epochs(filled: dict[str, Any]) -> dict[str, Any]:
    """Put epochs in the order of the variants, whose allocation is that of the last epoch where they have none."""
    try:
        variants = _as_mappings(filled.get("variants"))
    except SpecError:
        return filled
    epochs = parse_epochs(filled["epochs"], [variant.get("name") for variant in variants])
    if epochs and not any("allocation" in variant for variant in variants):
        last = epochs[-1]["allocation"]
        variants = [
            {**variant, "allocation": f"{last[k]}/{TEN_THOUSANDTHS}"} for k, variant in enumerate(variants)
        ]
    return {**filled, "variants": variants, "epochs": epochs}


def _default_control(variants: Any) -> Any:
    """Return the variant named control, else the first; their own check complains of the rest."""
    try:
        names = [variant.get("name") for variant in _as_mappings(variants)]
    except SpecError:
        return "control"
    return "control" if "control" in names or not names else names[0]

"""A project's files to a ruleset."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from steelyard.assign.reading import read_ruleset
from steelyard.assign.ruleset import Ruleset
from steelyard.assign.writing import gate_json, seal
from steelyard.errors import SpecError
from steelyard.spec.experiment import Experiment
from steelyard.spec.loader import ProjectFiles
from steelyard.spec.programme import Programme
from steelyard.spec.surface import Rollout, Surface
from steelyard.targeting import AllOf, AnyOf, Op, Rule, Test, parse_rule, rule_json
from steelyard.targeting.rule import kind_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Buckets of a programme that somebody owns.

    Attributes:
        programme: The programme's name.
        salt: Its salt.
        scheme: Name of its hash scheme.
        buckets: How many buckets it has.
        members: Those owned.
    """

    programme: str
    salt: str
    scheme: str
    buckets: int
    members: Sequence[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldBack:
    """A holdback.

    Attributes:
        unit: The unit that is held back.
        claims: The units in all of them are held back.
        domains: Whose experiments and rollouts it stays out of; None is all.
        closing: Whether half of it now gets everything that has shipped.
        salt: Draws that half; None is the holdback's name.
        scheme: Hash scheme of that draw.
    """

    unit: str
    claims: Sequence[Claim]
    domains: frozenset[str] | None
    closing: bool = False
    salt: str | None = None
    scheme: str = "sha256"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """Who owns which buckets.

    Attributes:
        experiments: Claims of each experiment; a unit must be in all of them.
        holdbacks: By name.
    """

    experiments: Mapping[str, Sequence[Claim]] = field(default_factory=dict)
    holdbacks: Mapping[str, HeldBack] = field(default_factory=dict)


def build_ruleset(files: ProjectFiles, *, claims: Claims | None = None, on: date | None = None) -> bytes:
    """The ruleset of a project, as bytes that depend on nothing else.

    Args:
        files: The project.
        claims: Who owns which buckets. An experiment that none is given for has the whole of its programme.
        on: Take the experiments whose days hold this one, whatever has become of them since; None takes
            those with the status running.

    Raises:
        SpecError: Experiments collide, or one sets what its surface does not define.
    """
    claims = claims or Claims()
    content = _Builder(files, claims).content([one for one in files.experiments.values() if _is_in(one, on)])
    data = seal(content)
    _read_back(data, files)
    return data


def _is_in(experiment: Experiment, on: date | None) -> bool:
    if on is None:
        return experiment.status == "running"
    is_over = experiment.end is not None and experiment.end < on
    return (
        experiment.status != "draft"
        and experiment.start is not None
        and experiment.start <= on
        and not is_over
    )


def _read_back(data: bytes, files: ProjectFiles) -> Ruleset:
    """Check what clients will check, and say where in the files it comes from."""
    try:
        return read_ruleset(data)
    except SpecError as error:
        pointer = error.where.partition("#")[2].split("/")
        name = pointer[2].replace("~1", "/").replace("~0", "~") if len(pointer) > 2 else ""
        known = pointer[1:2] == ["experiments"] and name in files.experiments
        where = files.where(name) if known else error.where
        raise SpecError(error.args[0], where=where, hint=error.hint) from None


class _Builder:
    def __init__(self, files: ProjectFiles, claims: Claims) -> None:
        self._files, self._claims, self._project = files, claims, files.project
        self._programmes: dict[str, dict[str, Any]] = {}

    def content(self, experiments: Sequence[Experiment]) -> dict[str, Any]:
        first_unit = next(iter(self._project.units))
        return {
            "project": self._project.name,
            "units": dict(self._project.units),
            "targeting_unit": first_unit,
            "flags": {
                name: _flag(surface) for name, surface in self._files.surfaces.items() if surface.properties
            },
            "holdbacks": {name: self._holdback(name, one) for name, one in self._claims.holdbacks.items()},
            "experiments": {one.name: self._experiment(one) for one in experiments},
            "rollouts": dict(self._rollouts(first_unit)),
            "programmes": self._programmes,
        }

    def _experiment(self, one: Experiment) -> dict[str, Any]:
        unit = self._project.exposures[one.exposures].unit
        configs = self._configs(one)
        rule = _join(_columns_rule(one.targeting), one.eligible)
        return {
            "unit": unit,
            "flag": one.surface if any(configs) else None,
            "salt": one.assignment_salt,
            "scheme": one.scheme,
            "gates": self._gates(self._claims_of(one)),
            "targeting": rule,
            "starts": self._midnight(one.start),
            "ends": self._midnight(None if one.end is None else one.end + timedelta(days=1)),
            "holdbacks": self._covering(one.domain, unit),
            "variants": [
                {"name": variant.name, "share": variant.allocation, "config": config}
                for variant, config in zip(one.variants, configs, strict=True)
            ],
        }

    def _claims_of(self, one: Experiment) -> Sequence[Claim]:
        if one.name in self._claims.experiments or one.programme is None:
            return self._claims.experiments.get(one.name, ())
        return [_whole(one.programme, self._project.programmes[one.programme])]

    def _configs(self, one: Experiment) -> list[dict[str, Any]]:
        """What each variant sets; a property that only some of them set has its default in the others."""
        surface = self._files.surfaces.get(one.surface or "")
        keys = {key: None for variant in one.variants for key in variant.config}
        if keys and (surface is None or not surface.properties):
            raise SpecError(
                f"the experiment {one.name!r} sets {', '.join(keys)}, but no surface gives it a type",
                where=self._files.where(one.name, ["variants"]),
                hint="name a surface whose properties say what may be set",
            )
        found = []
        for index, variant in enumerate(one.variants):
            absent = [key for key in keys if key not in variant.config]
            for key in absent:
                if surface is None or surface.properties[key].default is None:
                    raise SpecError(
                        f"the variant {variant.name!r} does not set {key!r}, which has no default",
                        where=self._files.where(one.name, ["variants", index]),
                        hint=f"set it, or give it a default in the surface {one.surface!r}",
                    )
            defaults = {key: surface.properties[key].default for key in absent} if surface else {}
            found.append({**defaults, **variant.config})
        return found

    def _rollouts(self, first_unit: str) -> Iterator[tuple[str, dict[str, Any]]]:
        seen: dict[str, str] = {}
        for surface in self._files.surfaces.values():
            for name, one in surface.rollouts.items():
                if name in seen:
                    raise SpecError(
                        f"the rollout {name!r} is in the surfaces {seen[name]!r} and {surface.name!r}",
                        hint="rename one of them",
                    )
                seen[name] = surface.name
                yield name, self._rollout(name, one, surface, first_unit)

    def _rollout(self, name: str, one: Rollout, surface: Surface, first_unit: str) -> dict[str, Any]:
        unit = one.unit or first_unit
        return {
            "unit": unit,
            "flag": surface.name,
            "salt": one.salt or name,
            "scheme": one.scheme,
            "gates": [],
            "targeting": one.eligible,
            "starts": None,
            "ends": None,
            "holdbacks": self._covering(surface.domain or surface.name, unit),
            "share": one.share,
            "config": one.config,
        }

    def _holdback(self, name: str, one: HeldBack) -> dict[str, Any]:
        variants: list[dict[str, Any]] = [
            {"name": part, "share": 5000, "config": {}} for part in ("nothing", "everything")
        ]
        return {
            "unit": one.unit,
            "gates": self._gates(one.claims),
            "salt": one.salt or name,
            "scheme": one.scheme,
            "variants": variants if one.closing else [],
        }

    def _covering(self, domain: str | None, unit: str) -> list[str]:
        return [
            name
            for name, one in self._claims.holdbacks.items()
            if one.unit == unit and (one.domains is None or domain in one.domains)
        ]

    def _gates(self, claims: Sequence[Claim]) -> list[dict[str, Any]]:
        for claim in claims:
            self._programmes[claim.programme] = {
                "salt": claim.salt,
                "scheme": claim.scheme,
                "buckets": claim.buckets,
            }
        return [gate_json(claim.programme, claim.members, claim.buckets) for claim in claims]

    def _midnight(self, day: date | None) -> str | None:
        if day is None:
            return None
        start = datetime.combine(day, time(), ZoneInfo(self._project.timezone))
        return start.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _whole(name: str, programme: Programme) -> Claim:
    return Claim(
        programme=name,
        salt=name if programme.salt is None else programme.salt,
        scheme=programme.scheme,
        buckets=programme.buckets,
        members=range(programme.buckets),
    )


def _flag(surface: Surface) -> dict[str, Any]:
    return {
        name: {
            "type": one.type,
            "default": one.default,
            "enum": None if one.enum is None else list(one.enum),
        }
        for name, one in surface.properties.items()
    }


def _columns_rule(targeting: Mapping[str, Sequence[Any]]) -> Rule | None:
    rules: list[Rule] = []
    for column, values in targeting.items():
        by_kind: dict[str | None, list[Any]] = {}
        for value in values:
            plain = value.isoformat() if isinstance(value, date) else value
            by_kind.setdefault(kind_of(plain), []).append(plain)
        tests = tuple(Test(column, Op.IN, tuple(group)) for group in by_kind.values())
        rules.append(tests[0] if len(tests) == 1 else AnyOf(tests))
    if not rules:
        return None
    return rules[0] if len(rules) == 1 else AllOf(tuple(rules))


def _join(targeting: Rule | None, eligible: Mapping[str, Any] | None) -> dict[str, Any] | None:
    rules = [
        rule for rule in (targeting, None if eligible is None else parse_rule(eligible)) if rule is not None
    ]
    if not rules:
        return None
    return rule_json(rules[0] if len(rules) == 1 else AllOf(tuple(rules)))

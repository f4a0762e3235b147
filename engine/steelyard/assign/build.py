"""A project's files to a ruleset."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from steelyard.assign.allocation.claims import Claims, ruleset_claims
from steelyard.assign.allocation.programmes import load_programmes
from steelyard.assign.reading import read_ruleset
from steelyard.assign.ruleset import Ruleset
from steelyard.assign.writing import seal
from steelyard.errors import SpecError
from steelyard.spec.experiment import Experiment
from steelyard.spec.loader import ProjectFiles
from steelyard.spec.surface import Rollout, Surface
from steelyard.targeting import AllOf, AnyOf, Op, Rule, Test, parse_rule, rule_json
from steelyard.targeting.rule import kind_of


def build_ruleset(files: ProjectFiles, *, on: date | None = None) -> bytes:
    """The ruleset of a project, as bytes that depend on nothing but its files.

    Args:
        files: The project, with its logs of claims.
        on: Take the experiments whose days hold this one, whatever has become of them since, and the claims
            as they were at its end; None takes those with the status running, and the claims as they are.

    Raises:
        SpecError: Experiments collide, or one sets what its surface does not define, or it has claimed
            nothing in its programme.
        AllocationError: A log of claims is not as it was written.
    """
    zone = ZoneInfo(files.project.timezone)
    at = None if on is None else datetime.combine(on, time.max, zone)
    builder = _Builder(files, ruleset_claims(files, load_programmes(files), at=at))
    data = seal(builder.content([one for one in files.experiments.values() if _is_in(one, on)]))
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

    def content(self, experiments: Sequence[Experiment]) -> dict[str, Any]:
        first_unit = next(iter(self._project.units))
        return {
            "project": self._project.name,
            "units": dict(self._project.units),
            "targeting_unit": first_unit,
            "flags": {
                name: _flag(surface) for name, surface in self._files.surfaces.items() if surface.properties
            },
            "holdbacks": {
                owner.name: self._claims.holdback(ledger, owner) for ledger, owner in self._claims.holdbacks()
            },
            "experiments": {one.name: self._experiment(one) for one in experiments},
            "rollouts": dict(self._rollouts(first_unit)),
            "programmes": dict(self._claims.programmes()),
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
            "gates": self._gates(one),
            "targeting": rule,
            "starts": self._midnight(one.start),
            "ends": self._midnight(None if one.end is None else one.end + timedelta(days=1)),
            "holdbacks": self._claims.covering(one.domain or "", unit),
            "variants": [
                {"name": variant.name, "share": variant.allocation, "config": config}
                for variant, config in zip(one.variants, configs, strict=True)
            ],
        }

    def _gates(self, one: Experiment) -> list[dict[str, Any]] | None:
        if one.programme is None:
            return None
        gates = self._claims.gates(one.programme, one.name)
        if not gates:
            raise SpecError(
                f"the experiment {one.name!r} has no bucket of the programme {one.programme!r}",
                where=self._files.where(one.name, ["programme"]),
                hint=f"steelyard allocation start {one.name}",
            )
        return gates

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
            "gates": None,
            "targeting": one.eligible,
            "starts": None,
            "ends": None,
            "holdbacks": self._claims.covering(surface.domain or surface.name, unit),
            "share": one.share,
            "config": one.config,
        }

    def _midnight(self, day: date | None) -> str | None:
        if day is None:
            return None
        start = datetime.combine(day, time(), ZoneInfo(self._project.timezone))
        return start.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _flag(surface: Surface) -> dict[str, Any]:
    return {
        name: {
            "type": one.type,
            "default": one.default,
            "enum": None if one.enum is None else list(one.enum),
        }
        for name, one in surface.properties.items()
    }


def targeting_rule(one: Experiment) -> Rule | None:
    """Everything that an experiment's file says about who may be in it; None where it says nothing."""
    joined = _join(_columns_rule(one.targeting), one.eligible)
    return None if joined is None else parse_rule(joined)


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

"""A surface: a product area, who owns it, and what each of its experiments must measure and may set."""

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from steelyard.errors import SpecError
from steelyard.hashing import DEFAULT, SCHEMES, ten_thousandths
from steelyard.spec.experiment_metrics import Metrics, parse_metrics
from steelyard.spec.fields import closest, shown
from steelyard.spec.model import OneOrMany, Spec, parsed_by, problem
from steelyard.spec.programme import parse_scheme
from steelyard.spec.project import FileName, Text
from steelyard.spec.targeting import Eligible

_PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "boolean": (bool,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "object": (dict,),
    "array": (list,),
}


class Property(Spec):
    """What a flag property of a surface may be set to.

    Attributes:
        type: JSON type.
        enum: The only values, where given.
        default: Value without an experiment; None is no default.
        description: For readers.
    """

    type: Literal["boolean", "string", "integer", "number", "object", "array"]
    enum: tuple[Any, ...] | None = None
    default: Any = None
    description: str = ""

    def refuses(self, value: Any) -> str:
        """Return why a value does not fit, or an empty text."""
        is_odd_bool = isinstance(value, bool) and self.type != "boolean"
        if is_odd_bool or not isinstance(value, _PYTHON_TYPES[self.type]):
            return f"{shown(value)} is not of type {self.type}"
        if self.enum is not None and value not in self.enum:
            return f"{shown(value)} is not one of {', '.join(map(shown, self.enum))}"
        return ""

    @model_validator(mode="before")
    @classmethod
    def _accept_a_type(cls, value: Any) -> Any:
        return {"type": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _check(self) -> Self:
        for at, values in (
            ("enum", self.enum or ()),
            ("default", () if self.default is None else (self.default,)),
        ):
            for value in values:
                if reason := self.refuses(value):
                    raise problem(f"{at}: {reason}", at=[at])
        return self


class Rollout(Spec):
    """A decision on its way to everybody.

    Attributes:
        config: What it sets.
        share: How many units have it, in ten-thousandths; to raise it moves nobody out.
        unit: A unit of the project; the first one unless set.
        salt: Draws who has it first; None is the rollout's name.
        scheme: Hash scheme of that draw.
        eligible: Rule on the attributes that clients know of a unit.
    """

    config: dict[str, Any]
    share: Annotated[int, parsed_by(ten_thousandths)] = 10_000
    unit: Text | None = None
    salt: Text | None = None
    scheme: Annotated[str, parsed_by(parse_scheme)] = DEFAULT.name
    eligible: Eligible = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        try:
            SCHEMES[self.scheme].check_salt("rollout" if self.salt is None else self.salt)
        except SpecError as error:
            raise problem(error.args[0], at=["salt"], hint=error.hint) from None
        return self


def _parse_required(value: Any) -> Any:
    return parse_metrics({"guardrails": value} if isinstance(value, str | list) else value)


class Surface(Spec):
    """A product area.

    Attributes:
        name: Its name, as experiments write it.
        owners: Who is asked.
        required_metrics: Added to each of its experiments that lacks them; a plain list is of guardrails.
        properties: What variants' configs may set, by name.
        rollouts: What has been decided and is on its way to everybody, by name.
        domain: Domain that it belongs to; None is one of its own, of its name.
        description: For readers.
    """

    name: FileName
    owners: Annotated[tuple[str, ...], OneOrMany] = ()
    required_metrics: Annotated[Metrics, BeforeValidator(_parse_required)] = Metrics()
    properties: dict[str, Property] = Field(default_factory=dict)
    rollouts: dict[FileName, Rollout] = Field(default_factory=dict)
    domain: FileName | None = None
    description: str = ""

    def config_problems(self, config: dict[str, Any]) -> list[tuple[str, str, str]]:
        """Return key, message and hint of everything in a variant's config that the properties refuse."""
        found = []
        for key, value in config.items() if self.properties else ():
            if key not in self.properties:
                message = f"the surface {self.name!r} has no property {key!r}"
                found.append((key, message, closest(key, self.properties)))
            elif reason := self.properties[key].refuses(value):
                found.append((key, f"{key}: {reason}", f"see the surface {self.name!r}"))
        return found

    @model_validator(mode="after")
    def _check_rollouts(self) -> Self:
        for name, rollout in self.rollouts.items():
            for key, message, hint in self.config_problems(rollout.config):
                raise problem(message, at=["rollouts", name, "config", key], hint=hint)
        return self

"""A programme: the buckets that experiments share, or keep from each other."""

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from steelyard.errors import SpecError
from steelyard.hashing import SCHEMES
from steelyard.hashing.scheme import MOST_BUCKETS
from steelyard.spec.fields import closest
from steelyard.spec.inference import ColumnName
from steelyard.spec.model import Spec, Whole, parsed_by, problem
from steelyard.spec.times import parse_duration

MOST_LEVELS = 5


class Programme(Spec):
    """A programme, every default filled in. What a claim log has begun with never changes again.

    Attributes:
        unit: A unit of the project.
        salt: Puts a unit into a bucket, once and for all; None is the programme's name.
        scheme: Hash scheme of that bucket.
        buckets: How many.
        exclusive: ``all``: an experiment's units are in no other of the programme; ``tags``: what experiments
            say by ``exclusive_to``.
        strategy: How free buckets are found: ``bucket_reuse`` or ``salt_machine``.
        cool_off: How long a bucket rests after its experiment; later claims take it from here.
    """

    unit: ColumnName
    salt: str | None = None
    scheme: Literal["sha256-60", "sha256"] = "sha256-60"
    buckets: Annotated[Whole, Field(ge=100, le=MOST_BUCKETS)] = 10_000
    exclusive: Literal["all", "tags"] = "all"
    strategy: Literal["bucket_reuse", "salt_machine"] = "bucket_reuse"
    cool_off: Annotated[timedelta, parsed_by(parse_duration)] = timedelta(0)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.salt is not None:
            try:
                SCHEMES[self.scheme].check_salt(self.salt)
            except SpecError as error:
                raise problem(error.args[0], at=["salt"], hint=error.hint) from None
        if self.strategy == "salt_machine" and self.exclusive != "all":
            raise problem(
                "a salt machine's experiments are all exclusive",
                at=["exclusive"],
                hint="leave out exclusive, or use the strategy bucket_reuse",
            )
        return self


def parse_scheme(value: object) -> object:
    """Return the name of a hash scheme.

    Raises:
        SpecError: There is no such scheme.
    """
    if value not in SCHEMES:
        raise SpecError(f"unknown hash scheme {value!r}", hint=closest(str(value), SCHEMES))
    return value

"""What a line of a claim log says happened. Everything that replay needs is in the line itself."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from steelyard.spec.model import Flag, Spec, Whole
from steelyard.spec.project import FileName, Text

Count = Annotated[Whole, Field(ge=1)]
Seconds = Annotated[Whole, Field(ge=0)]


class Share(Spec):
    """A variant's share in ten-thousandths."""

    name: Text
    share: Annotated[Whole, Field(ge=1, le=10_000)]


class Open(Spec):
    """A programme begins; what it says never changes.

    Attributes:
        programme: Its name.
        unit: The project's unit that it puts into buckets.
        salt, scheme, buckets: How.
        exclusive: ``all`` or ``tags``.
        strategy: ``bucket_reuse`` or ``salt_machine``.
    """

    op: Literal["open"] = "open"
    owner: ClassVar[str] = ""
    programme: FileName
    unit: Text
    salt: Text
    scheme: Literal["sha256-60", "sha256"]
    buckets: Count
    exclusive: Literal["all", "tags"]
    strategy: Literal["bucket_reuse", "salt_machine"]


class Start(Spec):
    """An experiment claims its first buckets.

    Attributes:
        owner: The experiment.
        buckets: How many.
        salt, scheme, shares: How its units are split.
        tags, exclusive_to, domain: Whom it keeps out of the way of.
        cool_off: Seconds that a conflicting owner's bucket must have rested.
    """

    op: Literal["start"] = "start"
    owner: FileName
    buckets: Count
    salt: Text
    scheme: Text
    shares: tuple[Share, ...]
    tags: tuple[str, ...] = ()
    exclusive_to: tuple[str, ...] = ()
    domain: str = ""
    cool_off: Seconds = 0


class Grow(Spec):
    """An experiment claims more buckets; those that it has stay."""

    op: Literal["grow"] = "grow"
    owner: FileName
    buckets: Count
    cool_off: Seconds = 0


class Shrink(Spec):
    """An experiment gives up the buckets that it got last, and so drops units that may have been exposed."""

    op: Literal["shrink"] = "shrink"
    owner: FileName
    buckets: Count


class Reweigh(Spec):
    """An experiment's shares change, and with them its salt: every unit is drawn again."""

    op: Literal["reweigh"] = "reweigh"
    owner: FileName
    salt: Text
    shares: tuple[Share, ...]


class Stop(Spec):
    """An experiment gives up all of its buckets, for good."""

    op: Literal["stop"] = "stop"
    owner: FileName


class HoldBack(Spec):
    """Units are kept out of every experiment of a domain.

    Attributes:
        owner: The holdback.
        buckets: How many.
        domain: The domain; '' for all.
        long_term: Whether it is without an end.
        cool_off: Seconds that a conflicting owner's bucket must have rested.
    """

    op: Literal["holdback"] = "holdback"
    owner: FileName
    buckets: Count
    domain: str = ""
    long_term: Flag = False
    cool_off: Seconds = 0


class Close(Spec):
    """A holdback's closing test begins: half of its units get all that was shipped, half nothing."""

    op: Literal["close"] = "close"
    owner: FileName
    salt: Text


class Release(Spec):
    """A holdback's units are free again."""

    op: Literal["release"] = "release"
    owner: FileName


Event = Open | Start | Grow | Shrink | Reweigh | Stop | HoldBack | Close | Release

EVENTS: Mapping[str, type[Event]] = MappingProxyType(
    {
        "open": Open,
        "start": Start,
        "grow": Grow,
        "shrink": Shrink,
        "reweigh": Reweigh,
        "stop": Stop,
        "holdback": HoldBack,
        "close": Close,
        "release": Release,
    }
)

"""Who may share a bucket with whom."""

from typing import Literal, Protocol


class Claimant(Protocol):
    """What decides: an `Owner`, or an experiment's specification."""

    @property
    def tags(self) -> tuple[str, ...]:
        """Its tags."""

    @property
    def exclusive_to(self) -> tuple[str, ...]:
        """Tags that it stays away from."""


class Holder(Claimant, Protocol):
    """A claimant that is an experiment or a holdback."""

    @property
    def kind(self) -> str:
        """``experiment`` or ``holdback``."""

    @property
    def domain(self) -> str:
        """Its domain; '' for none, of a holdback for all."""


def is_exclusive(one: Claimant, other: Claimant, *, exclusive: Literal["all", "tags"]) -> bool:
    """Return whether two experiments of a programme may not share a unit; the order does not matter.

    Args:
        one: An experiment.
        other: Another one.
        exclusive: The programme's rule.
    """
    if exclusive == "all":
        return True
    return bool(set(one.tags) & set(other.exclusive_to) or set(other.tags) & set(one.exclusive_to))


def is_exempt(holdback_domain: str, domain: str) -> bool:
    """Return whether a holdback of a domain keeps its units out of experiments of another."""
    return holdback_domain in ("", domain)


def conflicts(one: Holder, other: Holder, *, exclusive: Literal["all", "tags"]) -> bool:
    """Return whether two owners of a programme may not have the same bucket.

    Two holdbacks never share one: a unit that two of them keep away would test neither.
    """
    holdbacks = [owner for owner in (one, other) if owner.kind == "holdback"]
    if len(holdbacks) == 2:
        return True
    if holdbacks:
        experiment = other if one.kind == "holdback" else one
        return is_exempt(holdbacks[0].domain, experiment.domain)
    return is_exclusive(one, other, exclusive=exclusive)

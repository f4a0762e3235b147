"""Random histories of a programme: what people try, whatever becomes of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from tests.support.claims import MORNING, holdback, start

from steelyard.assign.allocation.events import Close, Event, Grow, Open, Release, Reweigh, Share, Shrink, Stop
from steelyard.assign.allocation.ledger import Ledger
from steelyard.assign.allocation.lines import Line, new_line
from steelyard.assign.allocation.replay import follow
from steelyard.errors import AllocationError

TAGS = ("pay", "search", "home")
DOMAINS = ("checkout", "browse")
QUARTERS = (Share(name="control", share=7500), Share(name="treatment", share=2500))


@dataclass(frozen=True)
class Action:
    """What someone tries.

    Attributes:
        kind: Name of an op.
        owner: Whom it is about: a number.
        buckets: How many.
        tags, exclusive_to, domain, cool_off: Of a start or a holdback.
        hours: Time since the action before.
    """

    kind: str
    owner: int
    buckets: int
    tags: tuple[str, ...]
    exclusive_to: tuple[str, ...]
    domain: str
    cool_off: int
    hours: int

    def event(self) -> Event:
        """The event that it would be."""
        name = f"h{self.owner}" if self.kind in ("holdback", "close", "release") else f"e{self.owner}"
        match self.kind:
            case "start":
                return start(
                    name,
                    self.buckets,
                    tags=self.tags,
                    exclusive_to=self.exclusive_to,
                    domain=self.domain,
                    cool_off=self.cool_off,
                )
            case "holdback":
                return holdback(name, self.buckets, domain=self.domain, cool_off=self.cool_off)
            case "grow":
                return Grow(owner=name, buckets=self.buckets, cool_off=self.cool_off)
            case "shrink":
                return Shrink(owner=name, buckets=self.buckets)
            case "reweigh":
                return Reweigh(owner=name, salt=f"{name}.2", shares=QUARTERS)
            case "close":
                return Close(owner=name, salt=f"{name}.closing")
            case "release":
                return Release(owner=name)
        return Stop(owner=name)


@dataclass(frozen=True)
class Step:
    """An event that was granted: the lines up to it, and the state before and after."""

    event: Event
    at: datetime
    lines: tuple[Line, ...]
    ledger: Ledger


KINDS = (
    "start",
    "start",
    "start",
    "holdback",
    "grow",
    "grow",
    "shrink",
    "stop",
    "reweigh",
    "close",
    "release",
)


def histories(*, buckets: int = 200, with_rest: bool = True) -> st.SearchStrategy[list[Action]]:
    """Return a strategy for what people try."""
    return st.lists(
        st.builds(
            Action,
            kind=st.sampled_from(KINDS),
            owner=st.integers(0, 4),
            buckets=st.integers(1, buckets // 2),
            tags=st.lists(st.sampled_from(TAGS), max_size=2, unique=True).map(tuple),
            exclusive_to=st.lists(st.sampled_from(TAGS), max_size=2, unique=True).map(tuple),
            domain=st.sampled_from(("", *DOMAINS)),
            cool_off=st.sampled_from((0, 7200, 86_400) if with_rest else (0,)),
            hours=st.integers(0, 30),
        ),
        max_size=25,
    )


def play(opening: Open, actions: Sequence[Action]) -> Iterator[Step]:
    """Yield every step that was granted, with one ledger that goes on changing."""
    ledger, digest = follow(None, opening, MORNING)
    line = new_line(opening, at=MORNING, by="ada", digest=digest, after=None)
    lines, at = [line], MORNING
    for action in actions:
        at += timedelta(hours=action.hours)
        event = action.event()
        try:
            ledger, digest = follow(ledger, event, at)
        except AllocationError:
            continue
        line = new_line(event, at=at, by="ada", digest=digest, after=line)
        lines.append(line)
        yield Step(event=event, at=at, lines=tuple(lines), ledger=ledger)


def holdings(ledger: Ledger) -> dict[str, dict[str, Any]]:
    """Return what everyone has, by owner and node."""
    return {name: dict(ledger.held(name)) for name in ledger.owners}

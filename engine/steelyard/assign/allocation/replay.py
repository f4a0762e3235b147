"""From lines to the state they lead to: each line applied to what all before it left."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType

from steelyard.assign.allocation import reuse, salt_machine
from steelyard.assign.allocation.events import (
    Close,
    Event,
    Grow,
    HoldBack,
    Open,
    Release,
    Reweigh,
    Share,
    Shrink,
    Start,
    Stop,
)
from steelyard.assign.allocation.ledger import Buckets, Kind, Ledger, Owner, Phase, Tenure
from steelyard.assign.allocation.lines import Line, shown_moment
from steelyard.errors import AllocationError

Draw = Callable[[Ledger, Owner, int, datetime, int], dict[str, Buckets]]
Changed = Mapping[str, Buckets]

STRATEGIES: Mapping[str, Draw] = MappingProxyType(
    {"bucket_reuse": reuse.draw, "salt_machine": salt_machine.draw}
)


def replay(lines: Iterable[Line], *, until: datetime | None = None, shown: str = "") -> Ledger:
    """Return the state that the lines lead to.

    Args:
        lines: A log's lines, from the first.
        until: Lines after this moment are left out.
        shown: The log's name, for messages.

    Raises:
        AllocationError: There is no line, or one claims what was not to be had.
    """
    ledger: Ledger | None = None
    for line in lines:
        if until is not None and line.at > until:
            break
        where = f"{shown}:{line.seq}" if shown else f"line {line.seq}"
        ledger, digest = follow(ledger, line.event, line.at, where=where)
        if digest != line.digest:
            raise AllocationError(
                "the line's claim leads to other buckets than when it was written",
                where=where,
                hint="this version of Steelyard draws differently, or the line has been forged",
            )
    if ledger is None:
        raise AllocationError(
            "nothing has been claimed yet", where=shown, hint="`steelyard allocation start`"
        )
    return ledger


def follow(ledger: Ledger | None, event: Event, at: datetime, *, where: str = "") -> tuple[Ledger, str]:
    """Return the state after one more event, and the digest of the buckets that it moved.

    The state given is changed in place, unless the event is refused.

    Raises:
        AllocationError: The event does not fit what was before it.
    """
    if isinstance(event, Open) or ledger is None:
        if ledger is not None or not isinstance(event, Open):
            raise AllocationError("a log begins with its programme, and only with it", where=where)
        return Ledger(programme=event, seq=1, at=at), ""
    try:
        if at < ledger.at:
            raise AllocationError(
                f"the moment {shown_moment(at)} is before the log's last line, {shown_moment(ledger.at)}",
                hint="claims are made in the order of time",
            )
        changed = _apply(ledger, event, at)
    except AllocationError as error:
        raise AllocationError(error.args[0], where=where or error.where, hint=error.hint) from None
    ledger.seq, ledger.at = ledger.seq + 1, at
    return ledger, digest_of(changed)


def digest_of(changed: Changed) -> str:
    """Return 16 hexadecimal digits that stand for a set of buckets; '' for none."""
    names = sorted(f"{node}/{bucket}" for node, buckets in changed.items() for bucket in buckets)
    return hashlib.sha256(",".join(names).encode()).hexdigest()[:16] if names else ""


def _apply(ledger: Ledger, event: Event, at: datetime) -> Changed:
    match event:
        case Start():
            return _start(ledger, event, at)
        case HoldBack():
            return _hold_back(ledger, event, at)
        case Grow():
            owner = _active(ledger, event.owner, "experiment")
            return _claim(ledger, owner, event.buckets, at, event.cool_off)
        case Shrink():
            return _shrink(ledger, event, at)
        case Reweigh():
            return _reweigh(ledger, event)
        case Close():
            return _close(ledger, event)
        case Stop():
            return _give_back(ledger, _active(ledger, event.owner, "experiment"), "stopped", at)
        case Release():
            return _give_back(ledger, _active(ledger, event.owner, "holdback"), "released", at)
    raise AssertionError(event)


def _start(ledger: Ledger, event: Start, at: datetime) -> Changed:
    owner = Owner(
        name=event.owner,
        kind="experiment",
        phase="running",
        since=at,
        domain=event.domain,
        tags=event.tags,
        exclusive_to=event.exclusive_to,
        salt=event.salt,
        scheme=event.scheme,
        shares=_shares(event.shares),
    )
    return _enter(ledger, owner, event.buckets, at, event.cool_off)


def _hold_back(ledger: Ledger, event: HoldBack, at: datetime) -> Changed:
    owner = Owner(
        name=event.owner,
        kind="holdback",
        phase="holding",
        since=at,
        domain=event.domain,
        is_long_term=event.long_term,
    )
    return _enter(ledger, owner, event.buckets, at, event.cool_off)


def _enter(ledger: Ledger, owner: Owner, count: int, at: datetime, cool_off: int) -> Changed:
    known = ledger.owners.get(owner.name)
    if known is not None:
        raise AllocationError(
            f"the {known.kind} {owner.name!r} is {known.phase} already",
            hint="`steelyard allocation grow` adds buckets"
            if known.until is None
            else "give it another name: under the old one it would meet its old units in the same variants",
        )
    changed = _claim(ledger, owner, count, at, cool_off)
    ledger.owners[owner.name] = owner
    return changed


def _claim(ledger: Ledger, owner: Owner, count: int, at: datetime, cool_off: int) -> Changed:
    found = STRATEGIES[ledger.programme.strategy](ledger, owner, count, at, cool_off)
    ledger.lasting += [
        Tenure(
            owner=owner.name,
            kind=owner.kind,
            node=node,
            buckets=buckets,
            valid_from=at,
            valid_to=None,
            seq=ledger.seq + 1,
        )
        for node, buckets in found.items()
    ]
    return found


def _shrink(ledger: Ledger, event: Shrink, at: datetime) -> Changed:
    """Give up whole claims, the last one first, and of the one that remains the last buckets in its order."""
    owner = _active(ledger, event.owner, "experiment")
    own = [tenure for tenure in ledger.lasting if tenure.owner == owner.name and tenure.kind != "node"]
    have = sum(len(tenure.buckets) for tenure in own)
    if event.buckets >= have:
        raise AllocationError(
            f"{owner.name!r} has {have:,} buckets and cannot give up {event.buckets:,}",
            hint="`steelyard allocation stop` gives up all",
        )
    changed: dict[str, Buckets] = {}
    left = event.buckets
    for tenure in reversed(own):
        kept = reuse.first_of(ledger, owner.name, tenure.buckets, max(0, len(tenure.buckets) - left))
        gone = tenure.buckets - kept
        ledger.end([tenure], at)
        ledger.ended[-1] = replace(ledger.ended[-1], buckets=gone)
        if kept:
            ledger.lasting.append(replace(tenure, buckets=kept))
        changed[tenure.node] = changed.get(tenure.node, frozenset()) | gone
        left -= len(gone)
        if not left:
            break
    return changed


def _reweigh(ledger: Ledger, event: Reweigh) -> Changed:
    owner = _active(ledger, event.owner, "experiment")
    shares = _shares(event.shares)
    if event.salt == owner.salt:
        raise AllocationError(
            f"{owner.name!r} has the salt {event.salt!r} already",
            hint="other shares need another salt, or some units would change sides and others not",
        )
    if shares == owner.shares:
        raise AllocationError(f"{owner.name!r} has these shares already", hint="nothing needs to be done")
    ledger.owners[owner.name] = replace(owner, salt=event.salt, shares=shares, version=owner.version + 1)
    return {}


def _close(ledger: Ledger, event: Close) -> Changed:
    owner = _active(ledger, event.owner, "holdback")
    if owner.phase == "closing":
        raise AllocationError(
            f"the closing test of {owner.name!r} is on", hint="`steelyard allocation release` ends it"
        )
    ledger.owners[owner.name] = replace(owner, phase="closing", salt=event.salt)
    return {}


def _give_back(ledger: Ledger, owner: Owner, phase: Phase, at: datetime) -> Changed:
    held = ledger.held(owner.name)
    ledger.end([one for one in ledger.lasting if one.owner == owner.name and one.kind != "node"], at)
    ledger.owners[owner.name] = replace(owner, phase=phase, until=at)
    return held


def _active(ledger: Ledger, name: str, kind: Kind) -> Owner:
    owner = ledger.owner(name, kind)
    if owner.until is not None:
        raise AllocationError(
            f"the {kind} {name!r} is {owner.phase} since {shown_moment(owner.until)}",
            hint="what is over stays so; claim under another name",
        )
    return owner


def _shares(shares: Sequence[Share]) -> tuple[tuple[str, int], ...]:
    found = tuple((share.name, share.share) for share in shares)
    if sum(share for _, share in found) != 10_000:
        raise AllocationError("the variants' shares do not add up to 10,000")
    return found

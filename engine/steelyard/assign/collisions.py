"""Two entries that may meet in a unit must not set the same property."""

from collections.abc import Iterator, Mapping
from typing import Any

from steelyard.assign.checks import below, refuse
from steelyard.assign.ruleset import Entry, Gate
from steelyard.targeting import are_disjoint

Path = dict[str, int]
"""Buckets that a unit must be in, all at once: a bit mask by programme."""


def refuse_collisions(entries: Mapping[str, tuple[Entry, Mapping[str, Any]]], at: str) -> None:
    """Refuse entries that set the same property of a flag for what may be the same unit.

    Args:
        entries: Each entry with a config, by name.
        at: JSON pointer of the entries.

    Raises:
        SpecError: Two collide; ``where`` is the later one.
    """
    setters: dict[tuple[str | None, str], list[Entry]] = {}
    for entry, config in entries.values():
        for key in config:
            setters.setdefault((entry.flag, key), []).append(entry)
    for (flag, key), group in setters.items():
        for one, other in _meeting(group) if len(group) > 1 else ():
            refuse(
                below(at, other.name),
                f"{one.name!r} sets {flag}.{key} as well, and a unit may be in both",
                "let them claim different buckets of a programme, target different values, or run in turn",
            )


def _meeting(group: list[Entry]) -> Iterator[tuple[Entry, Entry]]:
    """The pairs that may share a unit; quick where each has buckets of its own in one programme."""
    taken, place = 0, _cover(group[0])[0]
    for index, entry in enumerate(group):
        here, mask = _cover(entry)
        if index and (place is None or here != place or taken & mask):
            yield from ((one, entry) for one in group[:index] if _may_meet(one, entry))
        taken, place = taken | mask, place if here == place else None


def _cover(entry: Entry) -> tuple[tuple[str, str] | None, int]:
    """The programme and unit that all gates are directly on, and their buckets there."""
    names = {gate.programme.name for gate in entry.gates or ()}
    if len(names) != 1:
        return None, 0
    mask = 0
    for gate in entry.gates or ():
        mask |= _mask(gate)
    return (names.pop(), entry.unit), mask


def _mask(gate: Gate) -> int:
    return int.from_bytes(gate.bits, "little")


def _may_meet(one: Entry, other: Entry) -> bool:
    if one.unit != other.unit:
        return True
    if _is_over(one, other) or _is_over(other, one) or are_disjoint(one.targeting, other.targeting):
        return False
    return any(
        not any(left[name] & right[name] == 0 for name in left.keys() & right.keys())
        for left in _paths(one.gates)
        for right in _paths(other.gates)
    )


def _paths(gates: tuple[Gate, ...] | None) -> Iterator[Path]:
    """The ways in which a unit can pass one of the gates."""
    if gates is None:
        yield {}
        return
    for gate in gates:
        for path in _paths(gate.programme.gates):
            yield {**path, gate.programme.name: _mask(gate)}


def _is_over(one: Entry, other: Entry) -> bool:
    """Whether one has ended before the other starts."""
    return one.ends is not None and other.starts is not None and one.ends <= other.starts

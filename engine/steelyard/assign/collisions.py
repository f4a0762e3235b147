"""Two entries that may meet in a unit must not set the same property."""

from collections.abc import Iterator, Mapping
from typing import Any

from steelyard.assign.checks import below, refuse
from steelyard.assign.ruleset import Entry, Gate
from steelyard.targeting import are_disjoint


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
        for one, other in _meeting(group):
            refuse(
                below(at, other.name),
                f"{one.name!r} sets {flag}.{key} as well, and a unit may be in both",
                "let them claim different buckets of a programme, target different values, or run in turn",
            )


def _meeting(group: list[Entry]) -> Iterator[tuple[Entry, Entry]]:
    """The pairs that may share a unit; quick where all are apart by buckets of one programme."""
    taken: dict[str, int] = {}
    for index, entry in enumerate(group):
        masks = {gate.programme.name: _mask(gate) for gate in entry.gates}
        is_apart = any(not taken.get(name, -1 if index else 0) & mask for name, mask in masks.items())
        if index and not is_apart:
            yield from ((one, entry) for one in group[:index] if _may_meet(one, entry))
        # A programme keeps its place only while every entry so far has a gate on it.
        taken = {
            name: taken.get(name, 0) | mask for name, mask in masks.items() if not index or name in taken
        }


def _mask(gate: Gate) -> int:
    return int.from_bytes(gate.bits, "little")


def _may_meet(one: Entry, other: Entry) -> bool:
    if one.unit != other.unit:
        return True
    if _is_over(one, other) or _is_over(other, one) or are_disjoint(one.targeting, other.targeting):
        return False
    return not any(
        left.programme is right.programme and not _mask(left) & _mask(right)
        for left in one.gates
        for right in other.gates
    )


def _is_over(one: Entry, other: Entry) -> bool:
    """Whether one has ended before the other starts."""
    return one.ends is not None and other.starts is not None and one.ends <= other.starts

"""The salt machine: free units are hashed again, with a new salt, into a node of their own.

The root puts every unit into a bucket. When buckets have become free that others have used, all that are free, in all
nodes, flow into a new node; its salt mixes their units, and the next experiment takes its buckets there.
Of a node that a share f of the units reaches, an experiment takes 1/f times the buckets: its
compensation factor, at most 5. What flows into a node is settled when it begins. A node goes when nothing is
running below it.

A unit's bucket costs one hash per level, so levels are limited to what one SQL expression can say.

References:
    Spotify Engineering (2020), "Spotify's New Experimentation Coordination Strategy".
"""

from collections.abc import Iterator
from datetime import datetime
from fractions import Fraction
from math import ceil

from steelyard.assign.allocation.ledger import ROOT, Buckets, Ledger, Node, Owner, Tenure
from steelyard.assign.allocation.reuse import first_of
from steelyard.errors import AllocationError
from steelyard.spec.programme import MOST_LEVELS

MOST_COMPENSATION = 5


def draw(ledger: Ledger, owner: Owner, count: int, at: datetime, cool_off: int) -> dict[str, Buckets]:
    """Return the buckets that a claim gets, by node; the tree may grow by a node and lose others.

    Args:
        ledger: Everything claimed before; its nodes change.
        owner: Who claims.
        count: How many, of the root's size.
        at: When.
        cool_off: Must be 0: units of a bucket that rests cannot be told from those mixed with them.

    Raises:
        AllocationError: Too few units are free, or they are too deep in the tree; nothing has changed.
    """
    if cool_off:
        raise AllocationError(
            "a salt machine mixes all free units, so none of them rest",
            where=f"programme {ledger.programme.programme}",
            hint="set cool_off: 0d",
        )
    idle = set(_idle(ledger))
    free = dict(_free(ledger, idle))
    node = _fresh_node(ledger, free, count)
    if node is None:
        node, inflow = _mixed(ledger, free)
        taken = _needed(ledger, node, count, owner.name, ledger.programme.buckets)
        _check_level(node, owner.name)
        _prune(ledger, idle, at)
        _open(ledger, node, inflow, at)
        return {node.name: first_of(ledger, owner.name, range(ledger.programme.buckets), taken)}
    taken = _needed(ledger, node, count, owner.name, len(free[node.name]))
    _prune(ledger, idle, at)
    return {node.name: first_of(ledger, owner.name, free[node.name], taken)}


def free_share(ledger: Ledger) -> Fraction:
    """Return the share of all units that no experiment or holdback has."""
    return _share(ledger, dict(_free(ledger, set(_idle(ledger)))))


def claimable_share(ledger: Ledger) -> Fraction:
    """Return the share of all units that the next experiment could have: that which is free, or nothing.

    What is free and cannot be claimed is the strategy's waste: below 20 %, or too deep in the tree.
    """
    free = dict(_free(ledger, set(_idle(ledger))))
    node = _fresh_node(ledger, free, 1) or _mixed(ledger, free)[0]
    is_wasted = node.level > MOST_LEVELS or node.share * MOST_COMPENSATION < 1
    return Fraction(0) if is_wasted else _share(ledger, free)


def compensation(node: Node) -> Fraction:
    """Return how many buckets of a node stand for one of the root."""
    return 1 / node.share


def _idle(ledger: Ledger) -> Iterator[str]:
    """Yield the nodes below which nobody has a bucket."""
    busy = {tenure.node for tenure in ledger.lasting if tenure.kind != "node"}
    flows = [tenure for tenure in ledger.lasting if tenure.kind == "node"]
    # Children come after their parents, so going back each child is settled before its parents.
    for flow in reversed(flows):
        if flow.owner in busy:
            busy.add(flow.node)
    yield from {flow.owner: None for flow in flows if flow.owner not in busy}


def _free(ledger: Ledger, idle: set[str]) -> Iterator[tuple[str, Buckets]]:
    """Yield the buckets of every live node that have no owner, once idle nodes are gone."""
    taken: dict[str, set[int]] = {ROOT: set()}
    for tenure in ledger.lasting:
        if tenure.kind == "node" and tenure.owner not in idle:
            taken.setdefault(tenure.owner, set())
    for tenure in ledger.lasting:
        if tenure.node in taken and not (tenure.kind == "node" and tenure.owner in idle):
            taken[tenure.node] |= tenure.buckets
    whole = frozenset(range(ledger.programme.buckets))
    yield from ((node, whole - used) for node, used in taken.items())


def _fresh_node(ledger: Ledger, free: dict[str, Buckets], count: int) -> Node | None:
    """Return the newest node where its free buckets are all there is to mix, and none has been used."""
    with_free = [name for name, buckets in free.items() if buckets]
    if len(with_free) != 1:
        return None
    node = ledger.nodes[with_free[0]]
    used = {bucket for tenure in ledger.ended if tenure.node == node.name for bucket in tenure.buckets}
    is_enough = ceil(count * compensation(node)) <= len(free[node.name])
    return node if is_enough and not used & free[node.name] else None


def _mixed(ledger: Ledger, free: dict[str, Buckets]) -> tuple[Node, dict[str, Buckets]]:
    inflow = {node: buckets for node, buckets in free.items() if buckets}
    level = 1 + max((ledger.nodes[node].level for node in inflow), default=0)
    return Node(name=f"n{len(ledger.nodes)}", level=level, share=_share(ledger, inflow)), inflow


def _check_level(node: Node, name: str) -> None:
    if node.level > MOST_LEVELS:
        raise AllocationError(
            f"{name!r} would need {node.level} hashes per unit, and {MOST_LEVELS} are the limit",
            hint="stop the experiments of the deepest node, or use the strategy bucket_reuse",
        )


def _needed(ledger: Ledger, node: Node, count: int, name: str, free: int) -> int:
    if node.share * MOST_COMPENSATION < 1 or ceil(count * compensation(node)) > free:
        raise AllocationError(
            f"{name!r} asks for {count / ledger.programme.buckets:.2%} of the units, and "
            f"{float(node.share * Fraction(free, ledger.programme.buckets)):.2%} are free",
            hint=f"claim fewer, or stop an experiment; below {1 / MOST_COMPENSATION:.0%} nothing can start",
        )
    return ceil(count * compensation(node))


def _share(ledger: Ledger, free: dict[str, Buckets]) -> Fraction:
    size = ledger.programme.buckets
    return sum((ledger.nodes[node].share * len(free[node]) / size for node in free), Fraction(0))


def _prune(ledger: Ledger, idle: set[str], at: datetime) -> None:
    ledger.end([one for one in ledger.lasting if one.kind == "node" and one.owner in idle], at)


def _open(ledger: Ledger, node: Node, inflow: dict[str, Buckets], at: datetime) -> None:
    ledger.nodes[node.name] = node
    ledger.lasting += [
        Tenure(
            owner=node.name,
            kind="node",
            node=parent,
            buckets=buckets,
            valid_from=at,
            valid_to=None,
            seq=ledger.seq + 1,
        )
        for parent, buckets in inflow.items()
    ]

"""A programme of 120 exclusive experiments, one arriving per day, under each strategy.

python -m benchmarks.programme           # print the table
python -m benchmarks.programme --write   # and put it into docs/allocation.md

Experiments ask for 2 % to 20 % of the units for 3 to 10 days; all is drawn from a seed. What is measured on each start:

* exclusivity: units in two experiments;
* carry-over: among what is free, does having been in the experiment that stopped last make it more likely to be
  drawn? A z score per start, whose root mean square is 1 under independence. Bucket reuse draws buckets that last, so
  buckets are counted; the salt machine's are new for every draw, so units are;
* waste: the share of units that is free and that no start could have.
"""

import argparse
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from steelyard.assign.allocation.events import Open, Share, Start, Stop
from steelyard.assign.allocation.history import distance
from steelyard.assign.allocation.ledger import ROOT, Ledger
from steelyard.assign.allocation.replay import follow
from steelyard.assign.allocation.salt_machine import claimable_share, free_share
from steelyard.errors import AllocationError
from steelyard.hashing import SCHEMES
from steelyard.hashing.batch import batch

PAGE = Path(__file__).parents[1] / "docs" / "allocation.md"
TABLE = re.compile(r"(<!-- programme -->\n)(.*?)(<!-- end -->)", re.DOTALL)
STRATEGIES = ("bucket_reuse", "salt_machine")
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
HALVES = (Share(name="control", share=5000), Share(name="treatment", share=5000))
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How large a simulation is."""

    units: int = 40_000
    buckets: int = 10_000
    starts: int = 120


@dataclass(slots=True, kw_only=True)
class Found:
    """What a simulation found."""

    violations: int = 0
    refused: int = 0
    carry_over: list[float] = field(default_factory=list)
    waste: list[float] = field(default_factory=list)
    used: list[float] = field(default_factory=list)
    hashes: list[float] = field(default_factory=list)
    most_hashes: int = 1


class Population:
    """Units, and where the tree of a ledger puts them."""

    def __init__(self, count: int) -> None:
        self._units = [f"user_{number}" for number in range(count)]
        self._buckets: dict[str, Ints] = {}

    def locate(self, ledger: Ledger) -> tuple[Ints, Ints, int]:
        """Return each unit's owner (its number, or -1) and its number of hashes, and how many have two owners."""
        owners, hashes = np.full(len(self._units), -1), np.ones(len(self._units), dtype=np.int64)
        names, doubles = list(ledger.owners), 0
        members = {ROOT: np.arange(len(self._units))}
        for node, inside in ((name, members.get(name)) for name in ledger.nodes):
            if inside is None:
                continue
            buckets = self._of(ledger, node)[inside]
            for tenure in (one for one in ledger.lasting if one.node == node):
                chosen = np.zeros(ledger.programme.buckets, dtype=bool)
                chosen[list(tenure.buckets)] = True
                held = inside[chosen[buckets]]
                if tenure.kind == "node":
                    members[tenure.owner] = np.concatenate([members.get(tenure.owner, held[:0]), held])
                    hashes[held] = ledger.nodes[tenure.owner].level
                else:
                    doubles += int((owners[held] >= 0).sum())
                    owners[held] = names.index(tenure.owner)
        return owners, hashes, doubles

    def _of(self, ledger: Ledger, node: str) -> Ints:
        if node not in self._buckets:
            salt, size = ledger.salt_of(node), ledger.programme.buckets
            self._buckets[node] = batch(SCHEMES[ledger.programme.scheme], salt, self._units, size)
        return self._buckets[node]


def simulate(strategy: str, seed: int, size: Size) -> Found:
    """Return what happens to a programme."""
    random, found, population = np.random.default_rng(seed), Found(), Population(size.units)
    salt = f"programme{seed}"
    values = {"programme": "main", "unit": "user", "salt": salt, "scheme": "sha256-60", "exclusive": "all"}
    opening = Open.model_validate({**values, "buckets": size.buckets, "strategy": strategy})
    ledger, _ = follow(None, opening, BEGIN)
    until: dict[str, int] = {}
    gone, last = None, np.zeros(size.units, dtype=bool)
    for day in range(size.starts):
        at = BEGIN + timedelta(days=day)
        name, buckets = f"e{day}", int(random.uniform(0.02, 0.2) * size.buckets)
        length = int(random.integers(3, 11))
        for stopped in [one for one, end in until.items() if end == day]:
            gone, last = stopped, members(population.locate(ledger)[0], ledger, stopped)
            follow(ledger, Stop(owner=stopped), at)
        before, hashes, _ = population.locate(ledger)
        found.hashes.append(float(hashes.mean()))
        found.most_hashes = max(found.most_hashes, int(hashes.max()))
        found.waste.append(waste(ledger))
        event = Start(owner=name, buckets=buckets, salt=name, scheme="sha256", shares=HALVES)
        try:
            follow(ledger, event, at)
        except AllocationError:
            found.refused += 1
            continue
        finally:
            found.used.append(float((population.locate(ledger)[0] >= 0).mean()))
        until[name] = day + length
        after, _, doubles = population.locate(ledger)
        found.violations += doubles
        if gone is not None:
            drawn, free = members(after, ledger, name), before < 0
            if strategy == "bucket_reuse":
                drawn, free, last = as_buckets(ledger, name), ~taken(ledger, name), as_buckets(ledger, gone)
            z = distance(
                int((drawn & last).sum()), int(drawn.sum()), int((last & free).sum()), int(free.sum())
            )
            found.carry_over += [] if z is None else [z]
    return found


def members(owners: Ints, ledger: Ledger, name: str) -> NDArray[np.bool_]:
    """Return which units are in an experiment."""
    found: NDArray[np.bool_] = owners == list(ledger.owners).index(name)
    return found


def as_buckets(ledger: Ledger, name: str) -> NDArray[np.bool_]:
    """Return which buckets an experiment has, or has had."""
    found = np.zeros(ledger.programme.buckets, dtype=bool)
    for tenure in ledger.tenures:
        if tenure.owner == name:
            found[list(tenure.buckets)] = True
    return found


def taken(ledger: Ledger, name: str) -> NDArray[np.bool_]:
    """Return which buckets others than an experiment have."""
    found = np.zeros(ledger.programme.buckets, dtype=bool)
    for tenure in ledger.lasting:
        if tenure.owner != name:
            found[list(tenure.buckets)] = True
    return found


def waste(ledger: Ledger) -> float:
    """Return the share of units that is free and cannot be claimed."""
    if ledger.programme.strategy != "salt_machine":
        return 0.0
    return float(free_share(ledger) - claimable_share(ledger))


def lines(size: Size, seeds: Sequence[int]) -> Iterator[str]:
    """Yield the table, one row per strategy; what it counts is per programme."""
    yield (
        "| strategy | programmes | starts | refused | units in two experiments | carry-over (rms z) | "
        "units in use | waste | hashes per lookup, mean (most) |"
    )
    yield "|---|---|---|---|---|---|---|---|---|"
    for strategy in STRATEGIES if seeds else ():
        found = [simulate(strategy, seed, size) for seed in seeds]
        refused = [one.refused for one in found]
        rms = float(np.sqrt(np.mean(np.square([z for one in found for z in one.carry_over]))))
        yield (
            f"| `{strategy}` | {len(seeds)} | {size.starts} | {np.mean(refused):.1f} "
            f"({min(refused)}–{max(refused)}) | {sum(one.violations for one in found)} | {rms:.2f} | "
            f"{np.mean([one.used for one in found]):.1%} | {np.mean([one.waste for one in found]):.1%} | "
            f"{np.mean([one.hashes for one in found]):.1f} ({max(one.most_hashes for one in found)}) |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true", help="put the table into docs/allocation.md")
    table = "".join(f"{line}\n" for line in lines(Size(), range(1, 11)))
    print(table, end="")
    if parser.parse_args().write:
        text = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(TABLE.sub(lambda match: match[1] + table + match[3], text), encoding="utf-8")


if __name__ == "__main__":
    main()

"""Draws are of the size asked for, variants are even and independent of every past; and each check can fail.

Statistics below are standard normal over salts where the law holds. Bounds: 4.5 standard deviations for one of
them, and for the root mean square of k of them 1 ± 4 / sqrt(2k).
"""

from datetime import timedelta
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.support.claims import MORNING, opening, start

from steelyard.assign.allocation import replay as replaying
from steelyard.assign.allocation.events import Stop
from steelyard.assign.allocation.history import distance
from steelyard.assign.allocation.ledger import Buckets, Ledger, Owner
from steelyard.assign.allocation.programmes import claimed_buckets
from steelyard.assign.allocation.replay import follow
from steelyard.hashing import SCHEMES
from steelyard.hashing.batch import batch

# Properties of drawn worlds, broad beside the examples of the unit tests.
pytestmark = pytest.mark.long

UNITS = [f"user_{number}" for number in range(20_000)]
BUCKETS = 10_000
PROGRAMME = opening(buckets=BUCKETS)
Ints = NDArray[np.int64]


def buckets_of(salt: str, size: int = BUCKETS, scheme: str = "sha256-60") -> Ints:
    found: Ints = batch(SCHEMES[scheme], salt, UNITS, size)
    return found


def membership(buckets: Buckets, salt: str = "main") -> NDArray[np.bool_]:
    return np.isin(buckets_of(salt), list(buckets))


def association(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """Return the standardised covariance of two halves of the same units."""
    n = len(one)
    p, q = one.mean(), other.mean()
    return float((np.mean(one & other) - p * q) * np.sqrt(n) / np.sqrt(p * (1 - p) * q * (1 - q)))


def rms(values: list[float]) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


def assert_standard(values: list[float]) -> None:
    assert abs(rms(values) - 1) < 4 / np.sqrt(2 * len(values)), rms(values)


def followers(count: int, buckets: int = 2000) -> list[tuple[Buckets, Buckets]]:
    """Return the buckets of each experiment and of the next one, where every one ends before the next begins."""
    ledger, _ = follow(None, PROGRAMME, MORNING)
    found: list[Buckets] = []
    for number in range(count):
        at = MORNING + timedelta(days=number)
        follow(ledger, start(f"e{number}", buckets), at)
        found.append(claimed_buckets(ledger, f"e{number}"))
        follow(ledger, Stop(owner=f"e{number}"), at + timedelta(hours=12))
    return list(pairwise(found))


@pytest.mark.parametrize("share", [0.01, 0.2, 0.5])
def test_the_number_of_units_is_binomial_about_the_share(share: float) -> None:
    ledger, _ = follow(None, PROGRAMME, MORNING)
    follow(ledger, start("a", int(share * BUCKETS)), MORNING)
    z = []
    for salt in range(30):
        count = int(membership(claimed_buckets(ledger, "a"), f"salt{salt}").sum())
        z.append((count - share * len(UNITS)) / np.sqrt(len(UNITS) * share * (1 - share)))
    assert max(map(abs, z)) < 4.5
    assert_standard(z)


def test_variants_are_even_inside_a_sample() -> None:
    sample = np.flatnonzero(membership(frozenset(range(0, BUCKETS, 5))))
    z = []
    for number in range(60):
        treated = int((buckets_of(f"experiment{number}", scheme="sha256")[sample] >= 5000).sum())
        z.append((treated - len(sample) / 2) / np.sqrt(len(sample) / 4))
    assert max(map(abs, z)) < 4.5
    assert_standard(z)


def test_the_check_of_evenness_sees_a_variant_drawn_with_the_programme_s_salt() -> None:
    """One hash for both: the lower buckets are all in one variant."""
    sample = np.flatnonzero(membership(frozenset(range(2000))))
    treated = int((buckets_of("main")[sample] >= 5000).sum())
    assert treated == 0


def test_variants_are_independent_of_those_of_an_earlier_experiment() -> None:
    variants = [buckets_of(f"experiment{number}") >= 5000 for number in range(40)]
    z = [association(one, other) for one, other in pairwise(variants)]
    assert max(map(abs, z)) < 4.5
    assert_standard(z)
    assert association(variants[0], variants[0]) > 100


def test_a_draw_is_independent_of_whom_the_last_experiment_had() -> None:
    z = [
        found
        for last, draw in followers(40)
        if (found := distance(len(last & draw), len(draw), len(last), BUCKETS)) is not None
    ]
    assert len(z) == 39
    assert max(map(abs, z)) < 4.5
    assert_standard(z)


def first_fit(ledger: Ledger, owner: Owner, count: int, *_: object) -> dict[str, Buckets]:
    """Contiguous ranges: what is free first."""
    taken = frozenset[int]().union(*(tenure.buckets for tenure in ledger.lasting))
    free = [bucket for bucket in range(ledger.programme.buckets) if bucket not in taken]
    return {"": frozenset(free[:count])}


def test_the_check_of_independence_sees_contiguous_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replaying, "STRATEGIES", {"bucket_reuse": first_fit})
    ((last, draw),) = followers(2)
    z = distance(len(last & draw), len(draw), len(last), BUCKETS)
    assert z is not None
    assert z > 50


def test_two_programmes_are_independent() -> None:
    half = frozenset(range(5000))
    z = [association(membership(half, f"left{k}"), membership(half, f"right{k}")) for k in range(40)]
    assert max(map(abs, z)) < 4.5
    assert_standard(z)


@pytest.mark.parametrize("strategy", ["bucket_reuse", "salt_machine"])
def test_units_keep_their_variant_while_an_experiment_grows(strategy: str) -> None:
    """By units, end to end: none leaves, and the variant is the salt's, which stays."""
    programme = opening(buckets=1000, strategy=strategy)
    ledger, _ = follow(None, programme, MORNING)

    def members() -> set[str]:
        return {unit for unit in UNITS[:1500] if any(owner.name == "a" for owner in ledger.owners_of(unit))}

    follow(ledger, start("z", 300), MORNING)
    follow(ledger, start("a", 100), MORNING)
    before = members()
    follow(ledger, Stop(owner="z"), MORNING)
    follow(ledger, replaying.Grow(owner="a", buckets=200), MORNING)
    after = members()
    assert before < after
    assert abs(len(after) - 450) < 4.5 * np.sqrt(1500 * 0.3 * 0.7)

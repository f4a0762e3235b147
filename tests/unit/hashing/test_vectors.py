"""Vendors' own test vectors: each says that a unit's bucket lies within a range, or outside it.

A few of each vendor are committed with their source; all known ones are in the shared folder, where it is.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from math import ceil, floor
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from steelyard.hashing import SCHEMES
from steelyard.hashing.batch import batch
from steelyard.hashing.murmur3 import murmur3_32
from steelyard.hashing.sql import bucket_sql

TESTS = Path(__file__).parents[2]
COMMITTED = TESTS / "reference" / "hashing" / "vectors.json"
SHARED = TESTS.parents[1] / "shared" / "reference" / "hash_vectors.json"


@dataclass(frozen=True)
class Case:
    scheme: str
    salt: str
    unit: str
    buckets: int | None
    start: int
    end: int
    inside: bool = True

    def accepts(self, bucket: int | None) -> bool:
        return bucket is not None and (self.start <= bucket < self.end) is self.inside


Vector = dict[str, Any]


def point(scheme: str, salt: object, unit: object, bucket: int, buckets: int | None = None) -> Case:
    return Case(scheme, str(salt), str(unit), buckets, bucket, bucket + 1)


def growthbook_hash(vector: Vector) -> Iterator[Case]:
    if vector["expected"] is not None:
        buckets = {1: 1000, 2: 10_000}[vector["version"]]
        for encoding in ("", "-utf8", "-utf32"):
            name = f"growthbook-v{vector['version']}{encoding}"
            yield point(name, vector["seed"], vector["value"], round(vector["expected"] * buckets))


def growthbook_namespace(vector: Vector) -> Iterator[Case]:
    name, start, end = vector["namespace"]
    bounds = ceil(Fraction(str(start)) * 1000), ceil(Fraction(str(end)) * 1000)
    yield Case("growthbook-v1", f"__{name}", vector["user"], None, *bounds, inside=vector["expected"])


def growthbook_run(vector: Vector) -> Iterator[Case]:
    experiment = vector["experiment"]
    plain = set(experiment) <= {"key", "variations", "weights", "coverage", "hashVersion", "seed"}
    if not (plain and vector["hashUsed"] and vector["inExperiment"]):
        return
    n = len(experiment["variations"])
    weights = [Fraction(str(weight)) for weight in experiment.get("weights", [])] or [Fraction(1, n)] * n
    if len(weights) != n or sum(weights) != 1:
        weights = [Fraction(1, n)] * n
    version = experiment.get("hashVersion", 1)
    buckets = {1: 1000, 2: 10_000}[version]
    i = experiment["variations"].index(vector["expected"])
    start = sum(weights[:i]) * buckets
    end = start + weights[i] * Fraction(str(experiment.get("coverage", 1))) * buckets
    salt = experiment.get("seed", experiment["key"])
    yield Case(f"growthbook-v{version}", salt, vector["attributes"]["id"], None, ceil(start), ceil(end))


def eppo_sharder(vector: Vector) -> Iterator[Case]:
    salt, dash, unit = vector["input"].partition("-")
    if dash:
        yield point("eppo", salt, unit, vector["expected"])


def launchdarkly(vector: Vector) -> Iterator[Case]:
    salt = f"{vector['key']}.{vector['salt']}" if vector["seed"] is None else vector["seed"]
    expected = vector["expected"]
    bucket = expected if isinstance(expected, int) else floor(expected * 100_000)
    yield point("launchdarkly", salt, vector["value"], bucket)


def optimizely(vector: Vector) -> Iterator[Case]:
    yield point("optimizely", vector["parent_id"], vector["bucketing_id"], vector["expected"])


def unleash_unit(context: Vector, stickiness: str) -> str | None:
    if stickiness in ("default", "random"):
        return context.get("userId") or context.get("sessionId")
    return context.get(stickiness) or context.get("properties", {}).get(stickiness)


def unleash_rollout(vector: Vector) -> Iterator[Case]:
    (strategy,) = vector["feature"]["strategies"]
    parameters = strategy.get("parameters") or {}
    if "groupId" not in parameters:
        return
    fixed = {"gradualRolloutUserId": "userId", "gradualRolloutSessionId": "sessionId"}
    unit = unleash_unit(
        vector["context"], fixed.get(strategy["name"], parameters.get("stickiness", "default"))
    )
    if unit:
        percentage = int(parameters.get("percentage", parameters.get("rollout")))
        inside = vector["expected"]
        yield Case("unleash-rollout", parameters["groupId"], unit, None, 0, percentage, inside)


def unleash_variants(vector: Vector) -> Iterator[Case]:
    feature = vector["feature"]
    strategies = [strategy for strategy in feature["strategies"] if strategy.get("variants")]
    owner = strategies[0] if strategies else feature
    variants = owner.get("variants") or []
    if not variants or not vector["expected"]["enabled"] or any(v.get("overrides") for v in variants):
        return
    stickiness = variants[0].get("stickiness", "default")
    salt = feature["name"]
    if strategies:
        stickiness, salt = owner["parameters"]["stickiness"], owner["parameters"]["groupId"]
    unit = unleash_unit(vector["context"], stickiness)
    names = [variant["name"] for variant in variants]
    ends = list(accumulate(variant["weight"] for variant in variants))
    i = names.index(vector["expected"]["name"])
    if unit:
        yield Case("unleash", salt, unit, ends[-1], ends[i] - variants[i]["weight"], ends[i])


def flagsmith(vector: Vector) -> Iterator[Case]:
    if "segment_key" in vector:
        end = floor(Fraction(str(vector["threshold"])) * 9998 / 100) + 1
        yield Case(
            "flagsmith", vector["segment_key"], vector["identity_key"], None, 0, end, vector["expected"]
        )
        return
    start = Fraction(0)
    for variant in sorted(vector["variants"], key=lambda variant: variant["priority"]):
        end = start + Fraction(str(variant["weight"])) * 9998 / 100
        if variant["value"] == vector["expected"] and variant["weight"]:
            yield Case(
                "flagsmith", vector["feature_key"], vector["identity_key"], None, ceil(start), ceil(end)
            )
            return
        start = end
    if vector["expected"] == vector["default"]:
        yield Case("flagsmith", vector["feature_key"], vector["identity_key"], None, ceil(start), 9998)


def confidence(vector: Vector) -> Iterator[Case]:
    yield point("confidence", vector["salt"], vector["unit"], vector["expected"], vector["buckets"])


def planout(vector: Vector) -> Iterator[Case]:
    choices = vector["choices"]
    salt = f"{vector['exp_salt']}.{vector['param']}"
    yield point("planout", salt, vector["unit"], choices.index(vector["expected"]), len(choices))


def flagd(vector: Vector) -> Iterator[Case]:
    first, *rest = vector["rule"]
    name, salt = {1: "flagd-v1", 2: "flagd", 3: "flagd-v3"}[vector["version"]], vector["flag"]
    weights = vector["rule"]
    if isinstance(first, dict):
        weights, name = rest, "flagd-v3-text" if vector["version"] == 3 else name
        start = first["cat"][0] if "cat" in first else ""
        salt = vector["flag"] if isinstance(start, dict) else start
    values = [vector["variants"].get(weight[0], weight[0]) for weight in weights]
    sizes = [weight[1] if len(weight) > 1 else 1 for weight in weights]
    i = values.index(vector["expected"])
    ends = list(accumulate(sizes))
    yield Case(name, salt, vector["key"], ends[-1], ends[i] - sizes[i], ends[i])


def posthog_simple(vector: Vector) -> Iterator[Case]:
    yield Case("posthog-rollout", vector["key"], vector["id"], 100, 0, vector["pct"], vector["expected"])


def posthog_multivariate(vector: Vector) -> Iterator[Case]:
    rolled = vector["expected"] is not False
    yield Case("posthog-rollout", vector["key"], vector["id"], 100, 0, vector["pct"], rolled)
    start = 0
    for name, percentage in vector["variants"]:
        if name == vector["expected"]:
            yield Case("posthog", vector["key"], vector["id"], 100, start, start + percentage)
        start += percentage


def split(vector: Vector) -> Iterator[Case]:
    yield point("split", vector["seed"], vector["key"], vector["bucket"] - 1)


def split_legacy(vector: Vector) -> Iterator[Case]:
    yield point("split-legacy", vector["seed"], vector["key"], vector["bucket"] - 1)


def go_feature_flag(vector: Vector) -> Iterator[Case]:
    yield point(
        "go-feature-flag", "flagName", vector["input"].removeprefix("flagName"), vector["expected"] % 100_000
    )


def own(vector: Vector) -> Iterator[Case]:
    if vector["user_id"] and ":" not in vector["experiment_id"]:
        yield point("sha256", vector["experiment_id"], vector["user_id"], vector["seed_full_mod_10000"])
        yield point("sha256-60", vector["experiment_id"], vector["user_id"], vector["h60_mod_10000"])


READERS: dict[str, Callable[[Vector], Iterator[Case]]] = {
    "own": own,
    "growthbook-python:hash": growthbook_hash,
    "growthbook-python:inNamespace": growthbook_namespace,
    "growthbook-python:run": growthbook_run,
    "growthbook:hash": growthbook_hash,
    "growthbook:inNamespace": growthbook_namespace,
    "growthbook:run": growthbook_run,
    "eppo:md5_sharder": eppo_sharder,
    "launchdarkly:bucket": launchdarkly,
    "launchdarkly:harness": launchdarkly,
    "optimizely:bucket": optimizely,
    "unleash:rollout": unleash_rollout,
    "unleash:variants": unleash_variants,
    "flagsmith:engine": flagsmith,
    "confidence:bucket": confidence,
    "planout:uniformChoice": planout,
    "flagd:fractional": flagd,
    "posthog:simple": posthog_simple,
    "posthog:multivariate": posthog_multivariate,
    "split:murmur3-sample-data-v2.csv": split,
    "split:murmur3-sample-v3.csv": split,
    "split:murmur3-sample-v4.csv": split,
    "split:murmur3-sample-double-treatment-users.csv": split,
    "split-legacy:sample-data.csv": split_legacy,
    "goff:fnv1a32": go_feature_flag,
}


def vectors_of(path: Path, source: str) -> list[Vector]:
    document = json.loads(path.read_text(encoding="utf-8"))
    found: list[Vector] = (
        document["own"] if source == "own" else document["sources"].get(source, {}).get("vectors", [])
    )
    return found


def check(cases: list[Case]) -> None:
    """Scalar, batch and, where DuckDB can say the scheme, SQL."""
    with duckdb.connect() as connection:
        for case in cases:
            scheme = SCHEMES[case.scheme]
            assert case.accepts(scheme.scalar(case.salt, case.unit, case.buckets)), case
            assert case.accepts(batch(scheme, case.salt, pa.array([case.unit]), case.buckets)[0].as_py()), (
                case
            )
            if case.scheme != "confidence":
                sql = bucket_sql(scheme, "duckdb", case.salt, "u", case.buckets).sql("duckdb")
                (bucket,) = connection.execute(
                    f"SELECT {sql} FROM (SELECT ? AS u)", [case.unit]
                ).fetchone() or (None,)
                assert case.accepts(bucket), case


@pytest.mark.parametrize("source", READERS)
def test_vendors_vectors_hold(source: str) -> None:
    cases = [case for vector in vectors_of(COMMITTED, source) for case in READERS[source](vector)]
    assert cases
    check(cases)


@pytest.mark.slow
@pytest.mark.parametrize("source", READERS)
def test_all_known_vectors_hold(source: str) -> None:
    if not SHARED.is_file():
        pytest.skip("the folder with all vectors is not here")
    cases = [case for vector in vectors_of(SHARED, source) for case in READERS[source](vector)]
    assert cases
    check(cases)


@pytest.mark.parametrize("path", [COMMITTED, SHARED], ids=["committed", "shared"])
def test_murmur_vectors_hold(path: Path) -> None:
    if not path.is_file():
        pytest.skip("the folder with all vectors is not here")
    for vector in vectors_of(path, "amplitude:murmur3"):
        assert murmur3_32(vector["input"].encode(), vector["seed"]) == vector["expected"]
    for vector in vectors_of(path, "redshift:docs"):
        seed = murmur3_32(vector["seed_of"].encode()) if "seed_of" in vector else vector["seed"]
        assert murmur3_32(vector["input"].encode(), seed) == vector["expected"] % (1 << 32)


def test_each_vendor_has_a_vector() -> None:
    named = {
        case.scheme
        for source in READERS
        for vector in vectors_of(COMMITTED, source)
        for case in READERS[source](vector)
    }
    without = set(SCHEMES) - named
    assert without == {
        *("statsig", "statsig-layer"),  # publishes none
        *("eppo-exposure", "eppo-assignment"),  # its cases need whole flag files
        *("amplitude", "amplitude-allocation"),  # its vectors are of the bare hash
        *("flipt", "flipt-boolean"),  # publishes none
        *("devcycle", "devcycle-rollout"),  # publishes none
        "planout-weighted",
    }

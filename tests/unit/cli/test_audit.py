"""Clients that assign units wrongly, injected into a log: the audit names each one's mistake."""

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any
from unicodedata import normalize

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from steelyard.hashing import SCHEMES
from steelyard.run import Auditor, Project, audit_project
from steelyard.run import auditing

Rule = Callable[[str], str]
SHARES = {"control": 5000, "treatment": 5000}
PROJECT = """\
name: log
profile: log
units: {user: user_id}
exposures:
  app: {unit: user, sql: 'SELECTED', timestamp: exposed_at}
"""
PROFILES = "log: {target: dev, outputs: {dev: {type: duckdb, path: log.duckdb}}}\n"
METRIC = (
    "{{ config(version=1) }}\nselect user_id, count(*) as n from exposures\n"
    "where exposed_at >= :start and exposed_at < :end group by user_id\n"
)
EXPERIMENT = "name: NAME\nstart: 2026-03-01\nend: 2026-03-31\nvariants: VARIANTS\nmetrics: [visits]\nMORE"
LOGGED = "select experiment_id, user_id, variant, exposed_at, client, app_version, ruleset_version from exposures"
PLAIN = "select experiment_id, user_id, variant, exposed_at from exposures"


def bucket_of(text: str | bytes, *, buckets: int = 10_000) -> int:
    """The canonical bucket of a whole key, from first principles."""
    data = text if isinstance(text, bytes) else text.encode()
    return int(sha256(data).hexdigest(), 16) % buckets


def half(bucket: int, *, cut: int = 5000) -> str:
    return "control" if bucket < cut else "treatment"


def right(unit: str) -> str:
    return half(bucket_of(f"exp:{unit}"))


def hexadecimal(unit: str) -> str:
    return sha256(unit.encode()).hexdigest()


MISTAKES: dict[str, tuple[Rule, str, str]] = {
    "trims": (lambda u: right(u.strip()), "ids", "trims ids"),
    "lowers": (lambda u: right(u.lower()), "ids", "folds ids to lower case"),
    "uppers": (lambda u: right(u.upper()), "ids", "folds ids to upper case"),
    "integers": (lambda u: right(u.lstrip("0")), "ids", "reads ids as integers"),
    "floats": (lambda u: right(f"{u}.0"), "ids", "floating-point"),
    "latin": (
        lambda u: half(bucket_of(f"exp:{u}".encode("latin-1", "replace"))),
        "encoding",
        "hashes text as Latin-1",
    ),
    "utf_16": (lambda u: half(bucket_of(f"exp:{u}".encode("utf-16-le"))), "encoding", "UTF-16 (little"),
    "utf_16_be": (lambda u: half(bucket_of(f"exp:{u}".encode("utf-16-be"))), "encoding", "UTF-16 (big"),
    "mojibake": (lambda u: right(u.encode().decode("latin-1")), "encoding", "encodes UTF-8 twice"),
    "ascii": (lambda u: right(u.encode("ascii", "replace").decode()), "encoding", "question marks"),
    "composed": (lambda u: right(normalize("NFC", u)), "encoding", "NFC"),
    "double_id": (lambda u: right(hexadecimal(u)), "double_hash", "hashes ids before they are hashed (SHA-256)"),
    "double_key": (
        lambda u: half(bucket_of(hexadecimal(f"exp:{u}"))),
        "double_hash",
        "hashes the hash once more (its hexadecimal text)",
    ),
    "double_bytes": (
        lambda u: half(bucket_of(sha256(f"exp:{u}".encode()).digest())),
        "double_hash",
        "hashes the hash once more (its bytes)",
    ),
    "other_salt": (lambda u: half(bucket_of(f"other:{u}")), "salt", "the salt of the experiment other"),
    "no_salt": (lambda u: half(bucket_of(u)), "key", "hashes without the salt"),
    "turned": (lambda u: half(bucket_of(f"{u}:exp")), "key", "with the salt behind the unit"),
    "hundred": (lambda u: half(bucket_of(f"exp:{u}", buckets=100), cut=50), "buckets", "has 100 buckets"),
    "sha256_60": (
        lambda u: half(SCHEMES["sha256-60"].scalar("exp", u) or 0),
        "scheme",
        "hashes as sha256-60 does",
    ),
    "growthbook": (
        lambda u: half(SCHEMES["growthbook-v2"].scalar("exp", u) or 0),
        "scheme",
        "hashes as growthbook-v2 does",
    ),
    "stale": (
        lambda u: half(bucket_of(f"exp:{u}"), cut=2000),
        "other_split",
        "treatment in place of control from about bucket 2,000 to 5,000",
    ),
    "constant": (lambda u: "control", "other_split", "control in place of treatment"),
    "swapped": (
        lambda u: {"control": "treatment", "treatment": "control"}[right(u)],
        "swapped",
        "takes the variants in another order",
    ),
}


def units(n: int, seed: int) -> list[str]:
    """Ids of all kinds: some with blanks, capitals, leading zeros, accents, composed characters, emoji."""
    rng = np.random.default_rng(seed)
    shapes = ("u{}", " u{}", "User_{}", "00{}", "ÿé{}", "e\u0301{}", "你好{}", "😀{} ", "{}", "a{}")
    return [shapes[k % len(shapes)].format(number) for k, number in enumerate(rng.integers(10**6, 10**9, n))]


Log = list[tuple[str | None, str, str, str, str]]


def rows_of(client: str, rule: Rule, *, n: int = 600, version: str = "1.0", ruleset: str = "7") -> Log:
    seed = int.from_bytes(sha256(client.encode()).digest()[:4])
    return [(unit, rule(unit), client, version, ruleset) for unit in units(n, seed)]


class Audited:
    """A project over a log that a test fills."""

    def __init__(self, root: Path, *, selected: str = LOGGED, variants: str = "[control, treatment]") -> None:
        self.root = root
        self.write("steelyard.yml", PROJECT.replace("SELECTED", selected))
        self.write("profiles.yml", PROFILES)
        self.write("metrics/visits.sql", METRIC)
        self.experiment("exp", variants=variants)
        self.experiment("other")

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def experiment(self, name: str, *, variants: str = "[control, treatment]", more: str = "") -> None:
        text = EXPERIMENT.replace("NAME", name).replace("VARIANTS", variants).replace("MORE", more)
        self.write(f"experiments/{name}.yml", text)

    def log(self, rows: Log, *, unit_type: str = "varchar") -> None:
        names = ("user_id", "variant", "client", "app_version", "ruleset_version")
        logged = pa.table(  # noqa: F841  DuckDB reads it by name
            {name: pa.array([row[k] for row in rows], pa.string()) for k, name in enumerate(names)}
        )
        with duckdb.connect(str(self.root / "log.duckdb")) as connection:
            connection.execute(
                "create or replace table exposures as select 'exp' as experiment_id,"
                f" user_id::{unit_type} as user_id, * exclude (user_id),"
                " timestamp '2026-03-02 10:00:00' as exposed_at from logged"
            )

    def audit(self) -> Any:
        (found,) = audit_project(Project.load(self.root), select=["exp"])
        return found


@pytest.fixture
def audited(tmp_path: Path) -> Audited:
    return Audited(tmp_path)


def test_every_mistake_is_named_beside_clients_that_are_right(audited: Audited) -> None:
    rows = rows_of("fine", right)
    for client, (rule, _, _) in MISTAKES.items():
        rows += rows_of(client, rule)
    audited.log(rows)
    found = {client.labels[0]: client for client in audited.audit().clients}
    assert (found["fine"].wrong, found["fine"].causes) == (0, [])
    for client, (_, kind, text) in MISTAKES.items():
        (cause,) = found[client].causes
        assert (client, cause.kind) == (client, kind)
        assert text in cause.text
        assert cause.explained == pytest.approx(1, abs=0.001), client

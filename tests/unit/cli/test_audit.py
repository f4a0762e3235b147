"""Clients that assign units wrongly, injected into a log: the audit names each one's mistake."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from unicodedata import normalize

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner

from steelyard.assign.allocation.programmes import load_programmes
from steelyard.assign.reading import read_ruleset
from steelyard.cli.main import cli
from steelyard.errors import CompileError, WarehouseError
from steelyard.hashing import SCHEMES
from steelyard.run import Auditor, Project, audit_project, conformance
from steelyard.run.rulesets import project_ruleset

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
    "{{ config(version=1, direction='increase') }}\nselect user_id, count(*) as n from exposures\n"
    "where exposed_at >= :start and exposed_at < :end group by user_id\n"
)
EXPERIMENT = "name: NAME\nstart: 2026-03-01\nend: 2026-03-31\nvariants: VARIANTS\nmetrics: [visits]\nMORE"
LOGGED = (
    "select experiment_id, user_id, variant, exposed_at, client, app_version, ruleset_version from exposures"
)
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
    "double_id": (
        lambda u: right(hexadecimal(u)),
        "double_hash",
        "hashes ids before they are hashed (SHA-256)",
    ),
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

    def experiment(
        self,
        name: str,
        *,
        variants: str = "[control, treatment]",
        more: str = "",
        start: date = date(2026, 3, 1),
    ) -> None:
        text = EXPERIMENT.replace("NAME", name).replace("VARIANTS", variants).replace("MORE", more)
        text = text.replace("2026-03-01", str(start)).replace("2026-03-31", str(start + timedelta(days=90)))
        self.write(f"experiments/{name}.yml", text)

    def log(self, rows: Log, *, unit_type: str = "varchar", at: str = "2026-03-02 10:00:00") -> None:
        names = ("user_id", "variant", "client", "app_version", "ruleset_version")
        logged = pa.table(  # noqa: F841  DuckDB reads it by name
            {name: pa.array([row[k] for row in rows], pa.string()) for k, name in enumerate(names)}
        )
        with duckdb.connect(str(self.root / "log.duckdb")) as connection:
            connection.execute(
                "create or replace table exposures as select 'exp' as experiment_id,"
                f" user_id::{unit_type} as user_id, * exclude (user_id),"
                f" timestamp '{at}' as exposed_at from logged"
            )

    def audit(self) -> Any:
        (found,) = audit_project(Project.load(self.root), select=["exp"])
        return found


@pytest.fixture
def audited(tmp_path: Path) -> Audited:
    return Audited(tmp_path)


@pytest.mark.long
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


@pytest.mark.long
def test_a_plain_log_has_its_mixture_of_causes_named(tmp_path: Path) -> None:
    audited = Audited(tmp_path, selected=PLAIN)
    rows = rows_of("fine", right, n=4000)
    rows += rows_of("trims", lambda u: right(u.strip()), n=2000)
    rows += rows_of("doubles", lambda u: right(hexadecimal(u)), n=500)
    audited.log(rows)
    (client,) = audited.audit().clients
    assert client.name == "the log"
    assert [cause.kind for cause in client.causes] == ["double_hash", "ids"] or [
        cause.kind for cause in client.causes
    ] == ["ids", "double_hash"]
    assert sum(cause.explained for cause in client.causes) == pytest.approx(1, abs=0.01)


@pytest.mark.long
def test_an_unrelated_client_has_no_cause(audited: Audited) -> None:
    audited.log(rows_of("dice", lambda u: half(bucket_of(f"secret {u}")), n=2000))
    (client,) = audited.audit().clients
    assert 0.45 < client.wrong / client.assignments < 0.55
    assert client.causes == []


@pytest.mark.long
def test_a_few_wrong_rows_are_counted_and_not_explained(audited: Audited) -> None:
    audited.log(
        [*rows_of("fine", right), ("u1", "treatment" if right("u1") == "control" else "control", *"abc")]
    )
    found = audited.audit()
    assert (found.wrong, [client.causes for client in found.clients]) == (1, [[], []])


@pytest.mark.long
def test_three_variants_with_uneven_shares(tmp_path: Path) -> None:
    audited = Audited(tmp_path, variants="{a: 20%, b: 30%, c: 50%}")

    def split(bucket: int, cuts: tuple[int, int]) -> str:
        return "abc"[sum(bucket >= cut for cut in cuts)]

    def fine(unit: str) -> str:
        return split(bucket_of(f"exp:{unit}"), (2000, 5000))

    audited.log(
        [
            *rows_of("fine", fine),
            *rows_of("lowers", lambda u: fine(u.lower())),
            *rows_of("stale", lambda u: split(bucket_of(f"exp:{u}"), (1000, 4000))),
            *rows_of("first", lambda u: "a"),
        ]
    )
    found = {client.labels[0]: client for client in audited.audit().clients}
    assert {name: [cause.kind for cause in client.causes] for name, client in found.items()} == {
        "fine": [],
        "lowers": ["ids"],
        "stale": ["other_split"],
        "first": ["other_split"],
    }
    assert "a in place of b; a in place of c" in found["first"].causes[0].text
    assert "b in place of a from about bucket 1,000 to 2,000" in found["stale"].causes[0].text


@pytest.mark.long
def test_each_verdict_is_counted(audited: Audited) -> None:
    audited.experiment("exp", more="scheme: sha256\ntargeting: {client: [web]}\n")
    wrong = {"control": "treatment", "treatment": "control"}
    audited.log(
        [
            *((unit, right(unit), "web", "1", "7") for unit in units(100, 1)),
            *((unit, wrong[right(unit)], "web", "1", "7") for unit in units(3, 1)),
            *((unit, wrong[right(unit)], "web", "1", "7") for unit in units(5, 2)),
            *((unit, right(unit), "tv", "1", "7") for unit in units(7, 3)),
            *((unit, "preview", "web", "1", "7") for unit in units(2, 4)),
            (None, "control", "web", "1", "7"),
            ("", "control", "web", "1", "7"),
        ]
    )
    found = audited.audit()
    counts = {verdict: found.count(verdict) for verdict in found.clients[0].verdicts}
    assert counts == {
        "right": 100,
        "wrong_variant": 5,
        "second_variant": 3,
        "outside_allocation": 0,
        "in_holdback": 0,
        "not_targeted": 7,
        "unknown_ruleset": 0,
        "unknown_variant": 2,
        "no_unit": 2,
    }
    assert found.wrong == 15


def test_repeated_rows_are_one_assignment(audited: Audited) -> None:
    audited.log(rows_of("fine", right, n=50) * 4)
    (client,) = audited.audit().clients
    assert (client.assignments, client.logged) == (50, 200)


def test_integer_units_are_hashed_as_text(audited: Audited) -> None:
    audited.log([(str(k), right(str(k)), "web", "1", "7") for k in range(300)], unit_type="bigint")
    assert audited.audit().wrong == 0


def test_floating_point_units_are_refused(audited: Audited) -> None:
    audited.log([("1", "control", "web", "1", "7")], unit_type="double")
    with pytest.raises(CompileError, match="the units 'user_id' are of type double"):
        audited.audit()


def test_a_client_that_loses_one_variant_is_named(audited: Audited) -> None:
    kept = [row for row in rows_of("old", right) if row[1] == "control"]
    audited.log([*rows_of("fine", right), *kept])
    found = audited.audit()
    assert found.wrong == 0
    assert found.status(Project.load(audited.root).files.project.health) == "fail"
    causes = {client.labels[0]: [one.text for one in client.causes] for client in found.clients}
    assert causes["fine"] == []
    assert causes["old"][0].startswith("logs 100% fewer exposures to treatment than to the others")


@pytest.mark.long
def test_the_command_prints_the_causes_and_exits_with_3(audited: Audited) -> None:
    audited.log([*rows_of("fine", right), *rows_of("doubles", lambda u: right(hexadecimal(u)))])
    result = CliRunner().invoke(cli, ["audit", "--select", "exp", "--project-dir", str(audited.root)])
    assert result.exit_code == 3
    assert "the audit failed for exp" in result.stderr
    assert result.stdout.startswith("exp: fail\n  - Of 1,200 logged assignments ")
    assert "doubles 1.0 hashes ids before they are hashed (SHA-256) (100% of its" in result.stdout
    assert "sha256 with its name as salt is assumed" in result.stdout
    arguments = ["audit", "-s", "exp", "--format", "json", "--project-dir", str(audited.root)]
    rows = json.loads(CliRunner().invoke(cli, arguments).stdout)
    assert [(row["client"], row["assignments"]) for row in rows] == [("doubles", 600), ("fine", 600)]
    assert rows[1]["right"] == 600


def test_a_log_that_is_right_passes_and_exits_with_0(audited: Audited) -> None:
    audited.log(rows_of("fine", right))
    result = CliRunner().invoke(cli, ["audit", "--select", "exp", "--project-dir", str(audited.root)])
    assert (result.exit_code, result.stderr) == (0, "")
    assert "All 600 logged assignments are as recomputed." in result.stdout


@pytest.mark.long
@pytest.mark.parametrize(
    ("more", "statuses"), [("salt: exp\n", ["fail"]), ("", [])], ids=["declared", "silent"]
)
def test_a_run_audits_the_experiments_that_declare_their_hash(
    audited: Audited, more: str, statuses: list[str]
) -> None:
    audited.experiment("exp", more=more)
    audited.log([*rows_of("fine", right), *rows_of("doubles", lambda u: right(hexadecimal(u)))])
    arguments = ["run", "--select", "exp", "--as-of", "2026-03-10", "--project-dir", str(audited.root)]
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == (3 if statuses else 0), result.output
    with duckdb.connect(str(audited.root / "log.duckdb")) as connection:
        rows = connection.execute(
            "select status, statistic, detail from steelyard.health where check_name = 'assignment_audit'"
        ).fetchall()
    assert [row[0] for row in rows] == statuses
    for _, share, detail in rows:
        assert 0.2 < share < 0.3
        assert "hashes ids before they are hashed" in detail


def test_a_run_goes_on_where_an_audit_cannot(audited: Audited) -> None:
    audited.experiment("exp", more="scheme: confidence\n")
    audited.log(rows_of("fine", right))
    project = Project.load(audited.root)
    with project.connect() as warehouse:
        auditor = Auditor(project.files, warehouse, as_of=date(2026, 3, 10))
        rows = auditor.health_rows(["exp", "other"])
    assert rows["exp"]["status"] == "warn"
    assert "cannot be recomputed: DuckDB has no SQL for Murmur3Wide" in rows["exp"]["detail"]
    assert rows["other"]["detail"] == "No assignment has been logged."


def published(audited: Audited, name: str, *, salt: str) -> tuple[str, Path]:
    """Return the version and the file of a ruleset in which the experiment has another salt."""
    audited.experiment("exp", more=f"salt: {salt}\n")
    path = audited.root / f"{name}.json"
    data = project_ruleset(Project.load(audited.root))
    path.write_bytes(data)
    return read_ruleset(data).version, path


@pytest.mark.long
def test_a_client_with_a_ruleset_of_another_salt_is_stale(audited: Audited) -> None:
    old, old_path = published(audited, "old", salt="before")
    new, new_path = published(audited, "new", salt="exp")
    rows = rows_of("fine", right, ruleset=new)
    rows += rows_of("stale", lambda u: half(bucket_of(f"before:{u}")), ruleset=old)
    audited.log([*rows, *rows_of("odd", right, n=40, ruleset="made up")])
    project = Project.load(audited.root)
    (known,) = audit_project(project, select=["exp"], rulesets=[old_path, new_path])
    found = {client.labels[0]: client for client in known.clients}
    assert [(cause.kind, cause.text) for cause in found["stale"].causes] == [
        ("stale_ruleset", f"assigns by the ruleset {old}")
    ]
    assert found["odd"].verdicts["unknown_ruleset"] == 40
    assert (found["odd"].wrong, found["fine"].causes) == (0, [])
    # Without the file nobody knows its salt, but all of its wrong assignments name another ruleset.
    (blind,) = audit_project(project, select=["exp"])
    causes = {client.labels[0]: [cause.text for cause in client.causes] for client in blind.clients}
    assert causes == {"fine": [], "odd": [], "stale": [f"still has the ruleset {old}"]}
    assert blind.count("unknown_ruleset") == 0


@pytest.mark.long
def test_a_client_with_a_ruleset_of_other_shares_is_stale(audited: Audited) -> None:
    stale = rows_of("stale", lambda u: half(bucket_of(f"exp:{u}"), cut=2000), ruleset="6")
    audited.log([*rows_of("fine", right, n=2000), *stale])
    found = {client.labels[0]: client for client in audited.audit().clients}
    (cause,) = found["stale"].causes
    assert cause.kind == "stale_ruleset"
    assert (
        "still has the ruleset 6; it splits the buckets otherwise: treatment in place of control"
        in cause.text
    )


def test_units_outside_the_claimed_buckets_and_in_holdbacks_are_counted(audited: Audited) -> None:
    programmes = "programmes: {pool: {unit: user, buckets: 1000}}\n"
    audited.write("steelyard.yml", PROJECT.replace("SELECTED", LOGGED) + programmes)
    audited.experiment("exp", more="programme: pool\n")
    began = datetime.now(UTC).replace(microsecond=0) - timedelta(days=40)
    for number, command in enumerate(
        (["holdback", "held", "--share", "10%", "--drop-exposed"], ["start", "exp", "--share", "30%"])
    ):
        at = (began + timedelta(days=number)).isoformat()
        claim = ["allocation", *command, "--by", "tests", "--at", at, "--project-dir", str(audited.root)]
        result = CliRunner().invoke(cli, claim)
        assert result.exit_code == 0, result.output
    project = Project.load(audited.root)
    ledger = load_programmes(project.files)["pool"].ledger
    assert ledger is not None
    rows = rows_of("careless", right, n=1000)
    owners = [{owner.name for owner in ledger.owners_of(unit)} for unit in {row[0] for row in rows}]
    day = (began + timedelta(days=5)).date()
    audited.experiment("exp", more="programme: pool\n", start=began.date())
    audited.log(rows, at=f"{day} 10:00:00")
    (found,) = audit_project(Project.load(audited.root), select=["exp"], as_of=day)
    assert found.count("in_holdback") == sum("held" in names for names in owners) > 50
    assert found.count("right") == sum("exp" in names for names in owners) > 200
    assert found.count("outside_allocation") == sum(not names for names in owners) > 400
    # The day before the claims nobody had any bucket.
    before = (began - timedelta(days=1)).date()
    audited.experiment("exp", more="programme: pool\n", start=before)
    audited.log(rows, at=f"{before} 10:00:00")
    (early,) = audit_project(Project.load(audited.root), select=["exp"], as_of=day)
    assert early.count("outside_allocation") == len(owners)


def test_an_experiment_without_a_claim_is_audited_without_it(audited: Audited) -> None:
    audited.write("steelyard.yml", PROJECT.replace("SELECTED", LOGGED) + "programmes: {pool: {unit: user}}\n")
    audited.experiment("exp", more="programme: pool\n")
    audited.log(rows_of("fine", right, n=50))
    found = audited.audit()
    assert found.wrong == 0
    assert found.notes == ("It has claimed nothing in pool, so its allocation is not checked.",)


def test_who_is_eligible_is_checked_where_the_log_has_what_is_asked_for(audited: Audited) -> None:
    audited.experiment("exp", more="eligible: {attribute: client, in: [web]}\n")
    audited.log([*rows_of("web", right, n=30), *rows_of("tv", right, n=20)])
    found = audited.audit()
    assert (found.count("right"), found.count("not_targeted")) == (30, 20)
    audited.experiment("exp", more="eligible: {attribute: age, at_least: 18}\n")
    unknown = audited.audit()
    assert (unknown.wrong, unknown.notes[-1]) == (
        0,
        "The log lacks age, so who is eligible is not checked.",
    )


def test_an_attribute_that_no_client_has_is_refused(audited: Audited) -> None:
    with_tags = LOGGED.replace(" from", ", [client] as tags from")
    audited.write("steelyard.yml", PROJECT.replace("SELECTED", with_tags))
    audited.experiment("exp", more="eligible: {attribute: tags, exists: true}\n")
    audited.log(rows_of("web", right, n=30))
    with pytest.raises(
        CompileError, match=r"the column 'tags', which a rule .* tests, is of type varchar\[\]"
    ):
        audited.audit()


def test_a_warehouse_that_hashes_otherwise_is_not_relied_on(
    audited: Audited, monkeypatch: pytest.MonkeyPatch
) -> None:
    audited.log(rows_of("fine", right, n=50))
    honest = conformance.conformance_sql
    monkeypatch.setattr(
        conformance,
        "conformance_sql",
        lambda dialect: f"select position, sha256 + (position = 7)::int, sha256_60 from ({honest(dialect)})",
    )
    with pytest.raises(WarehouseError, match=r"1 of 107 buckets differ: unit '007' is in 6671, not 6670"):
        audited.audit()
    install = CliRunner().invoke(cli, ["udf", "install", "--project-dir", str(audited.root)])
    assert (install.exit_code, install.stdout) == (1, "")
    project = Project.load(audited.root)
    with project.connect() as warehouse:
        rows = Auditor(project.files, warehouse, as_of=date(2026, 3, 10)).health_rows(["exp"])
    assert rows["exp"]["status"] == "warn"
    assert "cannot be recomputed: 1 of 107 buckets differ" in rows["exp"]["detail"]


def test_a_salt_machine_is_said_to_be_left_out(audited: Audited) -> None:
    programmes = "programmes: {pool: {unit: user, strategy: salt_machine}}\n"
    audited.write("steelyard.yml", PROJECT.replace("SELECTED", LOGGED) + programmes)
    audited.experiment("exp", more="programme: pool\n")
    claim = [
        "allocation",
        "start",
        "exp",
        "--share",
        "30%",
        "--by",
        "tests",
        "--project-dir",
        str(audited.root),
    ]
    assert CliRunner().invoke(cli, claim).exit_code == 0
    audited.log(rows_of("fine", right, n=50))
    assert audited.audit().notes == ("pool is a salt machine, so its allocation is not checked.",)
    result = CliRunner().invoke(cli, ["udf", "ddl", "--project-dir", str(audited.root)])
    assert result.exit_code == 1
    assert "a salt machine has no single set of buckets" in result.stderr

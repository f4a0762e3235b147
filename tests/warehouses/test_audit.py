"""The audit finds the same clients, verdicts and causes on every warehouse."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from tests.support.engines import NAMES, Engines

from steelyard.hashing import DEFAULT
from steelyard.run import Project, audit_project

PROJECT = """\
name: audited
profile: audited
units: {user: user_id}
exposures:
  app:
    unit: user
    sql: select experiment_id, user_id, variant, exposed_at, client, app_version, installed from exposures
    timestamp: exposed_at
"""
EXPERIMENT = (
    "name: exp\nstart: 2026-03-01\nend: 2026-03-31\nvariants: [control, treatment]\nmetrics: [visits]\n"
)
ELIGIBLE = """\
eligible:
  all:
    - {attribute: app_version, version_above: "1.9"}
    - {attribute: installed, before: 2026-03-01T00:00:00+08:00}
    - not: {attribute: client, prefix: "te"}
"""
METRIC = (
    "{{ config(version=1, direction='increase') }}\nselect user_id, count(*) as n from exposures\n"
    "where exposed_at >= :start and exposed_at < :end group by user_id\n"
)
CLIENTS = {
    "fine": lambda unit: unit,
    "lowers": str.lower,
    "trims": str.strip,
    "floats": lambda unit: f"{unit}.0",
}


def half(unit: str, salt: str = "exp") -> str:
    return "control" if (DEFAULT.scalar(salt, unit) or 0) < 5000 else "treatment"


def log() -> pa.Table:
    """Rows of clients that change ids before they hash them, and of one that mixes up the salt."""
    rows = []
    for client, change in CLIENTS.items():
        for k in range(300):
            unit = (f"User_{k}", f" u{k}", f"ü{k} ")[k % 3]
            rows.append((unit, half(change(unit)), client))
    rows += [(f"u{k}", half(f"u{k}", "other"), "salted") for k in range(300)]
    rows += [(f"u{k}", half(f"u{k}"), "test") for k in range(30)]
    rows += [(None, "control", "fine"), ("", "control", "fine"), ("u", "preview", "fine")]
    units, variants, clients = (pa.array(values, pa.string()) for values in zip(*rows, strict=True))
    moment = pa.scalar("2026-03-02 10:00:00").cast(pa.timestamp("us"))
    return pa.table(
        {
            "experiment_id": pa.array(["exp"] * len(rows)),
            "user_id": units,
            "variant": variants,
            "exposed_at": pa.array([moment.as_py()] * len(rows), pa.timestamp("us")),
            "client": clients,
            "app_version": pa.array(["1.10.0-rc.1"] * len(rows)),
            "installed": pa.array(["2026-02-28T23:59:59.9+08:00"] * len(rows)),
        }
    )


@pytest.mark.long
@pytest.mark.parametrize("engine", NAMES)
def test_the_causes_are_named_on_every_warehouse(engine: str, engines: Engines, tmp_path: Path) -> None:
    profile = {"audited": {"target": "t", "outputs": {"t": engines.new(engine)}}}
    for name, text in {
        "steelyard.yml": PROJECT,
        "profiles.yml": yaml.safe_dump(profile),
        "metrics/visits.sql": METRIC,
        "experiments/exp.yml": EXPERIMENT + ELIGIBLE,
        "experiments/other.yml": EXPERIMENT.replace("exp", "other", 1),
    }.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    pq.write_table(log(), tmp_path / "exposures.parquet")
    project = Project.load(tmp_path)
    with project.connect() as warehouse:
        warehouse.load_file("exposures", tmp_path / "exposures.parquet")
    (found,) = audit_project(project, select=["exp"])
    causes = {client.labels[0]: [cause.text for cause in client.causes] for client in found.clients}
    assert causes == {
        "fine": [],
        "test": [],
        "lowers": ["folds ids to lower case"],
        "trims": ["trims ids"],
        "floats": ["reads ids as floating-point numbers (7 becomes 7.0)"],
        "salted": ["hashes with the salt of the experiment other"],
    }
    assert (found.count("no_unit"), found.count("unknown_variant")) == (2, 1)
    assert found.count("not_targeted") == 30
    assert found.assignments == 1530

"""A/A experiments from rows to the report: nothing differs, or the pipeline is to be looked into."""

import json
import re
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from click.testing import CliRunner
from scipy import stats as sp
from tests.support.small_project import METRICS, START, Small, moment, run, write

from steelyard.cli.main import cli

pytestmark = pytest.mark.long

DAYS, UNITS = 6, 400
LAST = START + timedelta(days=DAYS + 1)
VARIANTS = ("control", "copy", "twin")
# An A/A asks for no direction: a visit is neither good nor bad.
VISITS = (
    "{{ config(version=1, direction='none', window={'start': '0d', 'end': '1d', 'mature': true}) }}\n"
    "select user_id, count(*) as visits from events where ts >= :start and ts < :end group by user_id\n"
)
BASE: dict[str, Any] = {
    "status": "stopped",
    "start": START,
    "end": START + timedelta(days=DAYS - 1),
    "design": "aa",
    "variants": list(VARIANTS),
    "metrics": {"primary": ["spend"], "guardrails": ["price"], "quality": ["visits"]},
    "duration": {"target_sample_size_per_variant": UNITS},
}
FIXED = {"test": "fixed", "adjustment": "none"}
EXPERIMENTS = {
    "fixed": {**BASE, "analysis": FIXED},
    "holm": {**BASE, "analysis": {**FIXED, "correction": "holm"}},
    "sequential": {**BASE, "analysis": {"test": "group_sequential", "adjustment": "none"}},
    "open": {**BASE, "status": "running", "end": START + timedelta(days=60), "analysis": "always_valid"},
}
Values = dict[str, list[npt.NDArray[np.float64]]]


def ran(folder: Path, *, twin: float = 1.0) -> tuple[Small, Values]:
    """Run all experiments on the same units; ``twin`` scales what units of the third variant spend per visit."""
    random = np.random.default_rng(71)
    values: Values = {name: [] for name in VARIANTS}
    exposures, events = [], []
    for k in range(3 * UNITS):
        variant, day = VARIANTS[k % 3], int(random.integers(0, DAYS))
        visits = random.gamma(2.0, 2.0, int(random.integers(1, 5))) * (twin if variant == "twin" else 1.0)
        values[variant].append(visits)
        exposures += [(name, f"u{k}", variant, moment(day), "SG") for name in EXPERIMENTS]
        events += [(f"u{k}", moment(day, 13 + hour), float(value)) for hour, value in enumerate(visits)]
    write(
        folder,
        experiments=EXPERIMENTS,
        tables={"exposures": exposures, "events": events},
        metrics={**METRICS, "visits": VISITS},
    )
    return run(folder, LAST), values


@pytest.fixture(scope="module")
def same(tmp_path_factory: pytest.TempPathFactory) -> tuple[Small, Values]:
    return ran(tmp_path_factory.mktemp("same"))


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> tuple[Small, Values]:
    return ran(tmp_path_factory.mktemp("broken"), twin=1.4)


def measured(metric: str, units: list[npt.NDArray[np.float64]]) -> npt.NDArray[np.float64]:
    """Return each unit's value, of a ratio linearised about its variant's ratio."""
    sums, counts = np.array([one.sum() for one in units]), np.array([float(len(one)) for one in units])
    if metric == "price":
        ratio = sums.sum() / counts.sum()
        return ratio + (sums - ratio * counts) / counts.mean()
    return sums if metric == "spend" else counts


@pytest.mark.parametrize("metric", ["spend", "price", "visits"])
@pytest.mark.parametrize("variant", VARIANTS[1:])
def test_every_metric_in_any_role_is_tested_for_any_difference(
    broken: tuple[Small, Values], metric: str, variant: str
) -> None:
    small, values = broken
    (row,) = small.rows(
        "results", f"experiment_id = 'fixed' and metric = '{metric}' and variant = '{variant}'"
    )
    expected = sp.ttest_ind(
        measured(metric, values[variant]), measured(metric, values["control"]), equal_var=False
    )
    assert (row["hypothesis"], row["alternative"], row["margin"]) == ("superiority", "two-sided", None)
    assert row["statistic"] == pytest.approx(expected.statistic, rel=1e-9)
    assert row["p_value"] == pytest.approx(expected.pvalue, rel=1e-7)
    # Three metrics by two treatments share alpha.
    assert row["alpha"] == pytest.approx(0.05 / 6)
    assert row["significant"] == bool(expected.pvalue <= 0.05 / 6)


def test_holm_rejects_by_its_steps(broken: tuple[Small, Values]) -> None:
    small, values = broken
    tests = [(metric, variant) for metric in ("spend", "price", "visits") for variant in VARIANTS[1:]]
    p = {
        (metric, variant): float(
            sp.ttest_ind(
                measured(metric, values[variant]), measured(metric, values["control"]), equal_var=False
            ).pvalue
        )
        for metric, variant in tests
    }
    expected, still = {}, True
    for rank, test in enumerate(sorted(tests, key=p.__getitem__)):
        still = still and p[test] <= 0.05 / (len(tests) - rank)
        expected[test] = still
    rows = small.rows("results", "experiment_id = 'holm'")
    assert {(row["metric"], row["variant"]): row["significant"] for row in rows} == expected
    assert any(expected.values())


def decisions(small: Small, experiment: str) -> dict[str, dict[str, Any]]:
    found = small.rows("decisions", f"experiment_id = '{experiment}'")
    return {row["variant"]: {**row, "reasons": json.loads(row["reasons"])} for row in found}


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_variants_that_are_the_same_are_never_shipped(same: tuple[Small, Values], experiment: str) -> None:
    wanted = (
        ("keep_running", "no_difference_yet") if experiment == "open" else ("do_not_ship", "no_difference")
    )
    for variant, row in decisions(same[0], experiment).items():
        assert (row["decision"], {one["code"] for one in row["reasons"]}) == (wanted[0], {wanted[1]})
        assert [one["metric"] for one in row["reasons"]] == ["spend", "price", "visits"]
        if experiment != "open":
            expected = f"Nothing differs between {variant} and control, as it should."
            assert row["recommendation"].startswith(expected)


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_a_difference_is_to_be_investigated_even_where_it_looks_like_a_win(
    broken: tuple[Small, Values], experiment: str
) -> None:
    found = decisions(broken[0], experiment)
    assert found["twin"]["decision"] == "invalid"
    assert {one["code"] for one in found["twin"]["reasons"]} == {"difference_found"}
    assert found["twin"]["recommendation"].startswith("Investigate the pipeline")
    assert found["copy"]["decision"] == ("keep_running" if experiment == "open" else "do_not_ship")


def test_an_aa_is_no_win_and_no_loss_of_the_programme(same: tuple[Small, Values]) -> None:
    assert same[0].rows("learning") == []
    kinds = {row["kind"] for row in same[0].rows("insights")}
    assert not kinds & {"chance_to_win", "posterior", "futility"}
    assert "plan_reached" in kinds


def report(small: Small, *arguments: str) -> str:
    result = CliRunner().invoke(cli, ["report", *arguments, "--project-dir", str(small.folder)])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_report_says_so_and_shows_the_health_checks(
    same: tuple[Small, Values], broken: tuple[Small, Values]
) -> None:
    text = report(same[0], "fixed")
    assert "NO DIFFERENCE: copy" in text
    assert "spend does not differ, as it should." in text
    assert re.search(r"Health checks passed: .*multiple_exposure, srm \(p = 1\.000\)", text)
    text = report(broken[0], "fixed")
    assert "INVESTIGATE: twin" in text
    assert "spend differs, though the variants get the same" in text
    overview = report(broken[0])
    assert "INVESTIGATE" in overview
    assert "NO DIFFERENCE" in overview


def test_a_failed_check_is_the_first_thing_to_look_into(tmp_path: Path) -> None:
    random = np.random.default_rng(72)
    exposures = [
        ("skewed", f"u{k}", "control" if k % 3 else "copy", moment(k % DAYS), "SG") for k in range(900)
    ]
    events = [(f"u{k}", moment(k % DAYS, 13), float(random.gamma(2.0))) for k in range(900)]
    spec = {**BASE, "variants": ["control", "copy"], "metrics": ["spend"], "analysis": FIXED}
    write(tmp_path, experiments={"skewed": spec}, tables={"exposures": exposures, "events": events})
    row = decisions(run(tmp_path, LAST), "skewed")["copy"]
    assert (row["decision"], row["reasons"][0]["code"]) == ("invalid", "quality_failed")


def test_an_aa_is_assigned_by_the_same_hash_and_stands_in_the_ruleset(same: tuple[Small, Values]) -> None:
    folder = ["--project-dir", str(same[0].folder)]
    built = CliRunner().invoke(cli, ["ruleset", "build", "--as-of", str(START), *folder])
    assert built.exit_code == 0, built.output
    assert "open" in json.loads(built.stdout)["experiments"]
    units = [f"u{k}" for k in range(40)]
    found = CliRunner().invoke(cli, ["assign", "open", *units, "--format", "json", *folder])
    assert found.exit_code == 0, found.output
    bucket = {unit: int(sha256(f"open:{unit}".encode()).hexdigest(), 16) % 10_000 for unit in units}
    expected = {unit: VARIANTS[(n >= 3334) + (n >= 6667)] for unit, n in bucket.items()}
    assert {row["unit"]: row["variant"] for row in json.loads(found.stdout)} == expected
    assert set(expected.values()) == set(VARIANTS)


def test_an_aa_claims_buckets_of_a_programme(tmp_path: Path) -> None:
    spec = {**EXPERIMENTS["open"], "programme": "main"}
    write(tmp_path, experiments={"same": spec}, tables={}, metrics={**METRICS, "visits": VISITS})
    with (tmp_path / "steelyard.yml").open("a", encoding="utf-8") as file:
        file.write("programmes:\n  main: {unit: user}\n")
    where = ["--project-dir", str(tmp_path)]
    arguments = ["allocation", "start", "same", "--share", "30%", "--at", str(START), "--by", "us"]
    started = CliRunner().invoke(cli, [*arguments, *where])
    assert started.exit_code == 0, started.output
    built = CliRunner().invoke(cli, ["ruleset", "build", "--as-of", str(START + timedelta(days=1)), *where])
    assert built.exit_code == 0, built.output
    assert "same" in json.loads(built.stdout)["experiments"]

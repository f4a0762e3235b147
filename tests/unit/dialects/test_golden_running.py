"""The SQL of incremental runs, of zoned logs and of shared units: as golden files, and as DuckDB answers it."""

from pathlib import Path

import numpy as np
import pytest
from tests.support.golden_files import check_golden, check_parses_back
from tests.support.golden_project import GOLDEN
from tests.support.golden_running import DAYS, continued, fill, in_full

from steelyard.analysis.collect import Collected
from steelyard.dialects.registry import DIALECTS

ZONED, CONTINUED = GOLDEN / "zoned", GOLDEN / "continued"
STATEFUL = tuple(name for name in DIALECTS if name != "redshift")  # its longest text is shorter than a state
# What the golden SQL of the other project does not hold, or holds without zones.
OF_ZONED = (
    "seen_units",
    "analysed_units",
    "unit_day_orders",
    "unit_day_orders__2",
    "unit_codes",
    "log_quality",
    "shared_units",
)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("running") / "running.duckdb"
    fill(path)
    return path


@pytest.fixture(scope="module")
def expected(database: Path) -> Collected:
    return in_full(database, "duckdb", DAYS[-1])


def require_same(found: Collected, expected: Collected, names: tuple[str, ...]) -> None:
    """Fail unless the experiments have the same moments and counts of shared units."""
    for name in names:
        ours, theirs = found.experiments[name], expected.experiments[name]
        assert list(ours.metrics) == list(theirs.metrics)
        for metric, known in theirs.metrics.items():
            assert known.cells.keys() == ours.metrics[metric].cells.keys()
            for segment, moments in known.cells.items():
                same = ours.metrics[metric].cells[segment]
                np.testing.assert_array_equal(same.n, moments.n)
                np.testing.assert_allclose(same.mean, moments.mean, rtol=1e-9, atol=1e-9)
                np.testing.assert_allclose(same.m2, moments.m2, rtol=1e-9, atol=1e-6)
        assert found.counts[name].multiple == expected.counts[name].multiple
        assert sum(expected.counts[name].multiple.values()) > 0


@pytest.mark.long
@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_log_with_zones_is_read_by_the_golden_sql_and_gives_the_same_moments_translated_back(
    dialect: str, database: Path, expected: Collected, update_golden: bool
) -> None:
    found = in_full(database, dialect, DAYS[-1])
    check_golden(ZONED / dialect, {name: found.statements[name] for name in OF_ZONED}, update=update_golden)
    check_parses_back(ZONED / dialect, dialect)
    require_same(found, expected, ("button", "banner", "badge"))


@pytest.mark.long
@pytest.mark.parametrize("dialect", STATEFUL)
def test_incremental_runs_say_the_golden_sql_and_give_the_moments_of_a_full_run(
    dialect: str, expected: Collected, tmp_path: Path, update_golden: bool
) -> None:
    fill(tmp_path / "running.duckdb")
    runs = continued(tmp_path / "running.duckdb", dialect)
    modes = [[reuse.mode for reuse in reused.values()] for _, reused in runs]
    assert modes == [["rebuilt"] * 2, ["incremental"] * 2, ["incremental"] * 2]
    said: dict[str, str] = {}
    for what, (collected, _) in zip(("advance", "repeat"), runs[1:], strict=True):
        for name, text in collected.statements.items():
            if text not in said.values() and "count_" not in name:
                said[f"{what}_{name}"] = text
    check_golden(CONTINUED / dialect, said, update=update_golden)
    check_parses_back(CONTINUED / dialect, dialect)
    for collected, _ in runs[1:]:
        require_same(collected, expected, ("button", "banner"))

"""The SQL of an audit and of targeting rules in every dialect, and its answers on DuckDB once translated back."""

from pathlib import Path
from typing import Any

import pytest
from tests.support.golden_audit import audit_statements, audited_query, targeting_statements
from tests.support.golden_files import check_golden, check_reads
from tests.support.golden_project import GOLDEN, REFUSALS
from tests.support.golden_running import FILES, fill, opened

from steelyard.compile.audit_log import written_log
from steelyard.dialects.registry import DIALECTS

AUDIT = GOLDEN / "audit"


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("audit") / "running.duckdb"
    fill(path)
    return path


@pytest.fixture(scope="module")
def columns(database: Path) -> dict[str, str]:
    with opened(database, "duckdb") as warehouse:
        return warehouse.column_types(written_log(FILES, "app", "duckdb"))


@pytest.mark.parametrize("dialect", DIALECTS)
def test_an_audit_asks_in_the_golden_sql(dialect: str, columns: dict[str, str], update_golden: bool) -> None:
    rules, refused = targeting_statements(dialect)
    said = dict(audit_statements(dialect, columns)) | rules
    check_golden(AUDIT / dialect, said | ({REFUSALS: refused} if refused else {}), update=update_golden)
    check_reads(AUDIT / dialect, dialect)


def logged(database: Path, dialect: str, columns: dict[str, str]) -> list[tuple[Any, ...]]:
    with opened(database, dialect) as warehouse:
        rows = warehouse.query(audited_query(dialect, columns))
    assert rows.columns[:3] == ("experiment_no", "unit", "variant")
    return sorted(rows.values, key=lambda row: [str(value) for value in row])


@pytest.mark.long
@pytest.mark.parametrize("dialect", [name for name in DIALECTS if name != "duckdb"])
def test_the_audited_log_is_the_same_translated_back(
    dialect: str, database: Path, columns: dict[str, str]
) -> None:
    expected = logged(database, "duckdb", columns)
    assert logged(database, dialect, columns) == expected
    assert {row[5] for row in expected} == {0, 1}

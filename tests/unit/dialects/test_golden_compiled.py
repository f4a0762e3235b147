"""The SQL of every statement of a small project in every dialect, and what each dialect refuses."""

from pathlib import Path

import pytest
from tests.support.golden_files import check_parses_back, compare_golden, write_golden
from tests.support.golden_project import COMPILED, PROJECT, REFUSALS, REFUSED, compiled, refusals

from steelyard.dialects.registry import DIALECTS

EVERYWHERE = pytest.mark.parametrize("dialect", DIALECTS)


@EVERYWHERE
def test_the_golden_sql_is_what_compile_writes(dialect: str, tmp_path: Path, update_golden: bool) -> None:
    result, found = compiled(PROJECT, dialect, tmp_path)
    refusing, _ = compiled(REFUSED, dialect, tmp_path)
    said = refusals(result) + refusals(refusing)
    found |= {REFUSALS: said} if said else {}
    assert result.exit_code == (1 if refusals(result) else 0)
    assert refusing.exit_code == (1 if refusals(refusing) else 0)
    folder = COMPILED / dialect
    if update_golden:
        write_golden(folder, found)
    compare_golden(folder, found)


@EVERYWHERE
def test_golden_statements_parse_back_and_say_only_what_the_dialect_allows(dialect: str) -> None:
    check_parses_back(COMPILED / dialect, dialect)

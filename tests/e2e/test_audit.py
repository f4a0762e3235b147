"""The demo's log comes from its own clients: every assignment is right, and the broken client is named."""

import json

import pytest
from tests.e2e.conftest import Ran, steelyard

pytestmark = pytest.mark.long

BROKEN = "one-click-reorder"
TWICE = "recommendation-carousel"


def test_the_audit_fails_where_a_client_loses_exposures_and_names_it(demo: Ran) -> None:
    result = steelyard(demo.folder, "audit")
    assert result.exit_code == 3
    assert f"the audit failed for {BROKEN}\n" in result.stderr
    passages = dict(text.split(": ", 1) for text in result.stdout.split("\n\n"))
    statuses = {name: text.split("\n")[0] for name, text in passages.items()}
    assert statuses.pop(BROKEN) == "fail"
    assert statuses.pop(TWICE) == "warn"
    assert len(statuses) == 8
    assert set(statuses.values()) == {"pass"}
    assert "android 4.0 logs 100% fewer exposures to treatment than to the others" in passages[BROKEN]
    assert passages[BROKEN].count("fewer exposures") == 1


def test_no_client_assigns_wrongly_but_some_log_a_second_variant(demo: Ran) -> None:
    rows = json.loads(steelyard(demo.folder, "audit", "--format", "json").stdout)
    assert {row["client"] for row in rows} == {"android", "ios", "web"}
    for row in rows:
        wrong = [row[key] for key in ("wrong_variant", "outside_allocation", "in_holdback", "not_targeted")]
        assert wrong == [0, 0, 0, 0]
        assert (row["second_variant"] > 0) == (row["experiment_id"] == TWICE)
    assert sum(row["unknown_variant"] for row in rows) <= 30
    assert sum(row["no_unit"] for row in rows) <= 10


def test_the_run_has_audited_each_experiment(demo: Ran) -> None:
    with demo.connect() as connection:
        found = connection.execute(
            "select experiment_id, status, statistic from steelyard.health where check_name = 'assignment_audit'"
        ).fetchall()
    assert len(found) == 10
    by_name = {name: (status, share) for name, status, share in found}
    assert by_name.pop(BROKEN) == ("fail", 0.0)
    status, share = by_name.pop(TWICE)
    assert status == "warn"
    assert 0.03 < share < 0.05
    assert set(by_name.values()) == {("pass", 0.0)}

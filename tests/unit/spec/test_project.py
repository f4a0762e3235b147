"""steelyard.yml."""

from datetime import timedelta
from pathlib import Path

import pytest

from steelyard.errors import SpecError
from steelyard.spec.document import parse_document
from steelyard.spec.loader import load_project
from steelyard.spec.model import placed, validate
from steelyard.spec.project import Project

MINIMAL = "name: shop\nunits: {user: user_id}\n"


def parse(text: str) -> Project:
    document = parse_document(text, "steelyard.yml")
    return validate(Project, document.value, placed(document))


def test_a_minimal_project_dumps_with_every_default() -> None:
    assert parse(MINIMAL).model_dump(mode="json", by_alias=True) == {
        "name": "shop",
        "profile": "shop",
        "timezone": "UTC",
        "naive_timestamps": "UTC",
        "dialect": None,
        "schema": "steelyard",
        "units": {"user": "user_id"},
        "exposures": {},
        "triggers": {},
        "programmes": {},
        "defaults": {
            "alpha": 0.05,
            "power": 0.8,
            "deterioration_alpha": 0.01,
            "looks": "daily",
            "spending": "power",
            "spending_parameter": 2.0,
            "adjustment": "cuped",
            "correction": "bonferroni",
            "dimensions": [],
            "analysis": "group_sequential",
            "covariate_lookback": "P14D",
            "window": "P7D",
        },
        "vars": {},
        "sources": {},
        "dbt_manifest": None,
        "privacy": {"minimum_units": 0},
        "health": {
            "srm_alpha": 0.001,
            "pre_exposure_alpha": 0.001,
            "multiple_exposure_share": 0.01,
            "interaction_alpha": 0.01,
            "interaction_metrics": "primary",
            "shared_units_limit": 50_000_000,
            "assignment_share": 0.001,
        },
        "paths": {
            "metrics": "metrics",
            "experiments": "experiments",
            "surfaces": "surfaces",
            "fixtures": "fixtures",
            "templates": "sql_templates",
            "tests": "tests/metrics",
            "target": "target",
            "allocation": "allocation",
        },
    }


def test_exposures_and_triggers_are_read(root: Path) -> None:
    project = load_project(root).project
    app = project.exposures["app"]
    assert (app.unit, app.experiment, app.variant) == ("user", "experiment_id", "variant")
    assert (app.dimensions, app.lateness) == (("country", "platform"), timedelta(days=2))
    assert project.triggers["saw_cart"].timestamp == "seen_at"


def test_sources_are_a_schema_or_tables() -> None:
    sources = parse(
        MINIMAL + "sources: {shop: raw, web: {schema: lake.web, tables: {hits: lake.old.hits}}}"
    ).sources
    assert (sources["shop"].schema_name, sources["shop"].tables) == ("raw", {})
    assert (sources["web"].schema_name, sources["web"].tables) == ("lake.web", {"hits": "lake.old.hits"})


def test_vars_keep_their_types() -> None:
    assert parse(MINIMAL + "vars: {a: 1, b: [x, y], c: true, d: NO}").vars == {
        "a": 1,
        "b": ["x", "y"],
        "c": True,
        "d": "NO",
    }


def test_a_spending_function_brings_its_parameter() -> None:
    assert parse(MINIMAL + "defaults: {spending: hwang_shih_decani}").defaults.spending_parameter == -4.0
    assert parse(MINIMAL + "defaults: {spending: pocock}").defaults.spending_parameter is None
    assert (
        parse(MINIMAL + "defaults: {spending: power, spending_parameter: 3}").defaults.spending_parameter
        == 3.0
    )


def test_null_where_none_is_meant_is_none() -> None:
    defaults = parse(MINIMAL + "defaults: {adjustment: null, correction: null}").defaults
    assert (defaults.adjustment, defaults.correction) == ("none", "none")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "timezone: Europe/Berln",
            "timezone: unknown time zone 'Europe/Berln'\n  hint: did you mean 'Europe/Berlin'?",
        ),
        ("exposure: {}", "unknown key 'exposure'\n  hint: did you mean 'exposures'?"),
        (
            "exposures: {app: {unit: usr, sql: s, timestamp: t}}",
            "unknown unit 'usr'\n  hint: did you mean 'user'?",
        ),
        (
            "triggers: {seen: {unit: users, sql: s, timestamp: t}}",
            "unknown unit 'users'\n  hint: did you mean 'user'?",
        ),
        ("exposures: {app: {unit: user, timestamp: t}}", "missing key 'exposures.app.sql'"),
        (
            "exposures: {app: {unit: user, sql: ' ', timestamp: t}}",
            "exposures.app.sql: ' ' is not a query",
        ),
        (
            "exposures: {app: {unit: user, sql: s, timestamp: t, dimensions: [a, a]}}",
            "a dimension stands twice",
        ),
        (
            "exposures: {app: {unit: user, sql: s, timestamp: t, lateness: 36h}}",
            "exposures.app.lateness: '36h' is not a whole number of days",
        ),
        (
            "exposures: {a b: {unit: user, sql: s, timestamp: t}}",
            "exposures.a b: 'a b' is not a safe name\n"
            "  hint: use letters, digits and _, and start with a letter or _",
        ),
        (
            "exposures: [a]",
            "exposures must be a mapping, not a list\n  hint: write keys and values: {key: value}",
        ),
        (
            "exposures:",
            "exposures must be a mapping, not nothing\n  hint: write keys and values: {key: value}",
        ),
        (
            "defaults: {analysis: sequential}",
            "unknown defaults.analysis 'sequential'\n  hint: did you mean 'group_sequential'?",
        ),
        ("defaults: {spending: pocock, spending_parameter: 2}", "pocock has no spending_parameter"),
        (
            "defaults: {spending_parameter: -2}",
            "spending_parameter of power spending must be above 0",
        ),
        ("defaults: {power: 0.995}", "deterioration_alpha must be below 1 - power"),
        ("defaults: {dimensions: [a, a]}", "a dimension stands twice"),
        (
            "vars: {a: {b: 1}}",
            "vars: 'a' must be a text, a number, true, false, or a list of those",
        ),
        ("privacy: {minimum_units: -1}", "privacy.minimum_units must be greater than or equal to 0, not -1"),
        ("health: {srm_alpha: 0}", "health.srm_alpha: 0 is not between 0 and 1"),
        (
            "schema: a-b",
            "schema: 'a-b' is not a safe name\n"
            "  hint: use letters, digits and _, and start with a letter or _",
        ),
    ],
    ids=lambda value: value[:40],
)
def test_a_wrong_project_is_refused_with_its_line(line: str, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse(MINIMAL + line)
    assert str(caught.value) == f"steelyard.yml:3: {message}"


def test_a_project_needs_a_unit() -> None:
    with pytest.raises(
        SpecError, match=r"steelyard.yml:2: a project needs a unit\n  hint: add user: user_id"
    ):
        parse("name: shop\nunits: {}")


def test_a_project_that_is_a_list_is_refused() -> None:
    with pytest.raises(SpecError, match=r"steelyard.yml:1: the file must be a mapping, not a list"):
        parse("- a")


def test_a_misspelt_required_key_is_one_error() -> None:
    with pytest.raises(SpecError) as caught:
        parse("nam: shop\nunits: {user: user_id}")
    assert str(caught.value) == "steelyard.yml:1: unknown key 'nam'\n  hint: did you mean 'name'?"


def test_missing_keys_are_named() -> None:
    with pytest.raises(SpecError) as caught:
        parse("timezone: UTC")
    assert str(caught.value) == "steelyard.yml:1: missing key 'name'\nsteelyard.yml:1: missing key 'units'"


def test_a_frozen_spec_cannot_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        parse(MINIMAL).name = "other"  # type: ignore[misc]

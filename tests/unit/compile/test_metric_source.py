"""A metric file's text before it is SQL: Jinja, config, ref, source, var."""

import json
from pathlib import Path

import pytest

from steelyard.compile.metric_source import MetricSource, read_metric, render_metric
from steelyard.compile.relations import RelationNames, load_relations
from steelyard.errors import CompileError, SpecError
from steelyard.spec.loader import MetricFile
from steelyard.spec.project import Project, Source

BODY = "select user_id, sum(x) as v from {relation} where ts >= :start and ts < :end group by user_id"


def render(text: str, *, relations: RelationNames | None = None, **variables: object) -> MetricSource:
    return render_metric(
        "m", text, where="metrics/m.sql", relations=relations or RelationNames(), variables=variables
    )


def test_config_is_taken_out_and_the_sql_keeps_the_line_numbers_of_the_file() -> None:
    source = render("{{ config(version=2,\n   owner='a') }}\n" + BODY.format(relation="t"))
    assert (source.config.version, source.config.owner) == (2, "a")
    assert source.sql.splitlines()[2].startswith("select user_id")


def test_a_metric_without_config_has_the_defaults() -> None:
    assert render(BODY.format(relation="t")).config.version == 1


def test_an_unknown_config_key_is_refused_with_its_line_and_the_closest_key() -> None:
    with pytest.raises(
        SpecError, match=r"metrics/m.sql:3: unknown key 'versoin'\n  hint: did you mean 'version'"
    ):
        render("\n\n{{ config(versoin=1) }}\nselect 1")


def test_two_config_blocks_are_refused() -> None:
    with pytest.raises(SpecError, match=r"config\(\) stands twice"):
        render("{{ config(version=1) }}{{ config(version=2) }}")


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("\n{% if %}", 2, "Expected an expression"),
        ("\n\n{{ nowhere }}", 3, "'nowhere' is undefined"),
        ("{{ var('a') }}", 1, "unknown variable 'a'"),
        ("\n{{ source('shop', 'orders') }}", 2, "unknown source 'shop'"),
        ("\n{{ 1 / 0 }}", 2, "division by zero"),
        ("{{ ''.__class__.__mro__ }}", 1, "access to attribute '__class__'"),
    ],
)
def test_a_jinja_error_names_its_line(text: str, line: int, words: str) -> None:
    with pytest.raises(CompileError, match=f"metrics/m.sql:{line}: .*{words}"):
        render(text)


def test_variables_come_from_the_project_and_may_have_a_default() -> None:
    assert render("{{ var('a') }} {{ var('b', 3) }}", a="x").sql == "x 3"


def test_the_environment_is_out_of_reach() -> None:
    with pytest.raises(CompileError, match="'env_var' is undefined"):
        render("{{ env_var('HOME') }}")


def test_sources_lead_to_their_schema_or_to_the_relation_that_is_named() -> None:
    shop = Source.model_validate({"schema": "raw", "tables": {"orders": "lake.orders_v2"}})
    relations = RelationNames(sources={"shop": shop})
    text = "{{ source('shop', 'events') }} {{ source('shop', 'orders') }}"
    assert render(text, relations=relations).sql == "raw.events lake.orders_v2"


def test_ref_names_a_table_without_dbt_and_the_models_relation_with_it(tmp_path: Path) -> None:
    assert render("{{ ref('orders') }}").sql == "orders"
    node = {"name": "orders", "resource_type": "model", "relation_name": '"db"."marts"."orders"'}
    (tmp_path / "manifest.json").write_text(json.dumps({"nodes": {"model.x.orders": node}}))
    project = Project.model_validate(
        {"name": "p", "units": {"user": "user_id"}, "dbt_manifest": "manifest.json"}
    )
    relations = load_relations(project, tmp_path)
    assert render("{{ ref('orders') }}", relations=relations).sql == '"db"."marts"."orders"'
    with pytest.raises(
        CompileError, match=r"unknown model 'order'\n  hint: did you mean 'orders'|there is only"
    ):
        render("{{ ref('order') }}", relations=relations)


@pytest.mark.parametrize(("content", "words"), [(None, "cannot be read"), ("[]", "no dbt manifest")])
def test_a_dbt_manifest_that_is_none_is_refused(tmp_path: Path, content: str | None, words: str) -> None:
    if content is not None:
        (tmp_path / "manifest.json").write_text(content)
    project = Project.model_validate(
        {"name": "p", "units": {"user": "user_id"}, "dbt_manifest": "manifest.json"}
    )
    with pytest.raises(CompileError, match=words):
        load_relations(project, tmp_path)


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.sql"
    path.write_bytes(b"select \xff\xfe")
    file = MetricFile(name="m", version=None, path=path, shown="metrics/m.sql")
    with pytest.raises(SpecError, match=r"metrics/m.sql: the file is not UTF-8 text"):
        read_metric(file, relations=RelationNames(), variables={})

"""A whole project: all files, all errors, surfaces, the dump."""

import json
from pathlib import Path

import pytest

from steelyard.errors import SpecError
from steelyard.spec.loader import load_project

SURFACE = """\
name: checkout
owners: payments-team
required_metrics:
  guardrails: [checkout_error_rate, p99_page_load_ms]
  quality: [crash_rate]
properties:
  show_progress_bar: {type: boolean, default: false}
  colour: {type: string, enum: [red, green]}
"""


def write(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text, encoding="utf-8")


def replace(root: Path, path: str, old: str, new: str) -> None:
    text = (root / path).read_text(encoding="utf-8")
    assert old in text
    (root / path).write_text(text.replace(old, new, 1), encoding="utf-8")


def refusal(root: Path) -> str:
    with pytest.raises(SpecError) as caught:
        load_project(root)
    return str(caught.value)


def test_a_project_knows_its_metric_files_in_all_folders(root: Path) -> None:
    write(root, "metrics/money/revenue@2.sql", "select 1")
    write(root, "metrics/money/.#revenue.sql", "an editor's lock")
    found = {(m.name, m.version, m.shown) for m in load_project(root).metrics}
    assert ("revenue", 2, "metrics/money/revenue@2.sql") in found
    assert ("checkout_rate", None, "metrics/checkout_rate.sql") in found
    assert len(found) == 6


def test_everything_dumps_to_json_with_every_default(root: Path) -> None:
    write(root, "metrics/crash_rate.sql", "select 1")
    write(root, "surfaces/checkout.yml", SURFACE)
    dumped = json.loads(json.dumps(load_project(root).to_json(), allow_nan=False))
    assert dumped["project"]["schema"] == "steelyard"
    assert dumped["experiments"]["checkout-progress-bar"]["analysis"]["test"] == "group_sequential"
    assert dumped["surfaces"]["checkout"]["properties"]["colour"]["enum"] == ["red", "green"]
    assert dumped["metrics"][0] == "metrics/add_payment_method_rate.sql"


def test_a_later_stage_can_name_the_line_of_a_part(root: Path) -> None:
    files = load_project(root)
    assert files.where("checkout-progress-bar", ["metrics", "guardrails", 0]) == "experiments/checkout.yml:17"
    assert files.folder("templates") == root / "sql_templates"


def test_an_empty_project_is_a_project(root: Path) -> None:
    for path in [*root.glob("metrics/*"), *root.glob("experiments/*")]:
        path.unlink()
    (root / "experiments").rmdir()
    files = load_project(root)
    assert (files.experiments, files.metrics, files.surfaces) == ({}, (), {})


def test_a_folder_without_a_project_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path).startswith(f"no steelyard.yml in {tmp_path}\n  hint: run steelyard init")


def test_all_errors_of_all_files_are_listed(root: Path) -> None:
    write(root, "metrics/bad name.sql", "select 1")
    write(root, "experiments/broken.yml", "name: [")
    write(root, "experiments/deep/other.yaml", "name: other\nvariants: [a, b]\nmetrics: [chekout_rate]\n")
    replace(root, "experiments/checkout.yml", "status: running", "status: runing")
    said = refusal(root)
    assert "metrics/bad name.sql: the file's name is the metric's: 'bad name' is not a safe name" in said
    assert "experiments/broken.yml:1: not valid YAML" in said
    assert "experiments/checkout.yml:6: unknown status 'runing'\n  hint: did you mean 'running'?" in said
    assert (
        "experiments/deep/other.yaml:3: unknown metric 'chekout_rate'\n  hint: did you mean 'checkout_rate'?"
        in said
    )


def test_two_experiments_of_one_name_are_refused(root: Path) -> None:
    text = (root / "experiments/checkout.yml").read_text(encoding="utf-8")
    write(root, "experiments/again.yml", text)
    assert refusal(root) == (
        "experiments/checkout.yml:1: the experiment name 'checkout-progress-bar' is taken\n"
        "  hint: it is first in experiments/again.yml:1"
    )


def test_an_experiment_without_any_metric_files_is_told_so(root: Path) -> None:
    for path in root.glob("metrics/*"):
        path.unlink()
    said = refusal(root)
    assert said.count("hint: there is no such file in the folder of metrics") == 5


def test_exposures_that_the_project_lacks_are_refused(root: Path) -> None:
    write(root, "steelyard.yml", "name: shop\nunits: {user: user_id}\n")
    said = refusal(root)
    assert "experiments/checkout.yml:5: unknown exposures 'app'\n  hint: add them to steelyard.yml" in said


def test_exposures_without_dimensions_are_told_so(root: Path) -> None:
    replace(root, "steelyard.yml", "    dimensions: [country, platform]\n", "")
    assert refusal(root) == (
        "experiments/checkout.yml:21: unknown dimension 'platform'\n  hint: the exposures 'app' have none"
    )


def test_a_surface_adds_the_metrics_that_an_experiment_lacks(root: Path) -> None:
    write(root, "metrics/crash_rate.sql", "select 1")
    write(root, "surfaces/checkout.yml", SURFACE)
    files = load_project(root)
    uses = [(str(use.metric), use.role) for use in files.experiments["checkout-progress-bar"].metric_uses]
    assert uses[-3:] == [
        ("checkout_error_rate", "guardrail"),
        ("p99_page_load_ms", "guardrail"),
        ("crash_rate", "quality"),
    ]
    assert len(uses) == 6
    assert files.surfaces["checkout"].owners == ("payments-team",)


def test_a_plain_list_of_required_metrics_is_of_guardrails(root: Path) -> None:
    write(root, "surfaces/checkout.yml", "name: checkout\nrequired_metrics: [checkout_rate]\n")
    required = load_project(root).surfaces["checkout"].required_metrics
    assert [use.role for use in required.uses] == ["guardrail"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "[crash_rate]",
            "[crash_rte]",
            "surfaces/checkout.yml:3: unknown metric 'crash_rte'\n  hint: did you mean 'crash_rate'?",
        ),
        (
            "name: checkout",
            "name: chekout",
            "checkout.yml:4: unknown surface 'checkout'\n  hint: did you mean 'chekout'?",
        ),
        (
            "show_progress_bar:",
            "show_progres_bar:",
            "experiments/checkout.yml:10: the surface 'checkout' has no property 'show_progress_bar'\n"
            "  hint: did you mean 'show_progres_bar'?",
        ),
        (
            "{type: boolean, default: false}",
            "integer",
            "experiments/checkout.yml:10: show_progress_bar: false is not of type integer\n"
            "  hint: see the surface 'checkout'",
        ),
        ("enum: [red, green]", "enum: [red, 5]", "surfaces/checkout.yml:8: enum: 5 is not of type string"),
        (
            "enum: [red, green]",
            "enum: [red], default: blue",
            "surfaces/checkout.yml:8: default: 'blue' is not one of 'red'",
        ),
        ("type: string", "type: text", "surfaces/checkout.yml:8: unknown properties.colour.type 'text'"),
        ("owners:", "owner:", "surfaces/checkout.yml:2: unknown key 'owner'\n  hint: did you mean 'owners'?"),
    ],
    ids=lambda value: value[:30],
)
def test_a_wrong_surface_is_refused(root: Path, old: str, new: str, message: str) -> None:
    write(root, "metrics/crash_rate.sql", "select 1")
    write(root, "surfaces/checkout.yml", SURFACE)
    replace(root, "surfaces/checkout.yml", old, new)
    assert message in refusal(root)


def test_two_surfaces_of_one_name_are_refused(root: Path) -> None:
    write(root, "surfaces/a.yml", "name: checkout")
    write(root, "surfaces/b.yml", "name: checkout")
    assert (
        "surfaces/b.yml:1: the surface name 'checkout' is taken\n  hint: it is first in surfaces/a.yml:1"
        in refusal(root)
    )

"""Programmes in steelyard.yml, and what experiments say of their assignment."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from steelyard.spec.loader import ProjectFiles, load_project

Edit = Callable[[str, str], ProjectFiles]
Refusal = Callable[[str, str], str]


def add_programme(root: Path, text: str) -> None:
    path = root / "steelyard.yml"
    path.write_text(path.read_text(encoding="utf-8") + f"programmes: {{{text}}}\n", encoding="utf-8")


def test_a_programme_takes_every_default(root: Path) -> None:
    add_programme(root, "main: {unit: user, cool_off: 7d}")
    main = load_project(root).project.programmes["main"]
    assert (main.salt, main.scheme, main.buckets) == (None, "sha256-60", 10_000)
    assert (main.exclusive, main.strategy, main.cool_off) == ("all", "bucket_reuse", timedelta(days=7))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("main: {unit: usr}", "unknown unit 'usr'"),
        ("main: {unit: user, buckets: 99}", "greater than or equal to 100"),
        ("main: {unit: user, salt: 'a:b'}", "holds ':'"),
        ("main: {unit: user, scheme: md5}", "unknown programmes.main.scheme 'md5'"),
        ("main: {unit: user, strategy: salt_machine, exclusive: tags}", "all exclusive"),
    ],
    ids=["unit", "buckets", "salt", "scheme", "machine"],
)
def test_a_programme_is_refused_with_its_reason(project_refusal: Refusal, text: str, message: str) -> None:
    assert message in project_refusal("defaults:", f"programmes: {{{text}}}\ndefaults:")


def test_an_experiment_says_how_it_is_assigned(root: Path, edited_experiment: Edit) -> None:
    add_programme(root, "main: {unit: user}")
    files = edited_experiment(
        "surface: checkout",
        "surface: checkout\nprogramme: main\ntags: pay\nexclusive_to: [pay]\nsalt: s2\nscheme: sha256-60",
    )
    found = files.experiments["checkout-progress-bar"]
    assert (found.programme, found.tags, found.exclusive_to) == ("main", ("pay",), ("pay",))
    assert (found.assignment_salt, found.scheme, found.domain) == ("s2", "sha256-60", "checkout")


def test_the_salt_is_the_name_unless_one_is_set(root: Path) -> None:
    found = load_project(root).experiments["checkout-progress-bar"]
    assert found.assignment_salt == "checkout-progress-bar"


def test_the_domain_is_the_surface_s_unless_the_experiment_names_one(root: Path) -> None:
    surfaces = root / "surfaces"
    surfaces.mkdir()
    (surfaces / "checkout.yml").write_text("name: checkout\ndomain: payments\n", encoding="utf-8")
    assert load_project(root).experiments["checkout-progress-bar"].domain == "payments"
    path = root / "experiments" / "checkout.yml"
    path.write_text(path.read_text(encoding="utf-8") + "domain: search\n", encoding="utf-8")
    assert load_project(root).experiments["checkout-progress-bar"].domain == "search"


@pytest.mark.parametrize(
    ("new", "message"),
    [
        ("programme: mian", "unknown programme 'mian'"),
        ("programme: devices", "of another unit than the exposures"),
        ("scheme: sha255", "unknown hash scheme 'sha255'"),
        ("salt: 'a:b'", "holds ':'"),
        ("exclusive_to: pay", "exclusive_to needs a programme"),
    ],
    ids=["unknown", "unit", "scheme", "salt", "exclusive"],
)
def test_an_assignment_is_refused_with_its_reason(
    root: Path, refusal: Refusal, new: str, message: str
) -> None:
    add_programme(root, "main: {unit: user}, devices: {unit: device}")
    assert message in refusal("surface: checkout", f"surface: checkout\n{new}")

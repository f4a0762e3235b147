"""A project's files become a ruleset, and errors name the files."""

from datetime import date
from pathlib import Path
from shutil import copytree

import pytest

from steelyard.assign.build import Claim, Claims, HeldBack, build_ruleset
from steelyard.assign.reading import read_ruleset
from steelyard.assign.ruleset import Ruleset
from steelyard.errors import SpecError
from steelyard.spec.loader import load_project

ROOT = Path(__file__).parents[3]
GOLDEN = ROOT / "tests" / "golden" / "ruleset" / "storefront.json"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the demo's files to change."""
    for name in ("metrics", "experiments", "surfaces"):
        copytree(ROOT / name, tmp_path / name)
    for name in ("steelyard.yml", "profiles.yml"):
        (tmp_path / name).write_text((ROOT / name).read_text())
    return tmp_path


def edit(project: Path, name: str, old: str, new: str) -> None:
    path = project / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def build(project: Path, claims: Claims | None = None, on: date | None = None) -> Ruleset:
    return read_ruleset(build_ruleset(load_project(project), claims=claims, on=on))


def test_the_golden_ruleset_is_that_of_the_demo(update_golden: bool) -> None:
    data = build_ruleset(load_project(ROOT))
    if update_golden:
        GOLDEN.parent.mkdir(parents=True, exist_ok=True)
        GOLDEN.write_bytes(data)
    assert GOLDEN.read_bytes() == data, "pytest tests -k golden --update-golden"


def test_the_status_decides_who_is_in_unless_a_day_does(project: Path) -> None:
    now, then = build(project), build(project, on=date(2026, 4, 20))
    assert "bundle-offers" not in now.experiments
    assert "bundle-offers" in then.experiments
    assert "checkout-progress-bar" in now.experiments
    assert "checkout-progress-bar" not in then.experiments
    assert "checkout-progress-bar" in build(project, on=date(2026, 4, 14)).experiments


def test_days_are_those_of_the_projects_zone(project: Path) -> None:
    edit(project, "steelyard.yml", "timezone: UTC", "timezone: Asia/Singapore")
    data = build_ruleset(load_project(project)).decode()
    assert '"ends":"2026-04-14T16:00:00Z"' in data
    assert '"starts":"2026-03-31T16:00:00Z"' in data


def test_a_property_that_one_variant_sets_has_its_default_in_the_others(project: Path) -> None:
    edit(
        project,
        "experiments/express-pay-button.yml",
        "{name: control, config: {show_express_pay: false}}",
        "control",
    )
    first = build(project).experiments["express-pay-button"].variants[0]
    assert (first.name, first.config) == ("control", {"show_express_pay": False})
    edit(
        project,
        "surfaces/checkout.yml",
        "show_express_pay: {type: boolean, default: false}",
        "show_express_pay: boolean",
    )
    with pytest.raises(SpecError) as caught:
        build(project)
    assert str(caught.value).startswith(
        "experiments/express-pay-button.yml:10: the variant 'control' does not set 'show_express_pay',"
        " which has no default"
    )


def test_a_config_needs_a_surface_with_its_properties(project: Path) -> None:
    edit(project, "experiments/size-guide.yml", "{name: treatment,", "{name: treatment, config: {a: 1},")
    with pytest.raises(
        SpecError, match=r"size-guide.yml:\d+: the experiment 'size-guide' sets a, but no surface"
    ):
        build(project)


def test_a_collision_is_an_error_of_the_experiments_file(project: Path) -> None:
    edit(project, "experiments/gift-wrap-option.yml", "show_gift_wrap", "show_express_pay")
    edit(project, "experiments/express-pay-button.yml", "start:", "targeting: {country: [BN, SG]}\nstart:")
    with pytest.raises(SpecError) as caught:
        build(project)
    assert str(caught.value).startswith(
        "experiments/gift-wrap-option.yml:1: 'express-pay-button' sets checkout.show_express_pay as well"
    )
    edit(project, "experiments/express-pay-button.yml", "[BN, SG]", "[SG]")
    assert len(build(project).experiments) == 8


def test_eligible_units_are_also_those_of_the_targeting(project: Path) -> None:
    rule = "{attribute: app_version, version_at_least: 2.4.0}"
    edit(project, "experiments/gift-wrap-option.yml", "[BN]}", f"[BN, 7]}}\neligible: {rule}")
    data = build_ruleset(load_project(project)).decode()
    country = '{"any":[{"attribute":"country","in":["BN"]},{"attribute":"country","in":[7]}]}'
    assert (
        f'"targeting":{{"all":[{country},{{"attribute":"app_version","version_at_least":"2.4.0"}}]}}' in data
    )


def test_an_experiment_has_the_whole_of_its_programme_or_its_claims(project: Path) -> None:
    edit(project, "steelyard.yml", "units:", "programmes: {shop: {unit: user, buckets: 1000}}\nunits:")
    edit(project, "experiments/size-guide.yml", "owner:", "programme: shop\nowner:")
    (whole,) = build(project).experiments["size-guide"].gates
    assert (whole.programme.name, whole.programme.salt, whole.count) == ("shop", "shop", 1000)
    claim = Claim(programme="shop", salt="old", scheme="sha256", buckets=1000, members=[5, 7])
    (own,) = build(project, Claims(experiments={"size-guide": [claim]})).experiments["size-guide"].gates
    assert (own.programme.salt, own.members) == ("old", (5, 7))


ROLLOUT = "rollouts: {bar-for-all: {config: {show_progress_bar: true}, share: 0.5, salt: bar}}\nproperties:"


def test_holdbacks_cover_experiments_and_rollouts_of_their_domains(project: Path) -> None:
    edit(project, "surfaces/checkout.yml", "properties:", ROLLOUT)
    claim = Claim(programme="shop", salt="shop", scheme="sha256-60", buckets=100, members=[1])
    claims = Claims(
        holdbacks={
            "q3": HeldBack(unit="user", claims=[claim], domains=frozenset({"checkout"})),
            "all": HeldBack(unit="user", claims=[claim], domains=None, closing=True, salt="last"),
            "sessions": HeldBack(unit="session", claims=[claim], domains=None),
        }
    )
    edit(project, "steelyard.yml", "units:", "units:\n  session: session_id")
    edit(
        project,
        "steelyard.yml",
        "units:\n  session: session_id\n  user: user_id",
        "units:\n  user: user_id\n  session: session_id",
    )
    found = build(project, claims)
    assert [one.name for one in found.experiments["express-pay-button"].holdbacks] == ["q3", "all"]
    assert [one.name for one in found.experiments["size-guide"].holdbacks] == ["all"]
    assert [one.name for one in found.rollouts["bar-for-all"].holdbacks] == ["q3", "all"]
    assert (found.rollouts["bar-for-all"].share, found.rollouts["bar-for-all"].salt) == (5000, "bar")
    assert [one.name for one in found.holdbacks["all"].variants] == ["nothing", "everything"]
    assert (found.holdbacks["q3"].variants, found.holdbacks["all"].salt) == ((), "last")


def test_a_rollout_of_two_surfaces_is_refused(project: Path) -> None:
    edit(project, "surfaces/checkout.yml", "properties:", ROLLOUT)
    copy = (project / "surfaces/checkout.yml").read_text().replace("name: checkout", "name: cart")
    (project / "surfaces/cart.yml").write_text(copy)
    with pytest.raises(SpecError, match="the rollout 'bar-for-all' is in the surfaces 'cart' and 'checkout'"):
        build(project)

"""A project's files become a ruleset, and errors name the files."""

from datetime import UTC, date, datetime
from pathlib import Path
from shutil import copytree

import pytest

from steelyard.assign.allocation.events import Close, Event, Grow, HoldBack, Release, Share, Start, Stop
from steelyard.assign.allocation.programmes import load_programmes
from steelyard.assign.build import build_ruleset
from steelyard.assign.evaluation import Evaluator, Why
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


def build(project: Path, on: date | None = None) -> Ruleset:
    return read_ruleset(build_ruleset(load_project(project), on=on))


def claim(project: Path, event: Event, day: int) -> None:
    """Write a line into the shop's log of claims."""
    state = load_programmes(load_project(project))["shop"]
    state.log.claim(event, at=datetime(2026, 4, day, 12, tzinfo=UTC), by="test", opening=state.opening)


def start(name: str, buckets: int) -> Start:
    shares = tuple(Share(name=variant, share=5000) for variant in ("control", "treatment"))
    domain = "" if name == "size-guide" else "checkout"
    return Start(owner=name, buckets=buckets, salt=name, scheme="sha256", shares=shares, domain=domain)


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
    text = (project / "experiments/express-pay-button.yml").read_text()
    line = text.splitlines().index("  - control") + 1
    assert str(caught.value).startswith(
        f"experiments/express-pay-button.yml:{line}: the variant 'control' does not set 'show_express_pay',"
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


def with_programme(project: Path, more: str = "") -> None:
    edit(
        project,
        "steelyard.yml",
        "units:",
        f"programmes: {{shop: {{unit: user, buckets: 1000{more}}}}}\nunits:",
    )
    edit(project, "experiments/size-guide.yml", "owner:", "programme: shop\nowner:")


def test_an_experiment_of_a_programme_has_the_buckets_that_it_claimed(project: Path) -> None:
    with_programme(project)
    with pytest.raises(SpecError, match="has no bucket of its programme 'shop'"):
        build(project)
    claim(project, start("size-guide", 300), day=5)
    (gate,) = build(project).experiments["size-guide"].gates or ()
    state = load_programmes(load_project(project))["shop"]
    assert state.ledger is not None
    assert set(gate.members) == state.ledger.held("size-guide")[""]
    assert (gate.count, gate.programme.name, gate.programme.salt, gate.programme.gates) == (
        300,
        "shop",
        "shop",
        None,
    )


def test_a_day_has_the_claims_of_its_end(project: Path) -> None:
    with_programme(project)
    claim(project, start("size-guide", 300), day=5)
    claim(project, Grow(owner="size-guide", buckets=200), day=9)
    for day, count in ((5, 300), (8, 300), (9, 500)):
        (gate,) = build(project, on=date(2026, 4, day)).experiments["size-guide"].gates or ()
        assert gate.count == count
    with pytest.raises(SpecError, match="has no bucket"):
        build(project, on=date(2026, 4, 4))


def test_files_that_disagree_with_the_claims_are_refused(project: Path) -> None:
    with_programme(project)
    claim(project, start("size-guide", 300), day=5)
    edit(project, "experiments/size-guide.yml", "owner:", "salt: another\nowner:")
    with pytest.raises(
        SpecError, match="'size-guide' claimed its buckets with salt 'size-guide', not 'another'"
    ):
        build(project)


def test_the_nodes_of_a_salt_machine_are_programmes_with_gates(project: Path) -> None:
    with_programme(project, ", strategy: salt_machine")
    for name in ("gift-wrap-option", "express-pay-button"):
        edit(project, f"experiments/{name}.yml", "owner:", "programme: shop\nowner:")
    claim(project, start("gift-wrap-option", 400), day=5)
    claim(project, start("express-pay-button", 100), day=6)
    claim(project, Stop(owner="gift-wrap-option"), day=7)
    edit(project, "experiments/gift-wrap-option.yml", "status: running", "status: draft")
    claim(project, start("size-guide", 200), day=8)
    found = build(project)
    evaluator = Evaluator(found)
    ledger = load_programmes(load_project(project))["shop"].ledger
    assert ledger is not None
    assert {gate.programme.name for gate in found.experiments["size-guide"].gates or ()} == {"shop/n1"}
    at = datetime(2026, 5, 10, tzinfo=UTC).timestamp()
    for number in range(3000):
        unit = f"user_{number}"
        owners = {owner.name for owner in ledger.owners_of(unit)}
        outcomes = evaluator.decide_all(unit, {}, now=at)
        inside = {name for name in ("size-guide", "express-pay-button") if outcomes[name].why is Why.ASSIGNED}
        assert inside == owners


ROLLOUT = "rollouts: {bar-for-all: {config: {show_progress_bar: true}, share: 0.5, salt: bar}}\nproperties:"


def test_holdbacks_cover_experiments_and_rollouts_of_their_domains(project: Path) -> None:
    with_programme(project)
    edit(project, "surfaces/checkout.yml", "properties:", ROLLOUT)
    claim(project, HoldBack(owner="q3", buckets=50, domain="checkout"), day=1)
    claim(project, HoldBack(owner="all", buckets=20), day=2)
    claim(project, start("size-guide", 300), day=5)
    claim(project, Close(owner="all", salt="last"), day=9)
    found = build(project)
    assert [one.name for one in found.experiments["express-pay-button"].holdbacks] == ["q3", "all"]
    assert [one.name for one in found.experiments["size-guide"].holdbacks] == ["all"]
    assert [one.name for one in found.rollouts["bar-for-all"].holdbacks] == ["q3", "all"]
    assert (found.rollouts["bar-for-all"].share, found.rollouts["bar-for-all"].salt) == (5000, "bar")
    assert [one.name for one in found.holdbacks["all"].variants] == ["nothing", "everything"]
    assert [gate.count for gate in found.holdbacks["q3"].gates or ()] == [50]
    assert (found.holdbacks["q3"].variants, found.holdbacks["all"].salt) == ((), "last")
    claim(project, Release(owner="q3"), day=10)
    assert list(build(project).holdbacks) == ["all"]


def test_a_rollout_of_two_surfaces_is_refused(project: Path) -> None:
    edit(project, "surfaces/checkout.yml", "properties:", ROLLOUT)
    copy = (project / "surfaces/checkout.yml").read_text().replace("name: checkout", "name: cart")
    (project / "surfaces/cart.yml").write_text(copy)
    with pytest.raises(SpecError, match="the rollout 'bar-for-all' is in the surfaces 'cart' and 'checkout'"):
        build(project)

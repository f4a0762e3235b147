"""From logs to what a ruleset carries, and to what holdbacks cover."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.support.shop import edit, write_shop

from steelyard.assign.allocation.claims import Claims, ruleset_claims
from steelyard.assign.allocation.programmes import load_programmes
from steelyard.errors import AllocationError, SpecError
from steelyard.run import Project
from steelyard.run.allocating import Allocations, Claimant
from steelyard.spec.loader import load_project

ADA = Claimant(by="ada", at=datetime(2024, 4, 1, tzinfo=UTC))
LATER = Claimant(by="ada", at=datetime(2024, 4, 9, tzinfo=UTC))


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return write_shop(tmp_path)


def claims(shop: Path, at: datetime | None = None) -> Claims:
    files = load_project(shop)
    return ruleset_claims(files, load_programmes(files), at=at)


def holdback(claims: Claims, name: str) -> dict[str, Any]:
    (found,) = (claims.holdback(ledger, owner) for ledger, owner in claims.holdbacks() if owner.name == name)
    return found


def test_a_ruleset_carries_the_buckets_of_the_log(shop: Path) -> None:
    programmes = Allocations(Project.load(shop))
    programmes.hold_back("q2", 500, ADA, programme="layer", domain="checkout", drops_exposed=True)
    programmes.start("bar", 2000, ADA)
    programmes.start("button", 3000, ADA)
    found = claims(shop)
    (bar,), (button,) = found.gates("main", "bar"), found.gates("main", "button")
    main = dict(found.programmes())["main"]
    assert main == {"salt": "main", "scheme": "sha256-60", "buckets": 1000, "gates": None}
    assert (bar["programme"], bar["count"], button["count"]) == ("main", 200, 300)
    assert (found.covering("checkout", "user"), found.covering("search", "user")) == (["q2"], [])
    assert holdback(found, "q2")["variants"] == []
    programmes.close("q2", LATER)
    programmes.stop("button", LATER)
    then = claims(shop, at=ADA.at)
    assert then.gates("main", "button") == [button]
    assert holdback(then, "q2")["variants"] == []
    edit(shop, "experiments/button.yml", "status: running", "status: stopped")
    now = claims(shop)
    assert (now.gates("main", "bar"), now.gates("main", "button")) == ([bar], [])
    assert [one["name"] for one in holdback(now, "q2")["variants"]] == ["nothing", "everything"]
    assert holdback(now, "q2")["salt"] == "q2.closing"
    assert claims(shop, at=datetime(2024, 3, 1, tzinfo=UTC)) == Claims(ledgers={})


def test_a_running_experiment_without_a_claim_is_refused(shop: Path) -> None:
    with pytest.raises(SpecError) as caught:
        claims(shop)
    text = str(caught.value)
    assert "experiments/bar.yml:3: 'bar' is running and has no bucket of its programme 'main'" in text
    assert "hint: steelyard allocation start bar --share 100%" in text


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("surface: checkout", "surface: checkout\nsalt: other", "with salt 'bar', not 'other'"),
        (
            "surface: checkout",
            "surface: checkout\nscheme: sha256-60",
            "with scheme 'sha256', not 'sha256-60'",
        ),
        ("surface: checkout", "surface: checkout\ntags: [pay]", r"with tags (), not ('pay',)"),
        ("surface: checkout", "surface: checkout\ndomain: search", "with domain 'checkout', not 'search'"),
        (
            "programme: main",
            "programme: layer",
            "has buckets of the programme 'main', and no experiment file",
        ),
        ("{name: control}", "{name: off}", "the allocation of 'bar' is not the one that it started with"),
    ],
    ids=["salt", "scheme", "tags", "domain", "programme", "variants"],
)
def test_a_file_that_says_something_else_than_its_claim_is_refused(
    shop: Path, old: str, new: str, message: str
) -> None:
    programmes = Allocations(Project.load(shop))
    programmes.start("bar", 2000, ADA)
    programmes.start("button", 3000, ADA)
    claims(shop)
    edit(shop, "experiments/bar.yml", old, new)
    with pytest.raises(SpecError) as caught:
        claims(shop)
    assert message in str(caught.value)


def test_two_programmes_do_not_share_a_holdback_s_name(shop: Path) -> None:
    programmes = Allocations(Project.load(shop))
    for name in ("main", "layer"):
        programmes.hold_back("q2", 500, ADA, programme=name, drops_exposed=True)
    programmes.start("bar", 2000, ADA)
    programmes.start("button", 2000, ADA)
    with pytest.raises(SpecError, match="two programmes have a holdback 'q2'"):
        claims(shop)


def test_a_salt_machine_has_no_history(shop: Path) -> None:
    edit(shop, "steelyard.yml", "main: {unit: user,", "main: {unit: user, strategy: salt_machine,")
    programmes = Allocations(Project.load(shop))
    programmes.start("bar", 2000, ADA)
    programmes.start("button", 2000, ADA)
    assert dict(claims(shop).programmes()).keys() == {"main"}
    with pytest.raises(AllocationError, match="mixes the units of its buckets"):
        programmes.history("bar")

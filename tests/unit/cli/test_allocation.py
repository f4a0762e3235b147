"""`steelyard allocation`: what a claim needs, what it prints, what is refused."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner, Result
from tests.support.shop import add_experiment, edit, write_shop

from steelyard.cli.main import cli

Run = Callable[..., Result]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return write_shop(tmp_path / "shop")


@pytest.fixture
def run(shop: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("STEELYARD_BY", "ada")

    def invoke(*words: str) -> Result:
        return CliRunner().invoke(cli, ["allocation", *words, "--project-dir", str(shop)])

    return invoke


@pytest.fixture
def rows(run: Run) -> Callable[..., list[dict[str, Any]]]:
    """The answer of a command that must succeed."""

    def answer(*words: str) -> list[dict[str, Any]]:
        result = run(*words, "--format", "json")
        assert result.exit_code == 0, result.stderr
        found = json.loads(result.stdout)
        assert isinstance(found, list)
        return found

    return answer


Rows = Callable[..., list[dict[str, Any]]]


def refused(result: Result) -> str:
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "hint: " in result.stderr
    return result.stderr


def test_a_claim_is_written_to_the_project_and_said(run: Run, shop: Path) -> None:
    result = run("start", "bar", "--share", "20%")
    assert result.exit_code == 0, result.stderr
    assert "start  main       bar    experiment  running  checkout  20.00%      200" in result.stdout
    assert "allocation/main.jsonl:2 is written: commit it" in result.stderr
    lines = (shop / "allocation" / "main.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["op"] for line in lines] == ["open", "start"]
    assert {json.loads(line)["by"] for line in lines} == {"ada"}


def test_a_life_of_claims(rows: Rows, run: Run) -> None:
    (quarter,) = rows("holdback", "q2", "--programme", "main", "--share", "10%", "--domain", "checkout")
    assert (quarter["kind"], quarter["buckets"], quarter["phase"]) == ("holdback", 100, "holding")
    rows("start", "bar", "--share", "20%")
    (grown,) = rows("grow", "bar", "--to", "0.5")
    assert (grown["op"], grown["buckets"], grown["dropped"]) == ("grow", 500, 0)
    shrunk = run("shrink", "bar", "--to", "30%")
    assert "has dropped units that may have been exposed" in shrunk.stderr
    by_owner = {row["owner"]: row for row in rows("show")}
    assert (by_owner["bar"]["buckets"], by_owner["bar"]["dropped"]) == (300, 200)
    assert (by_owner[""]["kind"], by_owner[""]["buckets"]) == ("free", 600)
    rows("stop", "bar")
    rows("close", "q2")
    (released,) = rows("release", "q2")
    assert released["phase"] == "released"
    assert {row["buckets"] for row in rows("show") if row["kind"] != "free"} == {0}


def test_text_json_and_csv_say_the_same(run: Run) -> None:
    run("start", "bar", "--share", "20%")
    table = run("show").stdout
    found = list(csv.DictReader(io.StringIO(run("show", "--format", "csv").stdout)))
    assert [row["owner"] for row in found] == ["bar", ""]
    assert table.splitlines()[0].split()[:3] == ["programme", "owner", "kind"]
    assert "80.00%      800" in table


def test_the_state_of_an_earlier_moment_is_shown(rows: Rows) -> None:
    rows("start", "bar", "--share", "20%", "--at", "2024-04-01")
    rows("grow", "bar", "--to", "40%", "--at", "2024-04-05T12:00:00")
    assert rows("show", "--at", "2024-04-04")[0]["buckets"] == 200
    assert rows("show", "--at", "2024-04-05T12:00:00")[0]["buckets"] == 400
    assert rows("show", "--at", "2024-03-31") == []


def test_an_unchanged_ramp_and_a_hidden_ramp_down_are_refused(run: Run) -> None:
    run("start", "bar", "--share", "20%")
    for share in ("20%", "10%"):
        text = refused(run("grow", "bar", "--to", share))
        assert "'bar' has 20.00% of the units already" in text
        assert "would drop units that may have been exposed" in text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("start", "baar", "--share", "20%"), "no experiment 'baar'\n  hint: did you mean 'bar'?"),
        (("start", "bar", "--share", "20"), "the share 20 lies outside 0 to 1"),
        (("start", "bar", "--share", "0.15%"), "0.15 % of 1,000 buckets is no whole number of buckets"),
        (("start", "bar", "--share", "0%"), "is no whole number of buckets"),
        (("start", "bar", "--share", "5%", "--at", "2099-01-01"), "is still to come"),
        (("stop", "bar"), "'bar' has claimed nothing in any programme"),
        (("holdback", "q2", "--share", "5%"), "which programme?"),
        (("holdback", "q2", "--share", "5%", "--programme", "mian"), "no programme 'mian'"),
        (
            ("holdback", "q2", "--share", "5%", "--programme", "main", "--domain", "chekout"),
            "no experiment or surface is of the domain 'chekout'",
        ),
        (
            ("holdback", "q2", "--share", "20%", "--programme", "main", "--long-term"),
            "a long-term holdout of 20 % of the units",
        ),
        (("history", "bar"), "'bar' has claimed nothing"),
    ],
    ids=[
        "unknown", "share", "fraction", "none", "future", "idle", "programme", "mian", "domain", "long", "past",
    ],
)  # fmt: skip
def test_a_claim_is_refused_with_its_reason(
    run: Run, shop: Path, words: tuple[str, ...], message: str
) -> None:
    result = run(*words)
    assert result.exit_code == 1
    assert message in result.stderr
    assert not (shop / "allocation").exists() or not list((shop / "allocation").iterdir())


def test_an_experiment_without_a_programme_claims_nothing(run: Run, shop: Path) -> None:
    add_experiment(shop, "open", programme=None, sets="button")
    assert "'open' is in no programme, so every unit is in it" in refused(
        run("start", "open", "--share", "5%")
    )


def test_a_decided_experiment_does_not_start(run: Run, shop: Path) -> None:
    edit(shop, "experiments/bar.yml", "status: running", "status: decided")
    assert "the experiment 'bar' is decided" in run("start", "bar", "--share", "5%").stderr


def test_experiments_that_collide_do_not_start(run: Run, shop: Path) -> None:
    edit(shop, "experiments/button.yml", "programme: main", "programme: layer")
    text = refused(run("start", "bar", "--share", "5%"))
    assert "experiments/button.yml:1: 'button' sets the property 'bar'" in text


def test_tags_are_not_kept_apart_over_two_programmes(run: Run, shop: Path) -> None:
    assert run("start", "tagged", "--share", "5%").exit_code == 0
    edit(shop, "experiments/bar.yml", "programme: main", "programme: main\nexclusive_to: pay")
    text = refused(run("start", "bar", "--share", "5%"))
    assert "'bar' is exclusive to 'tagged', which is in the programme 'layer'" in text


def test_a_holdback_comes_before_experiments_that_its_buckets_cannot_spare(run: Run, shop: Path) -> None:
    add_experiment(shop, "open", programme=None, sets="button")
    words = ("holdback", "q2", "--share", "5%", "--programme", "main")
    assert "open would lose units that may have been exposed" in refused(run(*words))
    assert run(*words, "--drop-exposed").exit_code == 0


def test_a_holdback_is_tested_before_it_is_released(run: Run) -> None:
    run("holdback", "q2", "--share", "5%", "--programme", "main")
    assert "the holdback 'q2' has had no closing test" in refused(run("release", "q2"))
    assert run("release", "q2", "--untested").exit_code == 0


def test_other_shares_are_never_taken_over_silently(run: Run, shop: Path) -> None:
    run("start", "bar", "--share", "20%")
    edit(shop, "experiments/bar.yml", "{name: control}", "{name: control, allocation: 90%}")
    edit(shop, "experiments/bar.yml", "{name: treatment,", "{name: treatment, allocation: 10%,")
    shown = run("show").stderr
    assert "the allocation of 'bar' is not the one that it started with" in shown
    assert "set salt: bar.2" in shown
    assert "other shares need another salt" in refused(run("reweigh", "bar"))
    edit(shop, "experiments/bar.yml", "surface: checkout", "surface: checkout\nsalt: bar.2")
    result = run("reweigh", "bar")
    assert result.exit_code == 0
    assert "analyse it from here on as a new experiment" in result.stderr
    assert "bar.2" in result.stdout
    assert run("show").stderr == ""


def test_an_edited_log_stops_every_command(run: Run, shop: Path) -> None:
    run("start", "bar", "--share", "20%")
    edit(shop, "allocation/main.jsonl", '"by":"ada"', '"by":"eve"')
    for words in (("show",), ("timeline",), ("history", "bar"), ("stop", "bar"), ("publish",)):
        assert "allocation/main.jsonl:1: the line has been changed" in refused(run(*words))


def test_a_programme_that_changed_its_meaning_is_refused(run: Run, shop: Path) -> None:
    run("start", "bar", "--share", "20%")
    edit(shop, "steelyard.yml", "main: {unit: user, buckets: 1000}", "main: {unit: user, buckets: 2000}")
    text = refused(run("show"))
    assert "the programme 'main' began with buckets 1000, and steelyard.yml says 2000" in text


def test_a_log_without_a_programme_is_refused(run: Run, shop: Path) -> None:
    run("start", "bar", "--share", "20%")
    (shop / "allocation" / "main.jsonl").rename(shop / "allocation" / "mian.jsonl")
    assert "'mian' is no programme of the project\n  hint: did you mean 'main'?" in refused(run("show"))


def test_the_timeline_says_who_may_meet(rows: Rows, run: Run, shop: Path) -> None:
    rows("start", "bar", "--share", "20%")
    add_experiment(shop, "later", programme="layer", sets="button")
    edit(shop, "experiments/later.yml", "2024-04-01\nend: 2024-04-20", "2024-05-01\nend: 2024-05-20")
    found = {row["experiment"]: row for row in rows("timeline", "--domain", "checkout")}
    assert list(found) == ["bar", "button", "tagged", "later"]
    assert (found["bar"]["share"], found["bar"]["owner"]) == (0.2, "payments")
    assert found["bar"]["meets"] == "tagged"
    assert found["later"]["meets"] == ""
    assert found["bar"]["collides"] == ""
    edit(shop, "experiments/later.yml", "button: true", "bar: true")
    edit(shop, "experiments/later.yml", "2024-05-01\nend: 2024-05-20", "2024-04-20\nend: 2024-05-20")
    found = {row["experiment"]: row for row in rows("timeline")}
    assert found["bar"]["collides"] == "later"


def test_the_history_of_a_draw_is_near_what_chance_gives(rows: Rows) -> None:
    rows("start", "bar", "--share", "30%")
    planned = rows("history", "button", "--share", "40%")
    assert [(row["owner"], row["share"], row["z"]) for row in planned] == [("bar", 0.0, None)]
    rows("stop", "bar")
    rows("start", "button", "--share", "40%")
    (past,) = rows("history", "button")
    assert past["owner"] == "bar"
    assert past["expected_share"] == past["programme_share"] == 0.3
    assert past["buckets"] == round(past["share"] * 400)
    # The variance of a draw of 400 among 1,000 of which 300 are marked.
    sd = (400 * 0.3 * 0.7 * 600 / 999) ** 0.5
    assert past["z"] == pytest.approx((past["buckets"] - 120) / sd)
    assert abs(past["z"]) < 4


def test_publishing_fills_the_tables_and_says_what_is_new(run: Run, shop: Path) -> None:
    run("start", "bar", "--share", "20%")
    assert run("publish").stdout == "main  2 new lines\n"
    run("stop", "bar")
    assert run("publish").stdout == "main  1 new lines\n"
    with duckdb.connect(str(shop / "shop.duckdb"), read_only=True) as database:
        found = database.sql(
            "select owner, count(*), count(valid_to) from steelyard.allocation group by 1"
        ).fetchall()
    assert found == [("bar", 200, 200)]


def test_every_command_has_an_example(run: Run) -> None:
    for name in cli.commands["allocation"].commands:  # type: ignore[attr-defined]
        assert f"Example: steelyard allocation {name}" in run(name, "--help").stdout


def test_the_join_is_printed_for_any_warehouse(run: Run) -> None:
    text = run("sql", "shop.users", "--programme", "main", "--dialect", "snowflake").stdout
    assert "FROM shop.users AS u" in text
    assert "JOIN steelyard.allocation AS a" in text
    assert "CURRENT_TIMESTAMP" in text
    assert "'select 1;' is no name of a table" in refused(run("sql", "select 1;", "--programme", "main"))


def test_a_history_is_of_what_was_drawn_or_can_be(run: Run) -> None:
    assert run("history", "bar", "--share", "5%").stdout == ""
    run("start", "bar", "--share", "90%")
    assert "'bar' has claimed its buckets" in refused(run("history", "bar", "--share", "5%"))
    text = run("history", "button", "--share", "20%").stderr
    assert "200 buckets are asked for and 100 are free" in text


def test_check_reads_the_logs_and_compares_them_with_the_files(run: Run, shop: Path) -> None:
    def check() -> Result:
        return CliRunner().invoke(cli, ["check", "--project-dir", str(shop)])

    run("start", "bar", "--share", "20%")
    assert check().exit_code == 0
    edit(shop, "experiments/bar.yml", "surface: checkout", "surface: checkout\nsalt: other")
    assert "'bar' claimed its buckets with salt 'bar', not 'other'" in refused(check())
    edit(shop, "allocation/main.jsonl", '"by":"ada"', '"by":"eve"')
    assert "allocation/main.jsonl:1: the line has been changed" in refused(check())

"""docs/allocation.md is a session: every command of it is run, and prints what the page shows."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from benchmarks.programme import STRATEGIES, Size, lines, simulate
from click.testing import CliRunner

from steelyard.cli.main import cli
from steelyard.run import Project, scaffold, seed_project, write_project

PAGE = Path(__file__).parents[1] / "docs" / "allocation.md"
BLOCK = re.compile(
    r"<!-- (?P<kind>append|file|session)(?:: (?P<what>[^>]+?))? -->\n```\w+\n(?P<text>.*?)```\n", re.DOTALL
)
TABLE = re.compile(r"<!-- programme -->\n(.*?)<!-- end -->", re.DOTALL)


def read() -> str:
    return PAGE.read_text(encoding="utf-8")


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(scaffold, "USERS", 50)
    monkeypatch.setenv("STEELYARD_BY", "ada")
    root = tmp_path / "shop"
    list(write_project(root))
    (root / "experiments" / "one-page-checkout.yml").unlink()
    seed_project(Project.load(root))
    return root


def answers(text: str, shop: Path) -> Iterator[str]:
    """Yield each command of a session with what it prints: the answer, then the remarks."""
    for line in text.splitlines():
        if line.startswith("$ "):
            words = shlex.split(line[2:])
            assert words[0] == "steelyard"
            result = CliRunner().invoke(cli, [*words[1:], "--project-dir", str(shop)])
            assert result.exit_code in (0, 1), result.output
            printed = result.stdout + result.stderr
            yield "".join(f"{one.rstrip()}\n" for one in [line, *printed.splitlines()])


@pytest.mark.long
def test_the_session_prints_what_the_page_shows(shop: Path, update_golden: bool) -> None:
    text, found, last = read(), [], 0
    for match in BLOCK.finditer(text):
        body = match["text"]
        path = shop / (match["what"] or "")
        if match["kind"] == "file":
            path.parent.mkdir(exist_ok=True)
            path.write_text(body, encoding="utf-8")
        elif match["kind"] == "append":
            path.write_text(path.read_text(encoding="utf-8") + body, encoding="utf-8")
        else:
            body = "\n".join(answers(body, shop))
        found += [text[last : match.start("text")], body]
        last = match.end("text")
    expected = "".join([*found, text[last:]])
    if update_golden:
        PAGE.write_text(expected, encoding="utf-8")
    assert read() == expected, "pytest tests/test_allocation_docs.py --update-golden"


def test_every_block_of_the_page_is_run_and_every_command_is_on_it() -> None:
    assert read().count("```") == 2 * len(BLOCK.findall(read()))
    for name in cli.commands["allocation"].commands:  # type: ignore[attr-defined]
        assert re.search(rf"\b{name}\b", read()), name


def test_the_table_of_strategies_is_one_that_the_benchmark_prints() -> None:
    """Its numbers are checked by the simulations below, and in full by `make slow`."""
    (table,) = TABLE.findall(read())
    head, rule, *rows = table.splitlines()
    assert [head, rule] == list(lines(Size(), ()))[:2]
    assert [row.split("|")[1].strip(" `") for row in rows] == list(STRATEGIES)


@pytest.mark.long
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_programme_of_120_starts_has_no_violation_and_no_carry_over(strategy: str) -> None:
    found = simulate(strategy, 11, Size(units=4000, buckets=2000))
    assert found.violations == 0
    squares = [z * z for z in found.carry_over]
    assert abs(sum(squares) / len(squares) - 1) < 4 * (2 / len(squares)) ** 0.5
    assert (found.refused < 15) == (strategy == "bucket_reuse")
    assert (max(found.waste) == 0) == (strategy == "bucket_reuse")
    assert found.most_hashes <= 5


@pytest.mark.slow
def test_the_table_of_strategies_is_what_the_benchmark_prints() -> None:
    (table,) = TABLE.findall(read())
    assert table.splitlines() == list(lines(Size(), range(1, 11)))

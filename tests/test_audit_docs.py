"""docs/audit.md is a session: every command of it is run, and prints what the page shows."""

import json
import re
import shlex
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from steelyard.cli.main import cli
from steelyard.compile.audit_sql import VERDICTS
from steelyard.hashing import DEFAULT
from steelyard.run import Project, scaffold, seed_project, write_project

PAGE = Path(__file__).parents[1] / "docs" / "audit.md"
BLOCK = re.compile(
    r"<!-- (?P<kind>file|session|clients)(?:: (?P<what>[^>]+?))? -->\n```\w+\n(?P<text>.*?)```\n", re.DOTALL
)
CHANGES = {
    "right": lambda unit: unit,
    "lower": str.lower,
    "double": lambda unit: sha256(unit.encode()).hexdigest(),
}


def read() -> str:
    return PAGE.read_text(encoding="utf-8")


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(scaffold, "USERS", 600)
    root = tmp_path / "shop"
    list(write_project(root))
    seed_project(Project.load(root))
    return root


def log_of(clients: dict[str, str], shop: Path) -> None:
    """Write a log in which each client has logged the same number of units."""
    rows = []
    for client, change in clients.items():
        name, version = client.split()
        for k in range(400):
            unit = f"User_{name}_{k}"
            bucket = DEFAULT.scalar("one-page-checkout", CHANGES[change](unit)) or 0
            variant = "control" if bucket < 5000 else "treatment"
            rows.append(["one-page-checkout", unit, variant, "2026-03-20 12:00:00", name, name, version])
    with duckdb.connect(str(shop / "shop.duckdb")) as connection:
        connection.execute(
            "create or replace table exposures (experiment_id varchar, user_id varchar, variant varchar,"
            " exposed_at timestamp, platform varchar, client varchar, app_version varchar)"
        )
        connection.executemany("insert into exposures values (?, ?, ?, ?, ?, ?, ?)", rows)


def answers(text: str, shop: Path) -> Iterator[str]:
    """Yield each command of a session with what it prints: the answer, then the remarks."""
    for line in text.splitlines():
        if line.startswith("$ "):
            words = shlex.split(line[2:])
            assert words[0] == "steelyard"
            result = CliRunner().invoke(cli, [*words[1:], "--project-dir", str(shop)])
            assert result.exit_code in (0, 3), result.output
            printed = result.stdout + result.stderr
            yield "".join(f"{one.rstrip()}\n" for one in [line, *printed.splitlines()])


@pytest.mark.long
def test_the_session_prints_what_the_page_shows(shop: Path, update_golden: bool) -> None:
    text, found, last = read(), [], 0
    for match in BLOCK.finditer(text):
        body = match["text"]
        if match["kind"] == "file":
            (shop / match["what"]).write_text(body, encoding="utf-8")
        elif match["kind"] == "clients":
            log_of(json.loads(body), shop)
        else:
            body = "\n".join(answers(body, shop))
        found += [text[last : match.start("text")], body]
        last = match.end("text")
    expected = "".join([*found, text[last:]])
    if update_golden:
        PAGE.write_text(expected, encoding="utf-8")
    assert read() == expected, "pytest tests/test_audit_docs.py --update-golden"


def test_every_block_is_run_and_every_verdict_is_explained() -> None:
    assert read().count("```") == 2 * len(BLOCK.findall(read()))
    for verdict in VERDICTS:
        assert verdict.replace("_", " ") in read()

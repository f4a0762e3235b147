"""docs/designs.md: its complete files are run, and the report is what the page shows."""

import re
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from steelyard.cli.main import cli
from steelyard.run import write_project

PAGE = Path(__file__).parents[1] / "docs" / "designs.md"
FILE = re.compile(r"<!-- file: (?P<name>\S+) -->\n```yaml\n(?P<text>.*?)```\n", re.DOTALL)
PRINTED = re.compile(r"<!-- printed -->\n```console\n\$ (?P<command>[^\n]*)\n(?P<text>.*?)```\n", re.DOTALL)
# The shop's users, drawn anew: what they saw before is the same for both variants.
LOGGED = """
insert into exposures
select 'checkout-aa', user_id, if(ascii(substr(md5('aa' || user_id), 1, 1)) % 2 = 0, 'control', 'copy'),
  exposed_at, platform
from exposures
"""


@pytest.mark.long
def test_the_files_are_run_and_the_report_is_the_pages(tmp_path: Path, update_golden: bool) -> None:
    list(write_project(tmp_path))
    runner, where = CliRunner(), ["--project-dir", str(tmp_path)]
    assert runner.invoke(cli, ["seed", *where]).exit_code == 0
    with duckdb.connect(str(tmp_path / "shop.duckdb")) as connection:
        connection.execute(LOGGED)
    for match in FILE.finditer(PAGE.read_text(encoding="utf-8")):
        (tmp_path / match["name"]).write_text(match["text"], encoding="utf-8")
    ran = runner.invoke(cli, ["run", "--as-of", "2026-04-06", *where])
    assert ran.exit_code == 0, ran.output
    page = PAGE.read_text(encoding="utf-8")
    for match in reversed(list(PRINTED.finditer(page))):
        name, *arguments = match["command"].split()
        assert name == "steelyard"
        printed = runner.invoke(cli, [*arguments, *where])
        assert printed.exit_code == 0, printed.output
        page = page[: match.start("text")] + printed.stdout + page[match.end("text") :]
    if update_golden:
        PAGE.write_text(page, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page, "pytest tests/test_designs_page.py --update-golden"

"""A ruleset is put where clients poll whole, or not at all."""

import stat
from pathlib import Path

import pytest
from tests.support.rulesets import content, experiment

from steelyard.assign.publish import write_atomically
from steelyard.assign.writing import seal
from steelyard.errors import EngineError, SpecError
from steelyard.run.rulesets import publish_ruleset

OLD, NEW = seal(content()), seal(content(experiments={"exp": experiment()}))


def test_a_ruleset_is_published_once_and_says_what_changes(tmp_path: Path) -> None:
    first = publish_ruleset(OLD, tmp_path)
    assert (first.path, first.is_new, first.changes) == (tmp_path / "ruleset.json", True, ())
    again = publish_ruleset(OLD, tmp_path / "ruleset.json")
    assert (again.version, again.is_new) == (first.version, False)
    second = publish_ruleset(NEW, tmp_path)
    assert second.changes == (
        "experiment exp: added; everyone of the unit user: control 50 %, treatment 50 %",
    )
    assert (tmp_path / "ruleset.json").read_bytes() == NEW
    assert [path.name for path in tmp_path.iterdir()] == ["ruleset.json"]


def test_what_is_published_may_be_read_by_all_or_by_whom_it_was(tmp_path: Path) -> None:
    path = tmp_path / "ruleset.json"
    publish_ruleset(OLD, path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    path.chmod(0o640)
    publish_ruleset(NEW, path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_what_is_no_ruleset_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    path.write_text("{}")
    with pytest.raises(SpecError, match=r"other\.json#: this is no ruleset(.|\n)*remove the file to publish"):
        publish_ruleset(OLD, path)
    assert path.read_text() == "{}"


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"nowhere/ruleset\.json: cannot write: No such file"):
        write_atomically(tmp_path / "nowhere" / "ruleset.json", OLD)
    (tmp_path / "folder").mkdir()
    with pytest.raises(EngineError, match="cannot write: Is a directory"):
        write_atomically(tmp_path / "folder", OLD)
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]

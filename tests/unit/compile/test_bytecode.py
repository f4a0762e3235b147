import sys
from pathlib import Path

import jinja2
import pytest

from steelyard.compile.bytecode import Bytecode


def environment(folder: Path, text: str = "a{{ x }}") -> jinja2.Environment:
    return jinja2.Environment(loader=jinja2.DictLoader({"t": text}), bytecode_cache=Bytecode(folder))


@pytest.fixture(autouse=True)
def writes_bytecode(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)


def test_a_template_is_compiled_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert environment(tmp_path).get_template("t").render(x=1) == "a1"
    assert len(list(tmp_path.iterdir())) == 1
    monkeypatch.setattr(jinja2.Environment, "compile", lambda *_: pytest.fail("it was compiled again"))
    assert environment(tmp_path).get_template("t").render(x=2) == "a2"


def test_a_template_that_has_changed_is_compiled_again(tmp_path: Path) -> None:
    environment(tmp_path).get_template("t")
    assert environment(tmp_path, "b{{ x }}").get_template("t").render(x=1) == "b1"


def test_a_template_is_rendered_where_nothing_can_be_kept(tmp_path: Path) -> None:
    assert environment(tmp_path / "absent").get_template("t").render(x=1) == "a1"
    (tmp_path / "file").write_text("")
    assert environment(tmp_path / "file").get_template("t").render(x=1) == "a1"


def test_nothing_is_kept_where_python_keeps_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    environment(tmp_path).get_template("t")
    assert not list(tmp_path.iterdir())

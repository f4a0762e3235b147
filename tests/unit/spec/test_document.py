"""YAML with lines, strict where YAML is lax."""

from datetime import date
from pathlib import Path

import pytest

from steelyard.errors import SpecError
from steelyard.spec.document import parse_document, read_document


def test_words_that_old_yaml_takes_for_booleans_stay_text() -> None:
    document = parse_document("[NO, off, on, yes, y, 1:30, 0x1F, 1_000]", "x.yml")
    assert document.value == ["NO", "off", "on", "yes", "y", "1:30", "0x1F", "1_000"]


def test_scalars_have_the_types_of_yaml_1_2() -> None:
    document = parse_document("[true, False, null, ~, 010, -3, 1e3, 2.5, 2026-04-01, '1', ]", "x.yml")
    assert document.value == [True, False, None, None, 10, -3, 1000.0, 2.5, date(2026, 4, 1), "1"]


def test_every_part_knows_its_line() -> None:
    document = parse_document("a: 1\nb:\n  - x\n  - y: 2\n    z: 3\n", "x.yml")
    assert [document.line(at) for at in ((), ["a"], ["b"], ["b", 0], ["b", 1, "z"])] == [1, 1, 2, 3, 5]


def test_a_part_that_only_the_normalised_shape_has_is_passed_over() -> None:
    document = parse_document("variants:\n  a: 1\n  b: 2\nprimary:\n  metric: m\n  margin: 3\n", "x.yml")
    assert document.line(["variants", 1, "allocation"]) == 3
    assert document.line(["primary", 0, "margin"]) == 6
    assert document.line(["primary", 0, "absent"]) == 5
    assert document.line(["absent"]) == 1
    assert document.line(["variants", 9]) == 1
    assert parse_document("a:\n  - b\n", "x.yml").line(["a", 1]) == 1


def test_merge_keys_work_also_where_an_alias_repeats_them() -> None:
    document = parse_document("x: &x {a: 1, b: 2}\ny: &y {<<: *x, b: 3}\nz: *y\n", "x.yml")
    assert document.value["y"] == document.value["z"] == {"a": 1, "b": 3}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", "x.yml:3: the key 'a' stands twice\n  hint: it is first on line 1"),
        ("a: {b: 1, b: 2}", "x.yml:1: the key 'b' stands twice\n  hint: it is first on line 1"),
        ("1: a", "x.yml:1: a key must be text, not 1\n  hint: put it in quotes"),
        ("true: a", "x.yml:1: a key must be text, not true\n  hint: put it in quotes"),
        ("? [a]\n: b", "x.yml:1: a key must be text, not a list or mapping\n  hint: put it in quotes"),
        ("", "x.yml: the file is empty"),
        ("# only a comment", "x.yml: the file is empty"),
        ("\na: &x [*x]", "x.yml:2: an anchor refers to itself"),
        ("a:\n  b: 2026-02-30", "x.yml:2: '2026-02-30' is neither a day nor a number"),
        ("a: .nan", "x.yml:1: .nan is not a finite number"),
        ("a: 1e999", "x.yml:1: 1e999 is not a finite number"),
        ("a: b\n\x00", "x.yml:2: the file holds a character that YAML does not allow"),
        ("[" * 5000, "x.yml: the file is nested too deeply"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_is_not_plain_yaml_is_refused_with_its_line(text: str, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_document(text, "x.yml")
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "where", "hint"),
    [
        ("a:\n\tb: 1", "x.yml:2", "indent with spaces; YAML does not allow tabs"),
        ("a: 1\n---\nb: 1", "x.yml:2", "one document per file: remove the line '---' and what follows"),
        ("a: b: c", "x.yml:1", "put a text that holds or ends with ':' in quotes, and check the indentation"),
        ("a: 1\nb: %x", "x.yml:2", "put a text that starts with this character in quotes"),
        ("a: [1, 2", "x.yml:1", ""),
        ("a: *b", "x.yml:1", ""),
        ("a: !!python/name:os.system x", "x.yml:1", ""),
    ],
    ids=repr,
)
def test_broken_yaml_is_refused_with_its_line(text: str, where: str, hint: str) -> None:
    with pytest.raises(SpecError, match="not valid YAML: ") as caught:
        parse_document(text, "x.yml")
    assert (caught.value.where, caught.value.hint) == (where, hint)


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.yml").write_bytes(b"name: \xff")
    with pytest.raises(SpecError, match=r"x\.yml: the file is not UTF-8 text"):
        read_document(tmp_path / "x.yml", "x.yml")


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"x\.yml: cannot read the file: No such file"):
        read_document(tmp_path / "x.yml", "x.yml")

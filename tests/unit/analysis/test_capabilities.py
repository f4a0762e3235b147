"""The table of what composes with what is whole, documented, and asked before anything is analysed."""

from pathlib import Path

import pytest

from steelyard.analysis.capabilities import AXES, REFUSED, capability_lines, cells, why_not

DOCS = Path(__file__).parents[3] / "docs" / "capabilities.md"


def test_the_table_has_every_combination_once() -> None:
    size = 1
    for values in AXES.values():
        size *= len(values)
    found = [(cell.metric, cell.adjustment, cell.test, cell.hypothesis, cell.correction) for cell in cells()]
    assert len(found) == len(set(found)) == size


def test_what_is_not_declared_is_refused() -> None:
    assert why_not({"metric": "mean", "test": "bayes"}) == "test 'bayes' is not declared"
    assert why_not({"colour": "red"}) == "colour 'red' is not declared"


@pytest.mark.parametrize("pair", REFUSED, ids=sorted)
def test_a_refused_pair_names_declared_values_and_a_reason(pair: frozenset[str]) -> None:
    chosen = dict(word.split(": ", 1) for word in pair)
    assert set(chosen) <= set(AXES)
    assert why_not(chosen) == REFUSED[pair] != ""


def test_the_page_is_what_the_command_prints() -> None:
    assert "\n".join(capability_lines()) in DOCS.read_text(encoding="utf-8")

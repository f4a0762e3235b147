import ast
from pathlib import Path

import numpy as np
import pytest

from steelyard.errors import StatisticsError
from steelyard.metric_types import registry
from steelyard.metric_types.base import MetricType
from steelyard.metric_types.registry import METRIC_TYPES
from steelyard.stats.moments import Moments

rng = np.random.default_rng(20)
FOLDER = Path(registry.__file__).parent


def test_every_file_of_the_folder_is_registered_under_its_name() -> None:
    files = {path.stem for path in FOLDER.glob("*.py")} - {"__init__", "base", "registry"}
    assert files == set(METRIC_TYPES)


@pytest.mark.parametrize("name", METRIC_TYPES)
def test_every_type_is_documented(name: str) -> None:
    tree = ast.parse((FOLDER / f"{name}.py").read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)
    assert type(METRIC_TYPES[name]).__doc__


def test_registry_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        METRIC_TYPES["mode"] = METRIC_TYPES["mean"]


@pytest.mark.parametrize(
    ("name", "additive", "otherwise"),
    [("mean", 0.0, None), ("proportion", 0.0, 0.0), ("ratio", 0.0, 0.0), ("quantile", None, None)],
)
def test_default_fill(name: str, additive: float | None, otherwise: float | None) -> None:
    kind = METRIC_TYPES[name]
    assert (kind.default_fill(additive=True), kind.default_fill(additive=False)) == (additive, otherwise)


@pytest.mark.parametrize("kind", METRIC_TYPES.values(), ids=METRIC_TYPES)
def test_reduction_leaves_one_outcome_and_all_covariates(kind: MetricType) -> None:
    outcome = rng.integers(0, 2, (50, len(kind.columns))).astype(float)
    outcome[:, -1] = 1.0 if len(kind.columns) == 2 else outcome[:, -1]
    rows = np.column_stack([outcome, rng.normal(size=(50, 3))])
    reduced = kind.reduce(Moments.from_rows(np.stack([rows, rows + 0.0])))
    assert reduced.moments.mean.shape == (2, 4)
    assert reduced.moments.mean[0, 1:] == pytest.approx(rows[:, -3:].mean(axis=0))
    assert reduced.reason.tolist() == ["", ""]
    assert kind.names(["x"]) == (*kind.columns, "x")


@pytest.mark.parametrize("name", ["ratio", "quantile"])
def test_moments_without_the_outcomes_columns_are_refused(name: str) -> None:
    with pytest.raises(StatisticsError, match=f"a {name} needs moments of .*, but they have 1 column"):
        METRIC_TYPES[name].reduce(Moments.from_rows(rng.normal(size=(5, 1))))


def test_proportion_notes_values_that_are_not_binary_and_small_counts() -> None:
    binary = Moments.from_counts(n=[1000, 1000, 1000], successes=[5, 500, 995])
    notes = METRIC_TYPES["proportion"].reduce(binary).notes
    assert notes["small_counts"].tolist() == [True, False, True]
    assert not notes["values_not_binary"].any()
    share = METRIC_TYPES["proportion"].reduce(Moments.from_rows(rng.uniform(size=(50, 1))))
    assert share.notes["values_not_binary"].tolist() is True
    counts = METRIC_TYPES["proportion"].reduce(Moments.from_rows(rng.poisson(3, (50, 1))))
    assert counts.notes["small_counts"].tolist() is False
    assert share.reason == ""


def test_ratio_notes_a_denominator_near_zero() -> None:
    steady, wild = rng.uniform(1, 2, 400), rng.normal(0.2, 2.0, 400)
    parts = [
        Moments.from_rows(np.column_stack([np.ones(400), d])) for d in (steady, np.abs(wild.mean()) + wild)
    ]
    notes = METRIC_TYPES["ratio"].reduce(Moments.stack(parts)).notes
    assert notes["noisy_denominator"].tolist() == [False, True]

"""The plain-Python face: what it exports, how it is documented, and the page that shows it."""

import dataclasses
import doctest
import inspect
import pkgutil
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas
import polars
import pyarrow
import pytest
from scipy import stats as scipy_stats
from tests.support.raising import may_raise

from steelyard import stats
from steelyard.errors import StatisticsError

PAGE = Path(__file__).parents[3] / "docs" / "statistics.md"
FUNCTIONS = [name for name in stats.__all__ if inspect.isfunction(getattr(stats, name))]


def test_face_can_be_imported_from_the_package_in_a_fresh_interpreter():
    code = "from steelyard import stats; print(stats.compare_means(n=[9, 9], mean=[1, 2], variance=[1, 1]).effect[0])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1.0"


def test_face_needs_no_warehouse():
    code = "import sys; from steelyard import stats; print({'duckdb', 'sqlglot', 'sqlalchemy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_no_public_name_shadows_a_module():
    modules = {module.name for module in pkgutil.iter_modules(stats.__path__)}
    assert not modules & set(stats.__all__)
    assert not [name for name in modules if not isinstance(getattr(stats, name, stats), ModuleType)]


def test_public_names_are_sorted_and_exist():
    assert stats.__all__ == sorted(stats.__all__)
    assert all(hasattr(stats, name) for name in stats.__all__)


def sections(name: str) -> set[str]:
    lines = (inspect.getdoc(getattr(stats, name)) or "").splitlines()
    return {
        line.rstrip(":")
        for line in lines
        if line in ("Args:", "Returns:", "Raises:", "References:", "Examples:")
    }


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_says_its_arguments_errors_and_source_and_has_an_example(name):
    function = getattr(stats, name)
    wanted = {"References", "Examples"}
    wanted |= {"Args"} if inspect.signature(function).parameters else set()
    wanted |= {"Raises"} if may_raise(function) else set()
    assert wanted <= sections(name)
    assert ">>>" in inspect.getdoc(function)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_argument_of_a_function_is_named_in_its_documentation(name):
    """Those that are as in another function are named there once, beside it."""
    function = getattr(stats, name)
    _, _, after = (inspect.getdoc(function) or "").partition("Args:\n")
    described = after.partition("\n\n")[0]
    missing = [
        argument
        for argument in inspect.signature(function).parameters
        if not re.search(rf"\b{argument}\b", described)
    ]
    assert missing == []


@pytest.mark.parametrize("name", sorted(set(stats.__all__) - set(FUNCTIONS)))
def test_class_says_what_its_attributes_are(name):
    made = getattr(stats, name)
    text = inspect.getdoc(made) or ""
    names = [field.name for field in dataclasses.fields(made)]
    assert "Attributes:" in text
    assert len([field for field in names if re.search(rf"\b{field}\b", text)]) >= len(names) * 0.6


def test_the_call_graph_knows_who_raises():
    assert may_raise(stats.compare_means)
    assert may_raise(stats.minimum_detectable_effect)
    assert not may_raise(stats.optional)


def test_every_block_of_the_page_runs_as_shown():
    text = PAGE.read_text(encoding="utf-8")
    found = doctest.DocTestParser().get_doctest(text, {}, PAGE.name, str(PAGE), 0)
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    complaints: list[str] = []
    runner.run(found, out=complaints.append)
    assert runner.summarize(verbose=False).failed == 0, "".join(complaints)
    assert len(found.examples) > 60


def test_every_function_of_the_table_exists():
    table = [
        line
        for line in PAGE.read_text(encoding="utf-8").splitlines()
        if line.startswith("| ") and "](#" in line
    ]
    names = {word for line in table for word in line.split("|")[2].replace("`", "").replace(",", " ").split()}
    assert names
    assert names <= set(stats.__all__)


def test_compare_means_is_welchs_test():
    expected = scipy_stats.ttest_ind_from_stats(1.5, 3.0, 120, 1.0, 2.0, 100, equal_var=False)
    found = stats.compare_means(n=[100, 120], mean=[1.0, 1.5], variance=[4.0, 9.0])
    assert found.statistic[0] == pytest.approx(expected.statistic)
    assert found.p_value[0] == pytest.approx(expected.pvalue)


def test_compare_means_takes_several_treatments_and_metrics_at_once():
    found = stats.compare_means(n=[[9, 9, 9], [5, 5, 5]], mean=[[0, 1, 2], [0, 2, 4]], variance=1.0)
    assert found.effect.tolist() == [[1, 2], [2, 4]]


def test_compare_proportions_notes_small_counts():
    found = stats.compare_proportions(n=[1000, 1000, 1000], proportion=[0.5, 0.5, 0.001])
    assert found.notes["small_counts"].tolist() == [False, True]


def test_proportion_quoted_with_p_003_has_z_of_4_3():
    found = stats.compare_proportions(n=[12841, 12807], proportion=[0.612, 0.638])
    assert found.statistic[0] == pytest.approx(4.30, abs=0.005)
    assert found.p_value[0] < 2e-5


def test_sample_size_from_60_to_62_percent_is_9336():
    assert stats.required_n_proportions(0.60, 0.62, pooled=True).rounded().control == 9336


def test_nothing_leaves_as_nan_through_optional():
    found = stats.compare_means(n=[1, 9], mean=[1.0, 2.0], variance=1.0)
    assert stats.optional(found.std_error) == [None]
    assert found.reason.tolist() == ["insufficient_n"]
    assert stats.optional(np.array(np.inf)) is None


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: stats.compare_means(n=[9], mean=[1], variance=[1]), "needs two variants"),
        (lambda: stats.compare_means(n=9, mean=1, variance=1), "needs two variants"),
        (lambda: stats.compare_proportions(n=[9, 9], proportion=[10, 20]), "between 0 and 1"),
        (lambda: stats.compare_ratios(n=[9], mean=[[1, 2]], cov=[np.eye(2)]), "needs two variants"),
    ],
)
def test_comparisons_refuse_what_does_not_fit(call, message):
    with pytest.raises(StatisticsError, match=message):
        call()


FRAMES = ("pandas", "polars", "pyarrow")


@pytest.fixture(params=FRAMES)
def frame(request):
    """Return three variants as a frame of each library."""
    columns = {
        "n": [5000, 5100, 4900],
        "mean": [10.0, 10.4, 9.9],
        "variance": [36.0, 38.0, 35.0],
        "share": [0.2, 0.22, 0.19],
        "p": [0.01, 0.04, 0.2],
    }
    if request.param == "pyarrow":
        return pyarrow.table(columns)
    return {"pandas": pandas, "polars": polars}[request.param].DataFrame(columns)


def test_columns_of_frames_are_taken_as_they_are(frame):
    plain = stats.compare_means(n=[5000, 5100, 4900], mean=[10.0, 10.4, 9.9], variance=[36.0, 38.0, 35.0])
    found = stats.compare_means(n=frame["n"], mean=frame["mean"], variance=frame["variance"])
    assert found.p_value.tolist() == plain.p_value.tolist()
    assert isinstance(found.p_value, np.ndarray)
    shares = stats.compare_proportions(n=frame["n"], proportion=frame["share"])
    assert shares.effect == pytest.approx([0.02, -0.01])
    assert stats.holm(frame["p"]).tolist() == stats.holm([0.01, 0.04, 0.2]).tolist()
    assert (
        stats.srm_chi_square(frame["n"], [1, 1, 1]).p_value
        == stats.srm_chi_square([5000, 5100, 4900], [1, 1, 1]).p_value
    )
    known = stats.segment_heterogeneity([10.0, 10.4, 9.9], [0.2, 0.22, 0.19])
    assert stats.segment_heterogeneity(frame["mean"], frame["share"]).p_value == known.p_value


def test_null_in_a_frame_is_a_missing_number_and_not_zero():
    column = polars.Series([0.01, None, 0.2])
    assert stats.optional(stats.holm(column)) == [0.02, None, 0.2]

"""Whatever a file holds, the answer is a spec that dumps or a SpecError with a place, never a traceback."""

import json
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.errors import SpecError
from steelyard.spec.document import parse_document
from steelyard.spec.experiment import Experiment
from steelyard.spec.inference import Defaults
from steelyard.spec.metric import MetricConfig
from steelyard.spec.model import Spec, validate
from steelyard.spec.outputs import OUTPUTS
from steelyard.spec.project import Project
from steelyard.spec.surface import Surface

# Any value anywhere; what people write is in the other modules of this folder.
pytestmark = pytest.mark.long

FULL: dict[type[Spec], dict[str, Any]] = {
    Project: {
        "name": "shop",
        "timezone": "UTC",
        "units": {"user": "user_id"},
        "exposures": {
            "app": {"unit": "user", "sql": "s", "timestamp": "t", "dimensions": ["c"], "lateness": "2d"}
        },
        "triggers": {"seen": {"unit": "user", "sql": "s", "timestamp": "t"}},
        "defaults": {
            "alpha": 0.05,
            "looks": [1, 7],
            "window": "7d",
            "spending": "power",
            "dimensions": ["c"],
        },
        "vars": {"a": 1},
        "sources": {"raw": {"schema": "s", "tables": {"t": "u"}}},
        "health": {"srm_alpha": 0.001},
    },
    Experiment: {
        "name": "e",
        "start": date(2026, 4, 1),
        "end": "2026-04-14",
        "variants": [
            {"name": "a", "allocation": "50%", "config": {"x": 1}},
            {"name": "b", "allocation": 0.5},
        ],
        "targeting": {"country": ["SG"]},
        "metrics": {
            "primary": {"metric": "m@1", "mde": 0.02},
            "guardrails": [{"metric": "g", "margin": {"absolute": 1}}, "h"],
        },
        "duration": {"minimum_runtime_days": 7},
        "analysis": {"test": "fixed", "looks": ["2026-04-02", 5], "spending_parameter": 2},
        "tags": ["t"],
    },
    MetricConfig: {
        "version": 1,
        "type": "mean",
        "quantile": None,
        "window": {"start": 0, "end": "7d", "mature": True},
        "fill": 0,
        "winsorize": {"upper": "99%", "lower": 1},
        "covariate": {"lookback": "14d", "names": ["c"]},
        "tags": "t",
    },
    Surface: {
        "name": "s",
        "owners": ["o"],
        "required_metrics": {"quality": ["q"]},
        "properties": {"p": {"type": "string", "enum": ["a"], "default": "a"}},
    },
    OUTPUTS["postgres"]: {
        "type": "postgres",
        "host": "h",
        "port": 1,
        "user": "u",
        "pass": "p",
        "database": "d",
    },
    OUTPUTS["duckdb"]: {"type": "duckdb", "path": "p", "settings": {"a": 1}, "extensions": ["e"]},
}
NAMES = [
    "metric",
    "name",
    "allocation",
    "config",
    "absolute",
    "relative",
    "start",
    "end",
    "role",
    "type",
    "schema",
]
TEXTS = [
    "",
    " ",
    "50%",
    "-1%",
    "1/0",
    "7d",
    "P1D",
    "a@1",
    "a@",
    "2026-02-30",
    "{keys}",
    "\x00",
    "é",
    "9" * 400,
    "1e400%",
]
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**400, -(10**400)])
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
    | st.sampled_from(TEXTS)
    | st.dates()
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)


def places(value: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    yield at
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*at, key))


def replaced(value: Any, at: tuple[str | int, ...], new: Any) -> Any:
    if not at:
        return new
    first, *rest = at
    if isinstance(value, dict):
        return {
            key: replaced(item, tuple(rest), new) if key == first else item for key, item in value.items()
        }
    return [replaced(item, tuple(rest), new) if i == first else item for i, item in enumerate(value)]


def answer(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except SpecError as error:
        return error


@pytest.mark.parametrize("model", FULL, ids=lambda model: model.__name__)
def test_the_full_specs_are_right_before_anything_is_replaced(model: type[Spec]) -> None:
    validate(model, FULL[model], lambda _: "x.yml:1", context={"exposures": ("app",)})


@pytest.mark.parametrize("model", FULL, ids=lambda model: model.__name__)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_value_anywhere_gives_a_spec_or_an_error_with_a_place(
    model: type[Spec], data: st.DataObject
) -> None:
    at = data.draw(st.sampled_from(list(places(FULL[model]))))
    value = replaced(FULL[model], at, data.draw(VALUES))
    context = {"exposures": ("app",), "defaults": Defaults()}
    found = answer(lambda: validate(model, value, lambda _: "x.yml:1", context=context))
    if isinstance(found, SpecError):
        assert str(found).startswith("x.yml:1: ")
    else:
        json.dumps(found.model_dump(mode="json"), allow_nan=False)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="ab01.-:,#&*!|>'\"%@`{}[]?~<\t \n", max_size=40))
def test_any_text_is_a_document_or_an_error_with_a_place(text: str) -> None:
    found = answer(lambda: parse_document(text, "x.yml"))
    if isinstance(found, SpecError):
        assert str(found).startswith("x.yml:")
    else:
        json.dumps(found.value, default=str, allow_nan=False)
        assert found.line(["a", 0, "b"]) >= 1

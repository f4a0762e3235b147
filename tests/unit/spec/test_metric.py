"""A metric's config."""

from datetime import timedelta
from typing import Any

import pytest

from steelyard.errors import SpecError
from steelyard.spec.caps import Cap, Winsorize
from steelyard.spec.inference import Test
from steelyard.spec.metric import Covariate, MetricConfig, MetricRef, Window

WHERE = "metrics/x.sql:1"


def test_a_config_dumps_with_every_default() -> None:
    assert MetricConfig.parse({}, WHERE).model_dump(mode="json") == {
        "version": 1,
        "unit": None,
        "type": "mean",
        "dialect": None,
        "direction": "none",
        "window": None,
        "fill": "auto",
        "winsorize": None,
        "covariate": {"enabled": True, "lookback": None, "names": []},
        "quantile": None,
        "cluster": None,
        "description": "",
        "owner": None,
        "tags": [],
    }


def test_a_full_config_is_read() -> None:
    config = MetricConfig.parse(
        {
            "version": 3,
            "unit": "user",
            "type": "ratio",
            "dialect": "bigquery",
            "direction": "decrease",
            "window": {"start": "1d", "end": "48h", "mature": True},
            "fill": None,
            "winsorize": {"upper": "99.5%", "lower": -3, "ignore_zeros": True},
            "covariate": {"lookback": "14d"},
            "cluster": "store_id",
            "tags": "money",
        },
        WHERE,
    )
    assert config.window is not None
    assert config.winsorize is not None
    assert (config.window.start, config.window.end) == (timedelta(days=1), timedelta(days=2))
    assert config.fill is None
    upper, lower = config.winsorize.upper, config.winsorize.lower
    assert upper is not None
    assert lower is not None
    assert (upper.kind, upper.value, lower.kind, lower.value) == ("percentile", 99.5, "value", -3.0)
    assert config.covariate.lookback == timedelta(days=14)
    assert config.tags == ("money",)
    assert MetricConfig.model_validate(config) == config


def test_short_forms_mean_the_long_ones() -> None:
    assert MetricConfig.parse({"window": "7d"}, WHERE) == MetricConfig.parse({"window": {"end": 7}}, WHERE)
    assert MetricConfig.parse({"covariate": True}, WHERE) == MetricConfig.parse({}, WHERE)
    assert not MetricConfig.parse({"covariate": False}, WHERE).covariate.enabled
    assert MetricConfig.parse({"covariate": ["spend", "country"]}, WHERE).covariate.names == (
        "spend",
        "country",
    )


@pytest.mark.parametrize(
    ("window", "test", "days"),
    [
        (None, "fixed", (0, None, False)),
        (None, "group_sequential", (0, 7, True)),
        ("3d", "always_valid", (0, 3, True)),
        ({"start": "1d"}, "group_sequential", (1, 8, True)),
        ({"start": "1d", "end": "2d"}, "fixed", (1, 2, False)),
        ({"end": "2d", "mature": True}, "fixed", (0, 2, True)),
    ],
    ids=str,
)
def test_a_sequential_test_takes_mature_windows_only(
    window: Any, test: Test, days: tuple[int, int | None, bool]
) -> None:
    found = MetricConfig.parse({"window": window}, WHERE).window_under(test, timedelta(days=7))
    end = None if found.end is None else found.end.days
    assert (found.start.days, end, found.mature) == days


def test_a_config_can_be_built_in_python() -> None:
    config = MetricConfig(
        window=Window(end=timedelta(days=7)),
        winsorize=Winsorize(upper=Cap(kind="percentile", value=99.0)),
        covariate=Covariate(enabled=False),
    )
    written = {"window": "7d", "winsorize": {"upper": "99%"}, "covariate": False}
    assert config == MetricConfig.parse(written, WHERE)


@pytest.mark.parametrize(
    ("winsorize", "others"),
    [
        ({"upper": "99%"}, ["none", "98%", "99.5%"]),
        ({"upper": "99.9%", "lower": "0.1%"}, ["none", "0.2% to 99.8%", "0.05% to 99.95%"]),
        ({"upper": "99%", "lower": 0}, ["none", "0 to 98%", "0 to 99.5%"]),
        ({"lower": "1%"}, ["none", "from 2%", "from 0.5%"]),
        ({"upper": "40%"}, ["none", "70%"]),
        ({"upper": 500}, ["none"]),
        ({"upper": 500, "sensitivity": False}, []),
        ({"upper": 500, "lower": 1, "sensitivity": [200, "99%", "none"]}, ["1 to 200", "1 to 99%", "none"]),
        ({"lower": 1, "sensitivity": [2, {"upper": 9}]}, ["from 2", "9"]),
    ],
    ids=str,
)
def test_a_cap_has_others_beside_it(winsorize: Any, others: list[str]) -> None:
    caps = MetricConfig.parse({"winsorize": winsorize}, WHERE).winsorize
    assert caps is not None
    assert [str(other) for other in caps.others] == others
    for other in caps.others:
        settled = caps.with_limits(other)
        assert (settled is None) == (str(other) == "none")
        assert settled is None or (str(settled), settled.others) == (str(other), ())


def test_a_plain_cap_is_a_value_even_below_one() -> None:
    config = MetricConfig.parse({"winsorize": {"upper": 0.99}}, WHERE)
    assert config.winsorize is not None
    assert config.winsorize.model_dump()["upper"] == {"kind": "value", "value": 0.99}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"tipe": "ratio"}, "unknown key 'tipe'\n  hint: did you mean 'type'?"),
        ({"type": "ration"}, "unknown type 'ration'\n  hint: did you mean 'ratio'?"),
        ({"direction": "up"}, "unknown direction 'up'\n  hint: one of decrease, increase, none"),
        ({"type": "quantile"}, "type quantile needs a quantile\n  hint: add quantile=0.99"),
        ({"quantile": 0.5}, "quantile needs type 'quantile'\n  hint: add type='quantile'"),
        (
            {"type": "quantile", "quantile": 99},
            "quantile: 99 is not between 0 and 1\n  hint: write '99%' or 0.99",
        ),
        (
            {"window": {"mature": True}},
            "mature needs a window with an end\n  hint: write {end: 7d, mature: true}",
        ),
        ({"window": {"start": "7d", "end": "7d"}}, "the window ends before it starts"),
        ({"window": {"ende": 1}}, "unknown key 'ende' in 'window'\n  hint: did you mean 'end'?"),
        ({"window": {"end": 1, "mature": "yes"}}, "window.mature: 'yes' is neither true nor false"),
        ({"winsorize": {}}, "winsorize names neither upper nor lower"),
        ({"winsorize": {"upper": "100%"}}, "winsorize.upper: '100%' is not a percentile between 0% and 100%"),
        ({"winsorize": {"upper": 1, "lower": 1}}, "lower must be below upper"),
        ({"winsorize": {"upper": 5, "ignore_zeros": True}}, "ignore_zeros needs a percentile"),
        ({"winsorize": 5}, "winsorize must be a mapping, not 5\n  hint: write keys and values: {key: value}"),
        (
            {"winsorize": {"upper": 5, "sensitivity": "95%"}},
            "winsorize.sensitivity: '95%' is no list of caps\n  hint: write ['95%', 'none'], or false",
        ),
        (
            {"winsorize": {"upper": 5, "sensitivity": []}},
            "winsorize.sensitivity: the list has 0 caps, not 1 to 10\n"
            "  hint: write false to show the effect under no other cap",
        ),
        (
            {"winsorize": {"upper": 50, "sensitivity": list(range(11))}},
            "winsorize.sensitivity: the list has 11 caps, not 1 to 10\n"
            "  hint: write false to show the effect under no other cap",
        ),
        (
            {"winsorize": {"upper": 5, "sensitivity": [3, 5]}},
            "the cap 5 stands there already\n  hint: list caps other than the metric's own, each once",
        ),
        (
            {"winsorize": {"upper": 5, "sensitivity": ["none", "none"]}},
            "the cap none stands there already\n  hint: list caps other than the metric's own, each once",
        ),
        (
            {"winsorize": {"upper": 5, "sensitivity": [{}]}},
            "an entry of sensitivity is empty\n  hint: write none for no cap at all",
        ),
        (
            {"winsorize": {"upper": 5, "lower": 2, "sensitivity": [1]}},
            "2 to 1: lower must be below upper",
        ),
        (
            {"winsorize": {"upper": 5, "sensitivity": ["most"]}},
            "winsorize.sensitivity.upper: 'most' is not a number",
        ),
        (
            {"winsorize": {"upper": 5, "sensitivity": [{"uper": 4}]}},
            "unknown key 'uper' in 'winsorize.sensitivity'\n  hint: did you mean 'upper'?",
        ),
        ({"type": "proportion", "winsorize": {"upper": 1}}, "winsorize has no meaning for type proportion"),
        (
            {"covariate": "14d"},
            "covariate: '14d' is not a covariate\n  hint: write {lookback: 14d}, a list of names, or false",
        ),
        (
            {"covariate": []},
            "covariate: the list is empty or names something twice\n  hint: write false for no covariate",
        ),
        (
            {"covariate": {"lookback": 0}},
            "a lookback must be longer than nothing\n  hint: write false for none",
        ),
        ({"fill": "zero"}, "fill: 'zero' is not a number"),
        ({"fill": float("nan")}, "fill: nan is not a number"),
        ({"version": "1"}, "version: '1' is not a whole number"),
        ({"version": True}, "version: true is not a whole number"),
        ({"version": 0}, "version must be greater than or equal to 1, not 0"),
        ({"owner": 5}, "owner must be text, not 5\n  hint: put it in quotes"),
        ([], "the file must be a mapping, not a list\n  hint: write keys and values: {key: value}"),
    ],
    ids=str,
)
def test_a_wrong_config_is_refused_with_its_place(config: Any, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        MetricConfig.parse(config, WHERE)
    assert str(caught.value) == f"{WHERE}: {message}"


def test_all_errors_of_a_config_are_listed() -> None:
    with pytest.raises(SpecError) as caught:
        MetricConfig.parse({"type": "ration", "tipe": 1, "version": 0}, WHERE)
    assert str(caught.value).count(WHERE) == 3


def test_a_ref_names_a_metric_and_may_pin_a_version() -> None:
    assert MetricRef.parse("checkout_rate") == MetricRef("checkout_rate")
    assert str(MetricRef.parse("checkout_rate@12")) == "checkout_rate@12"
    assert MetricRef.parse(MetricRef("a", 1)) == MetricRef("a", 1)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("a@", "'a@' pins no version\n  hint: write a@1"),
        ("a@0", "'a@0' pins no version"),
        ("a@v1", "'a@v1' pins no version"),
        ("a b", "'a b' is not a safe name"),
        (5, "5 is not a metric\n  hint: write checkout_rate or checkout_rate@1"),
    ],
    ids=str,
)
def test_a_wrong_ref_is_refused(written: Any, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        MetricRef.parse(written)
    assert str(caught.value).startswith(message)

"""Numbers of other packages on the aggregates of this file, written to peers.json.

Runs in an environment of its own, never in the engine's:

    python -m venv peers && peers/bin/pip install tea-tasting==1.14.0 spotify-confidence==4.1.0 "pydantic<3"
    peers/bin/pip install --no-deps gbstats==0.8.0
    peers/bin/python tests/reference/peers.py
"""

import importlib.metadata
import json
import math
import platform
import warnings
from pathlib import Path

import gbstats.frequentist.tests as gb_tests
import gbstats.models.statistics as gb
import gbstats.utils as gb_utils
import numpy as np
import pandas as pd
import spotify_confidence as spotify
import tea_tasting as tea
from spotify_confidence.analysis.frequentist.sample_ratio_test import sample_ratio_test
from spotify_confidence.analysis.frequentist.sequential_bound_solver import bounds
from tea_tasting.aggr import Aggregates

NAMES = ("y", "d", "x", "xd")
PACKAGES = ("tea-tasting", "spotify-confidence", "gbstats", "numpy", "scipy", "pandas")


def rows(seed, n, *, effect=0.0, offset=0.0, shift=0.0):
    """Return y, d, x and xd of n units: x before y, xd before d."""
    rng = np.random.default_rng(seed)
    d, xd = 1.0 + rng.poisson(3, n), 1.0 + rng.poisson(3, n)
    x = shift + 2.0 * xd + rng.normal(size=n)
    y = offset + effect + 2.0 * d + 0.8 * x + rng.normal(size=n)
    return np.column_stack([y, d, x, xd])


def aggregates(values):
    return {
        "n": len(values),
        "mean": values.mean(axis=0).tolist(),
        "cov": np.cov(values.T).tolist(),
        "sums": values.sum(axis=0).tolist(),
        "products": (values.T @ values).tolist(),
    }


def plain(value):
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [plain(v) for v in value]
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else str(float(value))
    return int(value) if isinstance(value, np.integer) else value


def tea_numbers(pair, *arguments):
    def of(values):
        cov = np.cov(values.T)
        return Aggregates(
            count_=len(values),
            mean_=dict(zip(NAMES, values.mean(axis=0).tolist(), strict=True)),
            var_={name: float(cov[k, k]) for k, name in enumerate(NAMES)},
            cov_={
                tuple(sorted((a, b))): float(cov[i, j])
                for i, a in enumerate(NAMES)
                for j, b in enumerate(NAMES)
                if i < j
            },
        )

    control, treatment = map(of, pair)
    return tea.RatioOfMeans(*arguments).analyze_aggregates(control, treatment)._asdict()


def gb_mean(values, k):
    return gb.SampleMeanStatistic(
        n=len(values), sum=values[:, k].sum(), sum_squares=(values[:, k] ** 2).sum()
    )


def gb_numbers(pair, kind, difference):
    stats = []
    for values in pair:
        if kind == "mean":
            stats.append(gb_mean(values, 0))
        elif kind == "ratio":
            stats.append(
                gb.RatioStatistic(
                    n=len(values),
                    m_statistic=gb_mean(values, 0),
                    d_statistic=gb_mean(values, 1),
                    m_d_sum_of_products=(values[:, 0] * values[:, 1]).sum(),
                )
            )
        else:
            # The slope is set below, from both variants together.
            stats.append(
                gb.RegressionAdjustedStatistic(
                    n=len(values),
                    post_statistic=gb_mean(values, 0),
                    pre_statistic=gb_mean(values, 2),
                    post_pre_sum_of_products=(values[:, 0] * values[:, 2]).sum(),
                    theta=0.0,
                )
            )
    if kind == "cuped":
        theta = gb.compute_theta(*stats)
        for one in stats:
            one.theta = theta
    config = gb_tests.FrequentistConfig(difference_type=difference)
    result = gb_tests.TwoSidedTTest(*stats, config).compute_result()
    return {
        "effect": result.expected,
        "ci": list(result.ci),
        "p_value": result.p_value,
        "std_error": result.uplift.stddev,
        "error": result.error_message,
    }


def frame(pair):
    return pd.DataFrame(
        {
            "variant": ["control", "treatment"],
            "n": [len(values) for values in pair],
            "y": [values[:, 0].sum() for values in pair],
            "yy": [(values[:, 0] ** 2).sum() for values in pair],
            "x": [values[:, 2].sum() for values in pair],
            "xx": [(values[:, 2] ** 2).sum() for values in pair],
            "xy": [(values[:, 0] * values[:, 2]).sum() for values in pair],
        }
    )


def spotify_numbers(pair, *, adjusted=False, **options):
    table = frame(pair)
    if adjusted:
        test = spotify.ZTestLinreg(
            table, "y", "yy", "n", "x", "xx", "xy", categorical_group_columns="variant"
        )
    else:
        test = spotify.ZTest(table, "y", "yy", "n", categorical_group_columns="variant")
    found = test.difference("control", "treatment", verbose=True, **options).iloc[0]
    wanted = ("difference", "ci_lower", "ci_upper", "p-value", "std_err", "null_hypothesis")
    return {name: found[name] for name in wanted if name in found.index}


def everything():
    base = [rows(1, 400), rows(2, 500, effect=0.6)]
    # A large effect, and a covariate that differs: where a slope over all units goes wrong.
    skewed = [rows(3, 20_000), rows(4, 20_000, effect=20.0, shift=0.8)]
    noisy = [rows(5, 60, offset=-9.0), rows(6, 60, offset=-8.0)]
    large = [rows(7, 400, offset=1e8), rows(8, 400, offset=1e8)]
    cases = {
        "base": {"aggregates": [aggregates(values) for values in base]},
        "skewed": {"aggregates": [aggregates(values) for values in skewed]},
        "noisy": {"aggregates": [aggregates(values) for values in noisy]},
        "large": {"aggregates": [aggregates(values) for values in large], "shift": [1e8, 0.0, 0.0, 0.0]},
    }
    # Beside the sums that lose the digits, those about a constant.
    for one, values in zip(cases["large"]["aggregates"], large, strict=True):
        shifted = values - np.array(cases["large"]["shift"])
        one["shifted_sums"], one["shifted_products"] = (
            shifted.sum(axis=0).tolist(),
            (shifted.T @ shifted).tolist(),
        )
    for name, pair in (("base", base), ("skewed", skewed), ("noisy", noisy), ("large", large)):
        cases[name]["tea"] = {
            "mean": tea_numbers(pair, "y"),
            "ratio": tea_numbers(pair, "y", "d"),
            "cuped": tea_numbers(pair, "y", None, "x"),
        }
        cases[name]["gbstats"] = {
            f"{kind} {scale}": gb_numbers(pair, kind, scale)
            for kind in ("mean", "ratio", "cuped")
            for scale in ("absolute", "relative")
        }
        cases[name]["spotify"] = {
            "mean": spotify_numbers(pair),
            "mean relative": spotify_numbers(pair, absolute=False),
            "cuped": spotify_numbers(pair, adjusted=True),
        }
    for margin, direction in ((0.10, "decrease"), (0.01, "increase")):
        cases["base"]["spotify"][f"margin {margin} {direction}"] = spotify_numbers(
            base, non_inferiority_margins=(margin, direction)
        )
    clock = np.arange(1, 6) / 5
    found = {
        str(alpha): bounds(clock, alpha=alpha, rho=2.0, ztrun=8.0, sides=2).bounds.tolist()
        for alpha in (0.05, 1e-5, 1e-6)
    }
    counts = pd.DataFrame({"variant": ["a", "b"], "n": [5050, 4950]})
    far = pd.DataFrame({"variant": ["a", "b"], "n": [60000, 40000]})
    equal = {"a": 0.5, "b": 0.5}
    return {
        "cases": cases,
        "bounds": {"fractions": clock.tolist(), "rho": 2.0, "spotify": found},
        "srm": {
            "gbstats": {
                "5050 4950": gb_utils.check_srm([5050, 4950], [0.5, 0.5]),
                "5150 4850 0 of .5 .5 0": gb_utils.check_srm([5150, 4850, 0], [0.5, 0.5, 0.0]),
            },
            "spotify": {
                "5050 4950": sample_ratio_test(counts, "variant", "n", equal)[0],
                "60000 40000": sample_ratio_test(far, "variant", "n", equal)[0],
            },
        },
    }


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    found = {
        "script": "tests/reference/peers.py",
        "python": platform.python_version(),
        "versions": {name: importlib.metadata.version(name) for name in PACKAGES},
        **everything(),
    }
    target = Path(__file__).with_suffix(".json")
    target.write_text(json.dumps(plain(found), indent=1, sort_keys=True) + "\n", encoding="utf-8")

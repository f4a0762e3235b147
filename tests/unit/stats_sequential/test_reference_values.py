"""Numbers of R packages, printed tables and 40-digit arithmetic, through the public functions.

A selection is kept in this repository; where the full collection lies beside it, that is checked as well.
"""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from steelyard.stats import always_valid, always_valid_regression
from steelyard.stats.group_sequential import bounds
from steelyard.stats.gst_classical import (
    OBRIEN_FLEMING,
    POCOCK,
    classical_bounds,
    classical_inflation,
    naive_alpha,
)
from steelyard.stats.gst_exit import exit_probabilities, inflation
from steelyard.stats.gst_futility import futility_design
from steelyard.stats.sequential_p import sequential_p
from steelyard.stats.spending import spend

ROOT = Path(__file__).parents[3]
KEPT = ROOT / "tests" / "reference" / "sequential.json"
SHARED = ROOT.parent / "shared" / "reference" / "stat_values.json"
FAMILIES = {
    "obf": "obrien_fleming",
    "hsd": "hwang_shih_decani",
    "power": "power",
    "pocock": "pocock",
}


def read_bounds(*, t, spending, alpha, sides, par=None, info=None):
    looks = bounds(t, info or t, alpha=alpha, sides=sides, spending=FAMILIES[spending], parameter=par)
    return [look.bound for look in looks]


def exponent(kind, delta=None):
    return {"pocock": POCOCK, "obf": OBRIEN_FLEMING, "wt": delta}[kind]


def read_classical(K, kind, alpha, sides, delta=None):
    return classical_bounds(K, exponent=exponent(kind, delta), alpha=alpha, sides=sides)


def read_futility(*, t, spending, alpha, beta, beta_spending, beta_par, par=None):
    return futility_design(
        t,
        alpha=alpha,
        power=1 - beta,
        spending=FAMILIES[spending],
        parameter=par,
        futility_spending=FAMILIES[beta_spending],
        futility_parameter=beta_par,
    )


def read_inflation(*, t, spending, alpha, sides, power, par=None):
    return inflation(t, alpha=alpha, power=power, sides=sides, spending=FAMILIES[spending], parameter=par)


def read_n_means(*, delta, sd, alpha, power, sides, K, spending):
    quantiles = stats.norm.ppf(power) - stats.norm.ppf(alpha / sides)
    fixed = 4 * (quantiles * sd / delta) ** 2
    fractions = [k / K for k in range(1, K + 1)]
    return fixed * read_inflation(t=fractions, spending=spending, alpha=alpha, sides=sides, power=power)


def read_sequential_p(t, z, spending, sides):
    return sequential_p([z], [t], [t], sides=sides, spending=FAMILIES[spending])[0, -1]


def read_log_mixture(s, v, v_opt, alpha_opt, one_sided=False):
    sides = 1 if one_sided else 2
    tuning = always_valid.optimal_tuning(v_opt, alpha=alpha_opt, sides=sides)
    return always_valid.log_e_value(s / math.sqrt(v), v, tuning, sides=sides)


def read_mixture_bound(v, alpha, v_opt, alpha_opt):
    tuning = always_valid.optimal_tuning(v_opt, alpha=alpha_opt)
    return math.sqrt(v) * always_valid.critical_value(v, tuning, alpha=alpha)


def read_msprt(est, se, tau2):
    return always_valid.log_e_value(est / se, 1.0, always_valid.msprt_tuning(se, 1.0, tau2))


READERS: dict[str, Callable[..., Any]] = {
    "spending": lambda kind, alpha, par, t: spend(t, alpha, FAMILIES[kind], par),
    "gst_bounds": read_bounds,
    "gst_classical": read_classical,
    "gst_classical_constant": lambda **inputs: read_classical(**inputs)[-1],
    "gst_classical_inflation": lambda K, kind, alpha, sides, power, delta=None: classical_inflation(
        K, exponent=exponent(kind, delta), alpha=alpha, power=power, sides=sides
    ),
    "gst_inflation": read_inflation,
    "gst_beta_spending": lambda **inputs: read_futility(**inputs).lower,
    "gst_beta_inflation": lambda **inputs: read_futility(**inputs).inflation,
    "gst_exit_upper": lambda t, upper, theta: exit_probabilities(upper, t, effect=theta)[0][0],
    "gst_naive_alpha": lambda K, z: naive_alpha(K, alpha=2 * stats.norm.sf(z)),
    "sequential_p": read_sequential_p,
    "n_means_gst": read_n_means,
    "av_multiplier": lambda n, nu, alpha, one_sided=False: always_valid.critical_value(
        n, nu, alpha=alpha, sides=1 if one_sided else 2
    ),
    "av_pvalue": lambda est, se, n, nu: always_valid.p_value(est / se, n, nu),
    "msprt_log_lr": read_msprt,
    "log_mixture": read_log_mixture,
    "mixture_bound": read_mixture_bound,
    "asymp_cs_half_width": lambda sd, n, rho, alpha, one_sided=False: always_valid.asymptotic_half_width(
        sd, n, rho, alpha=alpha, sides=1 if one_sided else 2
    ),
    "avlm_p_t": lambda t, nu, n, g, fit: always_valid_regression.t_p_value(t, nu, n, g),
    "avlm_p_f": lambda f, d, nu, n, g: always_valid_regression.f_p_value(f, d, nu, n, tuning=g),
    "avlm_t_radius": lambda g, n, ncoef, alpha: always_valid_regression.t_critical_value(
        n, ncoef, g, alpha=alpha
    ),
    "avlm_optimal_g": lambda n, ncoef, alpha: always_valid_regression.t_optimal_tuning(n, ncoef, alpha=alpha),
}


def records(path: Path) -> list[dict[str, Any]]:
    if not path.is_file():
        return []
    return [record for record in json.loads(path.read_text()) if record["method"] in READERS]


def check(record: dict[str, Any]) -> None:
    inputs = {name: value for name, value in record["inputs"].items() if value is not None}
    inputs.setdefault("par", None) if record["method"] == "spending" else None
    measured = np.asarray(READERS[record["method"]](**inputs), dtype=float)
    tolerance = record["tolerance"]
    relative = float(tolerance.split()[1]) if isinstance(tolerance, str) else 0.0
    absolute = 0.0 if isinstance(tolerance, str) else tolerance
    np.testing.assert_allclose(measured, record["expected"], rtol=relative, atol=absolute)


@pytest.mark.parametrize("record", records(KEPT), ids=lambda record: record["id"])
def test_kept_reference_value_is_met(record: dict[str, Any]) -> None:
    check(record)


@pytest.mark.skipif(not SHARED.is_file(), reason="the full collection of reference values is not at hand")
@pytest.mark.parametrize("record", records(SHARED), ids=lambda record: record["id"])
def test_reference_value_is_met(record: dict[str, Any]) -> None:
    check(record)


def test_every_reader_has_a_kept_record() -> None:
    assert {record["method"] for record in records(KEPT)} == set(READERS)

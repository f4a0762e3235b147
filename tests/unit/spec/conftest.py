"""A small project on disk, and one edit away from it, what is wrong with it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from steelyard.errors import SpecError
from steelyard.spec.loader import ProjectFiles, load_project

PROJECT = """\
name: storefront
profile: storefront
timezone: UTC
units:
  user: user_id
  device: device_id
exposures:
  app:
    unit: user
    sql: select experiment_id, user_id, variant, exposed_at, country, platform from exposures
    timestamp: exposed_at
    dimensions: [country, platform]
    lateness: 2d
triggers:
  saw_cart: {unit: user, sql: 'select user_id, seen_at from carts', timestamp: seen_at}
  woke_device: {unit: device, sql: 'select device_id, at from wakes', timestamp: at}
defaults: {alpha: 0.05, power: 0.8, covariate_lookback: 14d, analysis: group_sequential}
"""
EXPERIMENT = """\
name: checkout-progress-bar
hypothesis: A progress bar reduces checkout abandonment by giving users a sense of completion.
owner: payments-team
surface: checkout
exposures: app
status: running
start: 2026-04-01
end: 2026-04-14
variants:
  - {name: control, allocation: 50%, config: {show_progress_bar: false}}
  - {name: treatment, allocation: 50%, config: {show_progress_bar: true}}
targeting: {country: [SG, MY, TH]}
metrics:
  primary: checkout_rate
  secondary: [time_to_complete_checkout, add_payment_method_rate]
  guardrails:
    - {metric: checkout_error_rate, margin: 1%}
    - p99_page_load_ms
duration: {minimum_runtime_days: 7, target_sample_size_per_variant: 5000}
analysis: {test: group_sequential, looks: daily, spending: obrien_fleming, alpha: 0.05, power: 0.8,
           adjustment: cuped, correction: bonferroni, trigger: null, dimensions: [platform]}
"""
METRICS = (
    "checkout_rate",
    "time_to_complete_checkout",
    "add_payment_method_rate",
    "checkout_error_rate",
    "p99_page_load_ms",
)

Refusal = Callable[[str, str], str]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write(tmp_path / "steelyard.yml", PROJECT)
    write(tmp_path / "experiments" / "checkout.yml", EXPERIMENT)
    for name in METRICS:
        write(tmp_path / "metrics" / f"{name}.sql", "select 1")
    return tmp_path


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) >= 1, old
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.fixture
def edited_experiment(root: Path) -> Callable[[str, str], ProjectFiles]:
    """Load the project with one edit of its experiment."""

    def load(old: str, new: str) -> ProjectFiles:
        edit(root / "experiments" / "checkout.yml", old, new)
        return load_project(root)

    return load


@pytest.fixture
def refusal(edited_experiment: Callable[[str, str], ProjectFiles]) -> Refusal:
    """What loading says about one edit of the experiment."""

    def refuse(old: str, new: str) -> str:
        with pytest.raises(SpecError) as caught:
            edited_experiment(old, new)
        return str(caught.value)

    return refuse


@pytest.fixture
def project_refusal(root: Path) -> Refusal:
    """What loading says about one edit of steelyard.yml."""

    def refuse(old: str, new: str) -> str:
        edit(root / "steelyard.yml", old, new)
        with pytest.raises(SpecError) as caught:
            load_project(root)
        return str(caught.value)

    return refuse

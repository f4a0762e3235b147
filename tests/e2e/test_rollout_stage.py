"""What a rollout is told to do: continue, abort or wait."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from tests.support.small_project import METRICS, START, Small, moment, run, write

from steelyard.cli.main import cli

pytestmark = pytest.mark.long

DAYS, UNITS = 4, 2000
LAST = START + timedelta(days=DAYS + 1)
COSTS = (
    METRICS["spend"].replace("direction='increase'", "direction='decrease'").replace("as spend", "as costs")
)
BASE: dict[str, Any] = {
    "status": "stopped",
    "start": START,
    "end": START + timedelta(days=DAYS - 1),
    "design": "rollout",
    "variants": ["control", "treatment"],
    "epochs": [
        {"start": START, "allocation": ["80%", "20%"]},
        {"start": START + timedelta(days=2), "allocation": ["50%", "50%"]},
    ],
    "analysis": {"test": "fixed", "adjustment": "none"},
}
WATCHED = {
    "within": {"metric": "costs", "margin": "20%"},
    "tight": {"metric": "costs", "margin": "0.1%"},
    "seen": {"metric": "costs", "mde": "30%"},
    "fine-print": {"metric": "costs", "mde": "0.1%"},
    "bare": {"metric": "costs"},
    "harmed": {"metric": "costs", "margin": "20%"},
    "skewed": {"metric": "costs", "margin": "20%"},
}


@pytest.fixture(scope="module")
def rolled(tmp_path_factory: pytest.TempPathFactory) -> Small:
    random = np.random.default_rng(111)
    exposures, events = [], []
    for k in range(UNITS):
        day = int(random.integers(0, DAYS))
        treated = random.random() < (0.2 if day < 2 else 0.5)
        value = float(random.gamma(4.0))
        for name in WATCHED:
            if name == "skewed" and treated and k % 3 == 0:
                continue
            unit = f"{name}-{k}"
            exposures.append((name, unit, "treatment" if treated else "control", moment(day), "SG"))
            events.append((unit, moment(day, 14), value * (1.5 if name == "harmed" and treated else 1.0)))
    specs = {name: {**BASE, "metrics": {"guardrails": [use]}} for name, use in WATCHED.items()}
    folder = tmp_path_factory.mktemp("stage")
    write(
        folder,
        experiments=specs,
        tables={"exposures": exposures, "events": events},
        metrics={**METRICS, "costs": COSTS},
    )
    return run(folder, LAST)


@pytest.mark.parametrize(
    ("experiment", "words"),
    [
        ("within", "Continue. costs is not worse than its margin allows."),
        ("tight", "Wait. costs has not been shown to stay within its margin."),
        ("seen", "Continue. costs is not worse than its margin allows."),
        ("fine-print", "Wait."),
        ("bare", "Wait."),
        ("harmed", "Abort. costs became significantly worse."),
        ("skewed", "Abort. srm failed"),
    ],
)
def test_a_rollout_goes_on_only_where_guardrails_are_shown_safe(
    rolled: Small, experiment: str, words: str
) -> None:
    (row,) = rolled.rows("insights", f"experiment_id = '{experiment}' and kind = 'rollout_stage'")
    assert row["detail"].startswith(words)
    assert (row["variant"], row["metric"], row["estimate"]) == ("treatment", "", None)


def test_the_report_says_so(rolled: Small) -> None:
    text = CliRunner().invoke(cli, ["report", "within", "--project-dir", str(rolled.folder)]).stdout
    assert "rollout stage: Continue." in " ".join(text.split())

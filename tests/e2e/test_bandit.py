"""A bandit from rows: the next batch's shares, the weighted effect, and batches that are too small."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from scipy import stats as sp
from tests.support.small_project import START, Small, moment, run, write

from steelyard.cli.main import cli

pytestmark = pytest.mark.long

DAYS, PER_DAY, TURNED = 6, 200, 3
LAST = START + timedelta(days=DAYS + 1)
SHARES = np.array([[0.5, 0.5], [0.25, 0.75]])
NAMES = ("control", "treatment")
SPEC: dict[str, Any] = {
    "status": "stopped",
    "start": START,
    "end": START + timedelta(days=DAYS - 1),
    "design": "bandit",
    "variants": list(NAMES),
    "epochs": [
        {"start": START, "allocation": ["50%", "50%"]},
        {"start": START + timedelta(days=TURNED), "allocation": ["25%", "75%"]},
    ],
    "metrics": {"primary": ["spend"], "secondary": ["price"]},
    "analysis": {"test": "fixed", "adjustment": "none"},
}
EXPERIMENTS = {
    "over": SPEC,
    "open": {**SPEC, "status": "running", "end": START + timedelta(days=30)},
    "tiny": SPEC,
}


class World:
    def __init__(self) -> None:
        random = np.random.default_rng(101)
        size = DAYS * PER_DAY
        self.day = np.repeat(np.arange(DAYS), PER_DAY)
        self.batch = (self.day >= TURNED).astype(int)
        self.variant = (random.random(size) < SHARES[self.batch, 1]).astype(int)
        self.value = random.gamma(2.0, size=size) + 0.08 * self.variant
        self.exposures = [
            (name, f"u{k}", NAMES[self.variant[k]], moment(int(self.day[k])), "SG")
            for name in EXPERIMENTS
            for k in range(size)
            if name != "tiny" or k % PER_DAY < 20
        ]
        self.events = [(f"u{k}", moment(int(self.day[k]), 14), float(v)) for k, v in enumerate(self.value)]


@pytest.fixture(scope="module")
def world() -> World:
    return World()


@pytest.fixture(scope="module")
def played(world: World, tmp_path_factory: pytest.TempPathFactory) -> Small:
    folder: Path = tmp_path_factory.mktemp("bandit")
    write(folder, experiments=EXPERIMENTS, tables={"exposures": world.exposures, "events": world.events})
    return run(folder, LAST)


def estimates(played: Small, kind: str, experiment: str = "over") -> dict[str, float]:
    rows = played.rows("insights", f"experiment_id = '{experiment}' and kind = '{kind}' and metric = 'spend'")
    return {row["variant"]: row["estimate"] for row in rows}


@pytest.mark.parametrize("experiment", ["over", "open"])
def test_the_next_batch_is_shared_by_the_chance_to_be_best(
    played: Small, world: World, experiment: str
) -> None:
    one, two = (world.value[world.variant == v] for v in (0, 1))
    error = np.sqrt(one.var(ddof=1) / len(one) + two.var(ddof=1) / len(two))
    best = float(sp.norm.cdf((two.mean() - one.mean()) / error))
    assert 0.01 < best < 0.99
    assert estimates(played, "chance_best", experiment) == pytest.approx(
        {"control": 1 - best, "treatment": best}, rel=1e-8
    )
    raised = np.maximum([1 - best, best], 0.05)
    assert estimates(played, "thompson_share", experiment) == pytest.approx(
        dict(zip(NAMES, raised / raised.sum(), strict=True)), rel=1e-8
    )
    # Of two variants the challenger is always the other one.
    assert estimates(played, "top_two_share", experiment) == pytest.approx(dict.fromkeys(NAMES, 0.5))


def test_batches_are_weighted_by_their_shares(played: Small, world: World) -> None:
    """Unit by unit: each unit's score, averaged within its batch, and the spread of the scores."""
    before = np.zeros(2)
    scores, weights, noise = [], [], []
    for batch in (0, 1):
        here = world.batch == batch
        if batch == 0:
            before = np.array([world.value[here & (world.variant == v)].mean() for v in (0, 1)])
        given = np.eye(2)[world.variant[here]]
        gap = world.value[here][:, None] - before
        score = before + given / SHARES[batch] * gap
        scores.append(score.mean(axis=0))
        weights.append(np.sqrt(SHARES[batch] * here.sum()))
        noise.append(np.cov(score, rowvar=False) / here.sum())
        before = np.array([world.value[(world.batch == 0) & (world.variant == v)].mean() for v in (0, 1)])
    share = np.array(weights) / np.sum(weights, axis=0)
    means = (share * np.array(scores)).sum(axis=0)
    cov = sum(np.outer(share[b], share[b]) * noise[b] for b in (0, 1))
    (row,) = played.rows(
        "insights", "experiment_id = 'over' and kind = 'weighted_effect' and metric = 'spend'"
    )
    assert row["estimate"] == pytest.approx(means[1] - means[0], rel=1e-9)
    # The engine divides by the batch's units less one as the sample covariance does.
    assert row["std_error"] == pytest.approx(np.sqrt(cov[0, 0] + cov[1, 1] - 2 * cov[0, 1]), rel=1e-6)
    (ratio,) = played.rows(
        "insights", "experiment_id = 'over' and kind = 'weighted_effect' and metric = 'price'"
    )
    # Each unit has one event, so that the ratio is the mean.
    assert ratio["estimate"] == pytest.approx(row["estimate"], rel=1e-9)
    assert played.rows("insights", "experiment_id = 'open' and kind = 'weighted_effect'") == []


def test_small_batches_warn(played: Small, world: World) -> None:
    kept = np.arange(len(world.day)) % PER_DAY < 20
    fewest = min(
        int((kept & (world.batch == batch) & (world.variant == v)).sum()) for batch in (0, 1) for v in (0, 1)
    )
    (row,) = played.rows("health", "check_name = 'small_batches'")
    assert (row["experiment_id"], row["status"], row["statistic"]) == ("tiny", "warn", fewest)


def test_the_report_tells_the_next_shares(played: Small) -> None:
    text = CliRunner().invoke(cli, ["report", "over", "--project-dir", str(played.folder)]).stdout
    assert "of the next batch by Thompson sampling, 50.0% by top-two." in " ".join(text.split())

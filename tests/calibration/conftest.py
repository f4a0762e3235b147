"""Collects what the calibration checks measure, and writes it down where that is asked for."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pytest

TABLE = Path(__file__).parents[2] / "docs" / "calibration.md"
HEAD = """# Calibration

Error rates, coverage and power of the statistics, measured by simulation with fixed seeds. Written by
`pytest tests/calibration --write-calibration` (with `--full-calibration` for the larger numbers of replicates);
`make slow` checks the same bands.

A band is the target plus or minus three Monte-Carlo standard errors, `3 sqrt(p (1 - p) / R)`, and an allowance
where a method is only asymptotically exact. *Negative controls* are methods that are known to be wrong: the
harness must catch them, so their bands exclude the target. *Path* says where the simulation enters: `rows` means
unit rows and events in DuckDB, the engine's own SQL, moments, result (one project per batch, each replicate a
segment or an experiment of it); `aggregates` means that the simulation hands moments or counts to the statistics.

| id | check | path | R | accepted | measured | date | seed |
|---|---|---|---:|---|---:|---|---:|
"""


@dataclass(frozen=True)
class Measured:
    """One line of the table."""

    id: str
    check: str
    path: str
    replicates: int
    accepted: str
    value: float
    seed: int

    def line(self) -> str:
        today = date.today().isoformat()
        cells = (
            self.id,
            self.check,
            self.path,
            f"{self.replicates:,}",
            self.accepted,
            f"{self.value:.4f}",
            today,
        )
        return f"| {' | '.join(cells)} | {self.seed} |"


@dataclass
class Calibration:
    """What a test uses: how many replicates to run, and where to leave what it found."""

    is_full: bool
    found: list[Measured] = field(default_factory=list)

    def replicates(self, quick: int, full: int) -> int:
        """Return the number of replicates of this run."""
        return full if self.is_full else quick

    def check(
        self,
        id: str,
        check: str,
        value: float,
        *,
        replicates: int,
        seed: int,
        low: float = -math.inf,
        high: float = math.inf,
        path: str = "aggregates",
    ) -> None:
        """Write a value down and compare it with its band."""
        ends = [f"≥ {low:.4g}" if math.isfinite(low) else "", f"≤ {high:.4g}" if math.isfinite(high) else ""]
        both = all(ends)
        accepted = f"{low:.4g}–{high:.4g}" if both else "".join(ends) or "–"
        self.found.append(Measured(id, check, path, replicates, accepted, float(value), seed))
        assert low <= value <= high, f"{id} {check}: {value:.4f} is not in {accepted}"

    def near(
        self,
        id: str,
        check: str,
        value: float,
        *,
        target: float,
        replicates: int,
        seed: int,
        allowance: float = 0.0,
        path: str = "aggregates",
    ) -> None:
        """Compare a rate with its target, up to three Monte-Carlo standard errors and an allowance."""
        reach = 3 * math.sqrt(target * (1 - target) / replicates) + allowance
        self.check(
            id,
            check,
            value,
            replicates=replicates,
            seed=seed,
            low=target - reach,
            high=target + reach,
            path=path,
        )


KEY = pytest.StashKey[list[Measured]]()


@pytest.fixture
def calibrate(request: pytest.FixtureRequest) -> Iterator[Calibration]:
    """Number of replicates, bands and the table."""
    one = Calibration(is_full=bool(request.config.getoption("--full-calibration")))
    yield one
    request.config.stash.setdefault(KEY, []).extend(one.found)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    found = config.stash.get(KEY, [])
    if not found:
        return
    lines = [one.line() for one in sorted(found, key=lambda one: (one.id, one.check))]
    terminalreporter.section("calibration")
    terminalreporter.write_line("\n".join(lines))
    if config.getoption("--write-calibration"):
        TABLE.write_text(HEAD + "\n".join(lines) + "\n", encoding="utf-8")
        terminalreporter.write_line(f"wrote {TABLE}")

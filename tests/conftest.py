"""Options of the test run."""

import pytest

# Runs in an environment of its own, where the packages are that the engine is compared with.
collect_ignore = ["reference/peers.py"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="rewrite golden files; then read the difference"
    )
    parser.addoption(
        "--write-calibration", action="store_true", help="write docs/calibration.md from the checks that ran"
    )
    parser.addoption(
        "--full-calibration", action="store_true", help="run calibration with the full number of replicates"
    )


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether golden files are rewritten."""
    return bool(request.config.getoption("--update-golden"))

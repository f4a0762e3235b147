"""Options of the test run."""

import gc
from collections.abc import Iterator

import pytest
from tests.support.engines import Engines
from tests.support.workers import PartScheduling, begin_with_what_is_long
from xdist.remote import Producer
from xdist.scheduler import Scheduling

# Runs in an environment of its own, where the packages are that the engine is compared with.
collect_ignore = ["reference/peers.py"]

# What is collected stays to the end: looking for garbage in it takes a third of the time.
gc.disable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with what is long, where workers take tests in the order in which they stand."""
    if not config.getoption("loadscopereorder", True):
        begin_with_what_is_long(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling | None:
    """Share tests among workers by the parts of the run, with ``--dist loadscope``."""
    return PartScheduling(config, log) if config.getoption("dist") == "loadscope" else None


def pytest_collection_finish() -> None:
    """Look for garbage in what tests leave, and no more in the tests themselves."""
    gc.freeze()
    gc.enable()


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


@pytest.fixture(scope="session")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engines]:
    """The warehouses that tests execute on, each started when a test first asks for it."""
    opened = Engines(tmp_path_factory.mktemp("engines"))
    yield opened
    opened.close()

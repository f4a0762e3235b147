"""The provider, by the real SDK of OpenFeature, with a ruleset from a local server."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest
from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.evaluation_context import EvaluationContext
from openfeature.event import EventDetails, ProviderEvent
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import Reason
from openfeature.provider import ProviderStatus
from tests.support.ruleset_server import RulesetServer, serving
from tests.support.rulesets import content, experiment, gate, rollout, setting

from steelyard.assign import CallableWriter, Client, Exposure
from steelyard.assign.openfeature import SteelyardProvider
from steelyard.assign.writing import seal
from steelyard.hashing import DEFAULT, scheme_named

HOLDBACK = {"unit": "user", "gates": [gate(9000, 10_000)], "salt": "held", "scheme": "sha256", "variants": []}
EXPERIMENTS = {
    "bar": setting("show_bar", False, True, salt="bar"),
    "cols": setting("columns", 2, 3, salt="cols", holdbacks=["q3"], gates=[gate(0, 8000)]),
    "plain": experiment(salt="plain"),
}
OLD = seal(
    content(experiments=EXPERIMENTS, holdbacks={"q3": HOLDBACK}, rollouts={"half": rollout({"ratio": 2})})
)
NEW = seal(content(experiments={"plain": experiment(salt="other")}))
PLACE = scheme_named("sha256-60").bucketer("shop")
TREATED = next(f"u{n}" for n in range(99) if (DEFAULT.scalar("bar", f"u{n}") or 0) >= 5000)
IN_COLS = next(f"u{n}" for n in range(99) if (PLACE(f"u{n}") or 0) < 8000)
OUT_OF_COLS = next(f"u{n}" for n in range(99) if 8000 <= (PLACE(f"u{n}") or 0) < 9000)
HELD = next(f"u{n}" for n in range(99) if (PLACE(f"u{n}") or 0) >= 9000)


class World:
    """A server, a client of it, and what was logged and told."""

    def __init__(self, server: RulesetServer) -> None:
        self.server = server
        self.exposures: list[Exposure] = []
        self.told: list[str] = []
        self.ours = Client(
            server.url,
            app="web",
            writer=CallableWriter(self.exposures.append),
            poll_seconds=0,
            timeout_seconds=1.0,
        )

    def start(self) -> OpenFeatureClient:
        api.set_provider(SteelyardProvider(self.ours))
        client = api.get_client()
        for event in ProviderEvent:
            client.add_handler(event, self._teller(event))
        return client

    def is_told(self, *events: str) -> bool:
        """Whether the events come; the SDK tells them in threads of its own, in no order."""
        deadline = time.monotonic() + 10
        while not set(events) <= set(self.told) and time.monotonic() < deadline:
            time.sleep(0.01)
        return set(events) <= set(self.told)

    def _teller(self, event: ProviderEvent) -> Any:
        def tell(details: EventDetails) -> None:
            self.told.append(event.name)

        return tell


@pytest.fixture
def world() -> Iterator[World]:
    """A world whose provider is shut down in the end."""
    with serving(OLD) as server:
        found = World(server)
        yield found
        api.shutdown()
        api.clear_providers()
        found.ours.close()


def of(unit: str | None, **attributes: Any) -> EvaluationContext:
    return EvaluationContext(targeting_key=unit, attributes=attributes)


def test_a_split_has_its_variant_and_metadata(world: World) -> None:
    details = world.start().get_boolean_details("checkout.show_bar", False, of(TREATED))
    assert (details.value, details.reason, details.variant) == (True, Reason.SPLIT, "treatment")
    assert dict(details.flag_metadata) == {
        "ruleset_version": world.ours.state.version,
        "decided_by": "SPLIT",
        "experiment_id": "bar",
        "scheme": "sha256",
        "assignment_salt": "bar",
        "bucket": DEFAULT.scalar("bar", TREATED),
        "reason": "assigned",
    }


METHODS = [
    ("boolean", "checkout.show_bar", False, True),
    ("string", "plain", "none", None),
    ("string", "checkout.title", "none", "Pay"),
    ("integer", "checkout.columns", 9, None),
    ("float", "checkout.ratio", 9.5, 2.0),
    ("float", "checkout.columns", 9.5, None),
    ("object", "checkout.layout", {}, {"wide": True}),
    ("object", "checkout.steps", [], [1, 2]),
    ("object", "checkout", {}, None),
]


@pytest.mark.parametrize(
    ("kind", "key", "default", "expected"), METHODS, ids=[f"{one[0]}-{one[1]}" for one in METHODS]
)
def test_every_type_is_resolved_alike_with_and_without_async(
    world: World, kind: str, key: str, default: Any, expected: Any
) -> None:
    client = world.start()
    details = getattr(client, f"get_{kind}_details")(key, default, of(TREATED))
    again = asyncio.run(getattr(client, f"get_{kind}_details_async")(key, default, of(TREATED)))
    assert details.error_code is None
    assert details.value != default
    assert expected is None or (details.value, type(details.value)) == (expected, type(expected))
    assert (again.value, again.reason, again.variant) == (details.value, details.reason, details.variant)


@pytest.mark.parametrize(
    ("key", "unit", "reason"),
    [
        ("checkout.ratio", TREATED, Reason.TARGETING_MATCH),
        ("checkout.columns", OUT_OF_COLS, Reason.DEFAULT),
        ("checkout.columns", IN_COLS, Reason.SPLIT),
        ("checkout.columns", HELD, Reason.DEFAULT),
    ],
    ids=["rollout", "not allocated", "allocated", "held back"],
)
def test_the_reason_says_what_decided(world: World, key: str, unit: str, reason: Reason) -> None:
    assert world.start().get_float_details(key, 0.5, of(unit)).reason == reason


def test_a_property_that_nothing_sets_is_static(world: World) -> None:
    details = world.start().get_string_details("checkout.title", "mine")
    assert (details.value, details.reason) == ("Pay", Reason.STATIC)


ERRORS = [
    ("boolean", "nothing", False, TREATED, ErrorCode.FLAG_NOT_FOUND),
    ("boolean", "checkout.columns", False, TREATED, ErrorCode.TYPE_MISMATCH),
    ("integer", "checkout.ratio", 1, TREATED, ErrorCode.TYPE_MISMATCH),
    ("string", "plain", "none", None, ErrorCode.TARGETING_KEY_MISSING),
    ("string", "plain", "none", "", ErrorCode.TARGETING_KEY_MISSING),
    ("string", "plain", "none", 1.5, ErrorCode.INVALID_CONTEXT),
]


@pytest.mark.parametrize("case", ERRORS, ids=[f"{one[1]}-{one[4].name}-{one[3]}" for one in ERRORS])
def test_an_error_has_its_code_and_gives_the_default(
    world: World, case: tuple[str, str, Any, Any, ErrorCode]
) -> None:
    kind, key, default, unit, code = case
    details = getattr(world.start(), f"get_{kind}_details")(key, default, of(unit))
    assert (details.value, details.reason, details.error_code) == (default, Reason.ERROR, code)
    assert world.exposures == []


def test_exposures_are_logged_once_after_an_evaluation(world: World) -> None:
    client = world.start()
    for _ in range(3):
        client.get_boolean_value("checkout.show_bar", False, of(TREATED))
    client.get_integer_value("checkout.columns", 0, of(HELD))
    logged = [(one.experiment_id, one.user_id, one.variant, one.reason) for one in world.exposures]
    assert logged == [("bar", TREATED, "treatment", "assigned"), ("q3", HELD, "holdback", "holdback")]


def test_a_provider_is_stale_while_its_source_is_away(world: World) -> None:
    client = world.start()
    world.server.status = 500
    world.ours.refresh()
    details = client.get_boolean_details("checkout.show_bar", False, of(TREATED))
    assert (details.value, details.reason, details.variant) == (True, Reason.STALE, "treatment")
    assert details.flag_metadata["decided_by"] == "SPLIT"
    assert client.get_provider_status() is ProviderStatus.STALE
    world.server.status = 200
    world.ours.refresh()
    assert client.get_provider_status() is ProviderStatus.READY
    assert world.is_told("PROVIDER_STALE", "PROVIDER_READY")


def test_a_new_ruleset_is_told(world: World) -> None:
    client = world.start()
    world.server.data = NEW
    world.ours.refresh()
    assert world.is_told("PROVIDER_CONFIGURATION_CHANGED")
    assert client.get_boolean_details("checkout.show_bar", True, of(TREATED)).reason == Reason.STATIC


def test_a_provider_without_a_ruleset_is_not_ready_until_one_comes() -> None:
    with serving(OLD) as server:
        server.status = 404
        world = World(server)
        client = world.start()
        details = client.get_boolean_details("checkout.show_bar", False, of(TREATED))
        assert (details.value, details.error_code) == (False, ErrorCode.PROVIDER_NOT_READY)
        assert world.is_told("PROVIDER_ERROR")
        assert "PROVIDER_READY" not in world.told
        server.status = 200
        world.ours.refresh()
        assert client.get_boolean_details("checkout.show_bar", False, of(TREATED)).value is True
        assert world.is_told("PROVIDER_READY")
        api.shutdown()
        api.clear_providers()


def test_shutting_down_closes_the_client(world: World) -> None:
    world.start()
    thread = world.ours._thread
    assert thread is not None
    api.shutdown()
    assert not thread.is_alive()


def test_the_provider_has_a_name(world: World) -> None:
    world.start()
    assert SteelyardProvider(world.ours).get_metadata().name == "steelyard"

"""One way of serving assignments, measured in the environment of whoever runs this; prints JSON.

python benchmarks/serving_ways.py growthbook

Every way has the same 1,000 experiments of two equal halves. Times are those of the processor, the best of seven.
"""

import importlib
import json
import sys
import time
from collections.abc import Callable
from typing import Any

NAMES = [f"exp_{number}" for number in range(1000)]
UNIT = "user_123456"
Ways = dict[str, Callable[[], Any]]


def seconds(action: Callable[[], Any], times: int) -> float:
    """Processor seconds of one call, the best of seven rounds."""
    rounds = []
    for _ in range(7):
        started = time.process_time()
        for _ in range(times):
            action()
        rounds.append((time.process_time() - started) / times)
    return min(rounds)


def imported(name: str) -> tuple[Any, float]:
    """A module, and the processor seconds of its first import."""
    started = time.process_time()
    module = importlib.import_module(name)
    return module, time.process_time() - started


def measured(
    spent: float, one: Callable[[], Any], hundred: Callable[[], Any], load: Callable[[], Any] | None
) -> Any:
    """What is printed."""
    return {
        "import_ms": spent * 1e3,
        "one_us": seconds(one, 5000) * 1e6,
        "hundred_us": seconds(hundred, 100) * 1e6,
        "load_ms": None if load is None else seconds(load, 1) * 1e3,
    }


def _steelyard(only_decides: bool) -> Any:
    assign, spent = imported("steelyard.assign")
    writing = importlib.import_module("steelyard.assign.writing")
    halves = [{"name": name, "share": 5000, "config": {}} for name in ("control", "treatment")]
    plain = {"unit": "user", "flag": None, "scheme": "sha256", "gates": None, "targeting": None}
    plain |= {"starts": None, "ends": None, "holdbacks": [], "variants": halves}
    content = {"project": "shop", "units": {"user": "user_id"}, "targeting_unit": "user"}
    content |= {"programmes": {}, "flags": {}, "holdbacks": {}, "rollouts": {}}
    whole, part = (
        writing.seal({**content, "experiments": {name: {**plain, "salt": name} for name in names}})
        for names in (NAMES, NAMES[:100])
    )

    def load() -> Any:
        return assign.Evaluator(assign.read_ruleset(whole))

    if only_decides:
        evaluator = assign.Evaluator(assign.read_ruleset(part))
        one = lambda: evaluator.decide("exp_5", UNIT, {}, now=0.0)  # noqa: E731
        return measured(spent, one, lambda: evaluator.decide_all(UNIT, {}, now=0.0), load)
    path = sys.argv[2]
    with open(path, "wb") as file:  # noqa: PTH123
        file.write(whole)
    client = assign.Client(path, app="benchmark", poll_seconds=0)
    one = lambda: client.variant("exp_5", unit=UNIT)  # noqa: E731
    return measured(spent, one, lambda: [client.variant(name, unit=UNIT) for name in NAMES[:100]], load)


def steelyard() -> Any:
    """The evaluator alone."""
    return _steelyard(only_decides=True)


def client() -> Any:
    """The client, as a request calls it."""
    return _steelyard(only_decides=False)


def growthbook() -> Any:
    """GrowthBook's Python SDK: one instance per request, as its documentation says."""
    sdk, spent = imported("growthbook")
    features = {
        name: {
            "defaultValue": None,
            "rules": [{"key": name, "seed": name, "hashVersion": 2, "variations": ["control", "treatment"]}],
        }
        for name in NAMES
    }
    text = json.dumps(features)
    request = sdk.GrowthBook(attributes={"id": UNIT}, features=features)
    return measured(
        spent,
        lambda: request.get_feature_value("exp_5", None),
        lambda: [request.get_feature_value(name, None) for name in NAMES[:100]],
        lambda: sdk.GrowthBook(attributes={"id": UNIT}, features=json.loads(text)),
    )


def eppo() -> Any:
    """Eppo's Python SDK, whose core is Rust."""
    sdk, spent = imported("eppo_client")

    def flag(name: str) -> dict[str, Any]:
        halves = (("control", 0, 5000), ("treatment", 5000, 10_000))
        splits = [
            {
                "variationKey": key,
                "shards": [{"salt": name, "ranges": [{"start": start, "end": end}]}],
            }
            for key, start, end in halves
        ]
        return {
            "key": name,
            "enabled": True,
            "variationType": "STRING",
            "variations": {key: {"key": key, "value": key} for key, _, _ in halves},
            "allocations": [{"key": "all", "rules": [], "splits": splits, "doLog": False}],
            "totalShards": 10_000,
        }

    text = json.dumps(
        {
            "createdAt": "2026-01-01T00:00:00Z",
            "format": "SERVER",
            "environment": {"name": "benchmark"},
            "flags": {name: flag(name) for name in NAMES},
        }
    ).encode()
    found = sdk.init(
        sdk.ClientConfig(
            api_key="none",
            assignment_logger=sdk.AssignmentLogger(),
            initial_configuration=sdk.Configuration(flags_configuration=text),
            poll_interval_seconds=None,
        )
    )
    assert found.get_string_assignment("exp_5", UNIT, {}, "none") in ("control", "treatment")
    return measured(
        spent,
        lambda: found.get_string_assignment("exp_5", UNIT, {}, "none"),
        lambda: [found.get_string_assignment(name, UNIT, {}, "none") for name in NAMES[:100]],
        lambda: sdk.Configuration(flags_configuration=text),
    )


def statsig() -> Any:
    """Statsig's Python SDK, without its exposures."""
    sdk, spent = imported("statsig")

    def half(name: str, group: str, until: int) -> dict[str, Any]:
        bucket = {
            "type": "user_bucket",
            "targetValue": until,
            "operator": "lt",
            "field": None,
            "idType": "userID",
        }
        return {
            "name": group,
            "groupName": group,
            "id": f"{name}_{group}",
            "salt": "",
            "passPercentage": 100,
            "conditions": [{**bucket, "additionalValues": {"salt": name}, "isDeviceBased": False}],
            "returnValue": {"variant": group},
            "idType": "userID",
            "isExperimentGroup": True,
        }

    def spec(name: str) -> dict[str, Any]:
        return {
            "name": name,
            "type": "dynamic_config",
            "salt": name,
            "enabled": True,
            "defaultValue": {},
            "rules": [half(name, "control", 500), half(name, "treatment", 1000)],
            "isDeviceBased": False,
            "idType": "userID",
            "entity": "experiment",
            "isActive": True,
        }

    specs = {"has_updates": True, "time": 1, "feature_gates": [], "layer_configs": [], "layers": {}}
    text = json.dumps({**specs, "dynamic_configs": [spec(name) for name in NAMES]})
    options = sdk.StatsigOptions(local_mode=True, bootstrap_values=text, disable_diagnostics=True)
    server = sdk.StatsigServer()
    server.initialize("secret-none", options)
    user = sdk.StatsigUser(UNIT)

    def get(user: Any, name: str) -> Any:
        return server.get_experiment(user, name, log_exposure=False)

    assert get(user, "exp_5").get("variant") in ("control", "treatment")
    found = measured(
        spent,
        lambda: get(user, "exp_5").get("variant"),
        lambda: [get(user, name) for name in NAMES[:100]],
        None,
    )
    server.shutdown()
    return found


def mmh3() -> Any:
    """The bare hash of several vendors, without any rules around it."""
    sdk, spent = imported("mmh3")
    return measured(
        spent,
        lambda: sdk.hash(f"exp_5:{UNIT}", signed=False) % 10_000 < 5000,
        lambda: [sdk.hash(f"{name}:{UNIT}", signed=False) % 10_000 < 5000 for name in NAMES[:100]],
        None,
    )


def sha256() -> Any:
    """The bare digest of our canonical scheme, without any rules around it."""
    new, spent = importlib.import_module("hashlib").sha256, 0.0
    return measured(
        spent,
        lambda: int.from_bytes(new(f"exp_5:{UNIT}".encode()).digest(), "big") % 10_000 < 5000,
        lambda: [
            int.from_bytes(new(f"{name}:{UNIT}".encode()).digest(), "big") % 10_000 < 5000
            for name in NAMES[:100]
        ],
        None,
    )


if __name__ == "__main__":
    chosen = {way.__name__: way for way in (steelyard, client, growthbook, eppo, statsig, mmh3, sha256)}
    print(json.dumps(chosen[sys.argv[1]]()))

"""The same rule for three feature-flag libraries from PyPI, each offline: who asks, three conditions, half and half."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

UNIT = "u-12346"
ATTRIBUTES: dict[str, Any] = {"device type": "mobile", "country": "DE", "visits": 3}
Ask = Callable[[], object]


def list_peers() -> dict[str, Ask]:
    """A call for each library that is installed, with its version; one that is missing is said and left out."""
    found: dict[str, Ask] = {}
    for (package, form), make in PEERS.items():
        try:
            found[f"{package} {version(package)}{form}"] = make()
        except ImportError:
            print(f"{package} is not installed: python tools/prepare.py bench", flush=True)
    return found


def ask_eppo_why() -> Ask:
    """Its call that also says which rule matched and why not, as ours always can."""
    client = _eppo()

    def ask() -> object:
        return client.get_string_assignment_details(
            "hero", UNIT, {"device type": "mobile", "country": "DE", "visits": 3}, "none"
        )

    return ask


def ask_eppo() -> Ask:
    client = _eppo()

    def ask() -> object:
        return client.get_string_assignment(
            "hero", UNIT, {"device type": "mobile", "country": "DE", "visits": 3}, "none"
        )

    assert ask() in ("control", "treatment")
    return ask


def _eppo() -> Any:
    import eppo_client  # noqa: PLC0415 - only where it is installed

    class Logger(eppo_client.AssignmentLogger):  # type: ignore[misc]
        def log_assignment(self, assignment_event: dict[str, Any]) -> None:
            """As short as a logger can be."""

    conditions = [
        {"attribute": "device type", "operator": "ONE_OF", "value": ["mobile"]},
        {"attribute": "country", "operator": "ONE_OF", "value": ["DE", "NL"]},
        {"attribute": "visits", "operator": "GTE", "value": 2},
    ]
    halves = (("control", 0, 5_000), ("treatment", 5_000, 10_000))
    splits = [
        {"variationKey": arm, "shards": [{"salt": "hero/1", "ranges": [{"start": start, "end": end}]}]}
        for arm, start, end in halves
    ]
    flag = {
        "key": "hero",
        "enabled": True,
        "variationType": "STRING",
        "variations": {arm: {"key": arm, "value": arm} for arm, _, _ in halves},
        "totalShards": 10_000,
        "allocations": [
            {"key": "rule", "rules": [{"conditions": conditions}], "splits": splits, "doLog": True}
        ],
    }
    flags = {
        "createdAt": "2026-01-01T00:00:00.000Z",
        "format": "SERVER",
        "environment": {"name": "bench"},
        "flags": {"hero": flag},
        "bandits": {},
    }
    return eppo_client.init(
        eppo_client.ClientConfig(
            api_key="none",
            assignment_logger=Logger(),
            initial_configuration=eppo_client.Configuration(flags_configuration=json.dumps(flags).encode()),
            poll_interval_seconds=None,
            base_url="http://127.0.0.1:9/",
        )
    )


def ask_statsig() -> Ask:
    from statsig_python_core import (  # noqa: PLC0415 - only where it is installed
        DataStore,
        DataStoreResponse,
        Statsig,
        StatsigOptions,
        StatsigUser,
    )

    rule = {
        "name": "rule",
        "passPercentage": 50,
        "conditions": ["device", "country", "visits"],
        "returnValue": True,
        "id": "rule",
        "salt": "rule",
        "idType": "userID",
    }
    gate = {
        "type": "feature_gate",
        "salt": "hero/1",
        "enabled": True,
        "defaultValue": False,
        "entity": "feature_gate",
        "idType": "userID",
        "version": 1,
        "rules": [rule],
    }
    specs = {
        "dynamic_configs": {},
        "feature_gates": {"hero": gate},
        "layer_configs": {},
        "experiment_to_layer": {},
        "condition_map": {
            "device": _statsig_condition("any", "device type", ["mobile"]),
            "country": _statsig_condition("any", "country", ["DE", "NL"]),
            "visits": _statsig_condition("gte", "visits", 2),
        },
        "has_updates": True,
        "time": 1_700_000_000_000,
        "company_id": "bench",
    }

    class Specs(DataStore):  # type: ignore[misc]
        def get(self, key: str) -> Any:  # noqa: ARG002 - there is one set of specs
            return DataStoreResponse(result=json.dumps(specs), time=specs["time"])

    options = StatsigOptions()
    options.data_store = Specs()
    options.disable_network = True
    options.disable_all_logging = True
    options.output_log_level = "error"
    statsig = Statsig("secret-none", options)
    statsig.initialize().wait()

    def ask() -> object:
        user = StatsigUser(user_id=UNIT, custom={"device type": "mobile", "country": "DE", "visits": 3})
        return statsig.check_gate(user, "hero")

    # A gate that fell back to its default would look the same as one that was evaluated.
    assert statsig.get_feature_gate(StatsigUser(user_id=UNIT, custom=ATTRIBUTES), "hero").rule_id == "rule"
    return ask


def _statsig_condition(operator: str, field: str, target: object) -> dict[str, object]:
    return {
        "type": "user_field",
        "targetValue": target,
        "operator": operator,
        "field": field,
        "additionalValues": {},
        "idType": "userID",
    }


def ask_growthbook() -> Ask:
    import growthbook  # noqa: PLC0415 - only where it is installed

    logging.getLogger("growthbook").setLevel(logging.ERROR)
    features = {
        "hero": {
            "defaultValue": "none",
            "rules": [
                {
                    "key": "hero",
                    "seed": "hero/1",
                    "hashAttribute": "id",
                    "hashVersion": 2,
                    "condition": {
                        "device type": "mobile",
                        "country": {"$in": ["DE", "NL"]},
                        "visits": {"$gte": 2},
                    },
                    "coverage": 1,
                    "weights": [0.5, 0.5],
                    "variations": ["control", "treatment"],
                }
            ],
        }
    }
    client = growthbook.GrowthBook(features=features)

    def ask() -> object:
        client.set_attributes({"id": UNIT, "device type": "mobile", "country": "DE", "visits": 3})
        return client.eval_feature("hero").value

    assert ask() in ("control", "treatment")
    return ask


PEERS: dict[tuple[str, str], Callable[[], Ask]] = {
    ("eppo-server-sdk", ""): ask_eppo,
    ("eppo-server-sdk", ", with its reasons"): ask_eppo_why,
    ("statsig-python-core", ""): ask_statsig,
    ("growthbook", ""): ask_growthbook,
}
"""By package and the form of its call; the first is what the others are compared with."""

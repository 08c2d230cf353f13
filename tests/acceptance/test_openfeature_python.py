"""OpenFeature's own Python SDK and OFREP provider, unchanged, against a real server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import Reason
from tests.acceptance.live import served
from tests.http.shop import WRITE_KEY, Clock, shop_programme

from opportune.services.authorizing import user_token_of
from opportune.services.house import House
from opportune.services.operating import add_key
from opportune.storage.base import Storage

VISITOR = EvaluationContext("visitor-1", {})
KEEN = EvaluationContext("visitor-1", {"keen": True})


@pytest.fixture(scope="module")
def house(module_storage: Storage) -> House:
    house = House(module_storage, Clock(), b"s" * 32, shop_programme(), deadline_seconds=30)
    add_key(house, kind="write", name="site", value=WRITE_KEY)
    return house


@pytest.fixture(scope="module")
def address(house: House) -> Iterator[str]:
    with served(house) as found:
        yield found


def client_at(address: str, key: str = WRITE_KEY) -> OpenFeatureClient:
    provider = OFREPProvider(address, headers_factory=lambda: {"Authorization": f"Bearer {key}"}, timeout=60)
    api.set_provider(provider, domain=key)
    return api.get_client(domain=key)


@pytest.fixture(scope="module")
def client(address: str) -> Iterator[OpenFeatureClient]:
    yield client_at(address)
    api.shutdown()


def test_every_type_of_flag_comes_through(client: OpenFeatureClient) -> None:
    assert client.get_boolean_value("is-new", False, KEEN) is True
    assert client.get_string_value("colour", "none", KEEN) == "blue"
    assert client.get_integer_value("count", 0, VISITOR) == 3
    ratio = client.get_float_details("ratio", 0.0, VISITOR)
    assert (ratio.value, ratio.error_code) == (1.0, None)
    assert client.get_object_value("hero", {}, KEEN) == {"headline": "Shoes for <you>"}


def test_the_answer_says_why(client: OpenFeatureClient) -> None:
    details = client.get_object_details("hero", {}, KEEN)
    assert details.reason == Reason.TARGETING_MATCH
    assert details.variant == "Shoes"
    assert details.flag_metadata["rule"] == "Keen"
    assert isinstance(details.flag_metadata["decision"], str)
    normal = client.get_object_details("hero", {}, VISITOR)
    assert (normal.reason, normal.variant) == (Reason.DEFAULT, "normal")


def test_a_hidden_place_is_empty(client: OpenFeatureClient) -> None:
    hidden = EvaluationContext("visitor-1", {"in support": True})
    details = client.get_object_details("hero", {"headline": "the code's own"}, hidden)
    assert (details.value, details.error_code) == ({}, None)


def test_a_place_without_normal_content_leaves_it_to_the_code(client: OpenFeatureClient) -> None:
    details = client.get_object_details("empty", {"headline": "the code's own"}, VISITOR)
    assert (details.value, details.error_code) == ({"headline": "the code's own"}, None)


def test_errors_are_the_libraries_own(client: OpenFeatureClient, address: str) -> None:
    missing = client.get_boolean_details("nowhere", True, VISITOR)
    assert (missing.value, missing.error_code) == (True, ErrorCode.FLAG_NOT_FOUND)
    nobody = client.get_boolean_details("is-new", True, EvaluationContext(None, {"keen": True}))
    assert (nobody.value, nobody.error_code) == (True, ErrorCode.TARGETING_KEY_MISSING)
    other_type = client.get_boolean_details("colour", True, VISITOR)
    assert (other_type.value, other_type.error_code) == (True, ErrorCode.TYPE_MISMATCH)
    refused = client_at(address, "owk_a_wrong_key").get_boolean_details("is-new", True, VISITOR)
    assert (refused.value, refused.error_code) == (True, ErrorCode.GENERAL)


def test_a_known_user_proves_themselves_in_the_context(client: OpenFeatureClient, house: House) -> None:
    token = user_token_of(house, "u-1")
    context = EvaluationContext(None, {"userId": "u-1", "userToken": token, "keen": True})
    assert client.get_string_details("colour", "none", context).value == "blue"

"""What a client names by an id of its own, and what happens to another body under the same id.

The ids are looked up in the schemas of what clients send: a new one needs a row here.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from lambdas import frames
from tests.lambdas.api.chats import act
from tests.support.lambdas.rest import Rest


def _a_group_of_others(api: Rest) -> tuple[Any, Any]:
    """The first request counts."""
    ravi, raju, mira = api.sign_up("ravi", "raju", "mira")

    def founds(member: str) -> Any:
        body = {"kind": "group", "members": [member], "request_id": "a-request-of-ravis"}
        return api.request("POST", "/api/chats", body, user=ravi)

    first, second = founds(raju), founds(mira)
    act(api, ravi, first.body["chat"], "members", {"remove": [raju]})
    third = founds(mira)
    found = second == first, third.body["members"], api.request("GET", "/api/chats", user=mira)
    act(api, ravi, first.body["chat"], "members", {"remove": [ravi]})
    return (*found[:2], found[2].body["chats"], founds(mira).status), (True, [ravi], [], 404)


def _another_one_time_key(api: Rest) -> tuple[Any, Any]:
    """Keys are known by themselves: both are there, and each is claimed once."""
    ravi, raju = api.sign_up("ravi", "raju")
    phone = api.phone(raju)
    for number in (1, 2, 1):
        body = {"one_time_keys": {"id": phone.one_time_key("id", number)}}
        api.request("POST", "/api/devices/phone/one-time-keys", body, user=raju)
    return _claimed(api, ravi, phone.address, 3), [
        phone.one_time_key("id", 1)["key"],
        phone.one_time_key("id", 2)["key"],
        None,
    ]


def _another_fallback_key(api: Rest) -> tuple[Any, Any]:
    """The last one counts."""
    ravi, raju = api.sign_up("ravi", "raju")
    phone = api.phone(raju)
    for number in (1, 2):
        body = {"one_time_keys": {}, "fallback_key": phone.fallback_key("id", number)}
        api.request("POST", "/api/devices/phone/one-time-keys", body, user=raju)
    key = phone.fallback_key("id", 2)["key"]
    return _claimed(api, ravi, phone.address, 2), [key, key]


def _claimed(api: Rest, user: str, address: str, times: int) -> list[str | None]:
    replies = [
        api.request("POST", "/api/keys/claim", {"devices": [address]}, user=user)
        for _ in range(times)
    ]
    return [reply.body["keys"].get(address, {}).get("key") for reply in replies]


ROWS: dict[str, Callable[[Rest], tuple[Any, Any]] | str] = {
    "rest/chat.request request_id": _a_group_of_others,
    "rest/one-time-keys.request id": _another_fallback_key,
    "rest/one-time-keys.request one_time_keys": _another_one_time_key,
    # tests/lambdas/messages/test_send_again.py, and the model: clients.sends_another_text
    "client/send message_id": "the first that is stored counts",
    "client/send to": "names devices, and is a part of the message",
    "client/sync chats": "only asks",
}


@pytest.mark.parametrize("act", [each for each in ROWS.values() if not isinstance(each, str)])
def test_another_body_under_the_same_id(api: Rest, act: Callable[[Rest], tuple[Any, Any]]) -> None:
    found, expected = act(api)
    assert found == expected


def test_every_id_of_a_client_has_a_row() -> None:
    files = [*frames.SCHEMAS.glob("rest/*.request.json"), *frames.SCHEMAS.glob("client/*.json")]
    found = {
        f"{file.parent.name}/{file.stem} {name}"
        for file in files
        for name in _named(json.loads(file.read_text()))
    }
    assert found == ROWS.keys()


def _named(schema: Any) -> set[str]:
    """Properties that are ids, and maps by ids."""
    if not isinstance(schema, dict | list):
        return set()
    if isinstance(schema, list):
        return set().union(*map(_named, schema))
    properties = schema.get("properties", {})
    own = {
        name
        for name, each in properties.items()
        if name == "id" or name.endswith("_id") or "propertyNames" in each
    }
    return own.union(*map(_named, schema.values()))

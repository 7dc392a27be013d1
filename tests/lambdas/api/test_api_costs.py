"""What each request of a session costs: calls to Cognito, whose quotas are few, and to DynamoDB.

As in tests/lambdas/test_costs.py: if a change is meant, write the new numbers here.
"""

from collections.abc import Callable, Iterator

import boto3
import pytest

from tests.support.lambdas.costs import spending
from tests.support.lambdas.rest import PASSWORD, REGION, Phone, Reply, Rest, client, new_name, rest
from tests.support.lambdas.sessions import Session

Act = Callable[[], Reply]


@pytest.fixture(scope="module")
def api() -> Iterator[Rest]:
    with rest() as api:
        yield api


def _sign_up(api: Rest) -> Act:
    body = {"username": new_name("ravi"), "password": PASSWORD}
    return lambda: api.request("POST", "/api/sign-up", body)


def _sign_in(api: Rest) -> Act:
    (user,) = api.sign_up("ravi")
    body = {"username": user, "password": PASSWORD}
    return lambda: api.request("POST", "/api/sign-in", body)


def _refresh(api: Rest) -> Act:
    (user,) = api.sign_up("ravi")
    return Session(api, user).refresh


def _ticket(api: Rest) -> Act:
    (user,) = api.sign_up("ravi")
    session = Session(api, user)
    session.register("phone")
    return lambda: session.request("POST", "/api/tickets", {"device": "phone"})


def _register(api: Rest) -> Act:
    (user,) = api.sign_up("ravi")
    session, body = Session(api, user), Phone(user).registration()
    return lambda: session.request("PUT", "/api/devices/phone", body)


ACTS: dict[str, tuple[Callable[[Rest], Act], dict[str, float]]] = {
    "sign-up": (
        _sign_up,
        {
            "SignUp": 1,
            "AdminConfirmSignUp": 1,
            "UpdateItem": 1,
            "GetItem": 1,
            "BatchGetItem": 1,
            "PutItem": 1,
            "WRU": 2,
            "RRU": 2,
        },
    ),
    "sign-in": (
        _sign_in,
        {"InitiateAuth": 1, "UpdateItem": 1, "BatchGetItem": 1, "PutItem": 1, "WRU": 2, "RRU": 2},
    ),
    "refresh": (_refresh, {"InitiateAuth": 1, "BatchGetItem": 1, "RRU": 2}),
    "ticket": (_ticket, {"AdminGetUser": 1, "BatchGetItem": 2, "PutItem": 1, "WRU": 1, "RRU": 3}),
    "registration of a device": (
        _register,
        {"BatchGetItem": 4, "Query": 2, "GetItem": 1, "UpdateItem": 2, "WRU": 2, "RRU": 8.5},
    ),
}


@pytest.mark.parametrize("name", ACTS)
def test_a_request_costs_what_it_did(api: Rest, name: str) -> None:
    prepare, expected = ACTS[name]
    act = prepare(api)
    reader = boto3.Session("local", "local", region_name=REGION).client("dynamodb")
    with spending((client("dynamodb"), client("cognito-idp")), reader) as spent:
        reply = act()
    assert reply.status < 300, reply
    assert not (found := spent.besides(expected)), "\n".join(found)

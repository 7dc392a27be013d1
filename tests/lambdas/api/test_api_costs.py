"""What each request of a session costs: calls to Cognito, whose quotas are few, and to DynamoDB.

As in tests/lambdas/test_costs.py: if a change is meant, write it into tools/scale/acts.py.
"""

from collections.abc import Callable

import pytest

from tests.support.lambdas.costs import spending
from tests.support.lambdas.rest import PASSWORD, Phone, Reply, Rest, client, new_name, session
from tests.support.lambdas.sessions import Session
from tools.scale.acts import ACTS

Act = Callable[[], Reply]


def _sign_up(api: Rest) -> Act:
    body = {"username": new_name("ravi"), "password": PASSWORD}
    return lambda: api.request("POST", "/api/sign-up", body)


def _sign_in(api: Rest) -> Act:
    (user,) = api.sign_up("ravi")
    body = {"username": user, "password": PASSWORD}
    # nobody signed in from there lately, which would cost a further write
    headers = {"x-forwarded-for": "198.51.100.9"}
    return lambda: api.request("POST", "/api/sign-in", body, headers=headers)


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


SCENES: dict[str, Callable[[Rest], Act]] = {
    "sign-up": _sign_up,
    "sign-in": _sign_in,
    "refresh": _refresh,
    "ticket": _ticket,
    "registration of a device": _register,
}


@pytest.mark.parametrize("name", SCENES)
def test_a_request_costs_what_it_did(api: Rest, name: str) -> None:
    act = SCENES[name](api)
    reader = session().client("dynamodb")
    with spending((client("dynamodb"), client("cognito-idp")), reader) as spent:
        reply = act()
    assert reply.status < 300, reply
    assert not (found := spent.besides(ACTS[name].counted())), "\n".join(found)

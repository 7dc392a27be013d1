"""Function Operator: disables, enables or deletes a user, for an operator of the service.

No route leads here: only who may call lambda:InvokeFunction in the account can, and
`python -m tools.operator` does. An event is `{"act": "disable", "user": "ravi"}`; the response is
`{"user", "act", "done"}`, to be repeated until `done`, or `{"error": {"code", "message"}}`.

Everything ends at once: Cognito gives the user no more tokens, existing tokens and tickets become
invalid, connections are closed, push endpoints are deleted.
"""

from collections.abc import Mapping
from typing import Any

from lambdas.api.call import USER
from lambdas.api.cognito import accounts
from lambdas.api.leaving import end_account
from lambdas.api.removal import end_sign_ins, endpoints
from lambdas.api.sign_ins import SignIns
from lambdas.errors import ChatError, bad_request, not_found
from lambdas.presence.devices import Devices
from lambdas.settings import Aws, aws
from lambdas.telemetry import logger, metrics

Event = Mapping[str, Any]

DELETING_SECONDS = 45.0  # of the 60 s timeout of the function


def disable(aws: Aws, user: str) -> bool:
    """Raises ChatError not_found. The devices stay registered, for when the account is enabled."""
    accounts(aws).disable(user)
    SignIns(aws.users).disable(user, aws.now())
    end_sign_ins(aws, user)
    accounts(aws).sign_out(user)
    for device in Devices(aws.users).of([user], consistent=True).get(user, {}):
        endpoints(aws).detach(user, device)
    return True


def enable(aws: Aws, user: str) -> bool:
    """The user signs in again: what was ended stays ended. Raises ChatError not_found."""
    if SignIns(aws.users).is_deleted(user):
        raise not_found(f"the account {user} is deleted")
    accounts(aws).enable(user)
    SignIns(aws.users).enable(user)
    return True


def delete(aws: Aws, user: str) -> bool:
    """Also deletes what is left of a user who was deleted in Cognito itself. Raises ChatError
    not_found.

    False if there was no time to leave all chats.
    """
    here = user in Devices(aws.users).of([user], consistent=True)
    if not here and not accounts(aws).exists(user):
        raise not_found(f"there is no account {user}")
    return end_account(aws, user, aws.now() + DELETING_SECONDS)


ACTS = {"disable": disable, "enable": enable, "delete": delete}


def respond(aws: Aws, event: Event) -> dict[str, Any]:
    act, user = event.get("act"), event.get("user")
    try:
        if act not in tuple(ACTS) or not isinstance(user, str) or not USER.fullmatch(user):
            raise bad_request(f"act is one of {', '.join(ACTS)}, user the name of a user")
        done = ACTS[act](aws, user)
    except ChatError as error:
        return {"error": {"code": error.code, "message": error.message}}
    logger.info("an operator has acted", extra={"act": act, "user": user, "done": done})
    return {"user": user, "act": act, "done": done}


@metrics.log_metrics
def handler(event: Event, _context: Any) -> dict[str, Any]:
    return respond(aws(), event)

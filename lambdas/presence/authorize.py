"""Function Authorize: the REQUEST authorizer of $connect, which redeems a single-use ticket.

The client offers the subprotocols `chat.v1` and `ticket.<ticket>`, because a browser can set no
other header of a WebSocket. API Gateway adds the context to every later event of the connection.
"""

import re
from collections.abc import Mapping
from typing import Any

from lambdas.presence.tickets import redeem
from lambdas.settings import Aws, invoked, prepare
from lambdas.telemetry import logger, metrics

PROTOCOL = "chat.v1"
TICKET = re.compile(r"ticket\.([A-Za-z0-9_-]{16,128})")

Event = Mapping[str, Any]


def authorize(aws: Aws, event: Event) -> dict[str, Any]:
    """The policy for API Gateway; Deny for a ticket that is unknown, used or expired.

    Raises Exception("Unauthorized"), which API Gateway turns into 401, for a header that does not
    follow the protocol.
    """
    ticket = offered_ticket(event)
    if ticket is None:
        raise Exception("Unauthorized")  # noqa: TRY002 - API Gateway requires this text
    found = redeem(aws.tickets, ticket, aws.now())
    if found is None:
        logger.info("rejected a ticket")
        return _policy("nobody", "Deny", event["methodArn"])
    policy = _policy(f"{found.user}/{found.device}", "Allow", event["methodArn"])
    context = {name: value for name, value in found._asdict().items() if value is not None}
    return {**policy, "context": context}


def offered_ticket(event: Event) -> str | None:
    """The one ticket offered beside chat.v1, None for anything else."""
    offers = [
        offer.strip()
        for name, value in (event.get("headers") or {}).items()
        if name.lower() == "sec-websocket-protocol"
        for offer in value.split(",")
    ]
    if PROTOCOL not in offers:
        return None
    tickets = [match[1] for match in map(TICKET.fullmatch, offers) if match]
    return tickets[0] if len(tickets) == 1 else None


def _policy(principal: str, effect: str, resource: str) -> dict[str, Any]:
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": resource}
    return {
        "principalId": principal,
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
    }


@metrics.log_metrics
def handler(event: Event, _context: Any) -> dict[str, Any]:
    return authorize(invoked(), event)


prepare()

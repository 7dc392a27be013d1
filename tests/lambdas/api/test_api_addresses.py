"""The client's address, by which requests are counted: what anybody can send does not make it."""

import asyncio
from typing import Any

import pytest

from lambdas.api.app import create_app
from lambdas.api.call import Call, Response, Route
from lambdas.settings import Aws, Settings

SETTINGS = {"POOL_NAME": "small", "USER_POOL_CLIENT_ID": "client", "TOKEN_ISSUER": "https://pool"}
NODE, CLIENT, FORGED = "10.0.1.7", "93.184.215.14", "8.8.8.8"


def counted(peer: str, *forwarded: str, **settings: str) -> str:
    """The address of a request that comes from `peer` with these X-Forwarded-For lines."""
    found: list[str] = []

    def endpoint(call: Call) -> Response:
        found.append(call.address)
        return Response(204)

    route = Route("GET", "/x", endpoint, open=True, blocking=False)
    app = create_app(Aws(Settings({**SETTINGS, **settings})), routes=[route])
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/x",
        "query_string": b"",
        "headers": [
            (b"cloudfront-viewer-address", f"{FORGED}:1".encode()),
            *((b"x-forwarded-for", line.encode()) for line in forwarded),
        ],
        "client": (peer, 50_000),
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(_message: Any) -> None:
        """Nobody reads the response."""

    asyncio.run(app(scope, receive, send))
    return found[0]


# peer, X-Forwarded-For -> where there is a Network Load Balancer, where there is none
REQUESTS: list[tuple[str, list[str], str, str]] = [
    (NODE, [CLIENT], CLIENT, CLIENT),
    (NODE, [f"{FORGED}, {CLIENT}"], CLIENT, CLIENT),
    (NODE, [FORGED, CLIENT], CLIENT, CLIENT),
    (CLIENT, [], CLIENT, ""),
    (CLIENT, [FORGED], CLIENT, FORGED),
    (CLIENT, [FORGED, "10.0.0.1"], CLIENT, "10.0.0.1"),
    ("10.0.9.9", [], "10.0.9.9", ""),
    ("", [CLIENT], CLIENT, CLIENT),
]


@pytest.mark.parametrize("direct", [True, False])
def test_past_the_application_load_balancer_the_address_is_the_peers(direct: bool) -> None:
    for peer, forwarded, there, elsewhere in REQUESTS:
        found = counted(peer, *forwarded, DIRECT_CLIENTS=str(direct).lower())
        assert found == (there if direct else elsewhere), (peer, forwarded)


@pytest.mark.parametrize("forwarded", [[], [FORGED]])
def test_past_cloudfront_its_header_does_not_make_the_address(forwarded: list[str]) -> None:
    both = {"DIRECT_CLIENTS": "true", "BEHIND_CLOUDFRONT": "true"}
    assert counted(CLIENT, *forwarded, **both) == CLIENT
    assert counted(NODE, CLIENT, **both) == FORGED  # by CloudFront, which sets it

"""A system with domain names: clients reach it by its addresses and by the names."""

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from client import ChatClient
from tests.support.running_system import PASSWORD
from tests.system.conftest import NAMES

pytestmark = pytest.mark.xdist_group("story")


def test_the_ticket_has_an_address_that_every_client_finds_and_the_name_takes_it_too(
    endpoints: dict[str, Any], device: Callable[..., ChatClient], name: Callable[[str], str]
) -> None:
    sockets = NAMES["websocket.domain_name"]
    port = urlsplit(endpoints["websocket"]).port

    async def story() -> None:
        user = name("ravi")
        async with device(user):  # it has signed up, and connects by the address
            async with httpx.AsyncClient(base_url=endpoints["api"], trust_env=False) as http:
                host = {"Host": NAMES["load_balancer.domain_name"]}
                credentials = {"username": user, "password": PASSWORD}
                signed_in = await http.post("/api/sign-in", json=credentials, headers=host)
                assert signed_in.status_code == 200
                token = signed_in.json()["access_token"]
                bearer = {"Authorization": f"Bearer {token}", **host}
                ticket = await http.post("/api/tickets", json={"device": "phone"}, headers=bearer)
            assert ticket.json()["url"] == f"ws://127.0.0.1:{port}"
            offered = [Subprotocol("chat.v1"), Subprotocol(f"ticket.{ticket.json()['ticket']}")]
            by_name = connect(
                f"ws://{sockets}/", host="127.0.0.1", port=port, subprotocols=offered, proxy=None
            )
            async with by_name as socket:
                assert socket.subprotocol == "chat.v1"

    asyncio.run(asyncio.wait_for(story(), 120))

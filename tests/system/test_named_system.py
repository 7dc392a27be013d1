"""A system with domain names: listeners take them as hosts, each for its own."""

import asyncio
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.support.running_system import WITHIN
from tests.system.conftest import NAMES

pytestmark = pytest.mark.xdist_group("story")
API, SOCKETS = NAMES["load_balancer.domain_name"], NAMES["websocket.domain_name"]


@pytest.mark.parametrize(
    ("host", "status"), [(API, 200), (f"{API}.localhost", 200), ("www.example.com", 403)]
)
def test_the_load_balancer_is_reached_by_its_name(
    endpoints: dict[str, Any], host: str, status: int
) -> None:
    with httpx.Client(base_url=endpoints["api"], trust_env=False, timeout=WITHIN) as http:
        assert http.get("/api/health", headers={"Host": host}).status_code == status


@pytest.mark.parametrize(
    ("url", "status"),
    [
        (f"ws://{SOCKETS}/", 401),  # it is there, and asks for a ticket
        (f"ws://{SOCKETS}.localhost/", 401),
        (f"ws://{SOCKETS}/dev", 403),  # the stage is in the mapping
        ("ws://www.example.com/", 403),
        ("ws://127.0.0.1/", 401),  # as the ticket's URL has it
        ("ws://127.0.0.1/dev", 401),
    ],
)
def test_the_websocket_api_is_reached_by_its_name(
    endpoints: dict[str, Any], url: str, status: int
) -> None:
    port = urlsplit(endpoints["websocket"]).port

    async def upgrade() -> None:
        with pytest.raises(InvalidStatus) as refused:
            async with connect(url, host="127.0.0.1", port=port, proxy=None, open_timeout=WITHIN):
                pass
        assert refused.value.response.status_code == status

    asyncio.run(upgrade())

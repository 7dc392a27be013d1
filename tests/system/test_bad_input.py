"""Everything that a client can get wrong, over real sockets: one shape of error, nothing written."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import boto3
import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from client import ChatClient
from tests.support.running_system import PASSWORD, WITHIN

pytestmark = pytest.mark.xdist_group("story")

Make = Callable[..., ChatClient]
Name = Callable[[str], str]
ULID = "01ARZ3NDEKTSV4RRFFQ69G5FAV"


@pytest.fixture
def account(endpoints: dict[str, Any], name: Name, device: Make) -> dict[str, str]:
    """A user with a registered device and a direct chat: user, peer, chat and access token."""
    ravi, raju = name("ravi"), name("raju")

    async def register() -> str:
        async with device(ravi) as a, device(raju):
            return await a.chats.direct(raju)

    chat = asyncio.run(register())
    token = post(endpoints, "sign-in", ravi)["access_token"]
    return {"user": ravi, "peer": raju, "chat": chat, "token": token}


def post(endpoints: dict[str, Any], route: str, user: str) -> dict[str, Any]:
    body = {"username": user, "password": PASSWORD}
    response = httpx.post(f"{endpoints['api']}/api/{route}", json=body, timeout=WITHIN)
    made: dict[str, Any] = response.raise_for_status().json()
    return made


def api(endpoints: dict[str, Any], account: dict[str, str]) -> httpx.Client:
    return httpx.Client(
        base_url=endpoints["api"],
        headers={"authorization": f"Bearer {account['token']}"},
        timeout=WITHIN,
    )


def ticket(endpoints: dict[str, Any], account: dict[str, str]) -> dict[str, str]:
    with api(endpoints, account) as http:
        response = http.post("/api/tickets", json={"device": "phone"})
        assert response.status_code == 201, response.text
        made: dict[str, str] = response.json()
        return made


def protocols(value: str) -> list[Subprotocol]:
    return [Subprotocol("chat.v1"), Subprotocol(f"ticket.{value}")]


@asynccontextmanager
async def socket(
    endpoints: dict[str, Any], account: dict[str, str]
) -> AsyncIterator[ClientConnection]:
    made = await asyncio.to_thread(ticket, endpoints, account)
    async with connect(
        made["url"], subprotocols=protocols(made["ticket"]), open_timeout=WITHIN
    ) as connection:
        assert connection.subprotocol == "chat.v1"
        yield connection


async def response_to(connection: ClientConnection, frame: str) -> dict[str, Any]:
    await connection.send(frame)
    async with asyncio.timeout(WITHIN):
        response: dict[str, Any] = json.loads(await connection.recv())
    return response


def send_frame(chat: str, **changes: Any) -> str:
    frame = {
        "action": "send",
        "message_id": ULID,
        "chat": chat,
        "alg": "megolm.v1",
        "payload": "eA",
    }
    frame |= changes
    return json.dumps({key: value for key, value in frame.items() if value is not None})


def stored(endpoints: dict[str, Any], chat: str) -> list[dict[str, Any]]:
    """The messages of a chat, looked at behind the backend's back."""
    dynamodb = boto3.client(
        "dynamodb",
        endpoint_url=endpoints["aws"],
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )
    (table,) = [name for name in dynamodb.list_tables()["TableNames"] if "Chats" in name]
    found = dynamodb.query(
        TableName=table,
        KeyConditionExpression="chat = :chat AND begins_with(#item, :prefix)",
        ExpressionAttributeNames={"#item": "item"},
        ExpressionAttributeValues={":chat": {"S": chat}, ":prefix": {"S": "message#"}},
    )
    items: list[dict[str, Any]] = found["Items"]
    return items


BAD_FRAMES: dict[str, tuple[Callable[[str], str], str]] = {
    "not JSON": (lambda chat: "hello", "bad_request"),
    "an array": (lambda chat: "[]", "bad_request"),
    "no action": (lambda chat: "{}", "bad_request"),
    "unknown action": (lambda chat: '{"action":"shout"}', "bad_request"),
    "an action that is no text": (lambda chat: '{"action":7}', "bad_request"),
    "NaN": (lambda chat: '{"action":"ping","x":NaN}', "bad_request"),
    "deep JSON": (lambda chat: '{"action":"ping","x":' + "[" * 15_000, "bad_request"),
    "a lone surrogate": (lambda chat: send_frame(chat, payload="\ud800"), "bad_request"),
    "no message_id": (lambda chat: send_frame(chat, message_id=None), "bad_request"),
    "message_id of another form": (lambda chat: send_frame(chat, message_id="1"), "bad_request"),
    "a payload that is a number": (lambda chat: send_frame(chat, payload=5), "bad_request"),
    "plaintext": (lambda chat: send_frame(chat, alg="test.v0"), "bad_request"),
    "one Olm payload for all": (lambda chat: send_frame(chat, alg="olm.v1"), "bad_request"),
    "a Megolm payload for each": (
        lambda chat: send_frame(chat, payload=None, to={"raju/phone": "eA"}),
        "bad_request",
    ),
    "payload and to": (lambda chat: send_frame(chat, to={"raju/phone": "eA"}), "bad_request"),
    "to a user, not a device": (
        lambda chat: send_frame(chat, alg="olm.v1", payload=None, to={"raju": "eA"}),
        "bad_request",
    ),
    "unknown chat": (lambda chat: send_frame("nowhere"), "not_found"),
    "receipt of nothing": (
        lambda chat: json.dumps({"action": "receipt", "chat": chat, "senders": []}),
        "bad_request",
    ),
    "receipt beyond the end": (
        lambda chat: json.dumps(
            {"action": "receipt", "chat": chat, "delivered": 999, "senders": []}
        ),
        "bad_request",
    ),
    "receipt below one": (
        lambda chat: json.dumps({"action": "receipt", "chat": chat, "read": -1, "senders": []}),
        "bad_request",
    ),
    "receipt elsewhere": (
        lambda chat: json.dumps({"action": "receipt", "chat": "nowhere", "read": 1, "senders": []}),
        "not_found",
    ),
    "typing elsewhere": (lambda chat: '{"action":"typing","chat":"nowhere"}', "not_found"),
    "watch nobody": (lambda chat: '{"action":"watch","users":[]}', "bad_request"),
    "sync with text for a seq": (
        lambda chat: json.dumps({"action": "sync", "chats": {chat: "0"}}),
        "bad_request",
    ),
}


def test_a_bad_frame_gets_the_protocols_error_writes_nothing_and_keeps_the_connection(
    endpoints: dict[str, Any], account: dict[str, str]
) -> None:
    async def story() -> None:
        async with socket(endpoints, account) as connection:
            for what, (frame, code) in BAD_FRAMES.items():
                response = await response_to(connection, frame(account["chat"]))
                assert response["type"] == "error", (what, response)
                assert response["code"] == code, (what, response)
                assert isinstance(response["message"], str), what
                assert "Traceback" not in response["message"], what
            assert await response_to(connection, '{"action":"ping"}') == {"type": "pong"}

    asyncio.run(story())
    assert stored(endpoints, account["chat"]) == []


@pytest.mark.deep
def test_the_sender_comes_from_the_ticket_whatever_the_frame_says(
    endpoints: dict[str, Any], account: dict[str, str]
) -> None:
    async def story() -> None:
        async with socket(endpoints, account) as connection:
            frame = send_frame(account["chat"], sender=account["peer"], sender_device="phone")
            assert (await response_to(connection, frame))["type"] == "accepted"

    asyncio.run(story())
    (message,) = stored(endpoints, account["chat"])
    assert message["sender"] == {"S": account["user"]}


@pytest.mark.deep
def test_a_frame_over_32_kb_or_a_message_over_128_kb_closes_with_1009(
    endpoints: dict[str, Any], account: dict[str, str]
) -> None:
    async def story() -> None:
        async with socket(endpoints, account) as connection:
            await connection.send("x" * (33 * 1024))
            with pytest.raises(ConnectionClosed):
                await connection.recv()
            assert connection.close_code == 1009
        async with socket(endpoints, account) as connection:
            with pytest.raises(ConnectionClosed):
                await connection.send(["x" * 30_000 for _ in range(5)])
                await connection.recv()
            assert connection.close_code == 1009

    asyncio.run(story())
    assert stored(endpoints, account["chat"]) == []


@pytest.mark.deep
def test_a_text_frame_that_is_not_utf8_closes_with_1007(
    endpoints: dict[str, Any], account: dict[str, str]
) -> None:
    async def story() -> None:
        async with socket(endpoints, account) as connection:
            await connection.send(b'{"action":"ping\xff"}', text=True)
            with pytest.raises(ConnectionClosed):
                await connection.recv()
            assert connection.close_code == 1007

    asyncio.run(story())


def test_tickets_work_once_and_only_if_they_are_real(
    endpoints: dict[str, Any], account: dict[str, str]
) -> None:
    async def rejected(url: str, wanted: list[Subprotocol] | None) -> int:
        with pytest.raises(InvalidStatus) as raised:
            async with connect(url, subprotocols=wanted, open_timeout=WITHIN):
                pass
        return raised.value.response.status_code

    async def story() -> None:
        made = await asyncio.to_thread(ticket, endpoints, account)
        url = made["url"]
        assert await rejected(url, None) in (401, 403)
        assert await rejected(url, [Subprotocol("chat.v1")]) in (401, 403)
        assert await rejected(url, protocols("made-up")) in (401, 403)
        async with connect(url, subprotocols=protocols(made["ticket"]), open_timeout=WITHIN):
            pass
        assert await rejected(url, protocols(made["ticket"])) in (401, 403)

    asyncio.run(story())


def test_all_errors_of_the_rest_api_have_one_shape(
    endpoints: dict[str, Any], account: dict[str, str], name: Name
) -> None:
    stranger = name("stranger")
    post(endpoints, "sign-up", stranger)
    other = post(endpoints, "sign-in", stranger)["access_token"]
    chat, token = account["chat"], account["token"]
    head, _, signature = token.rpartition(".")
    forged = head + "." + ("A" if signature[0] != "A" else "B") + signature[1:]
    table: list[tuple[str, str, dict[str, Any], int, str]] = [
        ("GET", "/api/chats", {"headers": {"authorization": ""}}, 401, "unauthorized"),
        ("GET", "/api/chats", bearer("nonsense"), 401, "unauthorized"),
        ("GET", "/api/chats", bearer(forged), 401, "unauthorized"),
        ("GET", "/api/nothing", bearer(token), 404, "not_found"),
        ("POST", "/api/sign-up", {"json": {"username": account["user"], "password": "An0ther!pass"}}, 409, "conflict"),
        ("POST", "/api/sign-up", {"json": {"username": name("weak"), "password": "a"}}, 400, "bad_request"),
        ("POST", "/api/sign-up", {"json": {"username": "No Spaces", "password": PASSWORD}}, 400, "bad_request"),
        ("POST", "/api/sign-in", {"json": {"username": account["user"], "password": "Wrong-horse-7"}}, 401, "unauthorized"),
        ("POST", "/api/sign-in", {"json": {"username": name("nobody"), "password": PASSWORD}}, 401, "unauthorized"),
        ("POST", "/api/sign-in", {"content": b"{"}, 400, "bad_request"),
        ("POST", "/api/sign-in", {"content": b'{"username":"\xff"}'}, 400, "bad_request"),
        ("POST", "/api/sign-in", {"content": b"[" * 50_000}, 400, "bad_request"),
        ("POST", "/api/token", {"json": {"refresh_token": "made-up"}}, 401, "unauthorized"),
        ("POST", "/api/chats", {"json": {"kind": "direct"}} | bearer(token), 400, "bad_request"),
        ("POST", "/api/chats", {"json": {"kind": "direct", "with": name("nobody")}} | bearer(token), 404, "not_found"),
        ("GET", f"/api/chats/{chat}/messages", bearer(other), 404, "not_found"),
        ("GET", f"/api/chats/{chat}/messages?after=x", bearer(token), 400, "bad_request"),
        ("POST", f"/api/chats/{chat}/members", {"json": {"add": [stranger]}} | bearer(token), 403, "forbidden"),
        ("POST", f"/api/chats/{chat}/members", {"json": {"add": [stranger]}} | bearer(other), 404, "not_found"),
        ("POST", "/api/tickets", {"json": {"device": "phone"}} | bearer(other), 404, "not_found"),
        ("GET", f"/api/users/{name('nobody')}/devices", bearer(token), 404, "not_found"),
        ("PUT", "/api/devices/tablet", {"json": {"keys": {}}} | bearer(token), 400, "bad_request"),
    ]  # fmt: skip
    with httpx.Client(base_url=endpoints["api"], timeout=WITHIN) as http:
        for method, path, options, status, code in table:
            response = http.request(method, path, **options)
            what = (method, path, response.status_code, response.text)
            assert response.status_code == status, what
            assert response.json()["error"]["code"] == code, what
            assert set(response.json()["error"]) == {"code", "message"}, what
            assert "/" in response.headers["x-served-by"], what
    assert stored(endpoints, chat) == []


def bearer(token: str) -> dict[str, Any]:
    return {"headers": {"authorization": f"Bearer {token}"}}

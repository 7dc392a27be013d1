"""A text that nobody else may ever read goes everywhere; then the whole backend is searched for it.

The system runs with its most talkative log level, and nothing is purged after delivery, so that
whatever was stored can still be found. Other tests share it, and know nothing of what is searched for.
"""

import asyncio
import base64
import functools
import json
import re
import secrets
from collections.abc import Callable, Iterable
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from client import ChatClient, State
from tests.support.running_system import PASSWORD, WITHIN, System
from tests.system import searching
from tests.system.conftest import SecondSystem
from tests.system.planting import (
    Planter,
    into_a_file,
    into_a_log,
    into_a_push,
    into_a_queue,
    into_a_queue_and_out_of_it,
    into_a_table,
    into_the_console,
)
from tests.system.searching import Found, Place, aws, queues_of, search, table_of
from tests.system.telling import reached, received, run

pytestmark = pytest.mark.xdist_group("systems")

Make = Callable[..., ChatClient]
Name = Callable[[str], str]
WRONG_PASSWORD = "Wrong-battery-7"
ULID = "01ARZ3NDEKTSV4RRFFQ69G5FAV"


class Searched(SecondSystem):
    def places(self) -> list[Place]:
        return searching.everything(self.endpoints, self.state)

    def kinds(self, text: str) -> set[str]:
        return kinds(search([text], self.places()))


def kinds(found: Iterable[Found]) -> set[str]:
    """Of the places where something was found."""
    return {each.kind for each in found}


@pytest.fixture(scope="module")
def system(second_system: SecondSystem) -> Searched:
    """Its pools share the requests evenly, whatever ran before."""

    async def share() -> None:
        async with System(second_system.endpoints) as running:
            await running.weigh(large=1, small=1, **{"lambda": 1})

    asyncio.run(share())
    return Searched(*second_system)


@pytest.fixture
def endpoints(system: Searched) -> dict[str, Any]:
    """The devices of these tests talk to this system."""
    return system.endpoints


def new_canary() -> str:
    """Letters and digits, so that it stands unchanged in whatever only escapes the others."""
    return f"canary{secrets.token_hex(16)}"


def break_endpoint(endpoints: dict[str, Any], user: str) -> None:
    """Spoils what the table says of the user's phone: each push job fails on it, and after the
    second time, rather than the fifth, it is dead."""
    aws(endpoints, "dynamodb").update_item(
        TableName=table_of(endpoints, "Users"),
        Key={"user": {"S": user}, "item": {"S": "devices"}},
        UpdateExpression="SET devices.phone.endpoint_arn = :nonsense",
        ExpressionAttributeValues={":nonsense": {"L": []}},
    )
    sqs, (jobs,) = aws(endpoints, "sqs"), queues_of(endpoints, "PushQueue")
    attributes = sqs.get_queue_attributes(QueueUrl=jobs, AttributeNames=["RedrivePolicy"])
    policy = json.loads(attributes["Attributes"]["RedrivePolicy"]) | {"maxReceiveCount": 2}
    sqs.set_queue_attributes(QueueUrl=jobs, Attributes={"RedrivePolicy": json.dumps(policy)})


def is_dead_letter(endpoints: dict[str, Any], chat: str) -> bool:
    """A push job names its chat."""
    return bool(search([chat], searching.queues(endpoints, "DeadLetters")))


def mistakes(chat: str, canary: str) -> list[str]:
    """Frames of a client that forgets to encrypt, or worse."""
    send = {"action": "send", "message_id": ULID, "chat": chat}
    return [
        json.dumps({**send, "alg": "test.v0", "payload": canary}),
        json.dumps({**send, "alg": "olm.v1", "payload": canary}),
        json.dumps({**send, "alg": "megolm.v1", "to": {"raju/phone": canary}}),
        json.dumps({**send, "alg": "megolm.v1", "payload": {"text": canary}}),
        json.dumps({**send, "alg": "megolm.v1", "payload": "\ud800" + canary}),
        json.dumps({**send, "alg": canary, "payload": canary, "text": canary}),
        json.dumps({"action": canary}),
        json.dumps({"action": "ping", "text": canary}),
        canary,
        f'{{"text": "{canary}"',
    ]


async def send_plainly(endpoints: dict[str, Any], user: str, chat: str, canary: str) -> list[str]:
    """Makes every mistake with a text and with secrets; those secrets."""
    no_cookies = CookieJar(DefaultCookiePolicy(allowed_domains=[]))  # so that every pool gets some
    client = httpx.AsyncClient(base_url=endpoints["api"], timeout=WITHIN, cookies=no_cookies)
    async with client as http:
        for password in (WRONG_PASSWORD, PASSWORD):
            credentials = {"username": user, "password": password, "text": canary}
            tokens = (await http.post("/api/sign-in", json=credentials)).json()
        renewal = {"refresh_token": tokens["refresh_token"]}
        renewed = (await http.post("/api/token", json=renewal)).json()
        http.headers["authorization"] = f"Bearer {tokens['access_token']}"
        made = (await http.post("/api/tickets", json={"device": "phone"})).json()
        await http.get(f"/api/chats/{chat}/messages", params={"text": canary})
        await http.post("/api/chats", json={"kind": "group", "name": canary, "members": ["nobody"]})
        await http.post("/api/chats", content=canary)
        await http.post("/api/token", json={"refresh_token": renewal["refresh_token"] + "x"})
        await http.get("/api/chats", headers={"authorization": f"bearer {tokens['access_token']}x"})
        await http.get(f"/api/chats?access_token={tokens['access_token']}")
    protocols = [Subprotocol("chat.v1"), Subprotocol(f"ticket.{made['ticket']}")]
    async with connect(made["url"], subprotocols=protocols, open_timeout=WITHIN) as connection:
        await connection.send(json.dumps({"action": "typing", "chat": chat, "text": canary}))
        for frame in mistakes(chat, canary):
            await connection.send(frame)
            # receipts and the like come in between
            while json.loads(await connection.recv())["type"] not in ("error", "pong"):
                pass
    with pytest.raises(InvalidStatus):
        await connect(made["url"], subprotocols=protocols, open_timeout=WITHIN)  # it was used
    return [
        tokens["access_token"],
        tokens["access_token"].rpartition(".")[2],
        tokens["refresh_token"],
        renewed["access_token"],
        made["ticket"],
        PASSWORD,
        WRONG_PASSWORD,
    ]


@pytest.mark.deep
def test_the_backend_holds_no_plaintext_and_its_logs_hold_no_secrets(
    system: Searched, device: Make, name: Name, phone: Callable[[str], Any], wait_until: Any
) -> None:
    endpoints, canary = system.endpoints, new_canary()
    ravi, raju, mira = name("ravi"), name("raju"), name("mira")
    ids: dict[str, str] = {}
    known: list[str] = []

    async def story() -> None:
        async with device(ravi) as a:
            async with device(raju) as b, device(mira) as c:
                chat = await a.chats.direct(raju)
                ids["direct"] = await a.send(chat, f"{canary} direct ✓")
                await b.wait_for(received(f"{canary} direct ✓"))
                await b.send(chat, f'"{canary}" back')
                await a.wait_for(received(f'"{canary}" back'))
                group = await a.chats.group([raju, mira], name=canary)
                ids["group"] = await a.send(group, f"{canary} group")
                for each in (b, c):
                    await each.wait_for(received(f"{canary} group"))
                token = c.devices.push_token
            assert token
            await asyncio.to_thread(break_endpoint, endpoints, raju)
            ids["dead letter"] = await a.send(raju, f"{canary} dead letter")
            ids["offline"] = await a.send(mira, f"{canary} offline")
            for what in ("dead letter", "offline"):
                await a.wait_for(reached(ids[what], State.SENT))
            await asyncio.to_thread(wait_until, lambda: ids["offline"] in str(phone(token)))
            async with device(mira) as c:
                await c.wait_for(received(f"{canary} offline"))
                await c.send(group, f"{canary} from mira")
                await a.wait_for(received(f"{canary} from mira"))
        known.extend(await send_plainly(endpoints, ravi, chat, canary))
        died = functools.partial(is_dead_letter, endpoints, chat)
        ids["dead letter's chat"] = chat
        await asyncio.to_thread(wait_until, died, 120, 1)  # each look costs

    run(story())
    places = system.places()
    # the search sees what went the same ways as the text
    for what, ways in {
        "direct": {"table", "log"},
        "group": {"table", "log"},
        "offline": {"table", "log", "push"},  # a push job has no message id
        "dead letter": {"table", "log"},
        "dead letter's chat": {"table", "log", "memory", "queue"},
    }.items():
        assert ways <= kinds(search([ids[what]], places)), what
    assert log_levels(system) == {"DEBUG"}
    assert search([canary], places) == set()
    # where passwords and refresh tokens are checked they are known: in the emulated Cognito
    outside = {"table", "queue", "log", "push", "console"}
    assert {each for each in search(known, places) if each.kind in outside} == set()
    ciphertexts = payloads(endpoints)
    assert {alg for alg, _ in ciphertexts} == {"olm.v1", "megolm.v1"}
    elsewhere = [place for place in places if place.kind not in ("table", "file")]
    assert search({payload for _, payload in ciphertexts}, elsewhere) == set()


def payloads(endpoints: dict[str, Any]) -> set[tuple[str, str]]:
    """(alg, payload) of every message that is stored."""
    found = set()
    for place in searching.tables(endpoints):
        item = json.loads(place.content)
        if "alg" in item:
            sealed = item["to"]["M"].values() if "to" in item else [item["payload"]]
            found |= {(item["alg"]["S"], payload["S"]) for payload in sealed}
    return found


def log_levels(system: Searched) -> set[str]:
    """Those of all functions and tasks, as they were deployed."""
    templates = [path.read_text() for path in system.state.rglob("*.template.json")]
    functions = {level for text in templates for level in re.findall(r'"LOG_LEVEL": "(\w+)"', text)}
    tasks = {
        level
        for text in templates
        for level in re.findall(r'"Name": "LOG_LEVEL",\s*"Value": "(\w+)"', text)
    }
    return functions | tasks


@pytest.mark.deep
@pytest.mark.parametrize(
    ("kind", "put"),
    [
        ("table", into_a_table),
        ("queue", into_a_queue),
        ("memory", into_a_queue_and_out_of_it),
        ("log", into_a_log),
        ("push", into_a_push),
        ("console", into_the_console),
        ("file", into_a_file),
    ],
)
def test_the_search_finds_what_is_put_into_each_kind_of_place(
    system: Searched, device: Make, name: Name, wait_until: Any, kind: str, put: Any
) -> None:
    canary = new_canary()
    seen = put(Planter(system.endpoints, system.state, device, name, wait_until), canary)
    assert kind in (seen or system.kinds(canary))


@pytest.mark.parametrize("before", ["", "x", "ab", '{"t": "'])
def test_the_search_knows_every_spelling_wherever_the_text_begins(before: str) -> None:
    canary = new_canary()
    text = f"{before}{canary} and more"
    raw = text.encode()
    written = {
        "plain": raw,
        "base64": base64.b64encode(raw),
        "base64url": base64.urlsafe_b64encode(raw),
        "unpadded base64": base64.b64encode(raw).rstrip(b"="),
        "hex": raw.hex().encode(),
        "HEX": raw.hex().upper().encode(),
        "UTF-16": text.encode("utf-16"),
        "UTF-16, big endian": text.encode("utf-16-be"),
        "in a URL": "".join(f"%{byte:02x}" for byte in raw).encode(),
        "in JSON": json.dumps({"a": json.dumps({"b": text})}).encode(),
        "in JSON, each character": "".join(f"\\u{ord(each):04x}" for each in text).encode(),
    }
    for spelling, content in written.items():
        place = Place("file", spelling, content)
        assert search([canary], [place]), spelling
        assert not search([new_canary()], [place])

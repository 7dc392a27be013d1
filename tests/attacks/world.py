"""A victim with all that a user can have, the attackers around, and what is stored of everybody."""

import copy
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from moto.cognitoidp.models import cognitoidp_backends
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends

from lambdas.files import PREFIX, Files, Upload
from lambdas.settings import Aws, aws
from stacks.config.tables import TABLES
from tests.support.lambdas import documented, events, when
from tests.support.lambdas.rest import REGION, Reply, Rest, client, rest

DEVICE = "victims_phone"
# What only the victim and who shares a chat with the victim may read.
PAYLOAD, PUSH_TOKEN, EMAIL = "dmljdGltcy10ZXh0", "victims-push-token", "victim@secret.example"
# Who attacks. `member` is in the victim's group, where only admins may change anything.
ATTACKERS = ("stranger", "former", "blocked", "invited", "member")
MESSAGE_ID = "01ARZ3NDEKTSV4RRFFQ69G5FAV"

Stored = dict[tuple[str, ...], str]  # what and whose it is -> its content


@dataclass
class World:
    """`names` are those of the users: victim, friend, and each of ATTACKERS."""

    api: Rest
    names: dict[str, str]
    direct: str = ""  # the chat of victim and friend
    blocked: str = ""  # that of victim and the blocked one
    group: str = ""
    file: str = ""
    endpoint: str = ""  # the ARN of the victim's
    signed: list[str] = field(default_factory=list)  # keys of files that somebody may put

    def ask(
        self, who: str, method: str, path: str, body: Any = None, query: Mapping[str, str] = {}
    ) -> Reply:
        return self.api.request(method, path, body, user=self.names[who], query=query)

    def connection(self, who: str) -> str:
        return connection_of(self.names[who], DEVICE if who == "victim" else "phone")

    def frame(self, who: str, body: Any, route: str | None = None) -> Any:
        """The response to a frame on the attacker's own connection; None where there is none."""
        user = self.names[who]
        key = route or (str(body.get("action")) if isinstance(body, dict) else "$default")
        event = events.message(user, "phone", connection_of(user, "phone"), body)
        response = when.handler_of(key)(event, None)
        assert response["statusCode"] == 200
        if "body" not in response:
            return None
        document = json.loads(response["body"])
        documented.require(f"server/{document['type']}", document)
        return document

    def stored(self) -> Stored:
        """Everything that is stored or was posted; read past the APIs, which takes less time."""
        found: Stored = {}
        tables = dynamodb_backends[DEFAULT_ACCOUNT_ID][REGION].tables
        for name, row in TABLES.items():
            for item in tables[name].all_items():
                keys = (item.attrs[key].value for key in row.keys)
                found[name, *keys] = json.dumps(item.to_json(), sort_keys=True)
        for number, job in enumerate(_queue()):
            found["PushQueue", str(number)] = job.body
        for connection, frames in self.api.gateway.received.items():
            found["posts", connection] = json.dumps(frames)
        for user in _users(self.api.aws).values():
            found["Cognito", user.username] = json.dumps(
                [user.password, user.enabled, user.attributes, user.status]
            )
        for arn, endpoint in _endpoints().items():
            found["SNS", arn] = json.dumps([endpoint.token, endpoint.attributes])
        for form in self.signed:
            chat, _, file = form.removeprefix(PREFIX).partition("/")
            found["Files", chat, file] = form
        return found

    @contextmanager
    def put_back(self) -> Iterator[None]:
        """What the block changes in the tables is as before after it, and what it has closed is
        open; posts are forgotten."""
        tables = dynamodb_backends[DEFAULT_ACCOUNT_ID][REGION].tables
        before = {name: copy.deepcopy(tables[name].items) for name in TABLES}
        users = copy.deepcopy(_users(self.api.aws))
        received = self.api.gateway.received
        connections = dict(received)
        endpoints = _endpoints()
        attributes = {arn: dict(endpoint.attributes) for arn, endpoint in endpoints.items()}
        there = dict(endpoints)
        try:
            yield
        finally:
            for name, items in before.items():
                tables[name].items = items
            _users(self.api.aws).clear()
            _users(self.api.aws).update(users)
            received.clear()
            received.update(connections)
            for frames in received.values():
                frames.clear()
            _queue().clear()
            self.signed.clear()
            endpoints.clear()
            endpoints.update(there)
            for arn, each in attributes.items():
                endpoints[arn].attributes = each


def connection_of(user: str, device: str) -> str:
    return f"connection-of-{user}-{device}"  # as Rest.connect has it


def _queue() -> list[Any]:
    messages: list[Any] = sqs_backends[DEFAULT_ACCOUNT_ID][REGION].queues["Pushes.fifo"]._messages
    return messages


def _endpoints() -> dict[str, Any]:
    endpoints: dict[str, Any] = sns_backends[DEFAULT_ACCOUNT_ID][REGION].platform_endpoints
    return endpoints


def _users(of: Aws) -> dict[str, Any]:
    pools = cognitoidp_backends[DEFAULT_ACCOUNT_ID][REGION].user_pools
    users: dict[str, Any] = pools[of.settings["USER_POOL_ID"]].users
    return users


@contextmanager
def attacked() -> Iterator[World]:
    """REST routes and frame handlers over the same tables, with everybody in their places."""
    with rest() as api, pytest.MonkeyPatch.context() as patch:
        queue = client("sqs").create_queue(
            QueueName="Pushes.fifo", Attributes={"FifoQueue": "true"}
        )["QueueUrl"]
        settings = {**api.aws.settings.environment, "PUSH_QUEUE_URL": queue}
        for name, value in settings.items():
            patch.setenv(name, value)
        aws.cache_clear()
        vars(aws()).update(dynamodb=api.aws.dynamodb, sqs=client("sqs"))
        roles = ("victim", "friend", *ATTACKERS)
        world = World(api, dict(zip(roles, api.strangers(*roles), strict=True)))
        upload = Files.upload

        def signed(files: Files, key: str, size: int) -> Upload:
            world.signed.append(key)
            return upload(files, key, size)

        patch.setattr(Files, "upload", signed)
        _settle(world)
        world.signed.clear()
        yield world
    aws.cache_clear()


def _settle(world: World) -> None:
    for role in ("friend", *ATTACKERS):
        push = {"platform": "fcm", "token": f"push-token-of-{role}"}
        world.api.connect(world.api.phone(world.names[role], push=push))
    victim = world.names["victim"]
    push = {"platform": "fcm", "token": PUSH_TOKEN}
    phone = world.api.phone(victim, DEVICE, push=push)
    world.api.connect(phone)
    (world.endpoint,) = (
        arn for arn, endpoint in _endpoints().items() if endpoint.token == PUSH_TOKEN
    )
    keys = {"one_time_keys": phone.one_time_keys(range(3))}
    world.ask("victim", "POST", f"/api/devices/{DEVICE}/one-time-keys", keys)
    client("cognito-idp").admin_update_user_attributes(
        UserPoolId=world.api.aws.settings["USER_POOL_ID"],
        Username=victim,
        UserAttributes=[{"Name": "email", "Value": EMAIL}],
    )
    private = {"groups": "contacts", "presence": "contacts", "requests": "nobody"}
    open_to_all = {"groups": "everybody", "presence": "everybody"}
    _done(world.ask("friend", "PUT", "/api/settings", open_to_all))
    for role in ("former", "member"):
        _done(world.ask(role, "PUT", "/api/settings", {"groups": "everybody"}))
    world.direct = _direct(world, "friend")
    world.blocked = _direct(world, "blocked")
    members = [world.names[role] for role in ("friend", "former", "member", "invited")]
    body = {"kind": "group", "members": members}
    world.group = _done(world.ask("victim", "POST", "/api/chats", body)).body["chat"]
    group = f"/api/chats/{world.group}"
    _done(world.ask("victim", "POST", f"{group}/members", {"remove": [world.names["former"]]}))
    rules = {"rules": dict.fromkeys(("add", "remove", "rename"), "admins")}
    _done(world.ask("victim", "POST", f"{group}/admins", rules))
    file = _done(world.ask("victim", "POST", f"/api/chats/{world.direct}/files", {"size": 9}))
    world.file = file.body["file"]
    _done(world.ask("victim", "PUT", "/api/settings", private))
    for chat in (world.direct, world.group, world.blocked):
        _victim_writes(world, chat)
    state = {"state": "blocked"}
    _done(world.ask("victim", "PUT", f"/api/contacts/{world.names['blocked']}", state))
    for frames in world.api.gateway.received.values():
        frames.clear()
    _queue().clear()


def _direct(world: World, peer: str) -> str:
    body = {"kind": "direct", "with": world.names[peer]}
    chat: str = _done(world.ask("victim", "POST", "/api/chats", body)).body["chat"]
    return chat


def _victim_writes(world: World, chat: str) -> None:
    victim = world.names["victim"]
    frame = {"action": "send", "chat": chat, "message_id": MESSAGE_ID}
    frame |= {"alg": "megolm.v1", "payload": PAYLOAD}
    event = events.message(victim, DEVICE, connection_of(victim, DEVICE), frame)
    response = when.handler_of("send")(event, None)
    assert json.loads(response["body"])["type"] == "accepted", response


def _done(reply: Reply) -> Reply:
    assert reply.status < 300, reply
    return reply

"""A whole backend in memory: the project's functions, and what AWS does between them.

    backend = Backend()
    backend.sign_up("ravi")
    backend.request("GET", "/api/chats", token=backend.token("ravi"))      # Response(200, {...})
    connection = backend.connect("ravi", "phone", frames.append)           # ticket, $connect
    backend.receive(connection, '{"action": "ping"}')                      # frames: [pong]
    backend.close(connection)                                              # $disconnect

Every response, frame and push comes from the handlers of lambdas/: the HTTP application gets what
a load balancer sends, the authorizer redeems tickets, the WebSocket functions get API Gateway's
events, the delivery watch gets the table's stream, and the push function the batches of a FIFO
queue. Tables are tests/model/dynamodb.py. There are no sockets and no threads: a call returns when
everything that it caused has happened. Two things wait until they are asked for, as they come later
on AWS too: `run_watch` and `run_push`.

`faults` is the only way to make it misbehave. `clock` stands still unless a test moves it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from itertools import count
from typing import Any

from mangum.handlers import ALB

from lambdas.api.api import readable
from lambdas.api.app import create_app
from lambdas.api.routes import ROUTES
from lambdas.delivery import delivery_watch, push, receipt
from lambdas.errors import ChatError
from lambdas.frames import Frame
from lambdas.messages import send, sync
from lambdas.notifications.push_jobs import Job
from lambdas.people.contacts import Contacts
from lambdas.presence import authorize, connection, presence
from lambdas.tables import Item, Table
from lambdas.websocket import frame_handler
from tests.model.tasks import Task
from tests.support.backend.clock import Clock
from tests.support.backend.faults import Faults, Request, Response, error
from tests.support.backend.gateway import FRAME_LIMIT, TOO_LARGE, Connection, Gateway
from tests.support.backend.invocations import Invocations
from tests.support.backend.services import InMemoryAws
from tests.support.backend.stream import Stream
from tests.support.backend.user_pool import CheckedTokens
from tests.support.lambdas import events

PASSWORD = "password"
NORMAL = 1000


def nothing(_: object) -> None:
    """For a client that does not listen."""


class Backend:
    """One backend, isolated from all others; `environment` changes variables of the functions."""

    def __init__(self, clock: Clock | None = None, **environment: str) -> None:
        self.clock = clock or Clock()
        self.faults = Faults()
        self._invocations = Invocations(self.faults)
        self.calls: list[Request] = []  # every REST request
        self.frames: list[tuple[str, Frame]] = []  # every frame of a client, with its user
        self.gateway = Gateway(self.faults, self._invocations.before_call, self._end)
        self.aws = InMemoryAws(self.clock, self._invocations.before_call, self.gateway, environment)
        self.stream = Stream()
        self.acquainted = True  # all are contacts, and all members may remove others
        self._ids = count(1)
        self.aws.database.listeners.append(self.stream.written)
        at_once = [route._replace(blocking=False) for route in ROUTES]
        self._tokens = CheckedTokens(self.clock)
        self._app = create_app(self.aws, self._tokens, at_once)
        self._routes = self._frame_routes()

    # -- the HTTP API

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str = "",
        query: dict[str, str] | None = None,
    ) -> Response:
        """What the load balancer's client gets."""
        asked = Request(method, path, self._user_of(token), body)
        self.calls.append(asked)
        if self.faults.failing:
            return Response(self.faults.failing.pop(0), {})
        rejected = self._rejected_claims(asked)
        if rejected is not None:
            return self.faults.responds(asked, rejected)
        data = b"" if asked.body is None else json.dumps(asked.body).encode()
        headers = {"authorization": f"Bearer {token}"} if token else {}
        event = events.http_request(method, path, data, headers, query or {})
        response = self._invocations.run(lambda: self._respond(event))
        if asked.line == "POST /api/sign-up" and response.status == 201 and self.acquainted:
            self._acquaint(asked.body["username"])
        made = asked.line == "POST /api/chats" and response.status == 201
        if made and asked.body["kind"] == "group" and self.acquainted:
            self.aws.chats.update(
                {"chat": response.body["chat"], "item": "head"},
                "SET group_rules = :rules",
                rules={"add": "members", "remove": "members", "rename": "members"},
            )
        return self.faults.responds(asked, response)

    def _acquaint(self, user: str) -> None:
        """The user and all others have each other as contacts."""
        contacts = Contacts(self.aws.users)
        for other in self.aws.pool.passwords.keys() - {user}:
            contacts.add(user, other)
            contacts.add(other, user)

    def _respond(self, event: dict[str, Any]) -> Response:
        alb = ALB(readable(event), None, {})  # type: ignore[arg-type, typeddict-item] # as Mangum
        sent: list[Any] = []
        unread = [{"type": "http.request", "body": alb.body, "more_body": False}]

        async def receive() -> Any:
            return unread.pop()

        async def send(message: Any) -> None:
            sent.append(message)

        run_at_once(self._app(alb.scope, receive, send))
        text = b"".join(part.get("body", b"") for part in sent[1:])
        return Response(sent[0]["status"], json.loads(text) if text else None)

    def _user_of(self, token: str) -> str:
        try:
            return self._tokens.sign_in([f"Bearer {token}"]).user if token else ""
        except ChatError:
            return ""

    def _rejected_claims(self, asked: Request) -> Response | None:
        """The error if a claim has only devices that `faults` refuses; these are left out."""
        if asked.line != "POST /api/keys/claim":
            return None
        devices = asked.body["devices"]
        left = [each for each in devices if self.faults.may_claim(asked.user, each)]
        asked.body["devices"] = left
        if devices and not left:
            return error(429, "rate_limited", "too many keys of these devices were claimed")
        return None

    # -- accounts

    def sign_up(self, user: str, password: str = PASSWORD) -> None:
        body = {"username": user, "password": password}
        assert self.request("POST", "/api/sign-up", body).status == 201

    def token(self, user: str) -> str:
        """An access token of the user, who need not sign in for it."""
        return self.aws.pool.access_token(user)

    # -- the WebSocket API

    def ticket(self, user: str, device: str) -> str:
        asked = self.request("POST", "/api/tickets", {"device": device}, token=self.token(user))
        assert asked.status == 201, asked
        return str(asked.body["ticket"])

    def connect(
        self,
        user: str,
        device: str,
        post: Callable[[Frame], None],
        ended: Callable[[int], None] = nothing,
    ) -> Connection:
        """A connection by a new ticket; `post` gets the frames, `ended` that it was closed."""
        opened = self.open(f"chat.v1, ticket.{self.ticket(user, device)}", post, ended)
        assert isinstance(opened, Connection), opened
        return opened

    def open(
        self,
        protocols: str,
        post: Callable[[Frame], None],
        ended: Callable[[int], None] = nothing,
    ) -> Connection | int:
        """A connection that offers these subprotocols, or the HTTP status that refuses it."""
        opening = Connection(self._new_id(), post, ended)
        opened: Connection | int = self._invocations.run(lambda: self._open(opening, protocols))
        return opened

    def _open(self, opening: Connection, protocols: str) -> Connection | int:
        try:
            policy = authorize.authorize(self.aws, events.authorizer(protocols))
        except Exception as error:
            return 401 if str(error) == "Unauthorized" else 500
        if policy["policyDocument"]["Statement"][0]["Effect"] != "Allow":
            return 403
        opening.user, opening.device = policy["context"]["user"], policy["context"]["device"]
        self.gateway.connections[opening.id] = opening
        at = int(self.clock() * 1000)
        asked_at = policy["context"]["asked_at"]
        event = events.connect(opening.user, opening.device, opening.id, at, asked_at)
        response = connection.respond(self.aws, event)
        if response["statusCode"] != 200:
            opening.state = "closed"
            return int(response["statusCode"])
        opening.state, opening.opened_at = "open", self.clock()
        return opening

    def handle(self, sender: Connection, frame: Frame | str) -> Frame | None:
        """The route response to a frame, None for nothing; it is not posted."""
        text = frame if isinstance(frame, str) else json.dumps(frame)
        parsed = _parsed(text)
        self.frames.append((sender.user, parsed))
        if sender.state != "open" or not self.faults.from_client(sender.user, parsed):
            return None
        event = events.message(sender.user, sender.device, sender.id, text)
        route = self._routes.get(str(parsed.get("action")), self._routes["ping"])
        response = self._invocations.run(lambda: route(event, None))
        returned: Frame | None = json.loads(response["body"]) if "body" in response else None
        return returned

    def receive(self, sender: Connection, text: str) -> None:
        """A frame from the client; its response goes to the client."""
        if len(text.encode()) > FRAME_LIMIT:
            self._end(sender, TOO_LARGE)
            return
        response = self.handle(sender, text)
        if response is not None and sender.state == "open":
            self.gateway.to_client(sender, response)

    def close(self, closing: Connection) -> None:
        """The client closes it, or the network ended it and API Gateway has noticed."""
        if closing.state != "closed":
            closing.state = "closed"
            self._invocations.run(lambda: self._disconnected(closing))

    def abandon(self, closing: Connection) -> None:
        """The client is gone and no $disconnect comes: posts get 410, the lease stays."""
        closing.state = "closed"

    def connections(self, user: str, device: str | None = None) -> list[Connection]:
        """The open ones, the oldest first."""
        return [
            each
            for each in self.gateway.connections.values()
            if each.state == "open" and each.user == user and device in (None, each.device)
        ]

    def tell(self, frame: Frame, *users: str) -> None:
        """A frame of the test's own, to every open connection of the users, or of all."""
        for each in list(self.gateway.connections.values()):
            if each.state == "open" and (not users or each.user in users):
                self.gateway.to_client(each, frame)

    def _end(self, ending: Connection, code: int = NORMAL) -> None:
        """A connection that is closed from this side; $disconnect follows."""
        if ending.state != "closed":
            ending.state = "closed"
            ending.ended(code)
            self._invocations.later(lambda: self._disconnected(ending))
            self._invocations.run(lambda: None)

    def _disconnected(self, gone: Connection) -> None:
        connection.respond(self.aws, events.disconnect(gone.user, gone.device, gone.id))

    def _new_id(self) -> str:
        return f"connection{next(self._ids)}="

    def _frame_routes(self) -> dict[str, Callable[..., Any]]:
        functions = [send.ROUTES, sync.ROUTES, receipt.ROUTES, presence.ROUTES]  # and $default
        handlers = [(each, frame_handler(each, lambda: self.aws)) for each in functions]
        return {action: handler for actions, handler in handlers for action in actions}

    # -- what happens by itself

    def run_watch(self) -> None:
        """The delivery watch on everything that has changed; it may wait two seconds."""
        records = list(self.stream.waiting)
        if not records:
            return
        event = {"Records": records}
        result = self._invocations.run(
            lambda: delivery_watch.watch(self.aws, event, self.clock.pass_seconds)
        )
        self.stream.done({each["itemIdentifier"] for each in result["batchItemFailures"]})

    def run_push(self) -> None:
        """The push function on one batch of the queue."""
        batch = self.aws.queue.batch()
        if batch:
            event = self.aws.queue.event(batch)
            result = self._invocations.run(lambda: push.push_all(self.aws, event))
            failed = [each["itemIdentifier"] for each in result["batchItemFailures"]]
            self.aws.queue.done(batch, failed)

    def expire(self, chat: str, seq: int) -> None:
        """DynamoDB removes a message by its TTL."""
        key = {"chat": {"S": chat}, "item": {"S": f"message#{seq:012d}"}}
        before = len(self.stream.waiting)
        self.aws.database.delete_item(TableName="Chats", Key=key)
        if len(self.stream.waiting) > before:
            self.stream.last_was_by_ttl()

    # -- what is stored

    def messages(self, chat: str) -> list[Item]:
        """Every message that was ever stored, by seq; also those that were purged."""
        return [item for _, item in sorted(self.stream.messages.get(chat, {}).items())]

    @property
    def chats(self) -> list[str]:
        """All that were ever made, in their order."""
        return self.stream.chats

    def head(self, chat: str) -> Item:
        """seq, members (a set), kind, purged_to."""
        found = self.table("Chats").get({"chat": chat, "item": "head"}, consistent=True)
        assert found is not None, f"there is no chat {chat}"
        return found

    def member(self, chat: str, user: str) -> Item:
        """delivered (by device), read, joined_seq."""
        key = {"chat": chat, "item": f"member#{user}"}
        found = self.table("Chats").get(key, consistent=True)
        assert found is not None, f"{user} is not in {chat}"
        return found

    def table(self, name: str) -> Table:
        """Chats, Users or Tickets, to look into or to change what is stored; without faults."""
        database: Any = self.aws.database
        return Table(database, name)

    @property
    def jobs(self) -> list[Job]:
        """The push jobs that were queued, in order, without duplicates."""
        return self.aws.queue.accepted

    # -- invocations

    def begin(self, sender: Connection, frame: Frame, calls: int = 2) -> Task:
        """A frame's function that stops after so many calls to AWS; see `resume`.

        After two a `send` has its position: it reads its own devices beside taking it.

        `task.result` is the response frame, once it is done.
        """
        task = Task(str(frame["action"]), lambda: self.handle(sender, frame), self.clock())
        self._invocations.begin(task, calls)
        return task

    def resume(self, task: Task, *, kill: bool = False) -> Any:
        """Runs it to its end, or ends it where it stands, as Lambda does at the timeout."""
        return self._invocations.resume(task, kill=kill)


def _parsed(text: str) -> Frame:
    try:
        frame = json.loads(text)
    except ValueError:
        return {}
    return frame if isinstance(frame, dict) else {}


def run_at_once(application: Coroutine[Any, Any, None]) -> None:
    """Runs an ASGI application that never waits, without an event loop."""
    try:
        application.send(None)
    except StopIteration:
        return
    raise AssertionError("the application waits for something")

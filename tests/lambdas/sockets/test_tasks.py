"""Sockets that tasks hold: connects, frames, posts from one task to another, and how they end."""

from __future__ import annotations

import asyncio
import json
import uuid

import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from websockets.exceptions import ConnectionClosed, InvalidStatus

from lambdas import connections
from lambdas.connections import Connections, Outcome, Post
from lambdas.presence.devices import Devices
from lambdas.sockets import direct, held
from lambdas.sockets.draining import drain
from lambdas.sockets.ids import Holder, new_id
from tests.lambdas.sockets.scene import SECRET, client, opened, run, running, ticket_of, until
from tests.support.lambdas import given
from tests.support.lambdas.backend import Backend

pytestmark = pytest.mark.slow

NOBODY = Holder("127.0.0.1", 9)  # the discard port, which refuses


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that is busy answers late; nothing here is about that."""
    for name in ("TIMEOUT_SECONDS", "WITHIN_SECONDS", "RETRY_WITHIN_SECONDS"):
        monkeypatch.setattr(connections, name, 30.0)
    for name in ("LOCAL_SECONDS", "CONNECT_SECONDS"):
        monkeypatch.setattr(direct, name, 30.0)


def lease(world: Backend, user: str, device: str = "phone") -> str | None:
    return Devices(world.aws.users).of([user], consistent=True)[user][device].connection_id


def poster(url: str, secret: str = SECRET) -> Connections:
    return Connections(url, "us-east-1", lambda: ("sockets", secret, None))


def test_a_ticket_opens_a_socket_frames_are_answered_and_the_end_returns_the_lease(
    world: Backend,
) -> None:
    async def story() -> None:
        given.user(world, "ravi", "phone")
        async with running(world) as task:
            async with client(world, task, "ravi") as socket:
                assert socket.subprotocol == "chat.v1"
                await until(task.ids)
                assert [lease(world, "ravi")] == task.ids()
                await socket.send('{"action": "ping"}')
                assert json.loads(await socket.recv()) == {"type": "pong"}
                await socket.send("no JSON")
                assert json.loads(await socket.recv())["code"] == "bad_request"
            await until(lambda: lease(world, "ravi") is None)
            assert task.ids() == []

    run(story())


def test_nothing_is_compressed_for_who_offers_it_since_that_takes_memory(world: Backend) -> None:
    async def story() -> None:
        given.user(world, "ravi", "phone")
        async with running(world) as task:
            offer = opened(task, ticket_of(world, "ravi"), compression="deflate")
            async with offer as socket:
                assert socket.response.headers.get("sec-websocket-extensions") is None

    run(story())


@pytest.mark.parametrize("ticket, status", [("x" * 20, 403), ("?", 401)])
def test_who_has_no_ticket_is_rejected_as_by_api_gateway(
    world: Backend, ticket: str, status: int
) -> None:
    async def story() -> None:
        async with running(world) as task:
            with pytest.raises(InvalidStatus) as error:
                async with opened(task, ticket.replace("?", "-")):
                    pass
            assert error.value.response.status_code == status
            assert task.ids() == []

    run(story())


def test_posts_reach_the_sockets_of_every_task_by_any_task(world: Backend) -> None:
    """Directly, as handlers in a task post, and by a task that does not hold the socket, as
    functions do through the load balancer."""

    async def story() -> None:
        given.user(world, "ravi", "phone")
        given.user(world, "raju", "phone")
        async with (
            running(world) as first,
            running(world) as second,
            client(world, first, "ravi") as ravi,
            client(world, second, "raju") as raju,
        ):
            await until(lambda: first.ids() and second.ids())
            ids = [*first.ids(), *second.ids()]
            for each_poster in (
                first.connections,
                second.connections,
                poster(first.posts),
                poster(second.posts),
            ):
                posts = [Post(each, {"type": "pong"}) for each in ids]
                outcomes = await asyncio.to_thread(each_poster.post_all, posts, 30.0)
                assert outcomes == [Outcome.DELIVERED] * 2
                for socket in (ravi, raju):
                    assert json.loads(await socket.recv()) == {"type": "pong"}
            assert await asyncio.to_thread(poster(first.posts).close, ids[1]) is Outcome.DELIVERED
            with pytest.raises(ConnectionClosed):
                await raju.recv()
            gone = await asyncio.to_thread(first.connections.post, Post(ids[1], "{}"))
            assert gone is Outcome.GONE

    run(story())


def test_a_message_goes_from_a_socket_of_one_task_to_that_of_another(world: Backend) -> None:
    async def story() -> None:
        given.user(world, "ravi", "phone")
        given.user(world, "raju", "phone")
        given.contacts(world, "ravi", "raju")
        chat = given.direct_chat(world, "ravi", "raju")
        async with (
            running(world) as first,
            running(world) as second,
            client(world, first, "ravi") as ravi,
            client(world, second, "raju") as raju,
        ):
            await until(lambda: first.ids() and second.ids())
            message = {"message_id": str(uuid.uuid4()), "alg": "megolm.v1", "payload": "aGk"}
            await ravi.send(json.dumps({"action": "send", "chat": chat, **message}))
            assert json.loads(await raju.recv())["type"] == "message"
            assert json.loads(await ravi.recv())["type"] == "accepted"

    run(story())


def test_a_connection_of_a_task_that_has_ended_is_gone_at_once(world: Backend) -> None:
    async def story() -> None:
        async with running(world) as task:
            dead = new_id(NOBODY, b"x" * 12)
            for connection_id in (dead, dead, "AAAAAAAAAAAAAAA=", "no id"):
                for each_poster in (task.connections, poster(task.posts)):
                    post = Post(connection_id, "{}")
                    assert await asyncio.to_thread(each_poster.post, post) is Outcome.GONE

    run(story())


def test_only_who_has_the_key_posts(world: Backend) -> None:
    async def story() -> None:
        given.user(world, "ravi", "phone")
        async with running(world) as task, client(world, task, "ravi"):
            await until(task.ids)
            (connection_id,) = task.ids()
            url = f"{task.posts}/@connections/{connection_id}"
            async with httpx.AsyncClient(trust_env=False) as http:
                assert (await http.post(url, content="{}")).status_code == 403
            post = Post(connection_id, "{}")
            forged = poster(task.posts, "another key")
            assert await asyncio.to_thread(forged.post, post) is Outcome.FAILED

    run(story())


def test_a_request_as_the_sdk_of_api_gateway_signs_and_writes_it_is_taken(world: Backend) -> None:
    """botocore's signature with further headers, and its way of writing the path."""

    async def story() -> None:
        given.user(world, "ravi", "phone")
        async with (
            running(world) as task,
            client(world, task, "ravi") as socket,
            httpx.AsyncClient(trust_env=False) as http,
        ):
            await until(task.ids)
            for connection_id, status in ((task.ids()[0], 200), (new_id(NOBODY, b"y" * 12), 410)):
                url = f"{task.posts}/%40connections/{connection_id}"
                body, headers = b'{"type": "pong"}', {"Content-Type": "application/octet-stream"}
                request = AWSRequest("POST", url, headers, body)
                SigV4Auth(Credentials("sockets", SECRET), "execute-api", "us-east-1").add_auth(
                    request
                )
                response = await http.post(url, content=body, headers=dict(request.headers))
                assert response.status_code == status
            assert json.loads(await socket.recv()) == {"type": "pong"}

    run(story())


def test_a_client_that_does_not_read_is_cut_off_and_others_are_served(
    world: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held, "CLOSE_SECONDS", 0.1)
    monkeypatch.setattr(held, "STALLED_SECONDS", 0.0)

    async def story() -> None:
        given.user(world, "ravi", "phone")
        given.user(world, "raju", "phone")
        async with (
            running(world) as task,
            client(world, task, "ravi") as reader,
            client(world, task, "raju") as slow,
        ):
            await until(lambda: len(task.ids()) == 2)
            mine, its = (lease(world, user) for user in ("ravi", "raju"))
            slow.transport.pause_reading()
            post = Post(str(its), json.dumps({"type": "pong", "x": "x" * 100_000}))
            outcome = Outcome.DELIVERED
            for _ in range(1_000):  # what the kernel takes differs from machine to machine
                outcome = await asyncio.to_thread(task.connections.post, post)
                if outcome is not Outcome.DELIVERED:
                    break
            assert outcome is Outcome.GONE
            await until(lambda: task.ids() == [mine])
            await until(lambda: lease(world, "raju") is None)
            await reader.send('{"action": "ping"}')
            assert json.loads(await reader.recv()) == {"type": "pong"}
            slow.transport.abort()

    run(story())


@pytest.mark.parametrize(
    "message", ["x" * (32 * 1024 + 1), "x" * 200_000, ["x" * 30_000] * 5], ids=[1, 2, "fragments"]
)
def test_a_message_larger_than_api_gateways_ends_the_connection(
    world: Backend, message: str | list[str]
) -> None:
    async def story() -> None:
        given.user(world, "ravi", "phone")
        async with running(world) as task, client(world, task, "ravi") as socket:
            await socket.send(message)
            with pytest.raises(ConnectionClosed) as error:
                await socket.recv()
            assert error.value.rcvd is not None and error.value.rcvd.code == 1009
            await until(lambda: lease(world, "ravi") is None)

    run(story())


def test_a_task_that_is_full_or_drains_takes_no_more_sockets(world: Backend) -> None:
    async def story() -> None:
        given.user(world, "ravi", "phone", "laptop")
        async with running(world, most=1) as task, client(world, task, "ravi"):
            await until(task.ids)
            health = f"{task.posts}/health"
            async with httpx.AsyncClient(trust_env=False) as http:
                assert (await http.get(health)).status_code == 200
                for draining in (False, True):
                    task.sockets.draining = draining
                    with pytest.raises(InvalidStatus) as error:
                        async with opened(task, ticket_of(world, "ravi", "laptop")):
                            pass
                    assert error.value.response.status_code == 503
                assert (await http.get(health)).status_code == 503

    run(story())


def test_a_task_that_drains_closes_all_with_1012_and_their_leases_return(world: Backend) -> None:
    async def story() -> None:
        devices = [f"device{number}" for number in range(8)]
        given.user(world, "ravi", *devices)
        async with running(world) as task:
            clients = [opened(task, ticket_of(world, "ravi", each)) for each in devices]
            sockets = [await each for each in clients]
            await until(lambda: len(task.ids()) == len(devices))
            await drain(task.sockets.registry, 0.5, lambda sockets: sockets.reverse())
            for socket in sockets:
                with pytest.raises(ConnectionClosed) as error:
                    await socket.recv()
                assert error.value.rcvd is not None and error.value.rcvd.code == 1012
            await until(lambda: all(lease(world, "ravi", each) is None for each in devices))

    run(story())

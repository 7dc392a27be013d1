"""The WebSocket gateway and @connections over real sockets."""

import asyncio
import json
from typing import Any

import pytest
from tests.gateway.scene import (
    ROUTES,
    FunctionError,
    HandClock,
    admit,
    allow,
    greet,
    ok,
    receive,
    running,
    until,
)
from websockets.exceptions import ConnectionClosed, InvalidStatus

from emulator.clock import Clock
from emulator.gateway.provider import ApiGatewayProvider
from emulator.providers import EmulatorError, Resource, Throttled


def run(scenario: Any) -> None:
    asyncio.run(scenario())


async def rejected(scene: Any, **options: Any) -> Any:
    """The status and document an upgrade is rejected with."""
    with pytest.raises(InvalidStatus) as caught:
        await scene.connect(**options)
    response = caught.value.response
    return response.status_code, json.loads(response.body)


def test_a_client_connects_speaks_and_leaves() -> None:
    async def scenario() -> None:
        async with running() as scene:
            async with scene.connect() as socket:
                assert socket.subprotocol == "chat.v1"
                await socket.send('{"action":"send","x":1}')
                assert await receive(socket) == 'send: {"action":"send","x":1}'
                await socket.send("not json")
                assert await receive(socket) == "$default: not json"
                state = scene.provider.state()["connections"]
                assert [(c["user"], c["device"], c["received"]) for c in state] == [
                    ("ravi", "phone", 2)
                ]
            await until(lambda: scene.functions.of("disconnect"))
            gone = scene.functions.of("disconnect")[0]["requestContext"]
            assert (gone["disconnectStatusCode"], gone["eventType"]) == (1000, "DISCONNECT")
            assert gone["authorizer"]["user"] == "ravi"
            connected = scene.functions.of("connect")[0]
            assert connected["requestContext"]["connectionId"] == gone["connectionId"]
            assert connected["requestContext"]["authorizer"]["device"] == "phone"
            assert connected["headers"]["Sec-WebSocket-Protocol"] == "chat.v1"
            assert scene.provider.state()["connections"] == []

    run(scenario)


def test_of_headers_that_come_twice_the_last_one_counts() -> None:
    async def scenario() -> None:
        headers = [("User-Agent", "first"), ("User-Agent", "last")]
        async with (
            running() as scene,
            scene.connect(user_agent_header=None, additional_headers=headers),
        ):
            (event,) = scene.functions.of("connect")
            assert event["requestContext"]["identity"]["userAgent"] == "last"
            assert event["headers"]["User-Agent"] == "last"
            assert event["multiValueHeaders"]["User-Agent"] == ["first", "last"]

    run(scenario)


def test_without_its_identity_source_a_client_gets_401_and_nothing_is_invoked() -> None:
    async def scenario() -> None:
        async with running() as scene:
            status, document = await rejected(scene, subprotocols=None)
            assert (status, document["message"]) == (401, "Unauthorized")
            assert scene.functions.events == []

    run(scenario)


@pytest.mark.parametrize(
    ("response", "status"),
    [("deny", 403), ("Unauthorized", 401), ("crash", 500), ("throttle", 500), ("late", 500)],
)
def test_a_rejecting_authorizer_keeps_connect_from_running(response: Any, status: int) -> None:
    async def authorize(_event: dict[str, Any]) -> Any:
        if response == "deny":
            return {**allow({}), "policyDocument": {"Statement": []}}
        if response == "throttle":
            raise Throttled("authorize")
        if response == "late":
            raise TimeoutError
        raise FunctionError(response)

    async def scenario() -> None:
        async with running(authorize=authorize) as scene:
            assert (await rejected(scene))[0] == status
            assert scene.functions.of("connect") == []

    run(scenario)


@pytest.mark.parametrize(
    ("response", "status"), [({"statusCode": 403}, 403), ({"oops": 1}, 502), (None, 502)]
)
def test_a_rejecting_connect_integration_rejects_the_upgrade(response: Any, status: int) -> None:
    async def connecting(_event: dict[str, Any]) -> Any:
        return response

    async def scenario() -> None:
        async with running(connect=connecting) as scene:
            assert (await rejected(scene))[0] == status
            assert scene.provider.state()["connections"] == []

    run(scenario)


def test_the_wrong_path_is_forbidden_and_a_plain_request_is_no_upgrade() -> None:
    async def scenario() -> None:
        async with running() as scene:
            for path in ("/", "/dev", "/live/x"):
                assert await rejected(scene, path=path) == (403, {"message": "Forbidden"})
            assert scene.functions.events == []
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", int(scene.provider.websocket_url.split(":")[2].split("/")[0])
            )
            writer.write(b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert b" 426 " in await reader.readline()
            writer.close()
            assert scene.functions.events == []

    run(scenario)


def test_the_upgrade_waits_for_connect_and_a_post_from_inside_it_finds_nobody() -> None:
    async def scenario() -> None:
        found = []

        async def connecting(event: dict[str, Any]) -> Any:
            connection_id = event["requestContext"]["connectionId"]
            found.append(await scene.manage("POST", connection_id, b"early"))
            return await greet(event)

        async with running(connect=connecting) as scene, scene.connect() as socket:
            assert [(status, code) for status, code, _ in found] == [(410, "GoneException")]
            connection_id = await scene.connection_id()
            assert (await scene.manage("POST", connection_id, b"late"))[0] == 200
            assert await receive(socket) == "late"

    run(scenario)


def test_only_a_route_with_a_route_response_responds() -> None:
    async def scenario() -> None:
        async with running() as scene, scene.connect() as socket:
            await socket.send('{"action":"oneway"}')
            await until(lambda: scene.functions.of("oneway"))
            await socket.send('{"action":"send"}')
            assert await receive(socket) == 'send: {"action":"send"}'

    run(scenario)


@pytest.mark.parametrize("failure", ["crash", "throttle", "malformed", "nobody"])
def test_a_failed_integration_is_reported_and_the_connection_stays(failure: str) -> None:
    async def send(_event: dict[str, Any]) -> Any:
        if failure == "throttle":
            raise Throttled("send")
        if failure == "crash":
            raise FunctionError("division by zero")
        if failure == "nobody":
            raise EmulatorError("there is no function 'send'")
        return "no proxy response"

    async def scenario() -> None:
        async with running(send=send) as scene, scene.connect() as socket:
            await socket.send('{"action":"send"}')
            error = json.loads(await receive(socket))
            assert error["message"] == "Internal server error"
            assert error["connectionId"] == await scene.connection_id()
            assert error.keys() == {"message", "connectionId", "requestId"}
            await socket.send("hello")
            assert await receive(socket) == "$default: hello"

    run(scenario)


def test_a_frame_without_a_route_is_forbidden() -> None:
    async def scenario() -> None:
        routes = {key: value for key, value in ROUTES.items() if key != "$default"}
        async with running(routes=routes) as scene, scene.connect() as socket:
            await socket.send("hello")
            assert json.loads(await receive(socket))["message"] == "Forbidden"

    run(scenario)


def test_frames_of_one_connection_run_at_the_same_time() -> None:
    async def scenario() -> None:
        both = asyncio.Barrier(2)

        async def send(event: dict[str, Any]) -> Any:
            async with asyncio.timeout(10):
                await both.wait()
            return {"statusCode": 200, "body": event["body"]}

        async with running(send=send) as scene, scene.connect() as socket:
            frames = {'{"action":"send","n":1}', '{"action":"send","n":2}'}
            for frame in frames:
                await socket.send(frame)
            assert {await receive(socket), await receive(socket)} == frames

    run(scenario)


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        (["x" * 32_769], 1009),
        ([["x" * 32_768] * 4 + ["x"]], 1009),
        ([b"binary"], 1003),
    ],
)
def test_frames_over_the_limits_and_binary_ones_close_the_connection(
    frames: Any, code: int
) -> None:
    async def scenario() -> None:
        async with running() as scene, scene.connect() as socket:
            for frame in frames:
                await socket.send(frame)
            with pytest.raises(ConnectionClosed) as closed:
                await receive(socket)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == code
            await until(lambda: scene.functions.of("disconnect"))
            context = scene.functions.of("disconnect")[0]["requestContext"]
            assert context["disconnectStatusCode"] == code
            assert scene.functions.of("default") == []

    run(scenario)


def test_32_kb_frames_and_a_128_kb_message_pass() -> None:
    async def count(event: dict[str, Any]) -> Any:
        return {"statusCode": 200, "body": str(len(event["body"]))}

    async def scenario() -> None:
        async with running(default=count) as scene, scene.connect() as socket:
            await socket.send("x" * 32_768)
            assert await receive(socket) == "32768"
            await socket.send(["x" * 32_768] * 4)
            assert await receive(socket) == "131072"

    run(scenario)


def test_bad_utf_8_closes_with_1007() -> None:
    async def scenario() -> None:
        async with running() as scene, scene.connect() as socket:
            await socket.send(b"\xff\xfe", text=True)
            with pytest.raises(ConnectionClosed) as closed:
                await receive(socket)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1007

    run(scenario)


@pytest.mark.parametrize("busy", [False, True])
def test_idle_connections_close_after_10_minutes_and_all_after_2_hours(busy: bool) -> None:
    async def scenario() -> None:
        clock = HandClock()
        async with running(clock=clock) as scene, scene.connect() as socket:
            for _ in range(12 if busy else 1):
                clock.move(599)
                if busy:
                    await socket.send("ping")
                    await receive(socket)
                else:
                    await (await socket.ping())  # still open; this is no message
            clock.move(7200 - 12 * 599 if busy else 1)
            with pytest.raises(ConnectionClosed) as closed:
                await receive(socket)
            assert closed.value.rcvd is not None
            assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1001, "Going away")
            await until(lambda: scene.functions.of("disconnect"))

    run(scenario)


def test_a_client_that_left_without_a_close_frame_is_1006_and_can_no_longer_be_posted_to() -> None:
    async def scenario() -> None:
        async with running() as scene:
            socket = await scene.connect()
            connection_id = await scene.connection_id()
            socket.transport.abort()
            await until(lambda: scene.functions.of("disconnect"))
            context = scene.functions.of("disconnect")[0]["requestContext"]
            assert context["disconnectStatusCode"] == 1006
            assert (await scene.manage("POST", connection_id, b"x"))[:2] == (410, "GoneException")

    run(scenario)


def test_a_client_that_leaves_during_connect_is_disconnected_too() -> None:
    async def scenario() -> None:
        reached, go = asyncio.Event(), asyncio.Event()

        async def connecting(event: dict[str, Any]) -> Any:
            reached.set()
            await go.wait()
            return await greet(event)

        async with running(connect=connecting) as scene:
            opening = asyncio.create_task(scene.connect().__aenter__())
            await reached.wait()
            opening.cancel()
            await asyncio.gather(opening, return_exceptions=True)
            go.set()
            await until(lambda: scene.functions.of("disconnect"))
            assert scene.provider.state()["connections"] == []

    run(scenario)


def test_stopping_closes_every_connection_and_frees_the_ports() -> None:
    async def scenario() -> None:
        async with running(authorize=admit, disconnect=ok) as scene:
            socket = await scene.connect()
            port = int(scene.provider.websocket_url.split(":")[2].split("/")[0])
            await scene.provider.stop()
            with pytest.raises(ConnectionClosed) as closed:
                await receive(socket)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1001
            (await asyncio.start_server(lambda *_: None, "127.0.0.1", port)).close()

    run(scenario)


def test_a_taken_port_is_named() -> None:
    async def scenario() -> None:
        async with running() as scene:
            port = int(scene.provider.websocket_url.split(":")[2].split("/")[0])
            second = ApiGatewayProvider(
                scene.functions.invoke, websocket_port=port, management_port=0, clock=Clock()
            )
            api = {"ProtocolType": "WEBSOCKET", "RouteSelectionExpression": "$request.body.action"}
            for kind, properties in (("Api", api), ("Stage", {"StageName": "live"})):
                resource = Resource("Chat", kind, f"AWS::ApiGatewayV2::{kind}", properties)
                await second.create(resource, properties)
            with pytest.raises(EmulatorError, match=f"port {port}"):
                await second.start()
            await second.stop()

    run(scenario)


# "Length, in characters, of the URL for a WebSocket API": 4096.
def test_a_url_over_4096_characters_is_rejected() -> None:
    async def scenario() -> None:
        async with running() as scene:
            begin = "wss://local0ws1d.execute-api.us-east-1.amazonaws.com"
            path = "/live?q=".ljust(4096 - len(begin), "x")
            async with scene.connect(path):
                pass
            with pytest.raises(InvalidStatus) as rejected:
                async with scene.connect(path + "x"):
                    pass
            assert rejected.value.response.status_code == 414

    run(scenario)


def test_an_integration_waits_as_long_as_it_says() -> None:
    async def late(_event: Any) -> Any:
        await asyncio.sleep(5)

    async def scenario() -> None:
        async with running(timeouts={"send": 50}, send=late) as scene, scene.connect() as socket:
            await socket.send('{"action": "send"}')
            assert json.loads(await receive(socket))["message"] == "Endpoint request timed out"

    run(scenario)

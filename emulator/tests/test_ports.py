from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator

import pytest

from emulator.addresses import Addresses, elsewhere
from emulator.listening import HOST, bound, number
from emulator.providers import EmulatorError
from emulator.runtime import ports
from emulator.runtime.ports import Ports


@pytest.fixture
def reported() -> list[str]:
    return []


@pytest.fixture
def chosen(reported: list[str]) -> Iterator[Callable[..., Ports]]:
    """`ports.choose`; what it chose is given up afterwards."""
    with contextlib.ExitStack() as given_up:

        def choose(*asked: int) -> Ports:
            found = ports.choose(*asked, report=reported.append)
            given_up.callback(found.close)
            return found

        yield choose


def numbers(chosen: Ports) -> list[int]:
    return [number(port) for port in chosen]


def test_free_ports_are_all_different(chosen: Callable[..., Ports]) -> None:
    assert len(set(numbers(chosen(0)))) == 10


def test_a_chosen_port_is_taken_from_then_on(chosen: Callable[..., Ports]) -> None:
    """Its server starts seconds later; until then nobody may be given it."""
    for port in numbers(chosen(0)):
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", port))


def test_a_chosen_port_refuses_connections_until_its_server_listens(
    chosen: Callable[..., Ports],
) -> None:
    with socket.socket() as client, pytest.raises(ConnectionRefusedError):
        client.connect(chosen(0).console.getsockname())


def three_in_a_row() -> int:
    """The last of three free ports, below those that systems give to whoever asks for any."""
    for port in range(20_000, 30_000, 3):
        with contextlib.ExitStack() as bound:
            try:
                for each in range(port - 2, port + 1):
                    bound.enter_context(socket.socket()).bind(("127.0.0.1", each))
            except OSError:
                continue
            return port
    raise AssertionError("no three free ports in a row")


def test_a_response_in_two_parts_waits_for_no_acknowledgement() -> None:
    """Nagle's algorithm (RFC 896) is off: TCP_NODELAY is set on each connection."""

    async def without_delay() -> int:
        listening, accepted = bound(0, "a test"), asyncio.get_running_loop().create_future()

        async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            taken = writer.get_extra_info("socket")
            accepted.set_result(taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        async with await asyncio.start_server(serve, sock=listening):
            _, writer = await asyncio.open_connection(HOST, number(listening))
            try:
                return int(await accepted)
            finally:
                writer.close()

    assert asyncio.run(without_delay()) != 0


def test_the_others_follow_the_api_and_step_aside_for_what_is_taken(
    chosen: Callable[..., Ports], reported: list[str]
) -> None:
    port = three_in_a_row()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        found = numbers(chosen(port - 2))
        assert found[:2] == [port - 2, port - 1]
        assert found[2] != port
        assert f"port {port} is taken: the console is on {found[2]}" in reported
        assert len(set(found)) == 10


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_that_is_none_is_named(port: int) -> None:
    with pytest.raises(EmulatorError, match=f"port {port} for the HTTP API"):
        ports.choose(port)


@pytest.mark.parametrize("name", ["WebSocket API", "console"])
def test_a_given_port_that_is_taken_is_named(name: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        asked = (port, None) if name == "WebSocket API" else (None, port)
        with pytest.raises(EmulatorError, match=f"port {port} for the {name}"):
            ports.choose(0, *asked)


def test_addresses_on_aws_become_addresses_here() -> None:
    addresses = Addresses(
        "us-east-1",
        "http://127.0.0.1:4566",
        "api1",
        "ws://127.0.0.1:8081",
        "http://127.0.0.1:8086",
        elsewhere({"AWS_ENDPOINT_URL_SQS": "http://127.0.0.1:9999", "PATH": "/bin"}),
    )
    variables = addresses.environment(
        {
            "CONNECTIONS_URL": "https://api1.execute-api.us-east-1.amazonaws.com/dev",
            "WEBSOCKET_URL": "wss://api1.execute-api.us-east-1.amazonaws.com/dev",
            "OTHER": "https://api2.execute-api.us-east-1.amazonaws.com/dev",
            "DAYS": "30",
        }
    )
    assert variables["CONNECTIONS_URL"] == "http://127.0.0.1:8086/dev"
    assert variables["WEBSOCKET_URL"] == "ws://127.0.0.1:8081/dev"
    assert variables["OTHER"] == "https://api2.execute-api.us-east-1.amazonaws.com/dev"
    assert variables["AWS_ENDPOINT_URL_DYNAMODB"] == "http://127.0.0.1:4566"
    assert variables["AWS_ENDPOINT_URL_SQS"] == "http://127.0.0.1:9999"
    assert addresses.endpoint("sqs") == "http://127.0.0.1:9999"
    assert addresses.endpoint("cognito-idp") == "http://127.0.0.1:4566"
    assert variables["AWS_ACCESS_KEY_ID"] == variables["AWS_SECRET_ACCESS_KEY"] == "local"

from __future__ import annotations

import contextlib
import socket
from dataclasses import astuple

import pytest

from local import ports
from local.addresses import Addresses, elsewhere
from local.providers import LocalModeError


def test_free_ports_are_all_different() -> None:
    assert len(set(astuple(ports.choose(0)))) == 8


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


def test_the_others_follow_the_api_and_step_aside_for_what_is_taken() -> None:
    port = three_in_a_row()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        chosen = ports.choose(port - 2)
        assert (chosen.api, chosen.websocket) == (port - 2, port - 1)
        assert chosen.console != port
        assert len(set(astuple(chosen))) == 8


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_that_is_none_is_named(port: int) -> None:
    with pytest.raises(LocalModeError, match=f"port {port} for the HTTP API"):
        ports.choose(port)


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

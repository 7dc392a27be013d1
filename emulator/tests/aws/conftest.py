from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
from tests.aws import plain_moto
from tests.aws.compared import Server


@pytest.fixture(scope="session")
def moto() -> Iterator[str]:
    with plain_moto.running() as url:
        yield url


@pytest.fixture
def servers(aws: str, moto: str) -> Iterator[tuple[Server, Server]]:
    """The URLs of the emulator's AWS server and of moto's own."""
    made = Server(aws), Server(moto)
    with contextlib.ExitStack() as stack:
        for server in made:
            stack.callback(server.close)
        yield made

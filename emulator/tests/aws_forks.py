"""A process that has imported the AWS server, and forks one for each test that needs its own.

Importing moto takes a second, which forty tests would pay.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import certifi

LONGEST = 4096  # bytes of arguments
MODELS = ("cognito-idp", "dynamodb", "dynamodbstreams", "s3", "sns", "sqs")  # that many tests use
# What a server imports at its first request or push.
LATE = ("anyio._backends._asyncio", "httpcore", "moto.awslambda", "moto.iam")


@cache
def _forking() -> socket.socket:
    """The way to the process, which lives as long as this one."""
    ours, its = socket.socketpair()
    with its:
        process = subprocess.Popen(
            [sys.executable, str(Path(__file__)), str(its.fileno())], pass_fds=(its.fileno(),)
        )

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours


def forked(listening: int, stdin: int, stdout: int, arguments: Sequence[str]) -> int:
    """The process id of a server on these file descriptors."""
    way = _forking()
    socket.send_fds(way, [json.dumps(arguments).encode()], [listening, stdin, stdout])
    return int(way.recv(LONGEST))


def without_authorities(original: Callable[..., ssl.SSLContext]) -> Callable[..., ssl.SSLContext]:
    """Clients of httpx read the certificates of all authorities, which takes longer than most
    tests; nothing here has one of them. Each client has a context of its own, as it sets in it
    whether it speaks HTTP/2."""

    def create_default_context(*args: Any, cafile: Any = None, **given: Any) -> ssl.SSLContext:
        if cafile == certifi.where():
            return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        return original(*args, cafile=cafile, **given)

    return create_default_context


def main(way: socket.socket) -> None:
    from emulator.aws import server

    _import_what_it_needs()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    while True:
        message, fds, *_ = socket.recv_fds(way, LONGEST, 3)
        if not message:
            return
        if pid := os.fork():
            for fd in fds:
                os.close(fd)
            way.send(str(pid).encode())
            continue
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        way.close()
        listening, stdin, stdout = fds
        for fd, place in ((stdin, 0), (stdout, 1)):
            os.dup2(fd, place)
            os.close(fd)
        server.main(["--fd", str(listening), *json.loads(message)])
        return


def _import_what_it_needs() -> None:
    """All that emulator/aws/server.py imports and reads when it serves; nothing is changed by it."""
    import importlib
    import pkgutil

    from joserfc.jwk import RSAKey
    from moto.core import base_backend, utils

    import emulator.aws
    from emulator.aws import server

    os.environ |= server.ENVIRONMENT
    server.need_less_memory()
    ssl.create_default_context = without_authorities(ssl.create_default_context)
    for module in pkgutil.iter_modules(emulator.aws.__path__):
        importlib.import_module(f"emulator.aws.{module.name}")
    server.load_services()
    base_backend.AccountSpecificBackend.get_session().get_available_regions("sqs")
    for service in MODELS:
        utils.get_service_model(service)
    for name in LATE:
        importlib.import_module(name)
    # every user pool of moto's has the same key, which takes 100 ms to read
    import_key = RSAKey.import_key
    imported = cache(lambda key: import_key(json.loads(key)))
    setattr(RSAKey, "import_key", lambda key: imported(json.dumps(key)))  # noqa: B010 - mypy's
    gc.freeze()  # what is here stays


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))

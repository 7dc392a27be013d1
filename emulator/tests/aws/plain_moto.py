"""moto's own server as a process, without what emulator.aws does faster: `python plain_moto.py <fd>`.

What DynamoDB gives in another way than moto is the same as in emulator.aws.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
from collections.abc import Iterator

from emulator.listening import HOST, bound, number


@contextlib.contextmanager
def running() -> Iterator[str]:
    """Its URL."""
    with bound(0, "moto") as listening:
        url, fd = f"http://{HOST}:{number(listening)}", listening.fileno()
        server = subprocess.Popen(
            [sys.executable, __file__, str(fd)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            pass_fds=(fd,),
        )
    assert server.stdout is not None
    with server:
        assert server.stdout.readline() == "ready\n"
        yield url
        server.terminate()


def main() -> None:
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    from emulator.aws import (
        dynamodb_conditions,
        dynamodb_pages,
        dynamodb_projection,
        dynamodb_rules,
    )

    for module in (dynamodb_conditions, dynamodb_pages, dynamodb_projection, dynamodb_rules):
        module.install()
    app = DomainDispatcherApplication(create_backend_app)
    listening = socket.socket(fileno=int(sys.argv[1]))
    listening.listen()
    server = make_server(HOST, 0, app, fd=listening.fileno())
    print("ready", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()

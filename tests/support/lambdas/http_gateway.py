"""A server in place of @connections and of the user pool's JWKS address, over HTTP."""

import json
import threading
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from moto.utilities.utils import load_resource

from tests.support.lambdas import documented


@cache
def _private_key() -> rsa.RSAPrivateKey:
    """The pool's, made once: it takes longer than most tests."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Gateway:
    """A post to a connection that was never opened here, or was closed, finds it gone."""

    def __init__(self) -> None:
        self.key = _private_key()
        self.received: dict[str, list[dict[str, Any]]] = {}
        self.closed: list[str] = []
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self.respond(200, gateway.key_set())

            def do_POST(self) -> None:
                frame = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                connection = self.path.rpartition("/")[2]
                if connection not in gateway.received:
                    self.respond(410)
                    return
                documented.require(f"server/{frame['type']}", frame)
                gateway.received[connection].append(frame)
                self.respond(200)

            def do_DELETE(self) -> None:
                connection = self.path.rpartition("/")[2]
                gateway.closed.append(connection)
                self.respond(204 if gateway.received.pop(connection, None) is not None else 410)

            def respond(self, status: int, body: bytes = b"") -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def key_set(self) -> bytes:
        """Our key, and the one that moto's Cognito signs with."""
        document: dict[str, Any] = dict(load_resource("cognitoidp/resources/jwks-public.json"))
        own = jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        keys = [*document["keys"], {**own, "kid": "own", "use": "sig"}]
        return json.dumps({"keys": keys}).encode()

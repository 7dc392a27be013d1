"""The console's HTTP server.

Its URL begins with a token (see `emulator.console.token`). Without it only GET /_local/endpoints
has a response, from which another emulator learns who has a port. Behind it GET /_local is the
page, GET /_local/state what it shows. POST /_local/pools/<pool> `{"desired": n}`, `{"weight": n}`
or `{"autoscaling": true | false}`, POST /_local/targets/<id> `{"action": "kill" | "drain" | "pause"
| "resume"}` and POST /_local/load (see `Commands.load`) are the commands. See
`emulator.console.details` for what is opened: GET /_local/trace, functions, queues, tables and
connections, whose pages are under /_local/view. GET /_local/denials has the calls that were not
permitted. GET /_local/phones/<token> gives the pushes a device token received, and POST there
`{"action": "uninstall"}` takes the app off the phone.

Nothing on the page comes from elsewhere, and no other page can send commands: requests from another
origin are rejected, also from one of this machine.
"""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote

from aiohttp import web

from emulator import load
from emulator.breaking import Broken
from emulator.console import token as tokens
from emulator.console.commands import ApiError, Commands, Containers, Origins, Weights, bad_request
from emulator.console.details import Details
from emulator.listening import HttpListener, Port, read_body
from emulator.push.phones import Phones
from emulator.traces.ring import Ring

PAGE = Path(__file__).parent / "page"
ROOT = "/_local"
ENDPOINTS = f"{ROOT}/endpoints"  # see emulator.cli.taken
BODY_BYTES = 64 * 1024
_KINDS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
# see emulator.console.details
_OPENED = ("connections", "functions", "phones", "queues", "reports", "tables", "trace")
_KNOWN = (
    *_OPENED,
    *("broken", "dashboard", "denials", "endpoints", "faults", "load", "pools", "state", "targets"),
)

State = Callable[[], Awaitable[Mapping[str, Any]]]


class _Call(NamedTuple):
    method: str
    path: tuple[str, ...]  # below /_local, decoded
    body: dict[str, Any]
    gone: Callable[[], bool]  # whether nobody waits for the response any more
    query: Mapping[str, str]


class Console:
    """`state` gathers the response of GET /_local/state, `endpoints` that of /_local/endpoints,
    where everything is and which command ends it; `status` is the command that prints the URL with
    its `token`; the rest is for `Commands`. POST /_local/broken
    has what `emulator.breaking` takes, or `{"mend": true}`."""

    def __init__(
        self,
        *,
        port: Port,
        token: str = "",
        status: str = "emulate status",
        state: State,
        containers: Containers,
        weights: Weights,
        origins: Origins,
        phones: Phones,
        load_path: str = load.PATH,
        endpoints: Callable[[], Mapping[str, Any]] = dict,
        details: Details | None = None,
        broken: Broken | None = None,
        dashboard: Callable[[], Mapping[str, Any]] = dict,
    ) -> None:
        self._token, self._status = token, status
        self._dashboard = dashboard
        self._broken = Broken() if broken is None else broken
        self._details = details or Details(Ring(time.time), phones=phones)
        self._endpoints = endpoints
        self._state = state
        self._commands = Commands(containers, weights, origins, load_path)
        self._phones = phones
        self._listener = HttpListener(self._handle, port, "the console")

    async def start(self) -> None:
        """Raises EmulatorError when the port is taken."""
        await self._listener.start()

    async def stop(self) -> None:
        await self._listener.stop()

    @property
    def url(self) -> str:
        """The base URL, with the token, without /_local."""
        return f"{self._listener.url}{self._prefix}"

    @property
    def origin(self) -> str:
        """Where it listens: the URL without its token."""
        return self._listener.url

    @property
    def _prefix(self) -> str:
        return f"/{self._token}" if self._token else ""

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            self._guard(request)
            response = await self._respond(request)
        except ApiError as error:
            document = {"error": {"code": error.code, "message": error.message}}
            response = web.json_response(document, status=error.status)
        response.headers.update(_HEADERS)
        return response

    def _guard(self, request: web.BaseRequest) -> None:
        """Rejects commands that do not come from the console's own page, also those from other
        origins of this machine."""
        host, origin = request.headers.get("Host", ""), request.headers.get("Origin")
        if origin is not None and origin != f"http://{host}":
            raise ApiError(
                403, "forbidden", f"commands from the origin {origin!r} are not accepted"
            )

    async def _respond(self, request: web.BaseRequest) -> web.Response:
        path = self._opened(request.raw_path.partition("?")[0])
        if path == "/":
            return web.Response(status=302, headers={"Location": f"{self._prefix}{ROOT}"})
        if path != ROOT and not path.startswith(f"{ROOT}/"):
            raise ApiError(404, "not_found", f"there is nothing at {path}")
        parts = tuple(unquote(part) for part in path.removeprefix(ROOT).split("/") if part)
        file = _file(parts)
        if file is not None and request.method in ("GET", "HEAD"):
            return _page(file, path)
        body = await _body(request) if request.method == "POST" else {}
        query = dict(parse_qsl(request.raw_path.partition("?")[2]))
        call = _Call(request.method, parts, body, lambda: request.transport is None, query)
        return web.json_response(await self._called(call))

    def _opened(self, path: str) -> str:
        """The path behind the token. Raises ApiError where that is missing."""
        if not self._token:
            return path
        if (behind := tokens.behind(path, self._token)) is not None:
            return behind
        if path == ENDPOINTS:
            return path
        message = f"the console's address has a token in it: `{self._status}` prints it"
        raise ApiError(403, "forbidden", message)

    async def _called(self, call: _Call) -> Mapping[str, Any]:
        match call:
            case _Call("GET", (kind, *_)) if kind in _OPENED:
                return await self._details.get(call.path, call.query)
            case _Call("POST", ("functions" | "queues" | "tables", _), body):
                return await self._details.post(call.path, body)
            case _Call("POST", ("broken",), body):
                return await self._break(body)
            case _Call("GET", ("dashboard",), _):
                return self._dashboard()
            case _Call("GET", ("faults",), _):
                return self._details.faults()
            case _Call("GET", ("endpoints",), _):
                return self._endpoints()
            case _Call("GET", ("denials",), _):
                state = await self._state()
                return {"iam": state.get("iam", "off"), "denials": state.get("denials", [])}
            case _Call("GET", ("state",), _):
                failure = self._details.last_failure()
                return {**await self._state(), "last_failure": failure}
            case _Call("POST", ("pools", pool), body):
                return self._commands.pool(pool, body)
            case _Call("POST", ("targets", target), body):
                return self._commands.target(target, body)
            case _Call("POST", ("load",), body):
                return await self._commands.load(body, call.gone)
            case _Call("POST", ("phones", token), {"action": "uninstall"}):
                self._phones.uninstall(token)
                return {"token": token, "uninstalled": True}
        raise _unknown(call)

    async def _break(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        if body.get("mend") is True:
            await self._broken.mend()
        else:
            try:
                await self._broken.add(body)
            except ValueError as error:
                raise bad_request(f'{error}; {{"mend": true}} ends all') from error
        return self._broken.state()


def _unknown(call: _Call) -> ApiError:
    kind = call.path[0] if call.path else ""
    if call.method == "POST" and len(call.path) == 2 and kind == "phones":
        return bad_request('the body is {"action": "uninstall"}')
    if kind in _KNOWN or not call.path:
        where = f"{ROOT}/{'/'.join(call.path)}"
        return ApiError(405, "method_not_allowed", f"{call.method} is not for {where}")
    return ApiError(404, "not_found", f"there is nothing at {ROOT}/{'/'.join(call.path)}")


def _page(file: Path, path: str) -> web.Response:
    """The links of a page begin with /_local; they are sent relative to the page's own address,
    whatever stands in front of that: the token, or another host where a proxy shows it."""
    body = file.read_bytes()
    if file.suffix == ".html":
        body = body.replace(b'"/_local', b'"' + b"../" * (path.count("/") - 1) + b"_local")
    return web.Response(body=body, content_type=_KINDS[file.suffix], charset="utf-8")


def _file(parts: tuple[str, ...]) -> Path | None:
    """The file of the page's folder for a path; None where there is none. Every view is one
    page."""
    name = parts[0] if len(parts) == 1 else "index.html" if not parts else ""
    if parts[:1] == ("view",):
        name = "view.html"
    return next((file for file in PAGE.iterdir() if file.name == name), None)


async def _body(request: web.BaseRequest) -> dict[str, Any]:
    """The request's body. Its content type has to be JSON, which a form of someone else's page
    can't send."""
    if request.content_type != "application/json":
        raise bad_request("send it with the header Content-Type: application/json")
    data = await read_body(request, BODY_BYTES)
    if len(data) > BODY_BYTES:
        raise bad_request(f"the body is longer than {BODY_BYTES} bytes")
    try:
        body = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise bad_request("the body is not JSON") from error
    if not isinstance(body, dict):
        raise bad_request("the body is not an object")
    return body

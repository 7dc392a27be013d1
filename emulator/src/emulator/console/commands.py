"""The console's commands: numbers of tasks, weights, states of targets, and traffic."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from emulator import load

BODIES = {
    "load": (
        '{"requests": n, "concurrency": n, "path": "/...", "through": "alb" | "nlb", '
        '"cookies": true | false}, each of which may be left out, or {"stop": true}'
    ),
    "pools": '{"desired": n}, {"weight": n} or {"autoscaling": true | false}',
    "targets": '{"action": "kill" | "drain" | "pause" | "resume"}',
}
LONGEST_LOAD = 300.0  # seconds; what hasn't been sent by then isn't any more
PATIENCE = 1.0  # seconds for the responses that are still due when requests are stopped
LOOKS = 0.2  # seconds between two looks whether the client is still there
NO_NLB = "this environment has no network load balancer: load_balancer.ip_hash=true adds one"

Origins = Callable[[], Mapping[str, str]]


class ApiError(Exception):
    """Sent as `{"error": {"code", "message"}}` with `status`; the page shows the message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def bad_request(message: str) -> ApiError:
    return ApiError(400, "bad_request", message)


class Containers(Protocol):
    """See `emulator.containers.provider.ContainerProvider`. A LookupError means there is no such
    pool or target, a ValueError that the command is invalid; their texts are shown."""

    def set_desired(self, pool: str, desired: int) -> None: ...

    def set_autoscaling(self, pool: str, on: bool) -> None: ...

    def act(self, target_id: str, action: str) -> None: ...


class Weights(Protocol):
    """See `emulator.balancer.provider.LoadBalancingProvider`; errors as for `Containers`."""

    def set_weight(self, pool: str, weight: int) -> None: ...


class Commands:
    """`origins` gives the base URLs of the load balancers that run: "alb", and maybe "nlb";
    `load_path` is requested where a load names no path."""

    def __init__(
        self,
        containers: Containers,
        weights: Weights,
        origins: Origins,
        load_path: str = load.PATH,
    ) -> None:
        self._containers = containers
        self._weights = weights
        self._origins = origins
        self._load_path = load_path
        self._enough: asyncio.Event | None = None  # while requests are sent

    def pool(self, pool: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """`{"pool", "desired" | "weight" | "autoscaling"}`. Raises ApiError."""
        match tuple(body.items()):
            # bool is a kind of int, and stands first for that reason
            case (("autoscaling", bool(on)),):
                _run(lambda: self._containers.set_autoscaling(pool, on))
            case ((_, bool()),):
                raise _malformed("pools")
            case (("desired", int(desired)),):
                _run(lambda: self._containers.set_desired(pool, desired))
            case (("weight", int(weight)),):
                _run(lambda: self._weights.set_weight(pool, weight))
            case _:
                raise _malformed("pools")
        return {"pool": pool, **body}

    def target(self, target_id: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """`{"id", "action"}`. Raises ApiError."""
        match tuple(body.items()):
            case (("action", str(action)),):
                _run(lambda: self._containers.act(target_id, action))
            case _:
                raise _malformed("targets")
        return {"id": target_id, "action": action}

    async def load(self, body: Mapping[str, Any], gone: Callable[[], bool]) -> dict[str, Any]:
        """`emulator.load.Tally.as_json`, when all is sent or it was stopped: by `{"stop": true}`,
        which is stopped by `{"stop"}` at once, after LONGEST_LOAD, or because the client is
        `gone`. Raises ApiError."""
        match tuple(body.items()):
            case (("stop", True),):
                if self._enough is not None:
                    self._enough.set()
                return {"stop": True}
        try:
            wanted = load.read_load(body, self._load_path)
        except ValueError as error:
            raise bad_request(f"{error}; the body is {BODIES['load']}") from error
        origin = self._origins().get(wanted.through)
        if origin is None:
            raise bad_request(NO_NLB)
        if self._enough is not None:
            # two at once would count into the same lanes, and nothing could distinguish them
            message = "requests are being sent already: wait for their end, or stop them"
            raise ApiError(409, "conflict", message)
        enough = self._enough = asyncio.Event()
        watching = asyncio.create_task(_set_when(gone, enough))
        limit = asyncio.get_running_loop().call_later(LONGEST_LOAD, enough.set)
        try:
            tally = await load.send(origin, wanted, until=enough, patience=PATIENCE)
            return tally.as_json()
        finally:
            self._enough = None
            watching.cancel()
            limit.cancel()


async def _set_when(gone: Callable[[], bool], enough: asyncio.Event) -> None:
    while not gone():  # noqa: ASYNC110  aiohttp doesn't notify a handler
        await asyncio.sleep(LOOKS)
    enough.set()


def _run(command: Callable[[], None]) -> None:
    try:
        command()
    except LookupError as error:
        raise ApiError(404, "not_found", str(error)) from error
    except ValueError as error:
        raise bad_request(str(error)) from error


def _malformed(kind: str) -> ApiError:
    return bad_request(f"the body is {BODIES[kind]}")

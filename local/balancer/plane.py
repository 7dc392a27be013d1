"""The load balancer's listener: finds the rule, performs its action."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from aiohttp import web

from local.balancer.actions import FixedResponse, Forward, Redirect, location
from local.balancer.algorithms import SmoothWeighted
from local.balancer.forwarding import Forwarder
from local.balancer.headers import (
    Pair,
    Peer,
    forwarded,
    too_many_forwarded,
    valid_names,
    values_of,
)
from local.balancer.pages import SERVER, error_page
from local.balancer.registrar import Registrar
from local.balancer.rules import Rule, Seen, first_match
from local.balancer.target_group import Target, TargetGroup

log = logging.getLogger("local.balancer")


class Plane:
    """`random_bytes` is for trace ids; `port` is the listener's, once it is open."""

    def __init__(
        self,
        rules: Sequence[Rule],
        registrar: Registrar,
        forwarder: Forwarder,
        random_bytes: Callable[[int], bytes],
        now: Callable[[], float] = time.time,
        drop_invalid_headers: bool = False,
    ) -> None:
        self.rules = sorted(rules, key=lambda rule: rule.priority)
        self.port = 0
        self._registrar = registrar
        self._forwarder = forwarder
        self._random_bytes = random_bytes
        self._now = now
        self._drop_invalid_headers = drop_invalid_headers
        self._turns: dict[int, SmoothWeighted[str]] = {}

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Any failure of ours is a 500 of the load balancer, and logged."""
        pairs = [(n.decode("latin-1"), v.decode("latin-1")) for n, v in request.raw_headers]
        if self._drop_invalid_headers:
            pairs = valid_names(pairs)
        values = values_of(pairs)
        if too_many_forwarded(values):
            return error_page(463)
        path, _, query = request.raw_path.partition("?")
        seen = Seen(
            method=request.method,
            host=values.get("host", [""])[-1],
            path=path,
            query=_pairs_of(query),
            headers=values,
            source_ip=request.remote or "127.0.0.1",
        )
        rule = first_match(self.rules, seen)
        if rule is None:  # a listener without a default action can't be made
            return error_page(500)
        match rule.action:
            case Forward():
                return await self._forward(request, rule.priority, rule.action, seen, pairs)
            case FixedResponse() as fixed:
                return web.Response(
                    status=fixed.status,
                    text=fixed.body,
                    content_type=fixed.content_type,
                    headers={"Server": SERVER},
                )
            case Redirect() as redirect:
                host = urlsplit(f"//{seen.host}").hostname or ""
                there = location(redirect, "http", host, self.port, path, query)
                page = error_page(redirect.status)
                page.headers["Location"] = there
                return page

    async def _forward(
        self,
        request: web.BaseRequest,
        priority: int,
        action: Forward,
        seen: Seen,
        pairs: Sequence[Pair],
    ) -> web.StreamResponse:
        turns = self._turns.setdefault(priority, SmoothWeighted())
        arn = turns.choose(action.weights)
        group = self._registrar.groups[arn] if arn is not None else None
        upgrade = "upgrade" in seen.headers
        if upgrade and group is not None and group.kind == "lambda":
            return error_page(400)
        target = group.choose() if group is not None else None
        if group is None or target is None:
            return error_page(503)
        try:
            return await self._send(request, group, target, seen, pairs)
        finally:
            self._registrar.answered(target)

    async def _send(
        self,
        request: web.BaseRequest,
        group: TargetGroup,
        target: Target,
        seen: Seen,
        pairs: Sequence[Pair],
    ) -> web.StreamResponse:
        peer = Peer(seen.source_ip, "http", self.port)
        headers = forwarded(pairs, peer, self._new_trace)
        if seen.headers.get("expect", [""])[-1].lower() == "100-continue":
            headers = [pair for pair in headers if pair[0].lower() != "expect"]
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if target.function is not None:
            response = await self._forwarder.to_function(
                request, group, target.function, headers, seen.query
            )
        else:
            response = await self._forwarder.to_container(request, target, headers)
        try:
            if not response.prepared:
                await response.prepare(request)
            await response.write_eof()
        except ConnectionResetError:
            log.debug("%s left before its answer", seen.source_ip)
        return response

    def _new_trace(self) -> str:
        return f"1-{int(self._now()):08x}-{self._random_bytes(12).hex()}"


def _pairs_of(query: str) -> list[Pair]:
    """Names and values as on the wire: the load balancer decodes neither."""
    pairs = []
    for part in re.split("&", query):
        name, _, value = part.partition("=")
        if part:
            pairs.append((name, value))
    return pairs

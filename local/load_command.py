"""`python -m local load`: requests to the running system, and a table of who answered."""

from __future__ import annotations

import argparse
import asyncio

from local import endpoints, lock
from local.load import NLB, Load, Tally, send
from local.providers import LocalModeError
from local.screen import Row, Screen


def run(given: argparse.Namespace) -> int:
    """0 where every request was answered, with any status below 500; otherwise 1."""
    try:
        wanted = Load(given.requests, given.concurrency, given.path, given.through, given.cookies)
    except ValueError as error:
        raise LocalModeError(str(error)) from error
    known = endpoints.read(given.state_dir)
    if known is None or lock.holder(given.state_dir) != known.pid:
        raise LocalModeError("it is not running: start it with `python -m local up`")
    base_url = known.nlb if given.through == NLB else known.api
    if base_url is None:
        raise LocalModeError(f"{known.env} has no network load balancer: set load_balancer.ip_hash")
    return _shown(asyncio.run(send(base_url, wanted)))


def _shown(tally: Tally) -> int:
    screen, figures = Screen(), tally.as_json()
    screen.show([Row(name, "", count) for name, count in tally.served_by.items()])
    statuses = ", ".join(f"{code} ×{count}" for code, count in tally.statuses.items())
    screen.line(f"   {statuses}")
    screen.line(
        f"   {figures['sent']} requests in {tally.seconds:.1f} s, "
        f"p50 {figures['p50_ms']} ms, p99 {figures['p99_ms']} ms"
    )
    return 1 if any(reply.status is None or reply.status >= 500 for reply in tally.replies) else 0

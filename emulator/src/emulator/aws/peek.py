"""A view of queues that receives and deletes nothing.

GET /_local/peek?queue=<name> has the messages of one, GET /_local/backlog counts those of all.
"""

from __future__ import annotations

import time
from typing import Any

from aiohttp import web

PATH, BACKLOG = "/_local/peek", "/_local/backlog"
MOST = 200  # messages


def add_routes(app: web.Application) -> None:
    """`{"messages", "total", "sources"}`; `sources` are the queues whose dead-letter queue it is.
    404 for a queue that there is not."""

    async def peek(request: web.Request) -> web.Response:
        queues = _queues()
        queue = queues.get(request.query.get("queue", ""))
        if queue is None:
            return web.json_response({"messages": [], "total": 0, "sources": []}, status=404)
        messages = list(queue._messages)
        sources = [name for name, each in queues.items() if each.dead_letter_queue is queue]
        return web.json_response(
            {
                "messages": [_described(each) for each in messages[:MOST]],
                "total": len(messages),
                "sources": sources,
            }
        )

    async def backlog(_request: web.Request) -> web.Response:
        """`{"<queue>": {"visible", "age"}}`: how many, and how old the oldest is, in seconds."""
        now = time.time()
        return web.json_response({name: _backlog(queue, now) for name, queue in _queues().items()})

    app.router.add_get(PATH, peek)
    app.router.add_get(BACKLOG, backlog)


def _queues() -> dict[str, Any]:
    from moto.sqs.models import sqs_backends

    return {
        name: queue
        for regions in sqs_backends.values()
        for backend in regions.values()
        for name, queue in backend.queues.items()
    }


def _backlog(queue: Any, now: float) -> dict[str, float]:
    waiting = list(queue._messages)
    oldest = min((each.sent_timestamp or 0 for each in waiting), default=0) / 1000
    visible = sum(bool(each.visible) and not each.delayed for each in waiting)
    return {"visible": visible, "age": max(0.0, now - oldest) if oldest else 0.0}


def _described(message: Any) -> dict[str, Any]:
    state = "in flight" if not message.visible else "delayed" if message.delayed else "visible"
    return {
        "id": message.id,
        "body": message.body,
        "sent_at": (message.sent_timestamp or 0) / 1000,
        "receives": message.approximate_receive_count,
        "group": message.group_id,
        "state": state,
    }

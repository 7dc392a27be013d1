"""A look at a queue that takes nothing: GET /_local/peek?queue=<name>."""

from __future__ import annotations

from typing import Any

from aiohttp import web

PATH = "/_local/peek"
MOST = 200  # messages


def add_routes(app: web.Application) -> None:
    """`{"messages", "total", "sources"}`; `sources` are the queues whose dead-letter queue it is.
    404 for a queue that there is not."""

    async def peek(request: web.Request) -> web.Response:
        from moto.sqs.models import sqs_backends

        queues = {
            name: queue
            for regions in sqs_backends.values()
            for backend in regions.values()
            for name, queue in backend.queues.items()
        }
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

    app.router.add_get(PATH, peek)


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

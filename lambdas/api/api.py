"""Function Api: the HTTP application as the load balancer's Lambda target, by Mangum."""

from functools import lru_cache
from typing import Any

from mangum import Mangum

from lambdas.api.app import Served, create_app
from lambdas.settings import aws, invoked, prepare

Event = dict[str, Any]
Response = dict[str, Any]

# Mangum parses a port from these headers and fails if there is none; nothing here uses them.
UNREAD = frozenset({"host", "x-forwarded-port"})


def handler(event: Event, context: Any) -> Response:
    """An ALB target-group event, with multi value headers, to its response."""
    invoked()
    return serve(_app(), event, context)


def serve(app: Served, event: Event, context: Any) -> Response:
    response: Response = Mangum(app, lifespan="off")(readable(event), context)
    return response


def readable(event: Event) -> Event:
    headers = event.get("multiValueHeaders") or {}
    kept = {name: values for name, values in headers.items() if name.lower() not in UNREAD}
    return {**event, "multiValueHeaders": kept}


@lru_cache(maxsize=1)
def _app() -> Served:
    return create_app(aws())


prepare()

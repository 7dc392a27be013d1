"""The backend's key directory, as it answers. What it says is checked where it is stored."""

from __future__ import annotations

from client.api import Api
from client.core.cipher import Answer, Lists, Request
from client.errors import NotFound, RateLimited


async def fetch(api: Api, request: Request) -> Answer:
    """Raises ClientError where there is no answer."""
    if isinstance(request, Lists):
        try:
            return Answer(request, await api.devices(request.user))
        except NotFound:
            return Answer(request, {})
    try:
        return Answer(request, await api.claim(request.devices))
    except RateLimited:
        return Answer(request, {})

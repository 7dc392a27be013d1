"""Requests to the backend's key directory. Their responses are checked where they are stored."""

from __future__ import annotations

from client.api import Api
from client.core.cipher import FetchResult, Lists, Request
from client.errors import NotFound, RateLimited


async def fetch(api: Api, request: Request) -> FetchResult:
    """Raises ClientError where there is no response."""
    if isinstance(request, Lists):
        try:
            listing = await api.devices(request.user)
            return FetchResult(request, listing.devices, listing.former)
        except NotFound:
            return FetchResult(request, {})
    try:
        return FetchResult(request, await api.claim(request.devices))
    except RateLimited as error:  # they are left out now, and tried again later
        return FetchResult(request, {}, retry_after=error.retry_after or 0.0)

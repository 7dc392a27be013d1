"""The load balancer's own answers, in its own words."""

from __future__ import annotations

import http

from aiohttp import web

SERVER = "awselb/2.0"
_PHRASES = {463: "", 464: ""}  # codes of the load balancer's own


def error_page(status: int) -> web.Response:
    phrase = _PHRASES.get(status) if status in _PHRASES else http.HTTPStatus(status).phrase
    title = f"{status} {phrase}".strip()
    text = (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n"
        f"<center><h1>{title}</h1></center>\r\n</body>\r\n</html>\r\n"
    )
    return web.Response(
        status=status,
        reason=phrase,
        text=text,
        content_type="text/html",
        headers={"Server": SERVER},
    )

"""The load balancer's own responses: what stands in them, in its own words."""

from __future__ import annotations

import http
from collections.abc import Sequence
from typing import NamedTuple

from emulator.balancer.messages.headers import Pair

SERVER = "awselb/2.0"
PHRASES = {status.value: status.phrase for status in http.HTTPStatus} | {463: "", 464: ""}


class OwnResponse(NamedTuple):
    """Server, Date, Content-Length and Connection come to it when it is written."""

    status: int
    fields: Sequence[Pair]
    body: bytes


def error_page(status: int, *fields: Pair) -> OwnResponse:
    title = f"{status} {PHRASES[status]}".strip()
    text = (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n"
        f"<center><h1>{title}</h1></center>\r\n</body>\r\n</html>\r\n"
    )
    return OwnResponse(status, [("Content-Type", "text/html"), *fields], text.encode())

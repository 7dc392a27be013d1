"""The web client's page, as `make page` builds it into lambdas/page, with its headers.

`files.json` there describes each file by its path: its type, the hash of its content, the
encodings that it was compressed with, and whether its name has a hash, so that its content never
changes. A path that is not in it is not found: an old name of a script never gets the shell's HTML.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from lambdas.settings import Settings

FOLDER = Path(__file__).parents[1] / "page"
DESCRIPTION = "files.json"
ENCODINGS = ("br", "gzip")  # the smaller first
IDENTITY = "identity"
A_YEAR = "public, max-age=31536000, immutable"
# The name stays and the content changes: kept, and asked about before each use.
ASK_AGAIN = "no-cache"
# HTTPS for two years, as hstspreload.org asks; without the preload list, which can't be left soon.
HTTPS_ONLY = "max-age=63072000"


@dataclass(frozen=True)
class File:
    """`bodies` has the content by its encoding, as it is under `identity`."""

    media_type: str
    hash: str
    immutable: bool
    bodies: Mapping[str, bytes]


def read_page(folder: Path = FOLDER) -> dict[str, File]:
    """The files by their paths; none where no page was built."""
    try:
        description = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return {
        path: File(
            row["type"],
            row["hash"],
            row["immutable"],
            {encoding: (folder / name).read_bytes() for encoding, name in row["bodies"].items()},
        )
        for path, row in description.items()
    }


def security_headers(settings: Settings) -> dict[str, str]:
    """What the browser may do with the page: code from here alone, and nothing inline.

    `wasm-unsafe-eval` lets WebAssembly be compiled, which the encryption is; it does not allow
    JavaScript's eval (w3.org/TR/CSP3, directive-script-src). Pictures are decrypted into blobs.
    """
    policy = {
        "default-src": "'none'",
        "script-src": "'self' 'wasm-unsafe-eval'",
        "style-src": "'self'",
        "img-src": "'self' blob: data:",
        "media-src": "blob:",
        "connect-src": " ".join(["'self'", *_origins(settings)]),
        "worker-src": "'self'",
        "manifest-src": "'self'",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return {
        "content-security-policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "referrer-policy": "no-referrer",
    }


def _origins(settings: Settings) -> list[str]:
    """Where the page connects to besides the API's own origin."""
    urls = [urlsplit(settings.get(name)) for name in ("WEBSOCKET_URL", "FILES_URL")]
    return [f"{url.scheme}://{url.netloc}" for url in urls if url.netloc]


class Page:
    """GET and HEAD of the page's files. Every other request goes to `otherwise`."""

    def __init__(
        self, files: Mapping[str, File], headers: Mapping[str, str], otherwise: ASGIApp
    ) -> None:
        self._files = files
        self._headers = headers
        self._otherwise = otherwise

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        file = self._files.get(scope["path"])
        if file is None or scope["method"] not in ("GET", "HEAD"):
            await self._otherwise(scope, receive, send)
            return
        response = self._respond(file, Headers(scope=scope))
        if scope["method"] == "HEAD":
            response.body = b""  # its length is that of the body that GET would have got
        await response(scope, receive, send)

    def _respond(self, file: File, request: Headers) -> Response:
        encoding = chosen(request.getlist("accept-encoding"), file.bodies)
        # each encoding is a representation of its own (RFC 9110, 8.8.3)
        tag = f'"{file.hash}-{encoding}"'
        headers = {
            **self._headers,
            "cache-control": A_YEAR if file.immutable else ASK_AGAIN,
            "etag": tag,
            "vary": "accept-encoding",
        }
        if request.get("x-forwarded-proto") == "https":
            headers["strict-transport-security"] = HTTPS_ONLY
        if matches(request.getlist("if-none-match"), tag):
            return Response(status_code=304, headers=headers)
        if encoding != IDENTITY:
            headers["content-encoding"] = encoding
        return Response(file.bodies[encoding], 200, headers, file.media_type)


def chosen(accepted: Sequence[str], bodies: Mapping[str, bytes]) -> str:
    """The smallest encoding that the client accepts (RFC 9110, 12.5.3)."""
    weights = dict(_weight(each) for each in ",".join(accepted).lower().split(","))
    for encoding in ENCODINGS:
        if encoding in bodies and weights.get(encoding, weights.get("*", 0.0)) > 0:
            return encoding
    return IDENTITY


def _weight(text: str) -> tuple[str, float]:
    """An encoding and its q; 0 for a q that is no number, so that it is not used."""
    name, *parameters = [part.strip() for part in text.split(";")]
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip() == "q":
            try:
                return name, float(value)
            except ValueError:
                return name, 0.0
    return name, 1.0


def matches(asked: Sequence[str], tag: str) -> bool:
    """Whether the client has this representation (RFC 9110, 13.1.2: a weak comparison)."""
    tags = {each.strip().removeprefix("W/") for each in ",".join(asked).split(",")}
    return tag in tags or "*" in tags

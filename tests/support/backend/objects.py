"""The bucket of a backend in memory: presigned requests are checked as S3 does, then stored.

`failing` is what a test makes of the next requests: an HTTP status, or CUT, after which the
connection ends with half of the object under way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import BodyPartReader, web

from emulator.aws.s3_signatures import S3Error, check_form, check_query
from lambdas.files import Files

BUCKET, REGION = "files", "us-east-1"
CUT = -1


class Objects:
    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.stored: dict[str, bytes] = {}
        self.failing: list[int] = []
        self.lines: list[str] = []  # of the requests so far, with the range that was asked for

    def files(self, url: str) -> Files:
        """What signs requests for this bucket; `url` is its address."""
        return Files(url, BUCKET, REGION, lambda: ("local", "local", None), self._clock)

    async def respond(self, request: web.Request) -> web.StreamResponse:
        wanted = request.headers.get("Range", "")
        self.lines.append(f"{request.method} {wanted}".strip())
        fault = self.failing.pop(0) if self.failing else None
        if fault is not None and fault != CUT:
            await request.read()
            return web.Response(status=fault)
        try:
            if request.method == "POST":
                return await self._take(request, cut=fault == CUT)
            return await self._give(request, wanted, cut=fault == CUT)
        except S3Error as error:
            return web.Response(status=error.status, text=f"<Code>{error.code}</Code>")

    async def _take(self, request: web.Request, *, cut: bool) -> web.Response:
        fields: dict[str, str] = {}
        async for part in await request.multipart():
            assert isinstance(part, BodyPartReader)
            if part.name == "file":
                body = bytes(await part.read())
                if cut:
                    _cut(request)
                check_form(BUCKET, fields, len(body), self._clock())
                self.stored[fields["key"]] = body
                return web.Response(status=204)
            fields[str(part.name)] = await part.text()
        raise S3Error(400, "InvalidArgument", "POST requires exactly one file upload per request.")

    async def _give(self, request: web.Request, wanted: str, *, cut: bool) -> web.StreamResponse:
        path, _, query = request.raw_path.partition("?")
        headers = {name.lower(): value for name, value in request.headers.items()}
        check_query("GET", path, parse_qsl(query), headers, self._clock())
        body = self.stored.get(request.match_info["key"].lstrip("/"))
        if body is None:
            raise S3Error(403, "AccessDenied", "Access Denied")  # to who may not list the bucket
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        headers = {"Content-Length": str(len(body) - start)}
        response: Any = web.StreamResponse(status=206 if wanted else 200, headers=headers)
        await response.prepare(request)
        end = (start + len(body)) // 2 if cut else len(body)
        await response.write(body[start:end])
        if cut:
            _cut(request)
        return web.StreamResponse() if cut else response


def _cut(request: web.Request) -> None:
    assert request.transport is not None
    request.transport.close()

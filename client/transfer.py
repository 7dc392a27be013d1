"""Uploads to S3 and downloads from it, by presigned requests. No credentials go along."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping

import httpx

from client.errors import ClientError, FileDamaged, FileGone, ServerFault, Unreachable

Progress = Callable[[int, int], None]
"""How many bytes of how many."""

TIMEOUT = httpx.Timeout(30.0, connect=5.0)  # of a pause, not of the whole
# When all bytes are handed to the operating system, which then sends them without notice.
RESPONSE_TIMEOUT = httpx.Timeout(30.0, connect=5.0, read=300.0)
# S3 says 400 as well where the connection was too slow, or ended too early:
# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList
PASSING = re.compile("<Code>(RequestTimeout|IncompleteBody)</Code>")


class Rejected(ClientError):
    """S3 rejected the request: its signature has expired, or another part of it is wrong."""

    def __init__(self, status: int) -> None:
        super().__init__(f"the file was not taken ({status})")
        self.status = status


class Transfer:
    """Raises Unreachable where there is no response, ServerFault where a later one may help."""

    def __init__(self) -> None:
        self._http = httpx.AsyncClient(timeout=TIMEOUT)

    async def close(self) -> None:
        await self._http.aclose()

    async def put(
        self, url: str, fields: Mapping[str, str], body: bytes, progress: Progress
    ) -> None:
        """Sends a form. Raises Rejected."""
        file = ("file", _Counted(body, progress), "application/octet-stream")
        try:
            response = await self._http.post(
                url, data=dict(fields), files={"file": file}, timeout=RESPONSE_TIMEOUT
            )
        except httpx.HTTPError as error:
            raise _unreachable(url, error) from error
        if response.is_success:
            return
        if response.status_code >= 500 or PASSING.search(response.text):
            raise ServerFault("internal", "S3 did not take it", response.status_code)
        raise Rejected(response.status_code)

    async def get(self, url: str, into: bytearray, size: int, progress: Progress) -> None:
        """Fetches what `into` lacks of `size` bytes; what has come stays in it, whatever happens.

        Raises FileGone, and FileDamaged where more comes.
        """
        headers = {"range": f"bytes={len(into)}-"} if into else {}
        try:
            async with self._http.stream("GET", url, headers=headers) as response:
                status = response.status_code
                # Of a missing object: 404 for those who may list the bucket, 403 for others.
                # https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
                if status in (403, 404):
                    raise FileGone
                if status >= 400:
                    raise ServerFault("internal", "S3 did not give it", status)
                if status != httpx.codes.PARTIAL_CONTENT:
                    into.clear()
                async for part in response.aiter_raw():
                    into += part
                    if len(into) > size:
                        raise FileDamaged
                    progress(len(into), size)
        except httpx.HTTPError as error:
            raise _unreachable(url, error) from error


class _Counted(io.BytesIO):
    """A file that reports how much of it was read."""

    def __init__(self, body: bytes, progress: Progress) -> None:
        super().__init__(body)
        self._size, self._progress = len(body), progress

    def read(self, size: int | None = -1, /) -> bytes:
        part = super().read(size)
        if part:
            self._progress(self.tell(), self._size)
        return part


def _unreachable(url: str, error: httpx.HTTPError) -> Unreachable:
    """The error without the query of the URL: anybody who has that can use it."""
    return Unreachable(url.partition("?")[0], str(error) or type(error).__name__)

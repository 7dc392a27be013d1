"""Uploads and downloads: what ends one, and what is tried again (as web/test/downloads.test.ts)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from random import Random
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from client.core.attachment import FileDescription, described
from client.core.bodies_generated import FileResponse
from client.core.events import Event, FileFailed
from client.core.settings import Settings
from client.crypto.files import seal
from client.errors import (
    BadRequest,
    Conflict,
    FileDamaged,
    FileGone,
    Forbidden,
    MessageTooLarge,
    NotAMember,
    NotFound,
    RateLimited,
    ServerFault,
    TooLarge,
    Unauthorized,
    Unreachable,
)
from client.files import Files, _encoded
from client.store.store import Store
from client.store.uploads import Upload
from tests.support.backend.server import until
from tests.support.rows import rows

AGAIN, GIVEN_UP = "again", "given up"
FILE = {"name": "a"}


class Bucket:
    """Stands for the API and the chat of a device: what is asked for fails once, or is done."""

    def __init__(self, form: Exception | None = None, message: Exception | None = None) -> None:
        self._form, self._message = form, message
        self.now = 0.0
        self.forms: list[float] = []  # when each was asked for
        self.sent: list[str] = []
        self.failed: list[FileFailed] = []
        self.store = Store.open(":memory:", "ravi", "phone")
        api: Any = self
        settings = Settings(reconnect_base=0)
        self.files = Files(api, self.store, settings, Random(0), self._send, self._publish)
        self.files._transfer = self  # type: ignore[assignment]
        with self.store.transaction():
            for name in ("first", "second"):
                self.store.add_upload(name, "chat", {"file": FILE}, b"x")

    async def file_form(self, chat: str, size: int) -> FileResponse:
        self.forms.append(self.now)
        error, self._form = self._form, None
        if error is not None:
            raise error
        return FileResponse("id", "https://bucket", {}, 900.0)

    async def put(self, *_: Any) -> None:
        """S3 takes it."""

    def _send(self, upload: Upload, content: Mapping[str, Any]) -> bool:
        error, self._message = self._message, None
        if error is not None:
            raise error
        assert content == {"file": {**FILE, "id": "id"}}
        self.sent.append(upload.message_id)
        with self.store.transaction():
            return self.store.remove_upload(upload.message_id)

    def _publish(self, event: Event) -> None:
        if isinstance(event, FileFailed):
            self.failed.append(event)


@pytest.mark.parametrize(
    ("at", "error", "then", "reported"),
    [
        ("form", TooLarge("too_large", "no", 413), GIVEN_UP, [True]),
        ("form", NotFound("not_found", "no", 404), GIVEN_UP, [True]),
        ("message", NotAMember(), GIVEN_UP, [True]),
        ("message", MessageTooLarge(2, 1), GIVEN_UP, [True]),
        ("form", RateLimited("rate_limited", "no", 429), AGAIN, [False]),
        ("form", Unauthorized("unauthorized", "no", 401), AGAIN, []),
        # not of the file: of a disabled account, or of a firewall
        ("form", BadRequest("bad_request", "no", 400), AGAIN, []),
        ("form", Forbidden("forbidden", "no", 403), AGAIN, []),
        ("form", Conflict("conflict", "no", 409), AGAIN, []),
        ("form", ServerFault("internal", "no", 500), AGAIN, []),
        ("form", Unreachable("https://bucket", "no"), AGAIN, []),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_an_upload_is_given_up_for_what_will_be_the_same_next_time_and_reported(
    at: str, error: Exception, then: str, reported: list[bool]
) -> None:
    async def scenario() -> None:
        bucket = Bucket(**{at: error})
        running = asyncio.create_task(bucket.files.run())
        await until(lambda: not bucket.store.uploads())
        running.cancel()
        assert bucket.sent == (["second"] if then == GIVEN_UP else ["first", "second"])
        assert [each.final for each in bucket.failed] == reported
        assert {each.message_id for each in bucket.failed} <= {"first"}
        bucket.store.close()

    asyncio.run(scenario())


@pytest.mark.parametrize(("retry_after", "waits"), [(3_600.0, 3_600.0), (None, 0.0)])
def test_a_file_that_is_one_too_many_waits_as_long_as_the_backend_says(
    monkeypatch: pytest.MonkeyPatch, retry_after: float | None, waits: float
) -> None:
    """As after any failure where it says nothing: 0 s here."""
    waited: list[float | None] = []
    timeout = asyncio.timeout

    def noted(seconds: float | None) -> Any:
        waited.append(seconds)
        return timeout(seconds and 0)

    async def scenario() -> None:
        bucket = Bucket(form=RateLimited("rate_limited", "no", 429, retry_after))
        monkeypatch.setattr(asyncio, "timeout", noted)
        running = asyncio.create_task(bucket.files.run())
        for _ in range(10_000):  # `until` has a timeout, too
            if not bucket.store.uploads():
                break
            await asyncio.sleep(0)
        else:
            raise AssertionError("it is not tried again")
        running.cancel()
        assert waited[0] == waits
        bucket.store.close()

    asyncio.run(scenario())


CONTENT = bytes(range(100))
SEALED = seal(CONTENT, bytes(32))
BODY = SEALED.body
KEY, DIGEST = _encoded(bytes(32)), _encoded(SEALED.digest)
ATTACHMENT = described(FileDescription(name="a", kind="file"), len(CONTENT), KEY, DIGEST)
HALF, ALL = len(BODY) // 2, len(BODY)
Served = tuple[int, int, int, bool]
"""S3's status, from and to which byte it sends, and whether the connection is lost after it."""

DOWNLOADS: dict[str, tuple[list[Served], list[int], type[Exception] | None]] = {
    "it comes whole": ([(200, 0, ALL, False)], [0], None),
    "the rest comes later": ([(200, 0, HALF, True), (206, HALF, ALL, False)], [0, HALF], None),
    "all comes again": ([(200, 0, HALF, True), (200, 0, ALL, False)], [0, HALF], None),
    "lost after the last byte": ([(200, 0, ALL, True)], [0], None),
    "faults pass": ([(500, 0, 0, False), (503, 0, 0, False), (200, 0, ALL, False)], [0] * 3, None),
    "the fifth try": ([(500, 0, 0, False)] * 4 + [(200, 0, ALL, False)], [0] * 5, None),
    "no sixth one": ([(500, 0, 0, False)] * 5, [0] * 5, ServerFault),
    "no sixth connection": ([(200, 0, 0, True)] * 5, [0] * 5, Unreachable),
    "it may not be seen": ([(403, 0, 0, False)], [0], FileGone),
    "it is not there": ([(404, 0, 0, False)], [0], FileGone),
    "it ends too early": ([(200, 0, HALF, False)], [0], FileDamaged),
    "more comes": ([(200, 0, HALF, True), (206, HALF - 1, ALL, False)], [0, HALF], FileDamaged),
}


@rows(("responses", "asked", "error"), DOWNLOADS.values(), ids=DOWNLOADS)
def test_a_download_goes_on_where_it_was_lost_and_five_times_at_most(
    responses: list[Served], asked: list[int], error: type[Exception] | None
) -> None:
    left, begins, urls = iter(responses), list[int](), list[str]()
    steps: list[tuple[int, int]] = []

    def respond(request: httpx.Request) -> httpx.Response:
        urls.append(str(request.url))
        wanted = request.headers.get("range", "bytes=0-")
        begins.append(int(wanted.removeprefix("bytes=").removesuffix("-")))
        status, start, end, lost = next(left)

        async def parts() -> AsyncIterator[bytes]:
            if end > start:
                yield BODY[start:end]
            if lost:
                raise httpx.ReadError("lost")

        return httpx.Response(status, content=parts())

    async def scenario() -> None:
        async def file_url(chat: str, file: str) -> Any:
            return SimpleNamespace(url=f"https://bucket/{chat}/{file}/{len(urls)}")

        async with httpx.AsyncClient(transport=httpx.MockTransport(respond)) as http:
            api: Any = SimpleNamespace(file_url=file_url)
            nobody: Any = None
            settings = Settings(reconnect_base=0)
            files = Files(api, nobody, settings, Random(0), nobody, nobody)
            await files._transfer.close()
            files._transfer._http = http
            fetching = files.fetch("chat", ATTACHMENT, lambda *step: steps.append(step))
            if error is None:
                assert await fetching == CONTENT
                assert steps[-1] == (ALL, ALL)
            else:
                with pytest.raises(error):
                    await fetching
        assert begins == asked
        assert {size for _, size in steps} <= {ALL}
        path = f"https://bucket/chat/{ATTACHMENT.id}"
        assert urls == [f"{path}/{number}" for number in range(len(asked))]  # each is asked for

    asyncio.run(scenario())

"""Which form each try of an upload uses. The same table is in web/test/upload-forms.test.ts."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from random import Random
from typing import Any

import httpx
import pytest

from client.core.attachment import FileDescription
from client.core.bodies_generated import FileResponse
from client.core.events import Event, FileFailed
from client.core.settings import Settings
from client.errors import RateLimited, ServerFault, StoreUnavailable, Unreachable, from_status
from client.files import Draft, Files
from client.store.store import Store
from client.store.uploads import Upload
from client.transfer import Progress, Rejected, Transfer
from tests.support.backend.server import until
from tests.support.rows import rows

CUT, TAKEN, CANCELLED, NOT_WRITTEN = "cut", "taken", "cancelled", "taken, but the disk is full"
STOPPED, TOO_LATE = "cancelled, and without a response", "cancelled, and then rejected"
GOOD = 900 - 60  # seconds in which a form is used again
Try = tuple[str | int, float, int]
"""How it ends (a number is S3's status), how many seconds that takes, and the form it uses."""

TABLE: dict[str, list[Try]] = {
    "the connection is lost": [*[(CUT, 0, 1)] * 7, (TAKEN, 0, 1)],
    "S3 has a fault": [(500, 0, 1), (503, 0, 1), (TAKEN, 0, 1)],
    "S3 rejects the form": [(403, 0, 1), (CUT, 0, 2), (400, 0, 2), (TAKEN, 0, 3)],
    "S3 rejects three forms": [(403, 0, 1), (403, 0, 2), (403, 0, 3)],
    "the form is good for a second": [(CUT, GOOD - 1, 1), (TAKEN, 0, 1)],
    "the form has expired": [(CUT, GOOD, 1), (503, 1, 2), (TAKEN, 0, 2)],
    "it expires in several tries": [(CUT, GOOD / 2, 1), (CUT, GOOD / 2, 1), (TAKEN, 0, 2)],
    "the clock is set back": [(CUT, -1, 1), (TAKEN, 0, 2)],
    "the message is not written": [(NOT_WRITTEN, 0, 1), (TAKEN, 0, 1)],
    "another file follows": [(TAKEN, 0, 1), (TAKEN, 0, 2)],
    "another file follows one that is cancelled": [(CANCELLED, 0, 1), (TAKEN, 0, 2)],
    "what is cancelled is sent no further": [(STOPPED, 0, 1), (TAKEN, 0, 2)],
    "what is cancelled is not tried again": [(403, 0, 1), (TOO_LATE, 0, 2), (TAKEN, 0, 3)],
}


class Bucket:
    """Stands for the API, the transfer and the chat of a device."""

    def __init__(self, tries: list[Try]) -> None:
        self._tries = list(tries)
        self._forms, self._end = 0, ""
        self.asked = 0
        self.error: Exception | None = None  # in place of a form
        self.fails = -1  # so often, and then there are forms; always if negative
        self.now = 1_000.0
        self.used: list[int] = []
        self.sent: list[int] = []
        self.failed: list[FileFailed] = []
        self.store = Store.open(":memory:", "ravi", "phone")
        settings = Settings(reconnect_base=0)
        api: Any = self
        self.files = Files(api, self.store, settings, Random(0), self._send, self._publish)
        self.files._clock = lambda: self.now
        self.files._transfer = self  # type: ignore[assignment]

    async def file_form(self, chat: str, size: int) -> FileResponse:
        self.asked += 1
        if self.error is not None and self.fails != 0:
            self.fails -= 1
            raise self.error
        self._forms += 1
        return FileResponse(str(self._forms), "https://bucket", {"key": str(self._forms)}, 900.0)

    async def put(self, _: str, fields: Mapping[str, str], body: bytes, report: Progress) -> None:
        self.used.append(int(fields["key"]))
        end, seconds, _form = self._tries.pop(0)
        self._end = str(end)
        self.now += seconds
        if end in (CANCELLED, STOPPED, TOO_LATE):
            self.files.cancel(self.store.uploads()[0].message_id)
        if end == STOPPED:
            await asyncio.Event().wait()
        if end == TOO_LATE:
            raise Rejected(403)
        if end in (CUT, CANCELLED):
            raise Unreachable("https://bucket", "the connection is lost")
        if isinstance(end, int):
            raise ServerFault("internal", "S3", end) if end >= 500 else Rejected(end)

    def _send(self, upload: Upload, content: Mapping[str, Any]) -> bool:
        if self._end == NOT_WRITTEN:
            raise StoreUnavailable("the disk is full")
        self.sent.append(int(content["file"]["id"]))
        with self.store.transaction():
            return self.store.remove_upload(upload.message_id)

    def _publish(self, event: Event) -> None:
        if isinstance(event, FileFailed):
            self.failed.append(event)


@pytest.mark.parametrize("tries", TABLE.values(), ids=TABLE)
def test_a_form_is_used_until_s3_rejects_it_or_it_is_about_to_expire(tries: list[Try]) -> None:
    async def scenario() -> None:
        bucket = Bucket(tries)
        ends = [end for end, _, _ in tries]
        ended = sum(end in (TAKEN, CANCELLED, STOPPED, TOO_LATE) for end in ends)
        for number in range(max(1, ended)):
            draft = Draft(f"message-{number}", "chat", b"x", FileDescription(name="a"), {})
            await bucket.files.add(draft)
        running = asyncio.create_task(bucket.files.run())
        await until(lambda: not bucket.store.uploads())
        running.cancel()
        assert bucket.used == [form for _, _, form in tries]
        assert bucket.sent == [form for end, _, form in tries if end == TAKEN]
        assert len(bucket.failed) == (ended == 0)  # three forms were rejected
        bucket.store.close()

    asyncio.run(scenario())


def test_no_form_is_asked_for_before_the_backend_allows_it_whatever_else_is_sent() -> None:
    async def scenario() -> None:
        bucket = Bucket([])
        bucket.error = RateLimited("rate_limited", "slower", 429, 3600.0)
        for name in ("first", "second"):
            await bucket.files.add(Draft(name, "chat", b"x", FileDescription(name="a"), {}))
        running = asyncio.create_task(bucket.files.run())
        await until(lambda: bool(bucket.failed))
        for _ in range(10):
            bucket.files.wake()
            await asyncio.sleep(0)
        assert (bucket.asked, len(bucket.failed), bucket.used) == (1, 1, [])
        assert bucket.files.cancel("second")
        for _ in range(10):
            await asyncio.sleep(0)
        assert bucket.asked == 1
        running.cancel()
        bucket.store.close()

    asyncio.run(scenario())


def test_a_file_that_is_cancelled_holds_up_no_other_by_its_limit() -> None:
    async def scenario() -> None:
        bucket = Bucket([(TAKEN, 0, 1)])
        bucket.error, bucket.fails = RateLimited("rate_limited", "slower", 429, 3600.0), 1
        for name in ("large", "small"):
            await bucket.files.add(Draft(name, "chat", b"x", FileDescription(name="a"), {}))
        running = asyncio.create_task(bucket.files.run())
        await until(lambda: bool(bucket.failed))
        assert bucket.files.cancel("large")
        await until(lambda: bucket.sent == [1])
        running.cancel()
        bucket.store.close()

    asyncio.run(scenario())


@rows(
    ("status", "code", "final"),
    [
        (413, "too_large", True),
        (404, "not_found", True),
        (429, "rate_limited", False),
        (401, "unauthorized", False),
        (403, "forbidden", False),  # the account is disabled, for a while perhaps
        (500, "internal", False),
        (400, "bad_request", False),
        # not from the backend: the client has no code, and takes bad_request
        (403, "bad_request", False),
        (404, "bad_request", False),
        (408, "bad_request", False),
        (413, "bad_request", False),
        (429, "bad_request", False),
    ],
)
def test_a_file_is_given_up_only_where_the_backend_says_that_of_this_file(
    status: int, code: str, final: bool
) -> None:
    async def scenario() -> None:
        bucket = Bucket([(TAKEN, 0, 1)])
        bucket.error, bucket.fails = from_status(status, code, "no"), 1
        await bucket.files.add(Draft("first", "chat", b"x", FileDescription(name="a"), {}))
        running = asyncio.create_task(bucket.files.run())
        await until(lambda: not bucket.store.uploads())
        running.cancel()
        assert [each.final for each in bucket.failed] == (
            [True] if final else [False] if code == "rate_limited" else []
        )
        assert bucket.sent == ([] if final else [1])
        bucket.store.close()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (400, "RequestTimeout", ServerFault),
        (400, "IncompleteBody", ServerFault),
        (400, "EntityTooLarge", Rejected),
        (403, "AccessDenied", Rejected),
        (503, "SlowDown", ServerFault),
    ],
)
def test_what_may_pass_is_tried_again(status: int, code: str, error: type[Exception]) -> None:
    async def scenario() -> None:
        text = f"<Error><Code>{code}</Code><Message>RequestTimeout</Message></Error>"
        transfer = Transfer()
        answer = httpx.MockTransport(lambda _: httpx.Response(status, text=text))
        transfer._http = httpx.AsyncClient(transport=answer)
        with pytest.raises(error):
            await transfer.put("https://bucket", {}, b"x", lambda *_: None)
        await transfer.close()

    asyncio.run(scenario())


def test_the_response_is_waited_for_five_minutes_after_all_was_handed_over() -> None:
    """What the system holds then takes that long over a slow line; a pause before is half a minute."""
    waits: list[dict[str, float]] = []

    def respond(request: httpx.Request) -> httpx.Response:
        waits.append(request.extensions["timeout"])
        return httpx.Response(204)

    async def scenario() -> None:
        transfer = Transfer()
        transfer._http = httpx.AsyncClient(transport=httpx.MockTransport(respond))
        await transfer.put("https://bucket", {}, b"x", lambda *_: None)
        await transfer.close()

    asyncio.run(scenario())
    assert [(each["write"], each["read"]) for each in waits] == [(30, 300)]

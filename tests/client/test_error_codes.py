"""What each error code of the protocol leads to: none ends silently, or in a code."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from client.cli.lines import Lines
from client.cli.text import sentence, why
from client.core import frames
from client.core.attachment import FileDescription
from client.core.events import FileFailed, ServerError, StateChanged
from client.core.ticks import State
from client.errors import CODES, from_status
from client.files import Draft
from lambdas.errors import STATUS
from tests.client.core.scripted_client import Client
from tests.client.test_upload_forms import Bucket
from tests.support.backend.server import until

PROTOCOL = Path(__file__).parents[2] / "lambdas/protocol"
ERROR = json.loads((PROTOCOL / "server/error.json").read_text())["properties"]["code"]["enum"]
SAID = "this is why"


def test_the_client_knows_the_codes_of_frames_and_responses() -> None:
    response = json.loads((PROTOCOL / "rest/error.response.json").read_text())
    assert set(ERROR) == CODES == STATUS.keys()
    assert set(response["properties"]["error"]["properties"]["code"]["enum"]) == CODES


@pytest.mark.parametrize("code", ERROR)
def test_a_text_fails_with_its_reason_or_is_sent_again(code: str) -> None:
    client = Client()
    client.open()
    name = client.write()
    client.receive(frames.ErrorFrame(code, SAID, name, "send"))
    shown: list[str] = []
    lines = Lines(shown.append, colours=False)
    for event in client.reported:
        if isinstance(event, StateChanged) and event.state is State.FAILED:
            lines.changed(event)
    limits = [each for each in client.reported if isinstance(each, ServerError)]
    if code in ("rate_limited", "internal"):
        assert shown == [] and len(limits) == (code == "rate_limited")
        client.after(60.0)
        assert len(client.actions("send")) == 2
    else:
        assert shown == [f"failed hello: {SAID}"] and limits == []
    client.store.close()


@pytest.mark.parametrize("code", ERROR)
def test_a_request_that_is_rejected_is_reported_in_a_sentence(code: str) -> None:
    error = from_status(STATUS[code], code, SAID)
    assert sentence(error) == why(f"{code}: {SAID}") == SAID
    assert type(error).__name__ != "ApiError"


@pytest.mark.parametrize("code", ERROR)
def test_a_file_is_given_up_with_its_reason_or_is_tried_again(code: str) -> None:
    waits = code not in ("too_large", "not_found")

    async def scenario() -> None:
        bucket = Bucket([])
        bucket.error = from_status(STATUS[code], code, SAID)
        await bucket.files.add(Draft("first", "chat", b"x", FileDescription(name="a"), {}))
        running = asyncio.create_task(bucket.files.run())
        await until(lambda: bool(bucket.failed) or bucket.asked > 1)
        assert bool(bucket.store.uploads()) == waits
        expected = [FileFailed("chat", "first", f"{code}: {SAID}", final=True)]
        assert waits or bucket.failed == expected
        running.cancel()
        bucket.store.close()

    asyncio.run(scenario())

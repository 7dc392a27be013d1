"""The Runtime API: results that a runtime sends in chunks, without saying how long they are."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
from tests.rows import rows

from emulator.functions.failures import MAX_RESPONSE
from emulator.functions.model import Function
from emulator.functions.runtime_api import Invocation, RuntimeApi


# "Lambda quotas": the invocation payload of a response, and what Lambda puts around it.
@rows(("size", "status"), [(MAX_RESPONSE, 202), (MAX_RESPONSE + 1, 413)])
def test_a_result_in_chunks_is_measured_as_any_other(size: int, status: int) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"x" * (size - 1)
        yield b"x"

    async def scenario() -> tuple[int, bytes, bool]:
        here = Path()
        api = RuntimeApi(Function("send", "arn", "Send", "handler.handler", here, here))
        await api.start()
        base = f"http://{api.address}/2018-06-01/runtime/invocation"
        async with aiohttp.ClientSession() as http:
            asked = asyncio.create_task(http.get(f"{base}/next"))
            await api.asked.wait()
            invocation = Invocation(b"{}", "arn")
            api.give(invocation)
            await asked
            response = await http.post(f"{base}/{invocation.request_id}/response", data=chunks())
        result = await invocation.result
        await api.stop()
        return response.status, result.payload, result.error

    found, payload, error = asyncio.run(asyncio.wait_for(scenario(), 30))
    assert (found, error) == (status, status == 413)
    if error:
        assert json.loads(payload)["errorType"] == "Function.ResponseSizeTooLarge"
    else:
        assert len(payload) == size

"""A call whose caller gave up before its turn is not handled: the caller has sent it again
already."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterable
from typing import Any

from emulator.aws import front
from emulator.aws.saving import Saving
from emulator.aws.sqs import LongPolls
from emulator.listening import bound, number

REQUEST = b"POST /%d HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"


def test_a_call_whose_caller_left_while_another_one_ran_is_not_handled() -> None:
    callers: list[socket.socket] = []
    served: list[str] = []

    def wsgi(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        served.append(environ["PATH_INFO"])
        for caller in callers[1:-1]:  # while this call runs, as if it took seconds
            caller.close()
        start("200 OK", [])
        return [b""]

    async def scenario() -> None:
        holder = bound(0, "a test")
        runner = await front.listen(front.application(wsgi, LongPolls(), Saving()), holder)
        for call in range(4):
            caller = socket.create_connection(("127.0.0.1", number(holder)))
            caller.sendall(REQUEST % call)
            callers.append(caller)
        for remaining in (callers[0], callers[-1]):
            line = await asyncio.to_thread(remaining.recv, 12)
            assert line == b"HTTP/1.1 200"
            remaining.close()
        await runner.cleanup()

    asyncio.run(asyncio.wait_for(scenario(), 20))
    assert served == ["/0", "/3"]

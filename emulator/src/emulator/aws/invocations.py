"""The relay of Lambda's Invoke calls to where the functions run, which is another process."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import ClientSession, ClientTimeout, web

from emulator.aws import served
from emulator.iam.errors import Error

PREFIX = "/2015-03-31/"
PATH = f"{PREFIX}functions/{{name}}/invocations"
# a function may run for 15 minutes
TIMEOUT = ClientTimeout(total=16 * 60)
PASSED_ON = (
    "X-Amz-Client-Context",
    "X-Amz-Durable-Execution-Name",
    "X-Amz-Invocation-Type",
    "X-Amz-Log-Type",
    "X-Amz-Tenant-Id",
)
HOP = ("content-length", "connection", "transfer-encoding", "date", "server")


def add_routes(
    app: web.Application,
    url: str,
    region: str,
    error: Callable[[web.Request, bytes], Error | None],
) -> None:
    """`url` is the base URL of `emulator.functions.invoke_api`; `region` the only one that is
    served; `error` gives the response to who may not invoke."""

    async def invoke(request: web.Request) -> web.Response:
        scope = served.scope_of(request.headers, request.query_string)
        if why := served.rejection(scope, region):
            return served.rejected(request.headers, why)
        headers = {name: request.headers[name] for name in PASSED_ON if name in request.headers}
        body = await request.read()
        if denied := error(request, body):
            return web.Response(status=denied.status, headers=denied.headers, body=denied.body)
        async with (
            ClientSession(timeout=TIMEOUT, auto_decompress=False) as session,
            session.post(url + request.raw_path, data=body, headers=headers) as found,
        ):
            passed = {
                name: found.headers[name] for name in found.headers if name.lower() not in HOP
            }
            return web.Response(status=found.status, body=await found.read(), headers=passed)

    app.router.add_post(PATH, invoke)

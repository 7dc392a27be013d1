"""Which responses are the load balancer's own and which the application's, as a client sees them."""

import json
import re
import secrets

import pytest

from tests.support.running_system import (
    RawResponse,
    RunScene,
    State,
    System,
    exchange,
    get,
    tasks_in,
    traces,
)

pytestmark = pytest.mark.xdist_group("story")

MEGABYTE = 1024 * 1024
HOPS = ", ".join(f"192.0.2.{number}" for number in range(31))


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        pytest.param(b"GET /api/health HTTP/1.1\r\n\r\n", 400, id="no Host"),
        pytest.param(get("/api/health", "A: b\0"), 400, id="NUL in a header"),
        pytest.param(get("/api/health").replace(b"GET", b"TRACE"), 405, id="TRACE"),
        pytest.param(get("/api/health?" + "x" * 20_000), 414, id="a long URL"),
        pytest.param(get("/api/health", f"X-Forwarded-For: {HOPS}"), 463, id="31 addresses"),
    ],
)
def test_what_no_target_should_see_the_balancer_answers(
    three_targets: RunScene, request_bytes: bytes, status: int
) -> None:
    async def scene(system: System) -> None:
        before = await requests_of(system)
        require_page(await exchange(system.api, request_bytes), status)
        assert await requests_of(system) == before

    three_targets(scene)


async def requests_of(system: System) -> int:
    return sum(target["requests"] for target in (await system.targets("small")).values())


def require_page(response: RawResponse, status: int) -> None:
    assert (response.status, response.headers["server"]) == (status, "awselb/2.0")
    assert response.headers["content-type"] == "text/html"
    assert f"<h1>{status}".encode() in response.body
    assert "x-served-by" not in response.headers


def test_a_body_that_a_function_cannot_take_is_413_and_the_balancers(
    three_targets: RunScene,
) -> None:
    async def scene(system: System) -> None:
        await system.weigh(small=1, **{"lambda": 999})
        require_page(await exchange(system.api, sign_in(b"x" * (MEGABYTE + 1))), 413)

    three_targets(scene)


def sign_in(body: bytes) -> bytes:
    return (
        get(
            "/api/sign-in", "Content-Type: application/json", f"Content-Length: {len(body)}"
        ).replace(b"GET", b"POST")
        + body
    )


@pytest.mark.parametrize(
    ("request_bytes", "status", "code"),
    [
        pytest.param(sign_in(b"{"), 400, "bad_request", id="no JSON"),
        pytest.param(get("/api/chats"), 401, "unauthorized", id="no token"),
        pytest.param(get("/api/nothing"), 404, "not_found", id="no route"),
        pytest.param(get("/nothing"), 404, "not_found", id="no route by the default rule"),
        pytest.param(get("/api/sign-in"), 405, "bad_request", id="no such method"),
        pytest.param(sign_in(b"x" * (MEGABYTE + 1)), 413, "too_large", id="a large body"),
    ],
)
def test_the_applications_own_errors_have_the_protocols_one_shape(
    three_targets: RunScene, request_bytes: bytes, status: int, code: str
) -> None:
    async def scene(system: System) -> None:
        response = await exchange(system.api, request_bytes)
        assert response.headers["x-served-by"].startswith("small/")
        document = json.loads(response.body)
        assert (response.status, document["error"]["code"]) == (status, code)
        assert document == {"error": {"code": code, "message": document["error"]["message"]}}

    three_targets(scene)


def test_the_application_can_log_which_request_it_was(three_targets: RunScene) -> None:
    """With the client's trace id, or one that the balancer has made."""

    async def scene(system: System) -> None:
        root = f"Root=1-67891233-{secrets.token_hex(12)}"
        await exchange(system.api, get("/api/health", f"X-Amzn-Trace-Id: {root}"))
        await exchange(system.api, get("/api/nothing"))

        def logged(state: State) -> bool:
            logs = [trace for task in tasks_in(state, "small").values() for trace in traces(task)]
            given = [trace for trace in logs if re.fullmatch(rf"Self=1-[0-9a-f-]+;{root}", trace)]
            made = [trace for trace in logs if re.fullmatch(r"Root=1-\w{8}-\w{24}", trace)]
            return bool(len(given) == 1 and made)

        await system.until("both are in the log", logged)

    three_targets(scene)

"""What a task decides without I/O: ids, signatures, routes, slices."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, ClassVar

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from lambdas.connections import sign
from lambdas.settings import Settings
from lambdas.sockets import draining, routes
from lambdas.sockets.ids import RANDOM_BYTES, Holder, holder_of, new_id
from lambdas.sockets.pace import Pace
from lambdas.sockets.routes import Dispatcher
from lambdas.sockets.server import own_address
from lambdas.sockets.signatures import Posted, is_signed, may_be_signed
from lambdas.telemetry import SharedMetrics
from stacks.config.functions import FUNCTIONS
from tests.support.examples import texts
from tests.support.rows import rows

NOW = 1_800_000_000.0
PATH = "/sockets/@connections/AAAA"


@given(st.ip_addresses(v=4), st.integers(1, 65535), st.binary(min_size=12, max_size=12))
def test_an_id_leads_to_its_holder(address: Any, port: int, random: bytes) -> None:
    assert holder_of(new_id(Holder(str(address), port), random)) == Holder(str(address), port)
    assert len(random) == RANDOM_BYTES


@given(texts(max_size=40))
def test_any_text_is_an_id_or_none(text: str) -> None:
    holder = holder_of(text)
    assert holder is None or len(text) == 24


def test_an_id_of_api_gateway_leads_to_no_task() -> None:
    """In base64 as well: of connections from before an environment moved to tasks."""
    assert holder_of("L0SM9cOFvHcCIhw=") is None


def signed(**changed: Any) -> bool:
    """A request that is right but for what is `changed` after it was signed."""
    headers = sign(
        method="POST",
        host="task:8080",
        path=PATH,
        body=b"{}",
        region="us-east-1",
        credentials=("sockets", "secret", None),
        now=NOW,
    )
    request = {"method": "POST", "path": PATH, "body": b"{}", "headers": {**headers}}
    for name, value in changed.pop("headers", {}).items():
        request["headers"][name] = value  # type: ignore[index]
    asked: Any = {"secret": "secret", "region": "us-east-1", "now": NOW, **request, **changed}
    posted = Posted(*(asked.pop(name) for name in Posted._fields))
    return is_signed(posted, **asked)


def test_a_request_that_is_signed_now_is_taken() -> None:
    assert signed()
    assert signed(now=NOW + 300)
    assert signed(now=NOW - 300)


@rows(
    "changed",
    [
        {"secret": "another"},
        {"method": "DELETE"},
        {"path": "/sockets/@connections/BBBB"},
        {"body": b"{ }"},
        # a digest that nobody signed says nothing of the body
        {"body": b"{ }", "headers": {"x-amz-content-sha256": sha256(b"{}").hexdigest()}},
        {"region": "eu-west-1"},
        {"now": NOW + 301},
        {"now": NOW - 301},
        {"headers": {"host": "another"}},
        {"headers": {"authorization": ""}},
        {"headers": {"x-amz-date": "20270115T080001Z"}},
        {"headers": {"x-amz-date": "yesterday"}},
    ],
)
def test_a_request_that_is_not_what_was_signed_is_rejected(changed: Any) -> None:
    assert not signed(**changed)


@pytest.mark.parametrize(
    ("old", "new"), [("host;", ""), (";x-amz-date", ""), ("/2027", "/2026"), ("us-east", "eu-east")]
)
def test_what_has_not_the_form_of_a_signature_is_rejected_without_its_body(
    old: str, new: str
) -> None:
    given = sign(
        method="POST",
        host="task:8080",
        path=PATH,
        body=b"{}",
        region="us-east-1",
        credentials=("sockets", "secret", None),
        now=NOW,
    )
    changed = {**given, "authorization": given["authorization"].replace(old, new)}
    assert changed != dict(given)
    assert may_be_signed(given, "us-east-1", NOW)
    assert not may_be_signed(changed, "us-east-1", NOW)


def test_a_pause_however_long_gives_one_burst_and_then_the_rate() -> None:
    pace = Pace(burst=2, each_second=1, now=0)
    assert [pace.wait(100) for _ in range(4)] == [0, 0, 1, 2]
    assert pace.wait(102) == 1


def test_tasks_have_the_routes_of_the_functions() -> None:
    of_functions = {route: row.handler for row in FUNCTIONS.values() for route in row.routes}
    here = {route: f"{_module(handler)}.handler" for route, handler in routes.ROUTES.items()}
    assert here == of_functions


def _module(handler: Any) -> str:
    """Of the handler's file: frame_handler and decorators make the function elsewhere."""
    (name,) = {
        name
        for name, module in sys.modules.items()
        if name.startswith("lambdas.") and vars(module).get("handler") is handler
    }
    return name


@rows(
    "frame, route",
    [
        ('{"action": "ping"}', "ping"),
        ('{"action": "send", "x": 1}', "send"),
        ('{"action": "$connect"}', "$default"),
        ('{"action": "$disconnect"}', "$default"),
        ('{"action": "unknown"}', "$default"),
        ('{"action": ["ping"]}', "$default"),
        ("[1]", "$default"),
        ("no JSON", "$default"),
        ("[" * 100_000, "$default"),
    ],
)
def test_the_field_action_selects_the_route(frame: str, route: str) -> None:
    assert Dispatcher(time.time, lambda: "id").route_of(frame) == route


@given(st.integers(0, 500), st.floats(0.1, 120))
def test_slices_have_everything_once_and_are_equal(count: int, seconds: float) -> None:
    parts = draining.slices(range(count), seconds)
    assert sorted(each for part in parts for each in part) == list(range(count))
    sizes = [len(part) for part in parts]
    assert max(sizes) - min(sizes) <= 1
    assert len(parts) <= max(1, seconds / draining.SLICE_SECONDS)


def test_two_thousand_clients_return_at_no_more_than_twice_the_mean_rate() -> None:
    """With a minute to drain, and within each second."""
    seconds = 60.0
    parts = draining.slices(range(2_000), seconds)
    each = seconds / len(parts)
    closed = [0] * int(seconds)
    for number, part in enumerate(parts):
        closed[int(number * each)] += len(part)
    assert max(closed) <= 2 * 2_000 / seconds


def test_threads_add_to_metrics_and_write_them_without_losing_any(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "tests")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "sockets")
    shared = SharedMetrics()

    def work(_: int) -> None:
        for _ in range(50):
            shared.add_metric(name="Frames", unit="Count", value=1)
            shared.flush_metrics()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(8)))
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert sum(sum(line["Frames"]) for line in lines) == 400


def test_a_task_drains_once_its_target_is_draining_whatever_the_states_before() -> None:
    throttled = ClientError({"Error": {"Code": "Throttling"}}, "DescribeTargetHealth")
    faults = [OSError("unreachable"), throttled]
    states = iter(["initial", "healthy", *faults, "unhealthy", "draining"])

    def read_state() -> str:
        state = next(states)
        if isinstance(state, Exception):
            raise state
        return str(state)

    asyncio.run(asyncio.wait_for(draining.until_draining(read_state, every=0, first=0), 30))
    assert next(states, None) is None


def test_a_task_asks_for_its_own_state_by_its_address() -> None:
    own = Holder("10.0.1.2", 8090)

    class Client:
        found: ClassVar[list[str]] = ["draining"]

        def describe_target_health(self, **asked: Any) -> Any:
            assert asked == {
                "TargetGroupArn": "arn",
                "Targets": [{"Id": "10.0.1.2", "Port": 8090}],
            }
            return {
                "TargetHealthDescriptions": [{"TargetHealth": {"State": s}} for s in self.found]
            }

    client = Client()
    assert draining.state_of_target(client, "arn", own) == "draining"
    client.found.clear()
    assert draining.state_of_target(client, "arn", own) == "unused"


class Metadata(BaseHTTPRequestHandler):
    """The endpoint of task metadata, version 4, as far as it is read."""

    def do_GET(self) -> None:
        body = json.dumps({"Networks": [{"IPv4Addresses": ["10.0.1.2"]}]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Quiet."""


def test_a_task_knows_its_address_from_ecs_and_on_a_laptop_from_its_host() -> None:
    assert own_address(Settings({"HOST": "127.0.0.1"}), 8090) == Holder("127.0.0.1", 8090)
    with HTTPServer(("127.0.0.1", 0), Metadata) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/v4/task"
        settings = Settings({"ECS_CONTAINER_METADATA_URI_V4": url})
        assert own_address(settings, 8090) == Holder("10.0.1.2", 8090)
        server.shutdown()

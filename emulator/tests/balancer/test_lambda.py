"""The Lambda bridge: events and responses, whole, from the golden files and over the wire.

tests/balancer/golden/lambda_bridge holds the shapes that AWS documents; each names its source. In an
event {port}, {target group}, {time} and {id} stand for what differs from run to run.
"""

import asyncio
import base64
import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest
from tests.balancer.scene import LAMBDA, Scene, balancing, until
from tests.rows import rows

from emulator.balancer.messages import lambda_bridge
from emulator.balancer.messages.lambda_bridge import Incoming, Malformed
from emulator.providers import InvokeResult, Throttled

GOLDEN = Path(__file__).parent / "golden" / "lambda_bridge"
EVENTS = {path.stem: json.loads(path.read_text()) for path in GOLDEN.glob("events/*.json")}
RESPONSES = {path.stem: json.loads(path.read_text()) for path in GOLDEN.glob("responses/*.json")}
MALFORMED = json.loads((GOLDEN / "malformed.json").read_text())
CLOSE = "Connection: close"


def run(scenario: Any) -> None:
    asyncio.run(scenario())


def group(multi_value: bool, **more: Any) -> dict[str, tuple[dict[str, Any], int]]:
    attribute = {"Key": "lambda.multi_value_headers.enabled", "Value": str(multi_value).lower()}
    return {"lambda": ({**LAMBDA, "TargetGroupAttributes": [attribute], **more}, 1)}


def bytes_of(text: dict[str, Any]) -> bytes:
    if "body_base64" in text:
        return base64.b64decode(text["body_base64"])
    return str(text["body"]).encode()


def without_what_differs(event: Any, scene: Scene) -> Any:
    text = json.dumps(event, ensure_ascii=False)
    text = text.replace(scene.arns["lambda"], "{target group}")
    text = re.sub(rf'(:|"){scene.port}"', r'\1{port}"', text)
    text = re.sub(r"(Root|Self)=1-[0-9a-f]{8}-[0-9a-f]{24}", _own_trace, text, count=1)
    return json.loads(text)


def _own_trace(found: re.Match[str]) -> str:
    return f"{found[1]}=1-{{time}}-{{id}}"


@rows("name", EVENTS)
def test_an_event_over_the_wire_is_the_documented_one(name: str) -> None:
    golden = EVENTS[name]
    request = golden["request"]

    async def scenario() -> None:
        events = []

        async def function(event: dict[str, Any]) -> Any:
            events.append(event)
            return {"statusCode": 200}

        checks = request.get("health_check")
        more = {"HealthCheckEnabled": True, "HealthCheckPath": checks} if checks else {}
        groups = group(golden["multi_value_headers"], **more)
        async with balancing(groups, function=function) as scene:
            if not checks:
                reader, writer = await scene.connect()
                head = "\r\n".join([*request["head"], "", ""])
                writer.write(head.encode() + bytes_of(request))
                assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 OK\r\n")
                writer.close()
            await until(lambda: events)
            assert without_what_differs(events[0], scene) == golden["event"]

    run(scenario)


@rows("name", RESPONSES)
def test_a_response_over_the_wire_is_the_documented_one(name: str) -> None:
    golden = RESPONSES[name]
    http = golden["http"]

    async def scenario() -> None:
        async def function(_event: dict[str, Any]) -> Any:
            return golden["response"]

        async with balancing(group(golden["multi_value_headers"]), function=function) as scene:
            reader, writer = await scene.connect()
            writer.write(f"{golden['method']} / HTTP/1.1\r\nHost: h\r\n\r\n".encode())
            head = (await reader.readuntil(b"\r\n\r\n")).decode().removesuffix("\r\n\r\n")
            line, *fields = head.split("\r\n")
            assert line == f"HTTP/1.1 {http['status']} {http['reason']}"
            pairs = [field.split(": ", 1) for field in fields]
            for header, values in http["headers"].items():
                assert [value for key, value in pairs if key == header] == values
            body = bytes_of(http)
            assert await reader.readexactly(len(body)) == body
            writer.write(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            assert (await reader.read(-1)).startswith(b"HTTP/1.1 ")  # nothing came in between
            writer.close()
            assert scene.counted() == {str(http["status"]): 2}

    run(scenario)


def payload_of(case: dict[str, Any]) -> bytes:
    def spelled_out(value: Any) -> Any:
        if isinstance(value, dict) and value.keys() == {"repeat", "times"}:
            return value["repeat"] * value["times"]
        if isinstance(value, dict):
            return {key: spelled_out(each) for key, each in value.items()}
        return value

    if "raw" in case:
        return str(spelled_out(case["raw"])).encode()
    return json.dumps(spelled_out(case["response"])).encode()


@rows("case", MALFORMED, ids=[case["why"] for case in MALFORMED])
def test_a_malformed_response_is_502(case: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        lambda_bridge.response_of(payload_of(case), case["multi_value_headers"])

    async def scenario() -> None:
        async def function(_event: dict[str, Any]) -> Any:
            return InvokeResult(payload_of(case), False)

        async with balancing(group(case["multi_value_headers"]), function=function) as scene:
            response = await scene.exchange(
                f"GET / HTTP/1.1\r\nHost: h\r\n{CLOSE}\r\n\r\n".encode()
            )
            assert response.startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
            assert response.count(b"HTTP/1.1") == 1
            assert scene.in_flight() == 0
            assert scene.counted() == {"none": 1}

    run(scenario)


@pytest.mark.parametrize(
    "fails",
    [
        InvokeResult(b'{"errorMessage": "Task timed out after 3.00 seconds"}', True),
        InvokeResult(b'{"errorMessage": "x", "errorType": "ValueError"}', True),
        Throttled("Api"),
        RuntimeError("no worker"),
    ],
    ids=["its time is over", "it raises", "it is throttled", "it can't be called"],
)
def test_a_function_that_fails_is_502(fails: InvokeResult | Exception) -> None:
    async def scenario() -> None:
        async def function(_event: dict[str, Any]) -> Any:
            if isinstance(fails, Exception):
                raise fails
            return fails

        async with balancing(group(True), function=function) as scene:
            assert (await scene.get())[0] == 502
            assert scene.in_flight() == 0

    run(scenario)


def test_a_body_of_1_mb_passes_and_one_byte_more_is_413() -> None:
    async def scenario() -> None:
        sizes = []

        async def function(event: dict[str, Any]) -> Any:
            sizes.append(len(base64.b64decode(event["body"])))
            return {"statusCode": 200}

        async with balancing(group(True), function=function) as scene:
            most = 1024 * 1024
            assert (await scene.get("/", "POST", data=b"x" * most))[0] == 200
            assert (await scene.get("/", "POST", data=b"x" * (most + 1)))[0] == 413
            chunked = b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
            chunks = b"%x\r\n%b\r\n0\r\n\r\n" % (most + 1, b"x" * (most + 1))
            assert (await scene.exchange(chunked + chunks)).startswith(b"HTTP/1.1 413 ")
            assert sizes == [most]
            assert scene.in_flight() == 0

    run(scenario)


def test_a_client_that_expects_100_gets_it_before_its_length_is_looked_at() -> None:
    """ "... respond to the client immediately with an HTTP 100 Continue without testing the content
    length header": "How Elastic Load Balancing works", user guide."""

    async def scenario() -> None:
        async with balancing(group(True)) as scene:
            too_long = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1048577\r\n"
            response = await scene.exchange(too_long + b"Expect: 100-continue\r\n\r\n")
            assert re.findall(rb"HTTP/1\.1 (\d+)", response) == [b"100", b"413"]

    run(scenario)


def test_a_response_of_1_mb_passes_and_one_byte_more_is_malformed() -> None:
    fits = json.dumps({"statusCode": 200, "body": ""}).encode()
    body = "x" * (1024 * 1024 - len(fits))
    response = json.dumps({"statusCode": 200, "body": body}).encode()
    assert len(lambda_bridge.response_of(response, False).body) == len(body)
    with pytest.raises(Malformed, match="over 1 MB"):
        lambda_bridge.response_of(response + b" ", False)


def test_a_function_may_take_longer_than_the_idle_timeout() -> None:
    async def scenario() -> None:
        async def function(_event: dict[str, Any]) -> Any:
            await asyncio.sleep(2.5)  # "waits until your Lambda function responds or times out"
            return {"statusCode": 200, "body": "late"}

        impatient = {"idle_timeout.timeout_seconds": "1"}
        async with balancing(group(True), attributes=impatient, function=function) as scene:
            assert await scene.get() == (200, "late")

    run(scenario)


def test_a_client_that_leaves_is_counted_at_once_and_the_function_finishes() -> None:
    async def scenario() -> None:
        called, release, finished = asyncio.Event(), asyncio.Event(), asyncio.Event()

        async def function(_event: dict[str, Any]) -> Any:
            called.set()
            await release.wait()
            finished.set()
            return {"statusCode": 200}

        async with balancing(group(True), function=function) as scene:
            _, writer = await scene.connect()
            writer.write(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            await called.wait()
            assert scene.in_flight() == 1
            writer.transport.abort()
            await until(lambda: scene.in_flight() == 0)
            release.set()
            await finished.wait()
            assert scene.counted() == {"460": 1}

    run(scenario)


@rows(
    ("headers", "body", "encoded"),
    [
        ([("Content-Type", "text/plain")], b"hi", False),
        ([("content-type", "TEXT/css; charset=x")], b"hi", False),
        ([("Content-Type", "application/json")], b"{}", False),
        ([("Content-Type", "application/javascript")], b"1", False),
        ([("Content-Type", "application/xml")], b"<a/>", False),
        ([("Content-Type", "application/ld+json")], b"{}", True),
        ([("Content-Type", "application/octet-stream")], b"hi", True),
        ([("Content-Type", "image/png")], b"\x89PNG", True),
        ([("Content-Type", "text/plain"), ("Content-Encoding", "gzip")], b"hi", True),
        ([("Content-Type", "text/plain")], b"\xff", True),
        ([], b"hi", True),
        ([], b"", False),
        ([("Content-Type", "image/png")], b"", False),
    ],
)
def test_bodies_are_base64_unless_their_type_is_text(headers: Any, body: Any, encoded: Any) -> None:
    event = lambda_bridge.event_of(Incoming("POST", "/", "", headers, body), "arn", True)
    assert event["isBase64Encoded"] is encoded
    assert event["body"] == (base64.b64encode(body).decode() if encoded else body.decode())


def test_every_field_but_the_status_code_may_be_left_out() -> None:
    whole = {
        "statusDescription": "200 OK",
        "headers": {},
        "multiValueHeaders": {},
        "body": "",
        "isBase64Encoded": False,
    }
    for absent in (*itertools.combinations(whole, 1), tuple(whole)):
        document = {"statusCode": 200} | {k: v for k, v in whole.items() if k not in absent}
        for multi_value in (False, True):
            response = lambda_bridge.response_of(json.dumps(document).encode(), multi_value)
            assert (response.status, response.headers, response.body) == (200, [], b"")


@rows(
    ("description", "reason"),
    [
        ("200 OK", "OK"),
        ("200", ""),
        ("", ""),
        ("200  All well", "All well"),
        ("OK", "OK"),
        ("2000 OK", "2000 OK"),
    ],
)
def test_the_reason_is_what_follows_the_status_in_its_description(
    description: str, reason: str
) -> None:
    document = {"statusCode": 200, "statusDescription": description}
    assert lambda_bridge.response_of(json.dumps(document).encode(), False).reason == reason


def test_raw_utf_8_in_a_path_is_text_in_the_event() -> None:
    async def scenario() -> None:
        events = []

        async def function(event: dict[str, Any]) -> Any:
            events.append(event)
            return {"statusCode": 200}

        async with balancing(group(False), function=function) as scene:
            request = f"GET /ä?ö=ü HTTP/1.1\r\nHost: h\r\n{CLOSE}\r\n\r\n".encode()
            assert (await scene.exchange(request)).startswith(b"HTTP/1.1 200 ")
            assert events[0]["path"] == "/ä"
            assert events[0]["queryStringParameters"] == {"ö": "ü"}

    run(scenario)

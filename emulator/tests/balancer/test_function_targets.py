"""Functions as targets of the load balancer, over real sockets."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.balancer.scene import LAMBDA, balancing
from tests.rows import rows
from yarl import URL

from emulator.balancer.provider import PREFIX, LoadBalancingProvider
from emulator.clock import Clock
from emulator.providers import EmulatorError, InvokeResult, Resource, Throttled


def run(scenario: Any) -> None:
    asyncio.run(scenario())


def test_a_function_gets_the_event_and_its_response_goes_back() -> None:
    events = []

    async def function(event: dict[str, Any]) -> Any:
        events.append(event)
        return {
            "statusCode": 201,
            "statusDescription": "201 Made",
            "multiValueHeaders": {"Set-Cookie": ["a=1", "b=2"], "Content-Type": ["image/png"]},
            "body": "iVBO",
            "isBase64Encoded": True,
        }

    async def scenario() -> None:
        async with (
            balancing({"lambda": (LAMBDA, 1)}, function=function) as scene,
            scene.session.post(
                URL(scene.provider.url + "/a%20b?q=%41&q=2", encoded=True),
                data='{"a": "é"}'.encode(),
                headers={"Content-Type": "application/json"},
            ) as response,
        ):
            assert (response.status, response.reason) == (201, "Made")
            assert response.headers.getall("Set-Cookie") == ["a=1", "b=2"]
            assert await response.read() == b"\x89PN"
            (event,) = events
            assert event["requestContext"]["elb"]["targetGroupArn"] == scene.arns["lambda"]
            assert (event["httpMethod"], event["path"]) == ("POST", "/a%20b")
            assert event["multiValueQueryStringParameters"] == {"q": ["%41", "2"]}
            assert event["body"] == '{"a": "é"}'
            assert event["multiValueHeaders"]["x-forwarded-for"] == ["127.0.0.1"]

    run(scenario)


@pytest.mark.parametrize(
    "response",
    [
        {"statusCode": "200"},
        InvokeResult(b'{"errorMessage": "x"}', True),
        {"statusCode": 200, "body": "x" * 1024 * 1024},
        Throttled("Api"),
    ],
)
def test_a_function_that_fails_is_502(response: Any) -> None:
    async def function(_event: dict[str, Any]) -> Any:
        if isinstance(response, Throttled):
            raise response
        return response

    async def scenario() -> None:
        async with balancing({"lambda": (LAMBDA, 1)}, function=function) as scene:
            assert (await scene.get())[0] == 502

    run(scenario)


def test_what_a_function_cannot_take_is_rejected_without_calling_it() -> None:
    async def function(_event: dict[str, Any]) -> None:
        raise AssertionError("called")

    async def pieces() -> AsyncIterator[Any]:
        for _ in range(17):
            yield b"x" * 65536

    async def scenario() -> None:
        async with balancing({"lambda": (LAMBDA, 1)}, function=function) as scene:
            assert (await scene.get("/", "POST", data=b"x" * (1024 * 1024 + 1)))[0] == 413
            assert (await scene.get("/", "POST", data=pieces()))[0] == 413
            upgrade = {"Connection": "Upgrade", "Upgrade": "websocket"}
            assert (await scene.get("/", headers=upgrade))[0] == 400
            hops = ", ".join(["10.0.0.1"] * 31)
            assert (await scene.get("/", headers={"X-Forwarded-For": hops}))[0] == 463

    run(scenario)


def test_a_functions_health_is_checked_where_that_is_on() -> None:
    states = {"status": 200}

    async def function(event: dict[str, Any]) -> Any:
        assert event["path"] == "/health"
        return {"statusCode": states["status"]}

    async def scenario() -> None:
        checked = {**LAMBDA, "HealthCheckEnabled": True, "HealthCheckPath": "/health"}
        checked |= {"HealthCheckIntervalSeconds": 5, "HealthCheckTimeoutSeconds": 2}
        checked |= {"UnhealthyThresholdCount": 2}
        async with balancing({"lambda": (checked, 1)}, function=function) as scene:
            await scene.until_state("lambda", "Api", "healthy")
            states["status"] = 500
            await scene.until_state("lambda", "Api", "unhealthy")

    run(scenario)


def test_a_listener_for_https_redirects_to_none_for_http() -> None:
    async def invoke(_function: str, _payload: bytes) -> InvokeResult:
        raise AssertionError("called")

    async def scenario() -> None:
        provider = LoadBalancingProvider(invoke, port=0, clock=Clock(), any_host=True)
        redirect = {"Protocol": "HTTP", "Port": "80", "StatusCode": "HTTP_301"}
        action = {"Type": "redirect", "RedirectConfig": redirect}
        properties = {"LoadBalancerArn": "arn", "Protocol": "HTTPS", "DefaultActions": [action]}
        properties["Certificates"] = [{"CertificateArn": "arn"}]
        resource = Resource("Web", "Thing", PREFIX + "Listener", properties)
        with pytest.raises(EmulatorError, match="can't redirect HTTPS to HTTP"):
            await provider.create(resource, properties)

    run(scenario)


@rows(
    ("kind", "properties", "message"),
    [
        ("LoadBalancer", {"Type": "gateway"}, "type gateway"),
        (
            "LoadBalancer",
            {"LoadBalancerAttributes": [{"Key": "routing.http.x", "Value": "1"}]},
            "attribute routing.http.x",
        ),
        ("Listener", {"Protocol": "TLS", "DefaultActions": []}, "listener for TLS"),
        ("Listener", {"Protocol": "HTTPS", "DefaultActions": []}, "has a certificate"),
        ("Listener", {"MutualAuthentication": {"Mode": "verify"}}, "MutualAuthentication of"),
        ("Listener", {"SslPolicy": "ELBSecurityPolicy-TLS13-1-2-2021-06"}, "SslPolicy of"),
        (
            "Listener",
            {"ListenerAttributes": [{"Key": "tcp.idle_timeout.seconds", "Value": "60"}]},
            "attribute tcp.idle_timeout",
        ),
        ("TargetGroup", {"TargetType": "ip", "ProtocolVersion": "GRPC"}, "HTTP1"),
        ("TargetGroup", {"TargetType": "ip", "ProtocolVersion": "HTTP2"}, "HTTP1"),
        ("TargetGroup", {"TargetType": "ip", "Targets": [{"Id": "10.0.0.1"}]}, "by address"),
        (
            "TargetGroup",
            {"TargetType": "lambda", "Targets": [{"Id": "a"}, {"Id": "b"}]},
            "a single",
        ),
        (
            "ListenerRule",
            {"Transforms": [{"Type": "url-rewrite"}], "Conditions": [], "Actions": []},
            "transforms",
        ),
    ],
)
def test_what_is_unsupported_is_rejected_by_name(
    kind: str, properties: dict[str, Any], message: str
) -> None:
    async def scenario() -> None:
        async def invoke(_function: str, _payload: bytes) -> InvokeResult:
            raise AssertionError("called")

        provider = LoadBalancingProvider(invoke, port=0, clock=Clock(), any_host=True)
        resource = Resource("Web", "Thing", PREFIX + kind, properties)
        with pytest.raises(EmulatorError, match=message) as caught:
            await provider.create(resource, properties)
        assert "Thing in stack Web" in str(caught.value)

    run(scenario)

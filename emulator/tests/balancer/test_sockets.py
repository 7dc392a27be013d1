"""The load balancer over real sockets."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from tests.balancer.scene import CHECKED, LAMBDA, balancing, until
from yarl import URL

from emulator.balancer.provider import PREFIX, LoadBalancingProvider
from emulator.clock import Clock
from emulator.providers import EmulatorError, InvokeResult, Resource, Throttled


def run(scenario: Any) -> None:
    asyncio.run(scenario())


def with_attributes(properties: dict[str, Any], **attributes: Any) -> Any:
    pairs = [{"Key": key, "Value": value} for key, value in attributes.items()]
    return {**properties, "TargetGroupAttributes": pairs}


@pytest.mark.parametrize("at_once", [1, 20])
def test_1000_requests_over_three_targets_are_333_333_334(at_once: int) -> None:
    async def scenario() -> None:
        async with balancing() as scene:
            for name in "abc":
                await scene.add("web", name)
            counts: Counter[str] = Counter()
            left = iter(range(1000))

            async def client() -> None:
                for _ in left:
                    status, name = await scene.get("/x")
                    assert status == 200
                    counts[name] += 1
                    if at_once == 1:
                        assert max(counts.values()) - min(counts[n] for n in "abc") <= 1

            await asyncio.gather(*(client() for _ in range(at_once)))
            assert sorted(counts.values()) == [333, 333, 334]
            group = scene.provider.state()["target_groups"][0]
            assert sorted(target["requests"] for target in group["targets"]) == [333, 333, 334]
            assert scene.provider.targets.requests(scene.arns["web"]) == 1000

    run(scenario)


def test_weights_5_to_2_give_500_and_200_of_700() -> None:
    async def scenario() -> None:
        groups = {"large": (CHECKED, 5), "small": (CHECKED, 2)}
        async with balancing(groups) as scene:
            await scene.add("large", "l")
            for name in ("s1", "s2"):
                await scene.add("small", name)
            counts: Counter[str] = Counter()
            for n in range(1, 701):
                counts[(await scene.get())[1][0]] += 1
                assert abs(counts["l"] - n * 5 / 7) <= 1
            assert counts == {"l": 500, "s": 200}
            weights = {g["name"]: g["weight"] for g in scene.provider.state()["target_groups"]}
            assert weights == {"large": 5, "small": 2}

    run(scenario)


def test_a_function_and_containers_share_by_weight() -> None:
    async def scenario() -> None:
        groups = {"lambda": (LAMBDA, 1), "small": (CHECKED, 3)}
        async with balancing(groups) as scene:
            await scene.add("small", "s")
            counts = Counter([(await scene.get())[1] for _ in range(40)])
            assert counts == {"lambda": 10, "s": 30}
            described = scene.provider.state()["target_groups"][0]
            assert (described["pool"], described["algorithm"]) == ("lambda", None)
            (target,) = described["targets"]
            assert sum(second.get("200", 0) for second in target.pop("recent")) == 10
            assert target == {
                "id": "Api",
                "address": "arn:aws:lambda:us-east-1:123456789012:function:Api",
                "state": "unavailable",
                "reason": "Target.HealthCheckDisabled",
                "description": "Health checks are disabled",
                "share": 1.0,
                "anomalous": False,
                "in_flight": 0,
                "requests": 10,
            }

    run(scenario)


def test_without_a_registered_target_there_is_503() -> None:
    async def scenario() -> None:
        async with balancing() as scene:
            status, page = await scene.get()
            assert status == 503
            assert "503 Service" in page

    run(scenario)


def test_a_new_target_gets_nothing_before_its_first_passed_check() -> None:
    async def scenario() -> None:
        async with balancing() as scene:
            await scene.add("web", "old")
            new = await scene.add("web", "new", healthy=False)
            await until(lambda: new.checks)
            assert {(await scene.get())[1] for _ in range(10)} == {"old"}
            new.healthy = True
            await scene.until_state("web", "new", "healthy")
            assert Counter([(await scene.get())[1] for _ in range(10)]) == {"old": 5, "new": 5}

    run(scenario)


def test_an_unhealthy_target_is_left_out_until_it_recovers() -> None:
    async def scenario() -> None:
        async with balancing() as scene:
            first, _ = await scene.add("web", "a"), await scene.add("web", "b")
            first.healthy = False
            await scene.until_state("web", "a", "unhealthy")
            reasons = {
                t["id"]: t["reason"] for t in scene.provider.state()["target_groups"][0]["targets"]
            }
            assert reasons == {"a": "Target.ResponseCodeMismatch", "b": None}
            assert {(await scene.get())[1] for _ in range(6)} == {"b"}
            first.healthy = True
            await scene.until_state("web", "a", "healthy")
            assert {(await scene.get())[1] for _ in range(6)} == {"a", "b"}

    run(scenario)


def test_with_all_unhealthy_it_fails_open() -> None:
    async def scenario() -> None:
        async with balancing() as scene:
            both = [await scene.add("web", name) for name in "ab"]
            for backend in both:
                backend.healthy = False
            for name in "ab":
                await scene.until_state("web", name, "unhealthy")
            assert Counter([(await scene.get())[1] for _ in range(10)]) == {"a": 5, "b": 5}

    run(scenario)


def test_a_target_that_is_gone_gives_502_until_it_is_detected() -> None:
    async def scenario() -> None:
        async with balancing() as scene:
            gone, _ = await scene.add("web", "a"), await scene.add("web", "b")
            await gone.listener.stop()
            statuses = [(await scene.get())[0] for _ in range(2)]
            assert sorted(statuses) in ([200, 502], [200, 200])  # 200: the check was faster
            await scene.until_state("web", "a", "unhealthy")
            assert {await scene.get() for _ in range(4)} == {(200, "b")}

    run(scenario)


def test_draining_finishes_what_is_in_flight_and_takes_nothing_new() -> None:
    async def scenario() -> None:
        async with balancing() as scene:
            leaving, _ = await scene.add("web", "a"), await scene.add("web", "b")
            leaving.hold.clear()
            held = asyncio.create_task(scene.get())
            await until(lambda: leaving.seen)
            drained = asyncio.create_task(scene.provider.targets.deregister(scene.arns["web"], "a"))
            await scene.until_state("web", "a", "draining")
            assert {await scene.get() for _ in range(4)} == {(200, "b")}
            assert not drained.done()
            leaving.hold.set()
            assert await held == (200, "a")
            await drained
            assert scene.health("web", "a") is None

    run(scenario)


def test_a_drain_ends_after_the_deregistration_delay() -> None:
    async def scenario() -> None:
        attributes = {"deregistration_delay.timeout_seconds": "2"}
        groups = {"web": (with_attributes(CHECKED, **attributes), 1)}
        async with balancing(groups) as scene:
            leaving = await scene.add("web", "a")
            leaving.hold.clear()
            held = asyncio.create_task(scene.get())
            await until(lambda: leaving.seen)
            await scene.provider.targets.deregister(scene.arns["web"], "a")
            assert scene.health("web", "a") is None
            leaving.hold.set()
            await held

    run(scenario)


def test_scaling_in_under_load_loses_no_request() -> None:
    async def scenario() -> None:
        async with balancing() as scene:
            for name in "abc":
                await scene.add("web", name)
            statuses: Counter[int] = Counter()
            done = False

            async def client() -> None:
                while not done:
                    statuses[(await scene.get())[0]] += 1

            async def more(count: int) -> None:
                enough = statuses.total() + count
                await until(lambda: statuses.total() > enough)

            clients = [asyncio.create_task(client()) for _ in range(10)]
            for name, backend in zip("ab", list(scene.backends), strict=False):
                await more(50)
                await scene.provider.targets.deregister(scene.arns["web"], name)
                await backend.listener.stop()
            await more(50)
            done = True
            await asyncio.gather(*clients)
            assert statuses.keys() == {200}

    run(scenario)


def test_targets_see_what_the_balancer_adds_and_clients_what_targets_respond() -> None:
    async def handle(request: web.BaseRequest) -> Any:
        body = await request.read()
        response = web.Response(
            status=207, reason="Partly", text=f"{request.method} {request.raw_path} {len(body)}"
        )
        response.headers.add("Set-Cookie", "a=1")
        response.headers.add("Set-Cookie", "b=2")
        response.headers["Server"] = "mine"
        return response

    async def scenario() -> None:
        async with balancing(
            attributes={"routing.http.drop_invalid_header_fields.enabled": "true"}
        ) as scene:
            backend = await scene.add("web", "a", handle)
            async with scene.session.put(
                URL(scene.provider.url + "/a%2Fb%20c?q=%41&q=2", encoded=True),
                data=b"x" * 300_000,
                headers={
                    "X-Forwarded-For": "203.0.113.9",
                    "under_score": "1",
                    "Host": "chat.localhost",
                },
            ) as response:
                assert (response.status, response.reason) == (207, "Partly")
                assert await response.text() == "PUT /a%2Fb%20c?q=%41&q=2 300000"
                assert response.headers.getall("Set-Cookie") == ["a=1", "b=2"]
                assert response.headers["Server"] == "mine"
            seen = backend.seen[0].headers
            assert seen["X-Forwarded-For"] == "203.0.113.9, 127.0.0.1"
            assert seen["X-Forwarded-Proto"] == "http"
            assert seen["X-Forwarded-Port"] == scene.provider.url.rpartition(":")[2]
            assert seen["X-Amzn-Trace-Id"].startswith("Root=1-")
            assert seen["Host"] == "chat.localhost:" + scene.provider.url.rpartition(":")[2]
            assert "under_score" not in seen

    run(scenario)


def test_bodies_stream_both_ways() -> None:
    async def echo(request: web.BaseRequest) -> Any:
        response = web.StreamResponse()
        await response.prepare(request)
        async for chunk in request.content.iter_any():
            await response.write(chunk)
        await response.write_eof()
        return response

    async def scenario() -> None:
        async with balancing() as scene:
            await scene.add("web", "a", echo)
            back: asyncio.Queue[bytes] = asyncio.Queue()

            async def upload() -> AsyncIterator[Any]:
                for n in range(5):
                    yield f"part {n}".encode()
                    # the next part goes out only when this one has come back
                    assert await asyncio.wait_for(back.get(), 10) == f"part {n}".encode()

            async with scene.session.post(scene.provider.url, data=upload()) as response:
                async for chunk in response.content.iter_any():
                    back.put_nowait(chunk)
            assert response.status == 200
            assert back.empty()

    run(scenario)


def test_empty_responses_and_head_have_no_body() -> None:
    async def handle(request: web.BaseRequest) -> Any:
        if request.path == "/none":
            return web.Response(status=204)
        return web.Response(text="12345")

    async def scenario() -> None:
        async with balancing() as scene:
            await scene.add("web", "a", handle)
            assert await scene.get("/none") == (204, "")
            async with scene.session.head(scene.provider.url + "/x") as response:
                assert response.headers["Content-Length"] == "5"
                assert await response.read() == b""
            assert await scene.get("/x") == (200, "12345")

    run(scenario)


def test_a_response_that_breaks_off_is_seen_to_break_off() -> None:
    async def handle(request: web.BaseRequest) -> Any:
        response = web.StreamResponse(headers={"Content-Length": "200000"})
        await response.prepare(request)
        await response.write(b"x" * 1000)
        assert request.transport is not None
        request.transport.abort()
        return response

    async def scenario() -> None:
        async with balancing() as scene:
            await scene.add("web", "a", handle)
            with pytest.raises(aiohttp.ClientError):
                await scene.get()

    run(scenario)


def test_a_target_that_drops_the_connection_is_502_and_one_that_hangs_504() -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/drop":
            assert request.transport is not None
            request.transport.abort()
        await asyncio.Event().wait()
        raise AssertionError("nobody sets that event")

    async def scenario() -> None:
        async with balancing(attributes={"idle_timeout.timeout_seconds": "1"}) as scene:
            await scene.add("web", "a", handle)
            assert (await scene.get("/drop", "POST"))[0] == 502
            assert (await scene.get("/hang"))[0] == 504
            assert scene.provider.state()["target_groups"][0]["targets"][0]["in_flight"] == 0

    run(scenario)


def test_a_client_that_waits_for_100_continue_gets_it() -> None:
    async def handle(request: web.BaseRequest) -> Any:
        return web.Response(text=str(len(await request.read())))

    async def scenario() -> None:
        async with balancing() as scene:
            await scene.add("web", "a", handle)
            async with asyncio.timeout(10):
                assert await scene.get("/", "POST", data=b"x" * 1000, expect100=True) == (
                    200,
                    "1000",
                )

    run(scenario)


def test_rules_choose_before_the_default() -> None:
    async def scenario() -> None:
        path = {"Field": "path-pattern", "PathPatternConfig": {"Values": ["/old/*"]}}
        health = {"Field": "path-pattern", "Values": ["/ping"]}
        rules: list[dict[str, Any]] = [
            {
                "Conditions": [health],
                "Actions": [
                    {
                        "Type": "fixed-response",
                        "FixedResponseConfig": {
                            "StatusCode": "201",
                            "ContentType": "application/json",
                            "MessageBody": "{}",
                        },
                    }
                ],
            },
            {
                "Conditions": [path],
                "Actions": [
                    {
                        "Type": "redirect",
                        "RedirectConfig": {"Path": "/new", "StatusCode": "HTTP_301"},
                    }
                ],
            },
        ]
        async with balancing(rules=rules) as scene:
            await scene.add("web", "a")
            assert await scene.get("/ping") == (201, "{}")
            async with scene.session.get(
                scene.provider.url + "/old/x?a=1", allow_redirects=False
            ) as response:
                assert response.status == 301
                assert response.headers["Location"] == scene.provider.url + "/new?a=1"
            assert await scene.get("/") == (200, "a")

    run(scenario)


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
        checked |= {"HealthCheckIntervalSeconds": 1, "HealthyThresholdCount": 2}
        async with balancing({"lambda": (checked, 1)}, function=function) as scene:
            await scene.until_state("lambda", "Api", "healthy")
            states["status"] = 500
            await scene.until_state("lambda", "Api", "unhealthy")

    run(scenario)


@pytest.mark.parametrize(
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


def test_names_are_in_the_form_that_templates_take_apart() -> None:
    async def scenario() -> None:
        async with balancing() as scene:
            arn = next(iter(scene.arns.values()))
            assert arn.startswith(
                "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/web/"
            )
            balancer = Resource("Web", "Other", PREFIX + "LoadBalancer", {})
            fresh = LoadBalancingProvider(None, port=8080, clock=Clock(), any_host=True)  # type: ignore[arg-type]
            made = await fresh.create(balancer, {})
            assert made.attributes["DNSName"] == "127.0.0.1:8080"
            listener = await fresh.create(
                Resource("Web", "Http", PREFIX + "Listener", {}),
                {
                    "LoadBalancerArn": made.ref,
                    "DefaultActions": [{"Type": "forward", "TargetGroupArn": "arn"}],
                },
            )
            # CDK builds ResourceLabel from the parts between the slashes
            parts = listener.ref.split("/")[1:4]
            assert "/".join(parts) == made.attributes["LoadBalancerFullName"]

    run(scenario)


def test_responses_are_json_safe() -> None:
    async def scenario() -> None:
        async with balancing() as scene:
            await scene.add("web", "a")
            json.dumps(scene.provider.state())

    run(scenario)

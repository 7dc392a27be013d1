"""The load balancer over real sockets."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from tests.balancer.scene import CHECKED, LAMBDA, balancing
from yarl import URL

from emulator.balancer.provider import PREFIX, LoadBalancingProvider
from emulator.clock import Clock
from emulator.providers import Resource


def run(scenario: Any) -> None:
    asyncio.run(scenario())


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

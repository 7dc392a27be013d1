"""A template's domain names on this machine: found in it, replaced, taken as hosts, and not foreign."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.gateway.scene import running
from tests.rows import rows
from tests.test_foreign import status

from emulator.addresses import Addresses
from emulator.balancer.application import ApplicationBalancer
from emulator.balancer.properties import Arns
from emulator.balancer.targets.registrar import Registrar
from emulator.clock import Clock
from emulator.domains import Domains, of_template, origins
from emulator.gateway.model import WebSocketApi
from emulator.providers import EmulatorError
from emulator.resource import Resource

API, SOCKETS = "http://127.0.0.1:8080", "ws://127.0.0.1:8081"
NAMED = Domains("chat.example.com", "ws.example.com")


def test_names_are_found_where_the_template_has_them_as_texts() -> None:
    balancer = "AWS::ElasticLoadBalancingV2::LoadBalancer"
    tags = [{"Key": "project", "Value": "x"}, {"Key": "domain", "Value": "chat.example.com"}]
    found = of_template(
        [
            Resource("Web", "Balancer", balancer, {"Tags": tags}),
            Resource("Web", "Network", balancer, {"Type": "network"}),
            Resource(
                "Web",
                "Cdn",
                "AWS::CloudFront::Distribution",
                {"DistributionConfig": {"Aliases": ["www.example.com"]}},
            ),
            Resource(
                "Chat", "Name", "AWS::ApiGatewayV2::DomainName", {"DomainName": "ws.example.com"}
            ),
        ]
    )
    assert found == Domains("chat.example.com", "ws.example.com", "www.example.com")
    unknown = {"Tags": [{"Key": "domain", "Value": {"Ref": "Name"}}]}
    assert of_template([Resource("Web", "Balancer", balancer, unknown)]) == Domains()


IF = {"Fn::If": ["Named", {"Key": "domain", "Value": "x"}, {"Ref": "AWS::NoValue"}]}


@pytest.mark.parametrize(
    ("tags", "name"),
    [
        ({"Fn::If": ["Named", [], []]}, None),
        ([IF], None),
        ([{"Key": "domain"}], None),
        ([IF, {"Key": "domain", "Value": "x.example.com"}], "x.example.com"),
        ([{"Key": "domain", "Value": each} for each in ("x.example.com", "y")], "x.example.com"),
    ],
    ids=str,
)
def test_tags_that_are_no_texts_name_no_load_balancer(tags: Any, name: str | None) -> None:
    kind = "AWS::ElasticLoadBalancingV2::LoadBalancer"
    assert of_template([Resource("Web", "A", kind, {"Tags": tags})]).balancer == name


@pytest.mark.parametrize(
    ("aliases", "name"),
    [
        ({"Fn::Split": [",", "a,b"]}, None),
        ([], None),
        ([{"Ref": "Name"}], None),
        ([{"Ref": "Name"}, "www.example.com"], "www.example.com"),
    ],
    ids=str,
)
def test_aliases_that_are_no_texts_name_no_distribution(aliases: Any, name: str | None) -> None:
    properties = {"DistributionConfig": {"Aliases": aliases}}
    resource = Resource("Web", "Cdn", "AWS::CloudFront::Distribution", properties)
    assert of_template([resource]).distribution == name


def test_urls_with_a_name_become_urls_here_and_longer_names_do_not() -> None:
    addresses = Addresses(
        *("us-east-1", "http://127.0.0.1:4566", "api1", SOCKETS, "http://127.0.0.1:8086"),
        named=NAMED.local(API, SOCKETS),
    )
    given = {
        "A": "wss://ws.example.com",
        "B": "https://chat.example.com/api/health",
        "C": "https://chat.example.com.evil.example",
        "D": "https://ws.example.com https://chat.example.com",
        "E": "https://chat.example.com:8443/",
    }
    found = addresses.environment(given)
    assert {name: found[name] for name in given} == {
        **given,
        "A": SOCKETS,
        "B": f"{API}/api/health",
        "D": f"https://ws.example.com {API}",
    }


def test_an_origin_of_a_name_is_also_that_of_its_page_here() -> None:
    local = NAMED.local(API, SOCKETS)
    assert origins(local, "https://other.example") == ["https://other.example"]
    assert origins(local, "https://chat.example.com") == [
        "https://chat.example.com",
        API,
        "http://localhost:8080",
        "http://chat.example.com:8080",
        "http://chat.example.com.localhost:8080",
    ]
    assert NAMED.for_browsers(API, SOCKETS) == {
        "chat.example.com": "http://chat.example.com.localhost:8080",
        "ws.example.com": "ws://ws.example.com.localhost:8081",
    }


MAPPED = WebSocketApi("api1", "live", (), {}, {"ws.example.com": "", "x.example.com": "v1"})
# host and path -> the name that the client came by: "" for API Gateway's own, None for nothing
CAME_BY: list[tuple[str, str, str | None]] = [
    ("ws.example.com", "/", "ws.example.com"),
    ("ws.example.com", "", "ws.example.com"),
    ("ws.example.com", "/live", None),
    ("x.example.com", "/v1", "x.example.com"),
    ("x.example.com", "/", None),
    ("x.example.com", "/live", None),
    ("127.0.0.1", "/live", ""),
    ("127.0.0.1", "/live/", ""),
    ("127.0.0.1", "/", "ws.example.com"),
    ("127.0.0.1", "/v1", "x.example.com"),
    ("127.0.0.1", "/v2", None),
]


@rows(("host", "path", "name"), CAME_BY)
def test_a_name_has_its_path_and_the_api_has_its_stage(
    host: str, path: str, name: str | None
) -> None:
    assert MAPPED.named(host, path) == name


UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Protocol": "chat.v1",
}


def test_the_websocket_api_is_reached_by_its_name_and_functions_see_by_which_one() -> None:
    async def scenario() -> None:
        async with running(domain="ws.example.com") as scene:
            port = int(scene.provider.websocket_url.split(":")[2].split("/")[0])

            async def upgrade(path: str, **headers: str) -> int:
                return await status(port, path, {**UPGRADE, **headers})

            assert await upgrade("/", Host="ws.example.com") == 101
            assert await upgrade("/", Host=f"ws.example.com.localhost:{port}") == 101
            assert await upgrade("/", Host="ws.example.com", Origin="http://ws.example.com") == 101
            assert await upgrade("/live", Host="ws.example.com") == 403
            assert await upgrade("/", Host="evil.example") == 403
            assert await upgrade("/", Host="ws.example.com", Origin="http://evil.example") == 403
            assert await upgrade("/live") == 101
            seen = [each["requestContext"]["domainName"] for each in scene.functions.of("connect")]
            own = "local0ws1d.execute-api.us-east-1.amazonaws.com"
            assert seen == ["ws.example.com"] * 3 + [own]

    run(scenario)


FIXED = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200"}}
REDIRECT = {
    "Type": "redirect",
    "RedirectConfig": {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"},
}
SECURE = {
    "Protocol": "HTTPS",
    "Port": 443,
    "SslPolicy": "ELBSecurityPolicy-TLS13-1-2-2021-06",
    "Certificates": [{"CertificateArn": "c"}],
    "DefaultActions": [FIXED],
}
PLAIN = {"Protocol": "HTTP", "Port": 80, "DefaultActions": [REDIRECT]}


@pytest.mark.parametrize("listeners", [(PLAIN, SECURE), (SECURE, PLAIN), (SECURE,)])
def test_what_is_https_on_aws_is_http_here_by_the_balancers_name(listeners: Any) -> None:
    async def scenario() -> None:
        balancer = ApplicationBalancer(0, Arns("us-east-1", "1", lambda n: b"\1" * n), names=NAMED)
        balancer.create_balancer("Balancer", "web", {})
        for each in listeners:
            balancer.create_listener("Listener", {**each, "LoadBalancerArn": balancer.arn})
        await balancer.start(Registrar(nobody, Clock()), nobody, Clock())
        port = int(balancer.url.rpartition(":")[2])
        for host in ("chat.example.com", f"chat.example.com.localhost:{port}", "127.0.0.1"):
            assert await status(port, "/", {"Host": host}) == 200
        origin = {"Host": "chat.example.com", "Origin": "http://chat.example.com"}
        assert await status(port, "/", origin) == 200
        assert await status(port, "/", {"Host": "www.example.com"}) == 403
        assert await status(port, "/", {**origin, "Origin": "http://www.example.com"}) == 403
        await balancer.stop()

    run(scenario)


ORIGIN = {
    "DomainName": "chat.example.com",
    "CustomOriginConfig": {"OriginProtocolPolicy": "https-only"},
    "OriginCustomHeaders": [{"HeaderName": "X-Secret", "HeaderValue": "s3"}],
}


@pytest.mark.parametrize("distribution", [True, False])
def test_rules_see_the_headers_of_the_distribution_that_the_balancer_stands_for(
    distribution: bool,
) -> None:
    refusing = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "403"}}
    asked = {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "x-secret"}}
    asked["HttpHeaderConfig"]["Values"] = ["s3"]  # type: ignore[index]

    async def scenario() -> None:
        balancer = ApplicationBalancer(0, Arns("us-east-1", "1", lambda n: b"\1" * n), names=NAMED)
        balancer.create_balancer("Balancer", "web", {})
        listener = {**SECURE, "DefaultActions": [refusing], "LoadBalancerArn": balancer.arn}
        made = balancer.create_listener("Https", listener)
        rule = {"ListenerArn": made.ref, "Priority": 1, "Conditions": [asked], "Actions": [FIXED]}
        balancer.create_rule("Rule", rule)
        if distribution:
            config = {"Origins": [ORIGIN]}
            balancer.create_distribution("Distribution", {"DistributionConfig": config})
        await balancer.start(Registrar(nobody, Clock()), nobody, Clock())
        port = int(balancer.url.rpartition(":")[2])
        assert await status(port, "/", {}) == (200 if distribution else 403)
        await balancer.stop()

    run(scenario)


@pytest.mark.parametrize("changed", [{"DomainName": "other.example"}, {"CustomOriginConfig": None}])
def test_a_distribution_of_another_origin_is_not_supported(changed: dict[str, Any]) -> None:
    balancer = ApplicationBalancer(0, Arns("us-east-1", "1", lambda n: b"\1" * n), names=NAMED)
    origin = {name: value for name, value in {**ORIGIN, **changed}.items() if value is not None}
    with pytest.raises(EmulatorError, match="the origin"):
        balancer.create_distribution("It", {"DistributionConfig": {"Origins": [origin]}})


def test_a_listener_that_serves_beside_one_for_https_is_not_supported() -> None:
    balancer = ApplicationBalancer(0, Arns("us-east-1", "1", lambda n: b"\1" * n))
    balancer.create_balancer("Balancer", "web", {})
    balancer.create_listener("Https", {**SECURE, "LoadBalancerArn": balancer.arn})
    serving = {**PLAIN, "DefaultActions": [FIXED], "LoadBalancerArn": balancer.arn}
    with pytest.raises(EmulatorError, match="serves beside one for HTTPS"):
        balancer.create_listener("Http", serving)


nobody: Any = None


def run(scenario: Any) -> None:
    asyncio.run(asyncio.wait_for(scenario(), 30))

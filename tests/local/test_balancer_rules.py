"""Rules, actions, headers: what the load balancer decides without a socket."""

from typing import Any

import pytest

from local.balancer import actions, headers
from local.balancer.actions import FixedResponse, Forward, Redirect, location
from local.balancer.headers import Peer
from local.balancer.rules import Rule, Seen, first_match, read_condition
from local.balancer.target_group import read_settings, read_target_group
from local.providers import LocalModeError

SEEN = Seen(
    method="POST",
    host="Chat.Example.com:8080",
    path="/api/Users/ravi",
    query=(("version", "V2"), ("flag", "")),
    headers={"user-agent": ["Mozilla/5.0 Firefox"], "x-plan": ["free", "Gold"]},
    source_ip="10.1.2.3",
)


def condition(field: Any, **config: Any) -> Any:
    name = {
        "path-pattern": "PathPatternConfig",
        "host-header": "HostHeaderConfig",
        "http-request-method": "HttpRequestMethodConfig",
        "http-header": "HttpHeaderConfig",
        "query-string": "QueryStringConfig",
        "source-ip": "SourceIpConfig",
    }[field]
    return {"Field": field, name: config}


@pytest.mark.parametrize(
    ("given", "holds"),
    [
        (condition("path-pattern", Values=["/api/*"]), True),
        (condition("path-pattern", Values=["/other", "/api/*"]), True),
        (condition("path-pattern", Values=["/api"]), False),
        (condition("path-pattern", Values=["/api/users/*"]), False),
        (condition("path-pattern", Values=["/api/?sers/ravi"]), True),
        (condition("path-pattern", Values=["*ravi"]), True),
        (condition("path-pattern", Values=[r"/api/\*"]), False),
        ({"Field": "path-pattern", "Values": ["/api/*"]}, True),
        (condition("host-header", Values=["chat.example.com"]), True),
        (condition("host-header", Values=["*.EXAMPLE.com"]), True),
        (condition("host-header", Values=["example.com"]), False),
        (condition("http-request-method", Values=["GET", "POST"]), True),
        (condition("http-request-method", Values=["post"]), False),
        (condition("http-header", HttpHeaderName="User-Agent", Values=["*firefox*"]), True),
        (condition("http-header", HttpHeaderName="X-Plan", Values=["gold"]), True),
        (condition("http-header", HttpHeaderName="X-Other", Values=["*"]), False),
        (condition("query-string", Values=[{"Key": "Version", "Value": "v?"}]), True),
        (condition("query-string", Values=[{"Value": "v2"}]), True),
        (condition("query-string", Values=[{"Key": "flag", "Value": "*"}]), True),
        (condition("query-string", Values=[{"Key": "flag", "Value": "?"}]), False),
        (condition("source-ip", Values=["10.0.0.0/8"]), True),
        (condition("source-ip", Values=["192.168.0.0/16", "2001:db8::/32"]), False),
    ],
)
def test_a_condition_holds_or_not(given: Any, holds: Any) -> None:
    assert read_condition("rule", given)(SEEN) is holds


@pytest.mark.parametrize(
    "given",
    [
        {"Field": "path-pattern", "PathPatternConfig": {"RegexValues": ["^/a"]}},
        {"Field": "weather", "Values": ["sunny"]},
    ],
)
def test_conditions_that_are_not_played_are_refused(given: Any) -> None:
    with pytest.raises(LocalModeError, match="is not played locally"):
        read_condition("rule Api", given)


def test_the_lowest_priority_that_matches_wins_and_all_conditions_have_to_hold() -> None:
    api = read_condition("", condition("path-pattern", Values=["/api/*"]))
    post = read_condition("", condition("http-request-method", Values=["POST"]))
    get = read_condition("", condition("http-request-method", Values=["GET"]))
    answer = [FixedResponse(200, "text/plain", str(n)) for n in range(4)]
    rules = [
        Rule(50_001, (), answer[0]),
        Rule(20, (api,), answer[1]),
        Rule(10, (api, get), answer[2]),
        Rule(15, (api, post), answer[3]),
    ]
    matched = first_match(rules, SEEN)
    assert matched is not None
    assert matched.action == answer[3]
    assert first_match(rules[1:3], Seen("GET", "", "/", (), {}, "127.0.0.1")) is None


def forward(*weights: Any, **more: Any) -> Any:
    groups = [{"TargetGroupArn": f"arn:{n}", "Weight": w} for n, w in enumerate(weights)]
    return {"Type": "forward", "ForwardConfig": {"TargetGroups": groups, **more}}


def test_actions_are_read() -> None:
    assert actions.read_actions("", [{"Type": "forward", "TargetGroupArn": "arn:a"}]) == Forward(
        {"arn:a": 1}
    )
    assert actions.read_actions("", [forward(5, 2)]) == Forward({"arn:0": 5, "arn:1": 2})
    fixed = {
        "Type": "fixed-response",
        "FixedResponseConfig": {"StatusCode": "404", "MessageBody": "no"},
    }
    assert actions.read_actions("", [fixed]) == FixedResponse(404, "text/plain", "no")


@pytest.mark.parametrize(
    ("action", "says"),
    [
        ({"Type": "authenticate-oidc"}, "authenticate-oidc is not played locally"),
        ({"Type": "authenticate-cognito"}, "authenticate-cognito is not played locally"),
        ({"Type": "jwt-validation"}, "jwt-validation is not played locally"),
        (forward(1, TargetGroupStickinessConfig={"Enabled": True}), "stickiness of target groups"),
        (forward(*[1] * 6), "1 to 5 target groups, got 6"),
        (forward(1000), "weight 1000 of arn:0 is not within 0 to 999"),
    ],
)
def test_actions_that_are_not_played_or_that_aws_refuses(action: Any, says: str) -> None:
    with pytest.raises(LocalModeError, match=says):
        actions.read_actions("rule Api", [action])


@pytest.mark.parametrize(
    ("config", "there"),
    [
        (
            {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"},
            "https://chat.example.com:443/api/x?a=1",
        ),
        (
            {"Path": "/new/#{path}", "Query": "#{query}&b=2", "StatusCode": "HTTP_302"},
            "http://chat.example.com:8080/new/api/x?a=1&b=2",
        ),
        (
            {"Host": "www.#{host}", "StatusCode": "HTTP_302"},
            "http://www.chat.example.com:8080/api/x?a=1",
        ),
        ({"Query": "", "Path": "/", "StatusCode": "HTTP_302"}, "http://chat.example.com:8080/"),
    ],
)
def test_redirects_fill_in_the_requests_own_parts(config: Any, there: Any) -> None:
    redirect = actions.read_actions("", [{"Type": "redirect", "RedirectConfig": config}])
    assert isinstance(redirect, Redirect)
    assert location(redirect, "http", "chat.example.com", 8080, "/api/x", "a=1") == there


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("load_balancing.algorithm.type", "least_outstanding_requests", "least_outstanding"),
        ("load_balancing.algorithm.type", "weighted_random", "weighted_random"),
        ("stickiness.enabled", "true", "stickiness"),
        ("slow_start.duration_seconds", "30", "slow start"),
        ("load_balancing.algorithm.anomaly_mitigation", "on", "anomaly mitigation"),
        ("deregistration_delay.timeout_seconds", "3601", "not within 0 to 3600"),
        ("proxy_protocol_v2.enabled", "true", "proxy_protocol_v2.enabled"),
    ],
)
def test_target_group_attributes_that_are_not_played_are_refused(
    key: Any, value: str, says: str
) -> None:
    with pytest.raises(LocalModeError, match=says):
        read_settings("group Api", {key: value})


@pytest.mark.parametrize(
    "properties",
    [
        {"TargetType": "alb"},
        {"Protocol": "TCP", "TargetType": "ip"},
        {"Protocol": "HTTP", "ProtocolVersion": "GRPC", "TargetType": "ip"},
    ],
)
def test_target_groups_that_are_not_played_are_refused(properties: dict[str, Any]) -> None:
    with pytest.raises(LocalModeError, match="is not played locally"):
        read_target_group("group Api", "arn", "name", "pool", properties)


PEER = Peer("10.1.2.3", "http", 8080)


def test_forwarded_headers_are_written_and_appended_to() -> None:
    given = [
        ("Host", "x"),
        ("X-Forwarded-For", "203.0.113.9"),
        ("x-forwarded-proto", "forged"),
        ("X-Forwarded-Port", "1"),
    ]
    assert headers.forwarded(given, PEER, lambda: "1-2-3") == [
        ("Host", "x"),
        ("X-Forwarded-For", "203.0.113.9, 10.1.2.3"),
        ("X-Forwarded-Proto", "http"),
        ("X-Forwarded-Port", "8080"),
        ("X-Amzn-Trace-Id", "Root=1-2-3"),
    ]


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        (None, "Root=own"),
        ("", "Root=own"),
        ("Root=1-a-b", "Self=own;Root=1-a-b"),
        ("Self=old;Root=1-a-b", "Self=own;Root=1-a-b"),
        ("Root=1-a-b;Self=old;k=v", "Self=own;Root=1-a-b;k=v"),
        ("k=v", "Root=own;k=v"),
    ],
)
def test_a_trace_is_started_or_carried_on(given: Any, sent: Any) -> None:
    assert headers.traced(given, "own") == sent


def test_hop_by_hop_headers_stay_behind() -> None:
    given = [
        ("Connection", "keep-alive, X-Private"),
        ("Keep-Alive", "5"),
        ("X-Private", "1"),
        ("Transfer-Encoding", "chunked"),
        ("Upgrade", "websocket"),
        ("Content-Length", "3"),
        ("Set-Cookie", "a"),
        ("Set-Cookie", "b"),
    ]
    assert headers.end_to_end(given) == [
        ("Content-Length", "3"),
        ("Set-Cookie", "a"),
        ("Set-Cookie", "b"),
    ]


def test_more_than_30_forwarded_addresses_are_too_many() -> None:
    thirty = ", ".join(["10.0.0.1"] * 30)
    assert not headers.too_many_forwarded({"x-forwarded-for": [thirty]})
    assert headers.too_many_forwarded({"x-forwarded-for": [thirty, "10.0.0.1"]})


def test_invalid_header_names_are_dropped_on_demand() -> None:
    assert headers.valid_names([("X-Ok", "1"), ("under_score", "2")]) == [("X-Ok", "1")]

"""Rules and actions: what the load balancer decides without a socket."""

from typing import Any

import pytest
from tests.rows import rows

from emulator.balancer.listener import actions
from emulator.balancer.listener.actions import FixedResponse, Forward, Redirect, location
from emulator.balancer.listener.rules import (
    Rule,
    Seen,
    first_match,
    normalized,
    read_condition,
    read_conditions,
)
from emulator.providers import EmulatorError

SEEN = Seen(
    method="POST",
    host="Chat.Example.com:8080",
    path="/api/Users/ravi",
    query="version=V2&flag&&q=a%2ab&r=what?",
    headers={
        "user-agent": ["Mozilla/5.0 Firefox"],
        "x-plan": ["free", "Gold"],
        "x-forwarded-for": ["192.0.2.7"],
    },
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


@rows(
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
        (condition("http-request-method", Values=["PUT", "PO-ST", "POST_"]), False),
        (condition("http-header", HttpHeaderName="User-Agent", Values=["*firefox*"]), True),
        (condition("http-header", HttpHeaderName="X-Plan", Values=["gold"]), True),
        (condition("http-header", HttpHeaderName="X-Other", Values=["*"]), False),
        (condition("query-string", Values=[{"Key": "Version", "Value": "v?"}]), True),
        (condition("query-string", Values=[{"Value": "v2"}]), True),
        (condition("query-string", Values=[{"Key": "flag", "Value": "*"}]), True),
        (condition("query-string", Values=[{"Key": "flag", "Value": "?"}]), False),
        (condition("query-string", Values=[{"Key": "version", "Value": "v1"}]), False),
        (condition("query-string", Values=[{"Key": "v2", "Value": "*"}]), False),
        (condition("query-string", Values=[{"Value": "a%2Ab"}]), True),  # not decoded
        (condition("query-string", Values=[{"Value": r"what\?"}]), True),
        (condition("query-string", Values=[{"Value": r"v\?"}]), False),
        (condition("http-header", HttpHeaderName="x-plan", Values=["free, gold"]), False),
        (condition("http-header", HttpHeaderName="X-Plan", Values=["silver", "FREE"]), True),
        (condition("http-header", HttpHeaderName="X-Plan", Values=["ol"]), False),
        (condition("http-header", HttpHeaderName="X-Forwarded-For", Values=["192.0.2.7"]), True),
        (condition("source-ip", Values=["192.0.2.7/32"]), False),  # X-Forwarded-For doesn't count
        (condition("source-ip", Values=["10.1.2.3/32"]), True),
        (condition("source-ip", Values=["10.0.0.0/8"]), True),
        (condition("source-ip", Values=["192.168.0.0/16", "2001:db8::/32"]), False),
    ],
)
def test_a_condition_holds_or_not(given: Any, holds: Any) -> None:
    assert read_condition("rule", given)(SEEN) is holds


@rows("port", [":8080", ":", ""])
def test_a_host_is_compared_without_its_port(port: str) -> None:
    given = condition("host-header", Values=["chat.example.com"])
    assert read_condition("rule", given)(SEEN._replace(host=f"chat.example.com{port}"))


@pytest.mark.parametrize(
    "given",
    [
        {"Field": "path-pattern", "PathPatternConfig": {"RegexValues": ["^/a"]}},
        {"Field": "weather", "Values": ["sunny"]},
    ],
)
def test_conditions_that_are_unsupported_are_rejected(given: Any) -> None:
    with pytest.raises(EmulatorError, match="is not supported locally"):
        read_condition("rule Api", given)


@rows(
    ("given", "message"),
    [
        ([], "without conditions"),
        ([condition("path-pattern", Values=["/a"])] * 2, "2 conditions for path-pattern"),
        ([condition("source-ip", Values=["10.0.0.0/8"])] * 2, "2 conditions for source-ip"),
        ([condition("path-pattern", Values=[f"/{n}" for n in range(6)])], "6 values"),
        (
            [condition("query-string", Values=[{"Value": "a"}] * 3)] * 2,
            "6 values in its conditions: a rule has at most 5",
        ),
        ([condition("path-pattern", Values=["/*/*/*/*", "/?/?/?"])], "7 wildcards"),
        (
            [condition("query-string", Values=[{"Key": "*?*", "Value": "*?*?"}])],
            "7 wildcards in its conditions: a rule has at most 6",
        ),
        ([condition("path-pattern", Values=[])], "has no values"),
        ([condition("path-pattern", Values=[""])], "a value has 1 to 128 characters"),
        ([condition("path-pattern", Values=["/" + "a" * 128])], "a value has 1 to 128 characters"),
        ([condition("http-request-method", Values=["post"])], "the method 'post'"),
        ([condition("http-request-method", Values=["P*"])], r"the method 'P\*'"),
        ([condition("http-request-method", Values=["A" * 41])], "1 to 40 characters"),
        ([condition("host-header", Values=["localhost"])], "the host 'localhost'"),
        ([condition("host-header", Values=["example.c0m"])], "letters only after it"),
        ([condition("host-header", Values=["ex_ample.com"])], "the host 'ex_ample.com'"),
        ([condition("http-header", HttpHeaderName="Host", Values=["a"])], "one on host-header"),
        ([condition("http-header", HttpHeaderName="X Y", Values=["a"])], "'X Y' is not the name"),
        ([condition("http-header", Values=["a"])], "'' is not the name"),
        ([condition("source-ip", Values=["10.1.2.3/8"])], "CIDR form, such as 192.0.2.0/24"),
        ([condition("source-ip", Values=["10.*"])], "CIDR form"),
        ([condition("source-ip", Values=["255.255.255.255/32"])], "is no condition"),
        ([condition("source-ip", Values=["10.1.2.3"])], "CIDR form"),
        ([condition("path-pattern", Values=["/a b"])], "the path '/a b'"),
        ([condition("path-pattern", Values=["/caf\u00e9"])], "a path pattern has"),
    ],
)
def test_conditions_that_aws_rejects_are_rejected(given: Any, message: str) -> None:
    with pytest.raises(EmulatorError, match=message):
        read_conditions("rule Api", given)


def test_as_many_conditions_values_and_wildcards_as_aws_takes_are_read() -> None:
    given = [
        condition("path-pattern", Values=["/*"]),
        condition("host-header", Values=["*.example.com"]),
        condition("http-header", HttpHeaderName="X-Plan", Values=["*o*", r"\*\*"]),
        condition("query-string", Values=[{"Key": "v*", "Value": "v?"}]),
    ]
    assert len(read_conditions("rule Api", given)) == 4


def test_the_lowest_priority_that_matches_wins_and_all_conditions_have_to_hold() -> None:
    api = read_condition("", condition("path-pattern", Values=["/api/*"]))
    post = read_condition("", condition("http-request-method", Values=["POST"]))
    get = read_condition("", condition("http-request-method", Values=["GET"]))
    response = [FixedResponse(200, "text/plain", str(n)) for n in range(4)]
    rules = [
        Rule(50_001, (), response[0]),
        Rule(20, (api,), response[1]),
        Rule(10, (api, get), response[2]),
        Rule(15, (api, post), response[3]),
    ]
    matched = first_match(rules, SEEN)
    assert matched is not None
    assert matched.action == response[3]
    assert first_match(rules[1:3], Seen("GET", "", "/", "", {}, "127.0.0.1")) is None


def forward(*weights: Any, **more: Any) -> Any:
    groups = [{"TargetGroupArn": f"arn:{n}", "Weight": w} for n, w in enumerate(weights)]
    return {"Type": "forward", "ForwardConfig": {"TargetGroups": groups, **more}}


def fixed(**config: Any) -> Any:
    return {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200", **config}}


def redirect(**config: Any) -> Any:
    return {"Type": "redirect", "RedirectConfig": {"StatusCode": "HTTP_301", **config}}


def test_actions_are_read() -> None:
    assert actions.read_actions("", [{"Type": "forward", "TargetGroupArn": "arn:a"}]) == Forward(
        {"arn:a": 1}
    )
    assert actions.read_actions("", [forward(5, 2)]) == Forward({"arn:0": 5, "arn:1": 2})
    sticky = {"Enabled": "true", "DurationSeconds": 604800}
    assert actions.read_actions("", [forward(5, 0, TargetGroupStickinessConfig=sticky)]) == Forward(
        {"arn:0": 5, "arn:1": 0}, 604800
    )
    off = {"Enabled": False, "DurationSeconds": 60}
    assert actions.read_actions("", [forward(1, TargetGroupStickinessConfig=off)]) == Forward(
        {"arn:0": 1}
    )
    assert actions.read_actions("", [fixed(StatusCode="404", MessageBody="no")]) == FixedResponse(
        404, "text/plain", "no"
    )


@rows(
    ("path", "seen"),
    [
        ("/", "/"),
        ("/a/./b", "/a/b"),
        ("/public/../admin", "/admin"),
        ("/../../admin", "/admin"),
        ("/a/b/..", "/a/"),
        ("/a/.", "/a/"),
        ("/a/.b/..c", "/a/.b/..c"),
        ("/%61dmin", "/admin"),
        ("/a/%2e%2E/admin", "/admin"),
        ("/a%2fb%3f", "/a%2Fb%3F"),  # reserved characters stay
        ("/a%zz%", "/a%zz%"),
        ("//a", "//a"),
        ("*", "*"),
    ],
)
def test_a_path_pattern_sees_the_path_normalized(path: str, seen: str) -> None:
    """Condition types for listener rules: "The rule evaluation is performed only after URI
    normalization occurs"; RFC 3986, sections 5.2.4 and 6.2.2."""
    assert normalized(path) == seen
    holds = read_condition("rule", condition("path-pattern", Values=["/admin"]))
    assert holds(SEEN._replace(path=path)) is (seen == "/admin")


@rows(
    ("action", "message"),
    [
        ({"Type": "authenticate-oidc"}, "authenticate-oidc is not supported locally"),
        ({"Type": "authenticate-cognito"}, "authenticate-cognito is not supported locally"),
        ({"Type": "jwt-validation"}, "jwt-validation is not supported locally"),
        (forward(1, TargetGroupStickinessConfig={"Enabled": True}), "without DurationSeconds"),
        (
            forward(1, TargetGroupStickinessConfig={"Enabled": True, "DurationSeconds": 604801}),
            "DurationSeconds 604801 is not within 1 to 604800 s",
        ),
        (forward(-1), "weight -1 of arn:0 is not within"),
        (
            {"Type": "forward", "ForwardConfig": {"TargetGroups": [{"TargetGroupArn": "a"}] * 2}},
            "a stands twice",
        ),
        (fixed(StatusCode="302"), "has status 2XX, 4XX or 5XX, not 302"),
        (fixed(StatusCode="2XX"), "not 2XX"),
        (fixed(ContentType="image/png"), "ContentType is one of .* not image/png"),
        (fixed(MessageBody="a" * 1025), "up to 1024 characters, this one 1025"),
        (redirect(StatusCode="HTTP_308"), "HTTP_301 or HTTP_302, not HTTP_308"),
        (redirect(Protocol="FTP"), "not FTP"),
        (redirect(Port="0"), "1 to 65535 or #{port}, not 0"),
        (redirect(Port="65536"), "not 65536"),
        (redirect(Path="new"), "new doesn't"),
        (redirect(Host=""), "Host has 1 to 128 characters, this one 0"),
        (redirect(Query="a" * 129), "Query has 0 to 128 characters, this one 129"),
        (redirect(Query="a=1"), "goes round for ever"),
        (redirect(), "goes round for ever"),
        (forward(*[1] * 6), "1 to 5 target groups, got 6"),
        (forward(1000), "weight 1000 of arn:0 is not within 0 to 999"),
    ],
)
def test_actions_that_are_unsupported_or_that_aws_rejects(action: Any, message: str) -> None:
    with pytest.raises(EmulatorError, match=message):
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
    read = actions.read_actions("", [{"Type": "redirect", "RedirectConfig": config}])
    assert isinstance(read, Redirect)
    assert location(read, "http", "chat.example.com", 8080, "/api/x", "a=1") == there

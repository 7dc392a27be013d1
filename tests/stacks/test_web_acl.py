"""What the web ACL counts and how it responds, evaluated as AWS WAF would."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote, unquote

import pytest

from lambdas import frames
from lambdas.api.api import serve
from lambdas.api.app import create_app
from lambdas.api.call import Response, Route
from lambdas.api.routes import ROUTES
from lambdas.settings import Aws, Settings
from lambdas.sockets.ids import Holder, new_id
from stacks.config.environments import PROD
from tests.model.world import ENVIRONMENT
from tests.stacks.synthesized import Synthesize, Synthesized
from tests.support.lambdas.events import http_request
from tests.support.rows import rows

TRANSFORMATIONS: Mapping[str, Callable[[str], str]] = {
    "NONE": lambda path: path,
    "URL_DECODE": unquote,
}
SETTINGS = {
    **ENVIRONMENT,
    "TOKEN_ISSUER": "https://issuer",
    "USER_POOL_CLIENT_ID": "client",
    "POOL_NAME": "function",
}
# docs.aws.amazon.com/waf/latest/developerguide/waf-rule-statement-type-rate-based.html
LEAST_LIMIT = 10


def names_a_user(route: Route) -> bool:
    """Without a token: so a password or a code can be guessed there, or somebody be bothered."""
    if not (route.open and route.body):
        return False
    schema = json.loads((frames.SCHEMAS / f"rest/{route.body}.request.json").read_text())
    return "username" in schema["properties"]


GUESSED = sorted({route.path for route in ROUTES if names_a_user(route)})


def spellings(path: str) -> list[str]:
    """Ways to write a path that a server may take for the same one."""
    name = path.rpartition("/")[2]
    first = f"%{ord(name[0]):02x}{name[1:]}"
    parent = path.removesuffix(name)
    return [
        path,
        parent + first,
        parent + first.upper()[:3] + name[1:],
        parent + "".join(f"%{ord(each):02X}" for each in name),
        path.replace("/", "%2F").replace("%2F", "/", 1),
        path + "/",
        path.replace("/api/", "/api//"),
        path.replace("/api/", "/api/./"),
        path.replace("/api/", "/x/../api/"),
        path.upper(),
    ]


@pytest.fixture(scope="module")
def rules(prod: Synthesized) -> dict[str, Mapping[str, Any]]:
    (acl,) = prod.all("AWS::WAFv2::WebACL")
    return {rule["Name"]: rule for rule in acl.properties["Rules"]}


def counts(statement: Mapping[str, Any], path: str) -> bool:
    """Whether a scope-down statement matches a request for the path, as it is on the wire."""
    if "OrStatement" in statement:
        return any(counts(each, path) for each in statement["OrStatement"]["Statements"])
    match = statement["ByteMatchStatement"]
    assert match["FieldToMatch"] == {"UriPath": {}}
    assert match["PositionalConstraint"] == "EXACTLY"
    for each in sorted(match["TextTransformations"], key=lambda each: each["Priority"]):
        path = TRANSFORMATIONS[each["Type"]](path)
    return bool(path == match["SearchString"])


def serves(method: str, target: str, path: str) -> bool:
    """Whether the application takes a request for `path` as one for the route `target`."""
    route = Route(method, target, lambda _: Response(204), open=True, blocking=False)
    app = create_app(Aws(Settings(SETTINGS)), routes=[route])
    return bool(serve(app, http_request(method, path, b"", {}, {}), None)["statusCode"] == 204)


def test_the_paths_where_passwords_are_guessed_are_known() -> None:
    assert {"/api/sign-in", "/api/password", "/api/account/delete"} <= set(GUESSED)


@pytest.mark.parametrize("target", GUESSED)
def test_however_a_path_is_written_it_is_counted_if_it_is_served(
    rules: Mapping[str, Mapping[str, Any]], target: str
) -> None:
    rate = rules["SignInRateLimit"]["Statement"]["RateBasedStatement"]
    served = [path for path in spellings(target) if serves("POST", target, path)]
    assert {target, spellings(target)[1]} <= set(served)
    assert [path for path in served if not counts(rate["ScopeDownStatement"], path)] == []


def test_other_paths_are_not_counted_as_sign_ins(
    rules: Mapping[str, Mapping[str, Any]],
) -> None:
    statement = rules["SignInRateLimit"]["Statement"]["RateBasedStatement"]["ScopeDownStatement"]
    others = {route.path for route in ROUTES if not route.open}
    assert others
    assert [path for path in sorted(others) if counts(statement, path)] == []


def test_addresses_are_counted_and_the_sign_ins_more_strictly(
    rules: Mapping[str, Mapping[str, Any]],
) -> None:
    rates = {
        name: rule["Statement"]["RateBasedStatement"]
        for name, rule in rules.items()
        if "RateBasedStatement" in rule["Statement"]
    }
    assert set(rates) == {"RateLimit", "SignInRateLimit"}
    assert {each["AggregateKeyType"] for each in rates.values()} == {"IP"}
    assert "ScopeDownStatement" not in rates["RateLimit"]
    assert LEAST_LIMIT <= rates["SignInRateLimit"]["Limit"] < rates["RateLimit"]["Limit"]


def test_who_is_blocked_gets_the_error_that_the_application_gives(
    prod: Synthesized, rules: Mapping[str, Mapping[str, Any]]
) -> None:
    (acl,) = prod.all("AWS::WAFv2::WebACL")
    blocking = [rule for rule in rules.values() if "Block" in rule.get("Action", {})]
    assert len(blocking) == 2
    for rule in blocking:
        response = rule["Action"]["Block"]["CustomResponse"]
        named = acl.properties["CustomResponseBodies"][response["CustomResponseBodyKey"]]
        assert (response["ResponseCode"], named["ContentType"]) == (429, "APPLICATION_JSON")
        body = frames.validate("rest/error.response", json.loads(named["Content"]))
        assert body["error"]["code"] == "rate_limited"
        (header,) = response["ResponseHeaders"]
        assert header == {"Name": "retry-after", "Value": str(body["error"]["retry_after"])}


def test_managed_rules_block_but_the_size_of_a_body(
    rules: Mapping[str, Mapping[str, Any]],
) -> None:
    managed = {
        name: rule["Statement"]["ManagedRuleGroupStatement"]
        for name, rule in rules.items()
        if "ManagedRuleGroupStatement" in rule["Statement"]
    }
    assert len(managed) == 3
    overridden = [
        (override["Name"], override["ActionToUse"])
        for each in managed.values()
        for override in each.get("RuleActionOverrides", ())
    ]
    assert overridden == [("SizeRestrictions_BODY", {"Count": {}})]
    assert {json.dumps(rules[name]["OverrideAction"]) for name in managed} == {'{"None": {}}'}


@pytest.fixture(scope="module")
def before_tasks(synthesize: Synthesize) -> list[Mapping[str, Any]]:
    """The rules of all requests, where tasks hold the sockets."""
    made = synthesize(replace(PROD, websocket=replace(PROD.websocket, plane="containers")))
    (acl,) = made.all("AWS::WAFv2::WebACL")
    statements = {rule["Name"]: rule["Statement"] for rule in acl.properties["Rules"]}
    assert len(statements) == 5
    del statements["SignInRateLimit"]
    return [next(iter(each.values())) for each in statements.values()]


def inspects(rule: Mapping[str, Any], path: str) -> bool:
    match = rule["ScopeDownStatement"]["NotStatement"]["Statement"]["RegexMatchStatement"]
    assert match["FieldToMatch"] == {"UriPath": {}}
    assert match["TextTransformations"] == [{"Priority": 0, "Type": "NONE"}]
    return re.search(match["RegexString"], path) is None


# of a task, with both signs that base64url has beside letters and digits; of API Gateway
IDS = (new_id(Holder("255.239.190.251", 8090), b"\xfb\xff" * 6), "L0SM9cOFvHcCIhw=", "a+/b=")


@pytest.mark.parametrize("connection", IDS)
def test_what_functions_post_passes_every_rule(
    before_tasks: list[Mapping[str, Any]], connection: str
) -> None:
    path = f"/sockets/@connections/{quote(connection, safe='')}"
    assert [rule for rule in before_tasks if inspects(rule, path)] == []


@rows(
    "path",
    [
        *("/sockets", "/sockets/health", "/sockets/@connections/", "/api/sign-up", "/"),
        # spellings that a server may take for another path
        "/sockets/@connections/../../api/sign-up",
        "/sockets%2F@connections/../../api/sign-up",
        "/sockets/@connections/%2e%2e%2f%2e%2e%2fapi/sign-up",
        "/sockets/@connections/a\n/x",
        "/x/sockets/@connections/a",
    ],
)
def test_no_other_path_passes_a_rule(before_tasks: list[Mapping[str, Any]], path: str) -> None:
    assert all(inspects(rule, path) for rule in before_tasks)


def test_where_api_gateway_has_the_sockets_every_request_is_inspected(
    rules: Mapping[str, Mapping[str, Any]],
) -> None:
    for name in rules.keys() - {"SignInRateLimit"}:
        (statement,) = rules[name]["Statement"].values()
        assert "ScopeDownStatement" not in statement


def test_every_rule_has_its_own_place(rules: Mapping[str, Mapping[str, Any]]) -> None:
    places = [rule["Priority"] for rule in rules.values()]
    assert sorted(places) == list(range(len(rules)))

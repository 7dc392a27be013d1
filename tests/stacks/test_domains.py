"""Names of the load balancer and the WebSocket API: which go together, and what is made of them."""

from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest

import stacks.config.environments
from stacks.config.domains import HostedZone
from stacks.config.environments import DEV, Environment
from stacks.config.errors import ConfigError
from stacks.config.load_balancer import LoadBalancer
from tests.stacks.changes import CHANGES, NAMED
from tests.stacks.complete import CERTIFICATE, must_be_rejected
from tests.stacks.rehearsed import assembly, rehearsed
from tests.stacks.synthesized import Synthesize, Synthesized
from tests.support.rows import rows

PAGE = (Path(__file__).parents[2] / "docs" / "deploying.md").read_text()
ZONE = {"zone.id": "Z0123456789ABCDEFGHIJ", "zone.domain": "example.com"}
API = {"load_balancer.domain_name": "chat.example.com", "load_balancer.plain_http": False}
SOCKETS = {"websocket.domain_name": "ws.example.com"}
LONGEST_NAME = f"{'a' * 52}.example.com"  # 64 characters: a certificate's name has no more
LONG_NAME = f"a{LONGEST_NAME}"
# what does not go together -> the field that is blamed, and words of the advice
APART: list[tuple[dict[str, Any], str, str]] = [
    ({"zone.id": "Z1"}, "zone.id", "Set zone.domain too, or zone.id to none"),
    ({"zone.domain": "example.com"}, "zone.domain", "Set zone.id too, or zone.domain to none"),
    (ZONE, "zone.id", "Set load_balancer.domain_name or websocket.domain_name"),
    (SOCKETS, "websocket.domain_name", "Set websocket.certificate_arn, or zone.id and zone.domain"),
    (
        {"websocket.certificate_arn": CERTIFICATE},
        "websocket.certificate_arn",
        "Set websocket.domain_name to a name that it covers",
    ),
    (
        {**ZONE, **API, "websocket.domain_name": "chat.example.com"},
        "websocket.domain_name",
        "to another one",
    ),
    (
        {**ZONE, **API, "load_balancer.domain_name": "chat.example.net"},
        "load_balancer.domain_name",
        "make the record where its zone is",
    ),
    (
        {**ZONE, "websocket.domain_name": "wsexample.com"},
        "websocket.domain_name",
        "Set websocket.domain_name to a name in it",
    ),
    ({**ZONE, **API, "load_balancer.domain_name": LONG_NAME}, "load_balancer.domain_name", "64"),
    ({**ZONE, "websocket.domain_name": LONG_NAME}, "websocket.domain_name", "64"),
    ({**ZONE, **API, "load_balancer.plain_http": True}, "load_balancer.plain_http", "to false"),
    ({**ZONE, **API, "load_balancer.ip_hash": True}, "load_balancer.ip_hash", "to false"),
    (
        {**ZONE, **API, "load_balancer.algorithm": "ip_hash"},
        "load_balancer.algorithm",
        "to round_robin",
    ),
    (
        {**SOCKETS, "websocket.certificate_arn": CERTIFICATE, "region": "us-east-1"},
        "websocket.certificate_arn",
        "to the ARN of one there, or change region",
    ),
]


@rows(("context", "blamed", "words"), APART, ids=lambda each: str(each)[:60])
def test_names_that_aws_would_reject_are_rejected(
    context: dict[str, Any], blamed: str, words: str
) -> None:
    must_be_rejected(context, blamed, words)


def test_a_name_of_64_characters_gets_a_certificate() -> None:
    balancer = LoadBalancer(domain_name=LONGEST_NAME, plain_http=False)
    zone = HostedZone(id="Z1", domain="example.com")
    assert replace(DEV, load_balancer=balancer, zone=zone).https


@rows(("zone", "named", "certificate", "plain"), list(product((True, False), repeat=4)))
def test_https_is_served_with_a_certificate_that_is_given_or_made(
    zone: bool, named: bool, certificate: bool, plain: bool
) -> None:
    """Whatever else is wrong is an error."""
    balancer: dict[str, Any] = {"plain_http": plain}
    if named:
        balancer["domain_name"] = "chat.example.com"
    if certificate:
        balancer["certificate_arn"] = CERTIFICATE
    secure = certificate or (zone and named)
    wrong = (secure and plain) or (zone and not named)
    try:
        made = replace(
            DEV,
            load_balancer=LoadBalancer(**balancer),
            zone=HostedZone(id="Z1", domain="example.com") if zone else HostedZone(),
        )
    except ConfigError:
        assert wrong
    else:
        assert not wrong
        assert made.https == secure


def named(**websocket: Any) -> Environment:
    return replace(DEV, websocket=replace(DEV.websocket, **websocket))


@pytest.fixture(scope="module")
def with_names(synthesize: Synthesize) -> Synthesized:
    return synthesize(NAMED)


def test_certificates_are_validated_in_the_zone_and_each_name_leads_to_what_it_names(
    with_names: Synthesized,
) -> None:
    certificates = {
        each.properties["DomainName"]: (each.stack, each.properties["DomainValidationOptions"])
        for each in with_names.all("AWS::CertificateManager::Certificate")
    }
    zone = NAMED.zone.id
    assert certificates == {
        name: (stack, [{"DomainName": name, "HostedZoneId": zone}])
        for name, stack in (("chat.example.com", "Web"), ("ws.example.com", "Chat"))
    }
    records = {
        each.properties["Name"]: with_names.show(each.properties["AliasTarget"]["DNSName"])
        for each in with_names.all("AWS::Route53::RecordSet")
    }
    assert records == {
        "chat.example.com.": "dualstack.<LoadBalancer.DNSName>",
        "ws.example.com.": "<WebSocketDomainName.RegionalDomainName>",
    }


def test_clients_connect_to_the_name_and_functions_post_to_the_api(
    with_names: Synthesized,
) -> None:
    variables = with_names.function("ApiFunction").properties["Environment"]["Variables"]
    assert variables["WEBSOCKET_URL"] == "wss://ws.example.com"
    host = "<WebSocketApi>.execute-api.<AWS::Region>.<AWS::URLSuffix>/prod"
    assert with_names.show(variables["CONNECTIONS_URL"]) == f"https://{host}"
    mapping = with_names.one("AWS::ApiGatewayV2::ApiMapping").properties
    assert mapping["Stage"] == "prod"
    assert "ApiMappingKey" not in mapping  # the name alone, without a path
    outputs = with_names.stacks["Chat"]["Outputs"]
    assert outputs["WebSocketUrl"]["Value"] == "wss://ws.example.com"


def test_of_names_in_another_zone_no_record_is_made_and_outputs_have_their_targets(
    synthesize: Synthesize,
) -> None:
    made = synthesize(named(domain_name="ws.example.net", certificate_arn=CERTIFICATE))
    assert not made.all("AWS::Route53::RecordSet")
    assert not made.all("AWS::CertificateManager::Certificate")
    (configuration,) = made.one("AWS::ApiGatewayV2::DomainName").properties[
        "DomainNameConfigurations"
    ]
    assert configuration["CertificateArn"] == CERTIFICATE
    target = made.stacks["Chat"]["Outputs"]["WebSocketDnsName"]["Value"]
    assert made.show(target) == "<WebSocketDomainName.RegionalDomainName>"


@pytest.mark.deep
def test_the_names_of_docs_deploying_md_are_made(synthesize: Synthesize) -> None:
    section = PAGE.partition("## HTTPS and a domain")[2]
    block = section.partition("```python\n")[2].partition("```")[0]
    namespace = {**vars(stacks.config.environments), "replace": replace}
    exec(block, namespace)  # the page's own code
    made = synthesize(namespace["NAMED"])
    assert {each.properties["Name"] for each in made.all("AWS::Route53::RecordSet")} == {
        "chat.example.com.",
        "ws.chat.example.com.",
    }


def test_without_a_name_nothing_is_made_of_it(dev: Synthesized) -> None:
    prefixes = ("AWS::Route53::", "AWS::CertificateManager::", "AWS::ApiGatewayV2::DomainName")
    assert not [each for each in dev.resources if each.type.startswith(prefixes)]
    assert "WebSocketDnsName" not in dev.stacks["Chat"]["Outputs"]


# change of tests/stacks/changes.py -> resources and outputs of which the rehearsal reports that
# users notice the change (Kind.FELT). The same for another key is in test_rehearsal.py.
NOTICED_BY_USERS = {
    "another name of the load balancer": {"LoadBalancerDomainAlias", "output ApiUrl"},
    "another name of the WebSocket API": {
        *("WebSocketDomainName", "WebSocketDomainAlias", "output WebSocketUrl"),
        "output WebSocketDnsName",
    },
}


@pytest.mark.deep
@pytest.mark.parametrize("change", NOTICED_BY_USERS)
def test_the_rehearsal_reports_who_notices_another_name(
    synthesize: Synthesize, change: str
) -> None:
    before, after = (assembly(config, synthesize(config)) for config in CHANGES[change])
    felt = {
        str(each.what) for each in rehearsed(before, after).findings if str(each.kind) == "felt"
    }
    assert NOTICED_BY_USERS[change] <= felt

"""CloudFront before the load balancer: what it needs, and that nobody passes it by."""

from dataclasses import replace
from typing import Any

import pytest

from stacks.config.cloudfront import CloudFront
from stacks.config.environments import DEV
from tests.stacks.changes import NAMED
from tests.stacks.complete import CERTIFICATE, must_be_rejected
from tests.stacks.domain_values import BEHIND, CLOUDFRONT_CERTIFICATE, WEB_ACL
from tests.stacks.synthesized import Synthesize, Synthesized
from tests.support.rows import rows

ENABLED = {**BEHIND, "cloudfront.enabled": True}
NAME = {
    "cloudfront.domain_name": "www.example.com",
    "cloudfront.certificate_arn": CLOUDFRONT_CERTIFICATE,
}
# without a name of our own, and with the second secret
OWN_NAME = replace(NAMED, cloudfront=CloudFront(enabled=True, secret_version=2))
# what does not go together -> the field that is blamed, and words of the advice
APART: list[tuple[dict[str, Any], str, str]] = [
    ({"cloudfront.enabled": True}, "cloudfront.enabled", "Set load_balancer.domain_name"),
    ({**ENABLED, "waf": True}, "waf", "cloudfront.web_acl_arn"),
    ({**BEHIND, **NAME}, "cloudfront.domain_name", "Set cloudfront.enabled to true"),
    ({**BEHIND, "cloudfront.web_acl_arn": WEB_ACL}, "cloudfront.web_acl_arn", "to true"),
    (
        {**ENABLED, "cloudfront.domain_name": "www.example.com"},
        "cloudfront.domain_name",
        "Set cloudfront.certificate_arn too",
    ),
    (
        {**ENABLED, "cloudfront.certificate_arn": CLOUDFRONT_CERTIFICATE},
        "cloudfront.certificate_arn",
        "Set cloudfront.domain_name too",
    ),
    (
        {**ENABLED, **NAME, "cloudfront.certificate_arn": CERTIFICATE},
        "cloudfront.certificate_arn",
        "Set cloudfront.certificate_arn to such",
    ),
    (
        {**ENABLED, **NAME, "cloudfront.domain_name": "api.example.com"},
        "cloudfront.domain_name",
        "to another one",
    ),
    (
        {**ENABLED, **NAME, "cloudfront.domain_name": "www.example.net"},
        "cloudfront.domain_name",
        "to a name in it",
    ),
]


@rows(("context", "blamed", "words"), APART, ids=lambda each: str(each)[:60])
def test_what_cloudfront_could_not_do_is_rejected(
    context: dict[str, Any], blamed: str, words: str
) -> None:
    must_be_rejected(context, blamed, words)


@pytest.fixture(scope="module")
def made(synthesize: Synthesize) -> Synthesized:
    certified = CloudFront(
        enabled=True,
        domain_name="www.example.com",
        certificate_arn=CLOUDFRONT_CERTIFICATE,
        web_acl_arn=WEB_ACL,
    )
    return synthesize(replace(NAMED, cloudfront=certified))


def test_the_load_balancer_serves_only_who_has_the_secret_of_the_distribution(
    made: Synthesized,
) -> None:
    config = made.one("AWS::CloudFront::Distribution").properties["DistributionConfig"]
    (origin,) = config["Origins"]
    (header,) = origin["OriginCustomHeaders"]
    assert origin["DomainName"] == "chat.example.com"
    assert origin["CustomOriginConfig"]["OriginProtocolPolicy"] == "https-only"
    rules = made.all("AWS::ElasticLoadBalancingV2::ListenerRule")
    assert len(rules) == 2
    for rule in rules:
        (asked,) = (
            each["HttpHeaderConfig"]
            for each in rule.properties["Conditions"]
            if each["Field"] == "http-header"
        )
        assert asked["HttpHeaderName"] == header["HeaderName"]
        assert asked["Values"] == [header["HeaderValue"]]
    assert "resolve:secretsmanager" in made.show(header["HeaderValue"])
    https = made.one("AWS::ElasticLoadBalancingV2::Listener", "Https").properties
    (action,) = https["DefaultActions"]
    assert action["Type"] == "fixed-response"
    assert action["FixedResponseConfig"]["StatusCode"] == "403"


@pytest.mark.xdist_group("synthesis")
def test_without_a_name_cloudfront_s_own_certificate_decides_the_protocol() -> None:
    """CDK warns of a version that has no effect."""
    from aws_cdk import App, Stack

    from stacks.constructs.distribution import Distribution
    from tests.stacks.synthesis import flags

    stack = Stack(App(context=flags()))
    behind = replace(NAMED, cloudfront=CloudFront(enabled=True))
    Distribution(stack, "CloudFront", config=behind)
    noted = {entry.type for each in stack.node.find_all() for entry in each.node.metadata}
    assert "aws:cdk:logicalId" in noted
    assert "aws:cdk:warning" not in noted


def test_files_are_kept_and_the_api_is_passed_on_with_the_address_of_who_calls(
    made: Synthesized,
) -> None:
    """The ids of AWS's policies: docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/
    using-managed-cache-policies.html and using-managed-origin-request-policies.html"""
    config = made.one("AWS::CloudFront::Distribution").properties["DistributionConfig"]
    page = config["DefaultCacheBehavior"]
    assert page["CachePolicyId"] == "658327ea-f89d-4fab-a63d-7e88639e58f6"  # CachingOptimized
    (api,) = config["CacheBehaviors"]
    assert api["PathPattern"] == "/api/*"
    # a request with a token never gets an answer in plain text, not even a redirect
    assert api["ViewerProtocolPolicy"] == "https-only"
    assert page["ViewerProtocolPolicy"] == "redirect-to-https"
    assert {"POST", "DELETE", "PUT"} <= set(api["AllowedMethods"])
    assert api["CachePolicyId"] == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"  # CachingDisabled
    # AllViewerAndCloudFrontHeaders-2022-06
    assert api["OriginRequestPolicyId"] == "33f36d7e-f396-46d9-90e0-52428a34d9dc"
    variables = made.function("ApiFunction").properties["Environment"]["Variables"]
    assert variables["BEHIND_CLOUDFRONT"] == "true"


def test_no_error_is_kept_for_the_next_who_asks(made: Synthesized) -> None:
    """Those that CloudFront keeps of itself, and that may have a time of their own."""
    config = made.one("AWS::CloudFront::Distribution").properties["DistributionConfig"]
    kept = {
        each["ErrorCode"]: each["ErrorCachingMinTTL"] for each in config["CustomErrorResponses"]
    }
    assert kept == dict.fromkeys((400, 403, 404, 405, 414, 500, 501, 502, 503, 504), 0)
    assert not any("ResponsePagePath" in each for each in config["CustomErrorResponses"])


def test_a_higher_version_is_another_secret_in_both_places(
    made: Synthesized, synthesize: Synthesize
) -> None:
    shown = synthesize(OWN_NAME)
    secrets = [
        each.one("AWS::SecretsManager::Secret", "Origin").logical_id for each in (made, shown)
    ]
    assert len(set(secrets)) == 2
    (origin,) = shown.one("AWS::CloudFront::Distribution").properties["DistributionConfig"][
        "Origins"
    ]
    assert "OriginSecret2" in shown.show(origin["OriginCustomHeaders"][0]["HeaderValue"])


def test_clients_call_the_name_of_the_distribution(made: Synthesized) -> None:
    config = made.one("AWS::CloudFront::Distribution").properties["DistributionConfig"]
    assert config["Aliases"] == ["www.example.com"]
    assert config["ViewerCertificate"]["AcmCertificateArn"] == CLOUDFRONT_CERTIFICATE
    assert config["WebACLId"] == WEB_ACL
    assert made.stacks["Web"]["Outputs"]["ApiUrl"]["Value"] == "https://www.example.com"
    names = {each.properties["Name"] for each in made.all("AWS::Route53::RecordSet")}
    assert names == {"www.example.com.", "chat.example.com.", "ws.example.com."}
    cors = made.one("AWS::S3::Bucket", "Files").properties["CorsConfiguration"]["CorsRules"]
    assert cors[0]["AllowedOrigins"] == ["https://www.example.com"]


def test_without_a_name_clients_call_the_distributions_own(synthesize: Synthesize) -> None:
    made = synthesize(OWN_NAME)
    url = made.stacks["Web"]["Outputs"]["ApiUrl"]["Value"]
    assert made.show(url) == "https://<CloudFrontDistribution.DomainName>"


def test_by_default_there_is_no_distribution(dev: Synthesized) -> None:
    assert not DEV.cloudfront.enabled
    assert not [each for each in dev.resources if each.type.startswith("AWS::CloudFront::")]
    rule = dev.one("AWS::ElasticLoadBalancingV2::ListenerRule").properties
    assert [each["Field"] for each in rule["Conditions"]] == ["path-pattern"]

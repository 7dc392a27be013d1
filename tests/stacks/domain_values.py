"""Wrong and valid values of the settings of domains, their certificates and CloudFront."""

from collections.abc import Mapping
from typing import Any

from tests.stacks.balancing_values import certificate
from tests.stacks.complete import ACCOUNT, CERTIFICATE, REGION
from tests.stacks.setting_kinds import (
    IN_REGION,
    LONG,
    UUID,
    Values,
    flag,
    number,
    text,
)

IN_ZONE = {"zone.id": "Z0123456789ABCDEFGHIJ", "zone.domain": "example.com"}
# what CloudFront needs behind it
BEHIND = {
    **IN_ZONE,
    "load_balancer.domain_name": "api.example.com",
    "load_balancer.plain_http": False,
}
CLOUDFRONT_CERTIFICATE = CERTIFICATE.replace(REGION, "us-east-1")
WEB_ACL = f"arn:aws:wafv2:us-east-1:{ACCOUNT}:global/webacl/chat/{UUID}"
NO_ZONE = {"zone.id": None, "zone.domain": None}


def domain() -> Values:
    """The WebSocket API's, with a certificate that is made in the zone of all names."""
    names = (
        "ws.example.com",
        "example.com",
        f"{'a' * 52}.example.com",
        "a-1.xn--bcher-kva.example.com",
    )
    values = text(
        (
            *("", "ws", "wss://ws.example.com", "ws.example.com:443", "*.example.com", "1.2"),
            *("ws..example.com", "-ws.example.com", "ws-.example.com", "WS.example.com"),
            *("192.0.2.1", "ws.example.com\n", "b\u00fccher.example.com", "ws.example.com.", LONG),
            *(f"{'a' * 53}.example.com", "ws.example.net", "badexample.com"),
        ),
        names,
        optional=True,
        with_=IN_ZONE,
    )
    return Values(
        values.wrong_texts,
        values.wrong_values,
        (*names, *((none, NO_ZONE) for none in ("none", None))),
        IN_ZONE,
    )


def zone(wrong: tuple[str, ...], right: str, other: tuple[Any, Mapping[str, Any]]) -> Values:
    values = text(wrong, (), optional=True)
    given = {**IN_ZONE, "websocket.domain_name": "ws.example.com"}
    none = {**NO_ZONE, "websocket.domain_name": None}
    return Values(
        values.wrong_texts,
        values.wrong_values,
        (right, other, ("none", none), (None, none)),
        given,
    )


def before_cloudfront(wrong: tuple[str, ...], right: str, beside: Mapping[str, Any]) -> Values:
    """What a distribution may have, beside what it needs with it."""
    values = text(wrong, (), optional=True)
    there = {**BEHIND, "cloudfront.enabled": True}
    alone = {**there, **dict.fromkeys(beside)}
    return Values(
        values.wrong_texts,
        values.wrong_values,
        (right, ("none", alone), (None, alone)),
        {**there, **beside},
    )


def websocket_certificate() -> Values:
    here = {**IN_REGION, "websocket.domain_name": "ws.example.com"}
    values = certificate()
    none = {"websocket.domain_name": None}
    right = ((CERTIFICATE, here), ("none", none), (None, none))
    return Values(values.wrong_texts, values.wrong_values, right, here)


DOMAINS: dict[str, Values] = {
    "websocket.domain_name": domain(),
    "websocket.certificate_arn": websocket_certificate(),
    "cloudfront.enabled": flag(
        *((each, BEHIND) for each in (True, "true", "TRUE")), False, "false", with_=BEHIND
    ),
    "cloudfront.domain_name": before_cloudfront(
        (
            *("", "chat", "https://chat.example.com", "chat.example.com:443", "*.example.com"),
            *("chat..example.com", "-chat.example.com", "CHAT.example.com", "192.0.2.1", LONG),
            *("chat.example.net", "api.example.com"),
        ),
        "chat.example.com",
        {"cloudfront.certificate_arn": CLOUDFRONT_CERTIFICATE},
    ),
    "cloudfront.certificate_arn": before_cloudfront(
        (
            *("", "x", "arn", ":::::", CERTIFICATE, CLOUDFRONT_CERTIFICATE.upper(), LONG),
            *(CLOUDFRONT_CERTIFICATE[:-1], f"{CLOUDFRONT_CERTIFICATE}\n", f" {CERTIFICATE}"),
            CLOUDFRONT_CERTIFICATE.replace(":acm:", ":iam:"),
        ),
        CLOUDFRONT_CERTIFICATE,
        {"cloudfront.domain_name": "chat.example.com"},
    ),
    "cloudfront.web_acl_arn": before_cloudfront(
        (
            *("", "x", "arn", ":::::", WEB_ACL.upper(), WEB_ACL[:-1], f"{WEB_ACL}\n", LONG),
            *(WEB_ACL.replace("global", "regional"), WEB_ACL.replace("us-east-1", "eu-west-1")),
        ),
        WEB_ACL,
        {},
    ),
    "cloudfront.secret_version": number(1, 10_000),
    "zone.id": zone(
        (
            *("", "Z", "z0123456789abc", "/hostedzone/Z0123456789ABC", "Z012-3", "Z 1", "Z1\n"),
            *("0Z1", f"Z{'A' * 32}", "example.com", LONG),
        ),
        "Z1",
        (f"Z{'A' * 31}", {}),
    ),
    "zone.domain": zone(
        (
            *("", "com", "example.com.", "Example.com", "*.example.com", "https://example.com"),
            *("example..com", "-example.com", "192.0.2.1", "example.com\n", LONG),
        ),
        "example.com",
        ("ws.example.com", {}),
    ),
}

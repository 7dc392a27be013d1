"""The names of an environment: that of the load balancer, and that of the WebSocket API.

Each needs a certificate of the environment's region. Where its DNS zone is a hosted zone of the
account, certificates and records are made there; elsewhere a certificate is given by its ARN, and
somebody makes the record.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from stacks.config.cloudfront import CloudFront
from stacks.config.errors import require
from stacks.config.load_balancer import LoadBalancer
from stacks.config.names import DOMAIN_NAME
from stacks.config.settings import WebSocket
from stacks.config.type_checks import require_types

# https://docs.aws.amazon.com/Route53/latest/APIReference/API_HostedZone.html has 32 characters; the
# console shows the id without the /hostedzone/ that the API puts before it.
ZONE_ID = re.compile(r"Z[A-Z0-9]{1,31}")
# "the length of the domain name (technically, the Common Name) that you provide cannot exceed 64":
# https://docs.aws.amazon.com/acm/latest/APIReference/API_RequestCertificate.html
LONGEST_CERTIFIED = 64
BALANCER, WEBSOCKET = "load_balancer", "websocket"


@dataclass(frozen=True, kw_only=True)
class HostedZone:
    """The public hosted zone in Route 53 that all names of the environment are in.

    `domain` is its name. Both are given: to find one by the other would take a call at synth.
    """

    id: str | None = None
    domain: str | None = None

    def __post_init__(self) -> None:
        require_types(self, "zone.")
        require(
            self.id is None or bool(ZONE_ID.fullmatch(self.id)),
            "zone.id",
            self.id,
            "a hosted zone's id is a Z with capitals and digits, without /hostedzone/ before it",
            "Set zone.id to one such as Z0123456789ABCDEFGHIJ, or to none",
        )
        require(
            self.domain is None or bool(DOMAIN_NAME.fullmatch(self.domain)),
            "zone.domain",
            self.domain,
            "it is the name of the hosted zone: labels of lower-case letters, digits and hyphens "
            "with dots between them and none at the end",
            "Set zone.domain to one such as example.com, or to none",
        )
        given, lacking = ("id", "domain") if self.domain is None else ("domain", "id")
        require(
            (self.id is None) == (self.domain is None),
            f"zone.{given}",
            getattr(self, given),
            f"zone.{lacking} is None, and records are made by the id and checked by the domain",
            f"Set zone.{lacking} too, or zone.{given} to none",
        )

    def has(self, name: str) -> bool:
        """Whether a record of the name can be made in it; that of its apex can, as an alias."""
        return self.domain is not None and (name == self.domain or name.endswith(f".{self.domain}"))


def serves_https(balancer: LoadBalancer, zone: HostedZone) -> bool:
    """Whether the load balancer has a certificate: one that is given, or one that is made."""
    return balancer.certificate_arn is not None or _is_certified(balancer, zone)


def check_domains(
    balancer: LoadBalancer, websocket: WebSocket, cloudfront: CloudFront, zone: HostedZone
) -> None:
    """Raises ConfigError for what AWS would reject, or accept without effect."""
    named = list(_named(balancer, websocket, cloudfront))
    for number, (field, name, _) in enumerate(named):
        same = [other for other, each, _ in named[:number] if each == name]
        require(
            not same,
            f"{field}.domain_name",
            name,
            f"{''.join(same)}.domain_name is the same, and a name leads to one of them",
            f"Set {field}.domain_name to another one",
        )
    require(
        websocket.domain_name is None
        or websocket.certificate_arn is not None
        or zone.id is not None,
        f"{WEBSOCKET}.domain_name",
        websocket.domain_name,
        f"API Gateway takes a name with a certificate only, {WEBSOCKET}.certificate_arn is None, "
        "and there is no zone to validate a new one in",
        f"Set {WEBSOCKET}.certificate_arn, or zone.id and zone.domain",
    )
    _check_zone(named, zone)
    _check_made_certificate(balancer, zone)


def _check_zone(named: list[tuple[str, str, str | None]], zone: HostedZone) -> None:
    require(
        zone.id is None or bool(named),
        "zone.id",
        zone.id,
        "no name is to be made in it",
        f"Set {BALANCER}.domain_name or {WEBSOCKET}.domain_name, or zone.id and zone.domain to "
        "none",
    )
    for field, name, certificate_arn in named:
        require(
            zone.id is None or zone.has(name),
            f"{field}.domain_name",
            name,
            f"it is not in the zone {zone.domain} (zone.domain), where no record of it can be made",
            f"Set {field}.domain_name to a name in it, or zone.id and zone.domain to none, and "
            "make the record where its zone is",
        )
        require(
            zone.id is None or certificate_arn is not None or len(name) <= LONGEST_CERTIFIED,
            f"{field}.domain_name",
            name,
            f"the certificate that is made for it takes at most {LONGEST_CERTIFIED} characters, "
            f"not {len(name)}",
            f"Shorten it, or set {field}.certificate_arn to a certificate that has it as a further "
            "name",
        )


def _check_made_certificate(balancer: LoadBalancer, zone: HostedZone) -> None:
    """What LoadBalancer checks of a certificate that is given holds for one that is made."""
    if not _is_certified(balancer, zone):
        return
    require(
        not balancer.plain_http,
        f"{BALANCER}.plain_http",
        balancer.plain_http,
        "a certificate is made in the zone (zone.id), and with one HTTP only redirects to HTTPS",
        f"Set {BALANCER}.plain_http to false, or zone.id and zone.domain to none",
    )
    field = "algorithm" if balancer.algorithm == "ip_hash" else "ip_hash"
    require(
        not balancer.has_network_balancer,
        f"{BALANCER}.{field}",
        getattr(balancer, field),
        "a certificate is made in the zone (zone.id), and the Network Load Balancer could not use "
        "it: source_ip stickiness does not work with a TLS listener",
        f"Set {BALANCER}.{field} to {'round_robin' if field == 'algorithm' else 'false'}, or "
        "zone.id and zone.domain to none",
    )


def _is_certified(balancer: LoadBalancer, zone: HostedZone) -> bool:
    return zone.id is not None and balancer.domain_name is not None


def _named(
    balancer: LoadBalancer, websocket: WebSocket, cloudfront: CloudFront
) -> Iterator[tuple[str, str, str | None]]:
    """The settings' prefix, the name and the ARN of its certificate."""
    parts = ((BALANCER, balancer), (WEBSOCKET, websocket), ("cloudfront", cloudfront))
    for field, each in parts:
        if each.domain_name is not None:
            yield field, each.domain_name, each.certificate_arn

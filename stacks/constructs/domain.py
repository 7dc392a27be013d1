"""A domain name of the environment: its certificate, and its record in the hosted zone."""

from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_route53 as route53
from constructs import Construct

from stacks.config.domains import HostedZone


class Domain(Construct):
    """`certificate` is the one that is given by its ARN, else one for the name, which
    CloudFormation validates by a record in the zone; None where there is neither."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str | None,
        certificate_arn: str | None,
        zone: HostedZone,
    ) -> None:
        super().__init__(scope, id)
        self._name = name
        self._zone: route53.IHostedZone | None = None
        if zone.id is not None and zone.domain is not None and name is not None:
            self._zone = route53.HostedZone.from_hosted_zone_attributes(
                self, "Zone", hosted_zone_id=zone.id, zone_name=zone.domain
            )
        self.certificate = self._certificate(certificate_arn)

    def _certificate(self, arn: str | None) -> acm.ICertificate | None:
        if arn is not None:
            return acm.Certificate.from_certificate_arn(self, "Certificate", arn)
        if self._zone is None or self._name is None:
            return None
        return acm.Certificate(
            self,
            "Certificate",
            domain_name=self._name,
            validation=acm.CertificateValidation.from_dns(self._zone),
        )

    def lead_to(self, target: route53.IAliasRecordTarget) -> None:
        """Makes the record, where the zone is the account's. An alias, since a CNAME can't be at a
        zone's apex:
        https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/resource-record-sets-choosing-alias-non-alias.html
        """
        if self._zone is not None:
            route53.ARecord(
                self,
                "Alias",
                zone=self._zone,
                record_name=self._name,
                target=route53.RecordTarget.from_alias(target),
            )

"""Settings of the CloudFront distribution that may stand in front of the load balancer."""

import re
from dataclasses import dataclass

from stacks.config import arns
from stacks.config.errors import require, require_between
from stacks.config.load_balancer import LoadBalancer
from stacks.config.names import DOMAIN_NAME
from stacks.config.type_checks import require_types

# "To use an ACM certificate with CloudFront, you must request (or import) it in us-east-1":
# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cnames-and-https-requirements.html
REGION = "us-east-1"
WEB_ACL = arns.Kind(
    re.compile(
        rf"arn:(?P<partition>aws):wafv2:(?P<region>{REGION}):(?P<account>{arns.ACCOUNT}):"
        r"global/webacl/[A-Za-z0-9_-]{1,128}/[0-9a-f-]{36}"
    ),
    f"arn:aws:wafv2:{REGION}:<account>:global/webacl/<name>/<id>",
)


@dataclass(frozen=True, kw_only=True)
class CloudFront:
    """With `enabled` clients call the page and the API at the distribution, which caches the page's
    files near them, and the load balancer accepts requests from the distribution only.

    domain_name is the name that clients use, with a certificate in us-east-1; without one they use
    the distribution's own. web_acl_arn is a web ACL of AWS WAF with the scope CLOUDFRONT. The load
    balancer recognizes CloudFront by a secret; a higher secret_version makes another one.
    """

    enabled: bool = False
    domain_name: str | None = None
    certificate_arn: str | None = None
    web_acl_arn: str | None = None
    secret_version: int = 1

    def __post_init__(self) -> None:
        require_types(self, "cloudfront.")
        require(
            self.domain_name is None or bool(DOMAIN_NAME.fullmatch(self.domain_name)),
            "cloudfront.domain_name",
            self.domain_name,
            "it is the name alone that clients call: labels of lower-case letters, digits and "
            "hyphens with dots between them, no scheme, port or wildcard",
            "Set cloudfront.domain_name to one such as chat.example.com, or to none",
        )
        require(
            self.certificate_arn is None
            or (
                arns.is_arn_of(arns.CERTIFICATE, self.certificate_arn)
                and f":{REGION}:" in self.certificate_arn
            ),
            "cloudfront.certificate_arn",
            self.certificate_arn,
            "it is the ARN of a certificate in AWS Certificate Manager, and CloudFront takes those "
            f"of {REGION} alone, whatever the environment's region",
            "Set cloudfront.certificate_arn to such an ARN, or to none",
        )
        require(
            self.web_acl_arn is None or bool(WEB_ACL.pattern.fullmatch(self.web_acl_arn)),
            "cloudfront.web_acl_arn",
            self.web_acl_arn,
            f"it is the ARN of a web ACL with the scope CLOUDFRONT, {WEB_ACL.form}",
            "Set cloudfront.web_acl_arn to such an ARN, or to none",
        )
        version = self.secret_version
        require_between(1, 10_000, "cloudfront.secret_version", version, "a number that only rises")
        self._check_pairs()

    def _check_pairs(self) -> None:
        given, lacking = ("domain_name", "certificate_arn")
        if self.domain_name is None:
            given, lacking = lacking, given
        require(
            (self.domain_name is None) == (self.certificate_arn is None),
            f"cloudfront.{given}",
            getattr(self, given),
            f"cloudfront.{lacking} is None, and a name is served with a certificate that covers it",
            f"Set cloudfront.{lacking} too, or cloudfront.{given} to none",
        )
        for name in ("domain_name", "web_acl_arn"):
            require(
                self.enabled or getattr(self, name) is None,
                f"cloudfront.{name}",
                getattr(self, name),
                "cloudfront.enabled is False, and nothing has it",
                f"Set cloudfront.enabled to true, or cloudfront.{name} to none",
            )


def check_cloudfront(
    cloudfront: CloudFront, balancer: LoadBalancer, *, https: bool, waf: bool
) -> None:
    """Raises ConfigError for what does not go with the load balancer's settings."""
    if not cloudfront.enabled:
        return
    require(
        https and balancer.domain_name is not None,
        "cloudfront.enabled",
        cloudfront.enabled,
        "CloudFront calls the load balancer by HTTPS, by a name that its certificate covers",
        "Set load_balancer.domain_name, and load_balancer.certificate_arn or the zone",
    )
    require(
        not waf,
        "waf",
        waf,
        "the web ACL would stand between CloudFront and the load balancer, see CloudFront's "
        "addresses, and count all people as a few",
        "Set waf to false, and cloudfront.web_acl_arn to a web ACL of the distribution",
    )

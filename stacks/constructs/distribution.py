"""The CloudFront distribution in front of the load balancer.

Requests that do not come through it are rejected: it adds a secret header, which the listener's
rules require.
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/restrict-access-to-load-balancer.html
"""

from aws_cdk import Duration
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_cloudfront_origins as origins
from aws_cdk import aws_route53_targets as targets
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from stacks.config.environments import Environment
from stacks.constructs.domain import Domain

ORIGIN_HEADER = "x-origin-secret"
SECRET_LENGTH = 48  # letters and digits: a condition's value has wildcards among the others
# CloudFront caches errors for 10 s, even where it caches nothing else, and returns them to
# everybody: one user's 404, one target's 503. For these codes the time can be set:
# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/HTTPStatusCodes.html
ERRORS = (400, 403, 404, 405, 414, 500, 501, 502, 503, 504)


class Distribution(Construct):
    """`secret` is the value of the header: CloudFormation reads it where it is used."""

    def __init__(self, scope: Construct, id: str, *, config: Environment) -> None:
        super().__init__(scope, id)
        settings = config.cloudfront
        made = secretsmanager.Secret(
            self,
            f"OriginSecret{settings.secret_version}",
            description=f"Known to CloudFront and the load balancer of {config.name}",
            generate_secret_string=secretsmanager.SecretStringGenerator(
                exclude_punctuation=True, password_length=SECRET_LENGTH
            ),
        )
        self.secret = made.secret_value.unsafe_unwrap()
        domain = Domain(
            self,
            "Domain",
            name=settings.domain_name,
            certificate_arn=settings.certificate_arn,
            zone=config.zone,
        )
        self._distribution = self._made(config, domain.certificate)
        domain.lead_to(targets.CloudFrontTarget(self._distribution))
        self.dns_name = self._distribution.distribution_domain_name
        self.url = f"https://{settings.domain_name or self.dns_name}"

    def _made(
        self, config: Environment, certificate: acm.ICertificate | None
    ) -> cloudfront.Distribution:
        settings, name = config.cloudfront, config.load_balancer.domain_name
        assert name is not None  # noqa: S101 - for the type checker: check_cloudfront saw to it
        origin = origins.HttpOrigin(
            name,
            protocol_policy=cloudfront.OriginProtocolPolicy.HTTPS_ONLY,
            custom_headers={ORIGIN_HEADER: self.secret},
            read_timeout=Duration.seconds(min(config.load_balancer.idle_timeout, 60)),
        )
        return cloudfront.Distribution(
            self,
            "Distribution",
            comment=f"{config.project} {config.name}",
            domain_names=[settings.domain_name] if settings.domain_name else None,
            certificate=certificate,
            # with CloudFront's own certificate it would have no effect
            minimum_protocol_version=(
                cloudfront.SecurityPolicyProtocol.TLS_V1_2_2021 if certificate else None
            ),
            http_version=cloudfront.HttpVersion.HTTP2_AND_3,
            enable_ipv6=False,  # as the load balancer
            web_acl_id=settings.web_acl_arn,
            default_behavior=_page(origin),
            additional_behaviors={"/api/*": _api(origin)},
            error_responses=[
                cloudfront.ErrorResponse(http_status=code, ttl=Duration.seconds(0))
                for code in ERRORS
            ],
        )


def _page(origin: origins.HttpOrigin) -> cloudfront.BehaviorOptions:
    """Each of the page's files is cached as long as its `Cache-Control` has it, and comes in an
    encoding that the browser accepts."""
    return cloudfront.BehaviorOptions(
        origin=origin,
        viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
        cache_policy=cloudfront.CachePolicy.CACHING_OPTIMIZED,
    )


def _api(origin: origins.HttpOrigin) -> cloudfront.BehaviorOptions:
    return cloudfront.BehaviorOptions(
        origin=origin,
        viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.HTTPS_ONLY,
        allowed_methods=cloudfront.AllowedMethods.ALLOW_ALL,
        cache_policy=cloudfront.CachePolicy.CACHING_DISABLED,
        # with the client's address in CloudFront-Viewer-Address
        origin_request_policy=cloudfront.OriginRequestPolicy.ALL_VIEWER_AND_CLOUDFRONT_2022,
    )

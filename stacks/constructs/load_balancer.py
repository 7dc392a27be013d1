"""The Application Load Balancer: listeners, rules and the weights of pools."""

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import Annotations, Duration, Tags
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elb
from aws_cdk import aws_route53_targets as targets
from constructs import Construct

from stacks.config.environments import Environment
from stacks.config.pools import LambdaPool, Pool
from stacks.config.warnings import load_balancer_notes, load_balancer_warnings
from stacks.constructs.access_log_bucket import AccessLogBucket
from stacks.constructs.domain import Domain

FORBIDDEN = elb.ListenerAction.fixed_response(
    403, content_type="text/plain", message_body="Call this by its name."
)


@dataclass(frozen=True)
class Share:
    """A pool with its target group, for a weighted forward action."""

    pool: Pool
    target_group: elb.ApplicationTargetGroup


class LoadBalancer(Construct):
    """Faces the internet. `forward` is called once, with every pool, and makes `listener`."""

    def __init__(self, scope: Construct, id: str, *, config: Environment, vpc: ec2.IVpc) -> None:
        super().__init__(scope, id)
        self._config = config
        settings = config.load_balancer
        self._annotate()
        self.balancer = elb.ApplicationLoadBalancer(
            self,
            "Balancer",
            vpc=vpc,
            internet_facing=True,
            idle_timeout=Duration.seconds(settings.idle_timeout),
            drop_invalid_header_fields=True,
            deletion_protection=config.deletion_protection,
        )
        if settings.access_logs:
            AccessLogBucket(self, "AccessLogs", config=config).receive_from(self.balancer)
        else:
            # written even if off: otherwise the balancer would keep writing to the bucket after the
            # setting is removed
            self.balancer.set_attribute("access_logs.s3.enabled", "false")
        scheme = "https" if config.https else "http"
        name = settings.domain_name
        self.url = f"{scheme}://{name or self.balancer.load_balancer_dns_name}"
        if name is not None:
            # by this tag the emulator knows the name, also where its record is made elsewhere
            Tags.of(self.balancer).add("domain", name)
        domain = Domain(
            self,
            "Domain",
            name=name,
            certificate_arn=settings.certificate_arn,
            zone=config.zone,
        )
        domain.lead_to(targets.LoadBalancerTarget(self.balancer))
        self._certificate = domain.certificate

    def forward(self, shares: Sequence[Share], header: tuple[str, str] | None = None) -> None:
        """`/api/*` goes to all pools by weight; everything else, which is the web client, to the
        containers, or to the Lambda where there is none with a weight. `header` is what all
        requests need to have, with its value."""
        containers = [
            share
            for share in shares
            if not isinstance(share.pool, LambdaPool) and share.pool.weight
        ]
        page = self._weighted(containers or shares)
        asked = [elb.ListenerCondition.http_header(header[0], [header[1]])] if header else []
        listener = self.listener = self._listener(FORBIDDEN if header else page)
        elb.ApplicationListenerRule(
            self,
            "ApiRule",
            listener=listener,
            priority=10,
            conditions=[elb.ListenerCondition.path_patterns(["/api/*"]), *asked],
            action=self._weighted(shares),
        )
        if header:
            elb.ApplicationListenerRule(
                self, "PageRule", listener=listener, priority=20, conditions=asked, action=page
            )

    def _annotate(self) -> None:
        """Notes and warnings about the configuration, printed at synth."""
        settings = self._config.load_balancer
        notes = Annotations.of(self)
        for id, sentence in load_balancer_notes(settings, self._config.pools):
            notes.add_info_v2(f"switchboard:{id}", sentence)
        for id, sentence in load_balancer_warnings(settings, self._config.pools, self._config.waf):
            notes.add_warning_v2(f"switchboard:{id}", sentence)

    def _weighted(self, shares: Sequence[Share]) -> elb.ListenerAction:
        stickiness = self._config.load_balancer.stickiness
        # a sticky target is found again only if the rule sends the client to its group
        groups_stick = stickiness.kind in ("group", "lb_cookie") and len(shares) > 1
        return elb.ListenerAction.weighted_forward(
            [
                elb.WeightedTargetGroup(target_group=share.target_group, weight=share.pool.weight)
                for share in shares
            ],
            stickiness_duration=Duration.seconds(stickiness.duration) if groups_stick else None,
        )

    def _listener(self, default_action: elb.ListenerAction) -> elb.ApplicationListener:
        if self._certificate is None:
            return self.balancer.add_listener(
                "Http",
                port=80,
                protocol=elb.ApplicationProtocol.HTTP,
                default_action=default_action,
            )
        self.balancer.add_listener(
            "Http",
            port=80,
            protocol=elb.ApplicationProtocol.HTTP,
            default_action=elb.ListenerAction.redirect(
                protocol="HTTPS", port="443", permanent=True
            ),
        )
        return self.balancer.add_listener(
            "Https",
            port=443,
            protocol=elb.ApplicationProtocol.HTTPS,
            certificates=[elb.ListenerCertificate.from_certificate_manager(self._certificate)],
            default_action=default_action,
        )

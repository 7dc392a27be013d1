"""The Network Load Balancer, which balances by the client's address (source IP).

An Application Load Balancer can't, so this one is added for the tasks of one pool. It forwards TCP
connections: no paths, no weights, no certificate.
"""

from aws_cdk import Duration, Tags
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elb
from constructs import Construct

from stacks.config.environments import Environment
from stacks.constructs.container_pool import ContainerPoolService
from stacks.constructs.target_group import (
    KEEP_ALIVE_MARGIN,
    PORT,
    elb_health_check,
    minimum_healthy_attributes,
)

LISTENER_PORT = 80
DEFAULT_IDLE_SECONDS = 350  # AWS's own idle timeout


class NetworkBalancer(Construct):
    """Sends each source address to one task of the pool, for as long as the tasks stay the same.

    The task sees the client's own address, and admits the connection by the balancer's security
    group: a rule that names it counts for its traffic also while client addresses are preserved
    (https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-security-groups.html).
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        config: Environment,
        vpc: ec2.IVpc,
        pool: ContainerPoolService,
    ) -> None:
        super().__init__(scope, id)
        self.balancer = elb.NetworkLoadBalancer(
            self,
            "Balancer",
            vpc=vpc,
            internet_facing=True,
            security_groups=[self._security_group(vpc, pool)],
            # Otherwise a node hashes over the tasks of its own zone only, and a client that
            # resolves the name again may reach the node of another zone.
            cross_zone_enabled=True,
            deletion_protection=config.deletion_protection,
        )
        self.target_group = self._target_group(config, vpc, pool)
        self.balancer.add_listener(
            "Tcp",
            port=LISTENER_PORT,
            protocol=elb.Protocol.TCP,
            default_target_groups=[self.target_group],
            tcp_idle_timeout=_idle_timeout(pool.keep_alive),
        )
        self.url = f"http://{self.balancer.load_balancer_dns_name}"

    def _security_group(self, vpc: ec2.IVpc, pool: ContainerPoolService) -> ec2.SecurityGroup:
        """Set at creation: a Network Load Balancer created without one can't get one later."""
        group = ec2.SecurityGroup(
            self,
            "SecurityGroup",
            vpc=vpc,
            description="Clients of the Network Load Balancer",
            allow_all_outbound=False,
        )
        group.add_ingress_rule(
            ec2.Peer.any_ipv4(), ec2.Port.tcp(LISTENER_PORT), "Anyone may connect"
        )
        # health checks need this too
        group.connections.allow_to(pool.service, ec2.Port.tcp(PORT), "To the pool's tasks")
        return group

    def _target_group(
        self, config: Environment, vpc: ec2.IVpc, pool: ContainerPoolService
    ) -> elb.NetworkTargetGroup:
        settings = config.load_balancer
        group = elb.NetworkTargetGroup(
            self,
            "TargetGroup",
            vpc=vpc,
            target_type=elb.TargetType.IP,
            protocol=elb.Protocol.TCP,
            port=PORT,
            preserve_client_ip=True,
            deregistration_delay=Duration.seconds(settings.deregistration_delay),
            health_check=elb_health_check(settings.health_check, elb.Protocol.HTTP),
        )
        for key, value in minimum_healthy_attributes(settings.minimum_healthy_targets).items():
            group.set_attribute(key, value)
        group.set_attribute("stickiness.enabled", "true")
        group.set_attribute("stickiness.type", "source_ip")
        group.add_target(pool.target())
        Tags.of(group).add("pool", pool.pool.name)
        return group


def _idle_timeout(keep_alive: int) -> Duration:
    """Longer than a task keeps an idle connection: the balancer drops one without closing it, and
    the next request on it is reset. The default is written too: CloudFormation would not restore
    it."""
    return Duration.seconds(max(keep_alive + KEEP_ALIVE_MARGIN, DEFAULT_IDLE_SECONDS))

"""The network stack: a VPC for the containers and the load balancer. Functions need none."""

from aws_cdk import Fn
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from stacks.config.environments import Environment
from stacks.config.errors import require
from stacks.config.regions import MOST_ZONES
from stacks.constructs.retention import log_group
from stacks.stack import EnvironmentStack

# Addresses are always divided among MOST_ZONES, so that adding a zone moves no subnet. The
# smallest network, a /24, then has eight subnets of /27, the smallest that an Application Load
# Balancer accepts:
# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html#availability-zones


class NetworkStack(EnvironmentStack):
    """Public and private subnets always exist, and nat_gateways decides only whether the private
    ones reach the internet. They cost nothing, and other stacks import their ids: CloudFormation
    does not remove an export that is in use, so subnets can't depend on a setting."""

    def __init__(self, scope: Construct, id: str, *, config: Environment) -> None:
        super().__init__(scope, id, config=config, description="VPC, subnets, endpoints")
        settings = config.network
        zones = self.availability_zones
        private = (
            ec2.SubnetType.PRIVATE_WITH_EGRESS
            if settings.nat_gateways
            else ec2.SubnetType.PRIVATE_ISOLATED
        )
        self.vpc = ec2.Vpc(
            self,
            "Vpc",
            ip_addresses=ec2.IpAddresses.cidr(settings.cidr),
            availability_zones=zones,
            reserved_azs=MOST_ZONES - len(zones),
            nat_gateways=settings.nat_gateways,
            subnet_configuration=[
                ec2.SubnetConfiguration(name="public", subnet_type=ec2.SubnetType.PUBLIC),
                ec2.SubnetConfiguration(name="private", subnet_type=private),
            ],
            # Nothing uses the default group, and CDK would add a function to empty it.
            restrict_default_security_group=False,
            # Free, and for most of the traffic: tables, and the image layers that ECR stores in S3.
            gateway_endpoints={
                "DynamoDb": ec2.GatewayVpcEndpointOptions(
                    service=ec2.GatewayVpcEndpointAwsService.DYNAMODB
                ),
                "S3": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.S3),
            },
        )
        for subnet in (*self.vpc.private_subnets, *self.vpc.isolated_subnets):
            self.export_value(subnet.subnet_id)
        if settings.flow_logs:
            self.vpc.add_flow_log(
                "FlowLog",
                destination=ec2.FlowLogDestination.to_cloud_watch_logs(
                    log_group(self, "FlowLogs", config)
                ),
                traffic_type=ec2.FlowLogTrafficType.REJECT,
            )

    @property
    def availability_zones(self) -> list[str]:
        """The configured ones, or the region's first two by Fn::GetAZs; CDK would look them up in
        the account at synth."""
        zones = self.config.availability_zones
        require(
            len(zones) <= MOST_ZONES,
            "availability_zones",
            ", ".join(zones),
            f"the network's addresses are divided among {MOST_ZONES} zones",
            "Name fewer",
        )
        return list(zones) or [Fn.select(index, Fn.get_azs()) for index in range(2)]


def existing_vpc(scope: Construct, config: Environment) -> ec2.IVpc:
    """The network that the environment names by its ids."""
    named = config.vpc
    private = list(named.private_subnets)
    return ec2.Vpc.from_vpc_attributes(
        scope,
        "ExistingVpc",
        vpc_id=str(named.id),
        availability_zones=list(config.availability_zones),
        public_subnet_ids=list(named.public_subnets),
        private_subnet_ids=private or None,
    )

"""The network that the containers and the load balancer stand in. Functions need none."""

from aws_cdk import Fn
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from stacks.config import Environment
from stacks.constructs.log_group import log_group
from stacks.stack import EnvironmentStack


class NetworkStack(EnvironmentStack):
    def __init__(self, scope: Construct, id: str, *, config: Environment) -> None:
        super().__init__(scope, id, config=config, description="VPC, subnets, endpoints")
        settings = config.network
        subnets = [_subnets("public", ec2.SubnetType.PUBLIC)]
        if settings.nat_gateways:
            subnets.append(_subnets("private", ec2.SubnetType.PRIVATE_WITH_EGRESS))
        self.vpc = ec2.Vpc(
            self,
            "Vpc",
            ip_addresses=ec2.IpAddresses.cidr(settings.cidr),
            availability_zones=self.availability_zones,
            nat_gateways=settings.nat_gateways,
            subnet_configuration=subnets,
            # Nothing uses the default group, and emptying it would take a function of CDK's own.
            restrict_default_security_group=False,
            # Free, and most of the traffic: tables, and the image layers that ECR keeps in S3.
            gateway_endpoints={
                "DynamoDb": ec2.GatewayVpcEndpointOptions(
                    service=ec2.GatewayVpcEndpointAwsService.DYNAMODB
                ),
                "S3": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.S3),
            },
        )
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
        """The configured ones, or the region's first two, which CloudFormation finds itself; CDK
        would look them up in the account."""
        return list(self.config.availability_zones) or [
            Fn.select(index, Fn.get_azs()) for index in range(2)
        ]


def _subnets(name: str, kind: ec2.SubnetType) -> ec2.SubnetConfiguration:
    return ec2.SubnetConfiguration(name=name, subnet_type=kind)

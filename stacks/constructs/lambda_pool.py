"""The pool of the load balancer that is a Lambda function."""

from aws_cdk import Tags
from aws_cdk import aws_elasticloadbalancingv2 as elb
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from stacks.config.environments import Environment
from stacks.constructs.grants import arn


class LambdaTargetGroup(Construct):
    """Lets its own load balancer target group, and nothing else, call the function.

    CDK's LambdaTarget lets every load balancer of every account do so, since its permission has no
    source: the group can't be made before the permission, so the permission can't refer to the
    group. It can name it, though, which is why this group has a fixed name.
    """

    def __init__(
        self, scope: Construct, id: str, *, config: Environment, function: lambda_.Function
    ) -> None:
        super().__init__(scope, id)
        name = f"{config.project}-{config.name}-lambda"
        permission = lambda_.CfnPermission(
            self,
            "Permission",
            action="lambda:InvokeFunction",
            function_name=function.function_arn,
            principal="elasticloadbalancing.amazonaws.com",
            source_arn=arn(self, "elasticloadbalancing", f"targetgroup/{name}/*"),
        )
        self.target_group = elb.ApplicationTargetGroup(
            self,
            "TargetGroup",
            target_group_name=name,
            target_type=elb.TargetType.LAMBDA,
            # cookies and repeated query parameters arrive whole
            multi_value_headers_enabled=True,
        )
        group = self.target_group.node.default_child
        assert isinstance(group, elb.CfnTargetGroup)  # noqa: S101 - for the type checker
        group.targets = [elb.CfnTargetGroup.TargetDescriptionProperty(id=function.function_arn)]
        self.target_group.node.add_dependency(permission)
        Tags.of(self.target_group).add("pool", "lambda")

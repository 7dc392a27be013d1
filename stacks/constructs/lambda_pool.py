"""The Lambda pool: a target group of the load balancer with a function."""

from aws_cdk import Tags
from aws_cdk import aws_elasticloadbalancingv2 as elb
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from stacks.config.environments import Environment
from stacks.constructs.grants import arn


class LambdaTargetGroup(Construct):
    """Only its own target group may invoke the function.

    CDK's LambdaTarget allows every load balancer of every account, since its permission has no
    SourceArn: the permission is created before the target group and can't refer to it. This one
    names it, which is why the group has a fixed name.
    """

    def __init__(
        self, scope: Construct, id: str, *, config: Environment, function: lambda_.IFunction
    ) -> None:
        super().__init__(scope, id)
        # CloudFormation does not manage to put the alias in the function's place in the same group
        # ("TargetGroup did not stabilize"), so another kind of target is another group:
        # https://github.com/aws/aws-cdk/issues/13833
        kind = "lambda" if config.releases.shifting is None else "live"
        name = f"{config.project}-{config.name}-{kind}"
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

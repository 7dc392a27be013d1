"""The alias `live` of a function, which CodeDeploy moves from version to version."""

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from stacks.config.releases import Shifting

NAME = "live"


class LiveAlias(Construct):
    """A version for each change of code or settings, and the alarm that rolls its deployment back.

    The alarm stands beside the function, and not with the others in the last stack: CodeDeploy has
    to see it while this stack is deployed. It notifies nobody.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        function: lambda_.Function,
        shifting: Shifting,
        provisioned_concurrency: int | None,
    ) -> None:
        super().__init__(scope, id)
        version = function.current_version
        self.alias = lambda_.Alias(
            self,
            "Alias",
            alias_name=NAME,
            version=version,
            provisioned_concurrent_executions=provisioned_concurrency,
        )
        codedeploy.LambdaDeploymentGroup(
            self,
            "Shift",
            application=_of_stack(self).application,
            role=_of_stack(self).role,
            alias=self.alias,
            deployment_config=getattr(codedeploy.LambdaDeploymentConfig, shifting.upper()),
            alarms=[self._alarm(function, version)],
        )

    def _alarm(self, function: lambda_.Function, version: lambda_.Version) -> cloudwatch.Alarm:
        """Counts errors of the new version alone: errors that the old one has as well are no reason
        to roll back. docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-view.html
        (ExecutedVersion)
        """
        errors = cloudwatch.Metric(
            namespace="AWS/Lambda",
            metric_name="Errors",
            dimensions_map={
                "FunctionName": function.function_name,
                "Resource": f"{function.function_name}:{NAME}",
                "ExecutedVersion": version.version,
            },
            statistic="Sum",
            period=Duration.minutes(1),
        )
        return errors.create_alarm(
            self,
            "NewVersionErrors",
            alarm_description="The new version of a function fails: its deployment is taken back",
            threshold=1,
            evaluation_periods=3,
            datapoints_to_alarm=2,  # one error may be chance
            comparison_operator=(cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD),
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )


class _Shifting(Construct):
    """CodeDeploy's application, and the role by which it moves aliases: one of each a stack."""

    def __init__(self, scope: Construct, id: str) -> None:
        super().__init__(scope, id)
        self.application = codedeploy.LambdaApplication(self, "Application")
        self.role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("codedeploy.amazonaws.com"),
            managed_policies=[
                iam.ManagedPolicy.from_aws_managed_policy_name(
                    "service-role/AWSCodeDeployRoleForLambdaLimited"
                )
            ],
        )


def _of_stack(scope: Construct) -> _Shifting:
    stack = Stack.of(scope)
    found = stack.node.try_find_child("Shifting")
    return found if isinstance(found, _Shifting) else _Shifting(stack, "Shifting")

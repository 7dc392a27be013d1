"""Feedback of FCM and APNs to pushes: SNS's delivery status logs, and metrics of them.

Publish returns once SNS took a push: a credential that has ended shows in these logs alone.
https://docs.aws.amazon.com/sns/latest/dg/sns-msg-status.html
"""

from collections.abc import Mapping

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from stacks.config.environments import Environment
from stacks.constructs.function import metrics_namespace

STATUS = "$.delivery.statusCode"
ALL = "{ $.status = * }"
# 404 of FCM and 410 of APNs mean that the app was removed, which is no error. No status: the
# platform could not be reached.
REJECTED = (
    f'{{ ($.status = "FAILURE") && (({STATUS} NOT EXISTS) || '
    f"(({STATUS} != 404) && ({STATUS} != 410))) }}"
)
RESPONSES, REJECTIONS = "PlatformAnswers", "PlatformRejections"
DIMENSION = "status"


def responses_of(platform: str) -> str:
    """The metric that counts a platform's responses by status: FCM -> FcmAnswers."""
    name = "".join(part.capitalize() for part in platform.split("_"))
    return RESPONSES.replace("Platform", name)


class PushFeedback(Construct):
    """For each application one log group of the pushes that its platform accepted, and one of those
    that it rejected. SNS would make the groups itself, without a retention period, and a metric
    filter needs its group to exist. They have SNS's names, so they are deleted with the stack even
    where data is kept: a stack that is made anew could not make them again.

    The role may make groups anyway, because SNS demands it. So a line that comes after the
    deletion makes a group again, which has to be deleted by hand (docs/deploying.md).
    https://docs.aws.amazon.com/sns/latest/dg/topics-attrib-prereq.html

    Of the accepted pushes only `percent` are logged, and the metric is scaled up accordingly.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        config: Environment,
        percent: int,
        applications: Mapping[str, str],
    ) -> None:
        """`applications`: the names by platform, as {"FCM": "GCM/switchboard-dev-fcm"}."""
        super().__init__(scope, id)
        self._config = config
        self._weight = f"{100 / percent:.10g}"
        self.groups: list[logs.LogGroup] = []
        for platform, name in applications.items():
            self._measure(platform, self._group(platform, name), self._weight)
            failed = self._group(f"{platform}Failure", f"{name}/Failure")
            self._measure(platform, failed, "1")
            self._filter(failed, f"{platform}Rejected", REJECTED, REJECTIONS, "1")
        self.role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("sns.amazonaws.com"))
        self.role.add_to_policy(
            iam.PolicyStatement(
                actions=["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
                resources=[group.log_group_arn for group in self.groups],
            )
        )

    def _group(self, id: str, application: str) -> logs.LogGroup:
        stack = Stack.of(self)
        group = logs.LogGroup(
            self,
            f"{id}Log",
            log_group_name=f"sns/{stack.region}/{stack.account}/app/{application}",
            removal_policy=RemovalPolicy.DESTROY,
        )
        resource = group.node.default_child
        assert isinstance(resource, logs.CfnLogGroup)  # noqa: S101 - for the type checker
        resource.retention_in_days = self._config.log_retention_days
        self.groups.append(group)
        return group

    def _measure(self, platform: str, group: logs.LogGroup, weight: str) -> None:
        of_status = {DIMENSION: STATUS}
        self._filter(group, "ByStatus", ALL, responses_of(platform), weight, of_status)
        self._filter(group, "All", ALL, RESPONSES, weight)

    def _filter(
        self,
        group: logs.LogGroup,
        id: str,
        pattern: str,
        metric: str,
        value: str,
        dimensions: Mapping[str, str] | None = None,
    ) -> None:
        logs.MetricFilter(
            group,
            id,
            log_group=group,
            filter_pattern=logs.FilterPattern.literal(pattern),
            metric_namespace=metrics_namespace(self._config),
            metric_name=metric,
            metric_value=value,
            dimensions=dimensions,
        )

"""The observability stack: dashboard and alarms."""

from aws_cdk import Aws, CrossStackReferences, ReferenceStrength
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from stacks.build.fingerprint import fingerprint
from stacks.build.packages import Platform
from stacks.chat import ChatStack
from stacks.config.environments import Environment
from stacks.constructs.function import Function
from stacks.constructs.grants import arn
from stacks.data import DataStack
from stacks.monitoring.alarms import Alarms
from stacks.monitoring.budget import Budget
from stacks.monitoring.canary import Canary
from stacks.monitoring.dashboard import Dashboard
from stacks.notifications import NotificationsStack
from stacks.stack import EnvironmentStack
from stacks.web import WebStack


class ObservabilityStack(EnvironmentStack):
    """Refers to what it watches by Fn::GetStackOutput, which leaves no export in use.

    An export can't change or be removed while a stack imports it, so a pool could not be removed,
    nor a target group replaced, as long as a graph shows it. The price: CloudFormation resolves
    such a reference only when this stack is updated, and `cdk deploy` skips a stack whose template
    is the same. So each alarm, the dashboard and the canary contain the fingerprint of what the
    other stacks are made from, and are updated whenever one of them may have changed.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-getstackoutput.html
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        config: Environment,
        data: DataStack,
        notifications: NotificationsStack,
        chat: ChatStack,
        web: WebStack,
        platform: Platform,
    ) -> None:
        super().__init__(scope, id, config=config, description="Dashboard and alarms")
        CrossStackReferences.of(self).consume(ReferenceStrength.WEAK)
        self._data, self._notifications, self._chat, self._web = data, notifications, chat, web
        self._functions: dict[str, Function] = {
            **chat.functions,
            **notifications.functions,
            **web.functions,
        }
        self._made_from = fingerprint(config)
        canary = self._canary(platform)
        self._dashboard(self._alarms(canary), canary)
        if config.guard_rails.monthly_budget is not None and config.alarms_email:
            Budget(
                self, "Budget", dollars=config.guard_rails.monthly_budget, email=config.alarms_email
            )

    def _alarms(self, canary: Canary | None) -> Alarms:
        chat, web = self._chat, self._web
        alarms = Alarms(
            self,
            "Alarms",
            config=self.config,
            notify=self._topic(),
            fingerprint=self._made_from,
        )
        alarms.on_tables(self._data)
        alarms.on_functions(self._functions)
        if chat.websocket:
            alarms.on_gateway(chat.websocket)
        if web.sockets:
            alarms.on_sockets(web.sockets, web.load_balancer.balancer)
        alarms.on_queues(self._notifications, chat)
        alarms.on_users(self._data)
        if canary:
            alarms.on_canary(canary)
        alarms.on_web(web.load_balancer.balancer, web.target_pools)
        if web.network_balancer:
            alarms.on_network_balancer(web.network_balancer)
        return alarms

    def _dashboard(self, alarms: Alarms, canary: Canary | None) -> None:
        notifications, chat, web = self._notifications, self._chat, self._web
        dashboard = Dashboard(self, "Dashboard", config=self.config)
        dashboard.show_alarms(alarms.notify())
        dashboard.show_times(canary)
        dashboard.show_messages()
        if web.sockets:
            dashboard.show_sockets(web.sockets, web.load_balancer.balancer)
        dashboard.show_connections(chat.websocket)
        if notifications.feedback:
            dashboard.show_platforms()
        dashboard.show_functions(self._functions)
        dashboard.show_queues(notifications, chat)
        dashboard.show_web(web.load_balancer.balancer, web.target_pools)
        if web.target_pools:
            dashboard.show_pools(web.load_balancer.balancer, web.target_pools)
        if web.network_balancer:
            dashboard.show_network_balancer(web.network_balancer)
        dashboard.show_fingerprint(self._made_from)

    def _canary(self, platform: Platform) -> Canary | None:
        minutes = self.config.canary_minutes
        if minutes is None:
            return None
        return Canary(
            self,
            "Canary",
            config=self.config,
            platform=platform,
            minutes=minutes,
            api=self._web.api_url,
            fingerprint=self._made_from,
        )

    def _topic(self) -> cloudwatch.IAlarmAction | None:
        if not self.config.alarms_email:
            return None
        topic = sns.Topic(self, "AlarmTopic", enforce_ssl=True)
        # The statement of enforce_ssl replaces the topic's default policy, which let the account's
        # services publish.
        # https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html#sns-publish-cloudwatch-alarm
        topic.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AlarmsPublish",
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[topic.topic_arn],
                conditions={
                    "StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID},
                    "ArnLike": {"aws:SourceArn": arn(self, "cloudwatch", "alarm:*")},
                },
            )
        )
        topic.add_subscription(subscriptions.EmailSubscription(self.config.alarms_email))
        action: cloudwatch.IAlarmAction = actions.SnsAction(topic)
        return action

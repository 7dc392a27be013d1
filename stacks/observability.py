"""What to look at, and what calls when nobody looks."""

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from stacks.chat import ChatStack
from stacks.config import Environment
from stacks.constructs.alarms import Alarms
from stacks.constructs.dashboard import Dashboard
from stacks.constructs.function import Function
from stacks.notifications import NotificationsStack
from stacks.stack import EnvironmentStack
from stacks.web import WebStack


class ObservabilityStack(EnvironmentStack):
    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        config: Environment,
        notifications: NotificationsStack,
        chat: ChatStack,
        web: WebStack,
    ) -> None:
        super().__init__(scope, id, config=config, description="Dashboard and alarms")
        functions: dict[str, Function] = {
            **chat.functions,
            "Push": notifications.push,
            "PlatformApplications": notifications.platform_applications,
            **({"Api": web.api} if web.api else {}),
        }
        dashboard = Dashboard(self, "Dashboard", config=config)
        dashboard.show_messages()
        dashboard.show_web(web.load_balancer.balancer, web.container_pools)
        if web.container_pools:
            dashboard.show_pools(web.load_balancer.balancer, web.container_pools)
        if web.network_balancer:
            dashboard.show_network_balancer(web.network_balancer)
        dashboard.show_functions(functions)
        dashboard.show_queues(notifications, chat)
        alarms = Alarms(self, "Alarms", action=self._action())
        alarms.on_functions(functions)
        alarms.on_queues(notifications, chat)
        alarms.on_web(web.load_balancer.balancer, web.container_pools)
        if web.network_balancer:
            alarms.on_network_balancer(web.network_balancer)

    def _action(self) -> cloudwatch.IAlarmAction | None:
        if not self.config.alarms_email:
            return None
        topic = sns.Topic(self, "AlarmTopic", enforce_ssl=True)
        topic.add_subscription(subscriptions.EmailSubscription(self.config.alarms_email))
        action: cloudwatch.IAlarmAction = actions.SnsAction(topic)
        return action

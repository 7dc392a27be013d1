"""One environment as a CDK stage: its stacks, and which of them refer to which."""

from typing import TypedDict

from aws_cdk import Annotations, Stack, Stage, Tags
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.build.packages import Platform, on_lambda
from stacks.chat import ChatStack
from stacks.config.environments import Environment
from stacks.config.warnings import environment_warnings
from stacks.data import DataStack
from stacks.monitoring.observability import ObservabilityStack
from stacks.network import NetworkStack
from stacks.notifications import NotificationsStack
from stacks.pipeline import PipelineStack
from stacks.web import WebStack


class Common(TypedDict):
    """The arguments of both stacks that may hold the sockets."""

    config: Environment
    platform: Platform
    data: DataStack
    notifications: NotificationsStack


class EnvironmentStage(Stage):
    """Each stack is given the stacks it refers to, all of them above it.

    `platform` is what the functions' packages are built for; by default the environment's Lambda.
    """

    def __init__(
        self, scope: Construct, config: Environment, platform: Platform | None = None
    ) -> None:
        super().__init__(scope, config.name)
        platform = platform or on_lambda(config.architecture)
        vpc = None if config.vpc.id else NetworkStack(self, "Network", config=config).vpc
        data = DataStack(self, "Data", config=config)
        notifications = NotificationsStack(
            self, "Notifications", config=config, platform=platform, data=data
        )
        common: Common = {
            "config": config,
            "platform": platform,
            "data": data,
            "notifications": notifications,
        }
        # The stack that holds the sockets comes first: the other one posts to them.
        if config.websocket.in_containers:
            web = WebStack(self, "Web", vpc=vpc, **common)
            chat = ChatStack(self, "Chat", endpoint=web.endpoint, **common)
        else:
            chat = ChatStack(self, "Chat", **common)
            web = WebStack(self, "Web", vpc=vpc, endpoint=chat.endpoint, **common)
        ObservabilityStack(
            self,
            "Observability",
            config=config,
            data=data,
            notifications=notifications,
            chat=chat,
            web=web,
            platform=platform,
        )
        if config.pipeline.subject:
            PipelineStack(self, "Pipeline", config=config)
        _tag(self, config)
        if arn := config.guard_rails.permission_boundary:
            boundary = iam.ManagedPolicy.from_managed_policy_arn(data, "Boundary", arn)
            iam.PermissionsBoundary.of(self).apply(boundary)
        _warn(data, config)


def _tag(stage: EnvironmentStage, config: Environment) -> None:
    Tags.of(stage).add("project", config.project)
    Tags.of(stage).add("environment", config.name)
    for key, value in config.guard_rails.tagged():
        Tags.of(stage).add(key, value)


def _warn(stack: Stack, config: Environment) -> None:
    """Warnings about the whole environment, on one stack: CDK does not print those on a stage."""
    for id, sentence in environment_warnings(config):
        Annotations.of(stack).add_warning_v2(f"switchboard:{id}", sentence)

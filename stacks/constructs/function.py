"""A Lambda function with its own role, its own log group and no permission that it does not use."""

from collections.abc import Mapping
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from stacks.config.environments import Environment
from stacks.config.permissions import PERMISSIONS
from stacks.config.settings import FunctionSize
from stacks.constructs.grants import Resources, statements
from stacks.constructs.log_group import log_group

ARCHITECTURES = {"arm64": lambda_.Architecture.ARM_64, "x86_64": lambda_.Architecture.X86_64}


def shared_variables(config: Environment, service: str) -> dict[str, str]:
    """What every function and container is told; `service` is its folder under lambdas/.

    Metrics of two environments in one account stay apart by their namespace.
    """
    return {
        "LOG_LEVEL": config.log_level,
        "POWERTOOLS_SERVICE_NAME": service,
        "POWERTOOLS_METRICS_NAMESPACE": metrics_namespace(config),
    }


def metrics_namespace(config: Environment) -> str:
    return f"{config.project.capitalize()}/{config.name}"


class Function(Construct):
    """`id` is the function's row in PERMISSIONS; `handler` is module.function under lambdas/.

    Timeouts are given in seconds. Nothing is sent to X-Ray: its SDK would add half a second of CPU
    to each cold start, and every log line carries the request id.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        config: Environment,
        code: lambda_.Code,
        handler: str,
        size: FunctionSize,
        resources: Resources,
        environment: Mapping[str, str],
        timeout: int = 6,
    ) -> None:
        super().__init__(scope, id)
        logs = log_group(self, "Logs", config)
        self.role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        writing = iam.PolicyStatement(
            actions=["logs:CreateLogStream", "logs:PutLogEvents"], resources=[logs.log_group_arn]
        )
        for statement in (writing, *statements(PERMISSIONS[id], resources)):
            self.role.add_to_policy(statement)
        service = handler.split(".")[1]
        self.function = lambda_.Function(
            self,
            "Function",
            code=code,
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=ARCHITECTURES[config.architecture],
            handler=handler,
            timeout=Duration.seconds(timeout),
            memory_size=size.memory,
            reserved_concurrent_executions=size.reserved_concurrency,
            environment={**shared_variables(config, service), **environment},
            log_group=logs,
            role=self.role,
        )

    def on_events(self, id: str, event_source_arn: str, **settings: Any) -> None:
        """Reads a stream or queue; the permission to is a row of PERMISSIONS, as all are."""
        mapping = lambda_.CfnEventSourceMapping(
            self,
            id,
            function_name=self.function.function_arn,
            event_source_arn=event_source_arn,
            function_response_types=["ReportBatchItemFailures"],
            **settings,
        )
        mapping.node.add_dependency(self.role)  # Lambda checks the permission when it is created

"""A Lambda function with a role and a log group of its own, and the permissions of its row."""

import json
from collections.abc import Iterable, Mapping

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk.aws_logs import LogGroup
from constructs import Construct

from stacks.config.environments import Environment
from stacks.config.functions import FUNCTIONS, EventSource
from stacks.config.permissions import permissions_of
from stacks.constructs.grants import Resources, arn, statements
from stacks.constructs.live_alias import LiveAlias
from stacks.constructs.retention import log_group

ARCHITECTURES = {"arm64": lambda_.Architecture.ARM_64, "x86_64": lambda_.Architecture.X86_64}


def variables(name: str, config: Environment, values: Mapping[str, str]) -> dict[str, str]:
    """The environment variables of a function, or of a container that runs the same code.

    Metrics of two environments in one account stay apart by their namespace.
    """
    row = FUNCTIONS[name]
    return variables_of(row.service, row.variables, config, values)


def variables_of(
    service: str, names: Iterable[str], config: Environment, values: Mapping[str, str]
) -> dict[str, str]:
    """The variables with these names, and those that everything has. A function that posts to tasks
    gets the variable with the key too.
    """
    wanted = [*names]
    if config.websocket.in_containers and "CONNECTIONS_URL" in wanted:
        wanted.append("CONNECTIONS_KEY")
    return {
        "LOG_LEVEL": config.log_level,
        "POWERTOOLS_SERVICE_NAME": service,
        "POWERTOOLS_METRICS_NAMESPACE": metrics_namespace(config),
        **({"LOG_LEVEL_PARAMETER": f"/{_level_name(config)}"} if config.live_log_level else {}),
        **{name: values[name] for name in wanted},
    }


def metrics_namespace(config: Environment) -> str:
    return f"{config.project.capitalize()}/{config.name}"


def _level_name(config: Environment) -> str:
    return f"{config.project}/{config.name}/log-level"


def reading_log_level(scope: Construct, config: Environment) -> Iterable[iam.PolicyStatement]:
    """The variable and permission with which a function or task reads another log level; empty
    where the environment has no `live_log_level`.
    """
    if config.live_log_level:
        parameter = arn(scope, "ssm", f"parameter/{_level_name(config)}")
        yield iam.PolicyStatement(actions=["ssm:GetParameter"], resources=[parameter])


def role_that_logs(scope: Construct, logs: LogGroup) -> iam.Role:
    """The role "Role" of a function. It may write to `logs`, and to no other log group."""
    role = iam.Role(scope, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    role.add_to_policy(
        iam.PolicyStatement(
            actions=["logs:CreateLogStream", "logs:PutLogEvents"], resources=[logs.log_group_arn]
        )
    )
    return role


class Function(Construct):
    """Made from the rows of its `id` in FUNCTIONS and PERMISSIONS, and its size in the environment.

    `values` has the variables that the row names, and may have others. Without `function_name`
    CloudFormation makes a name. `called` is the target of users' requests and events: the function,
    or its alias where releases are shifted. With `tracing` Lambda sends X-Ray what it knows itself,
    of its queues, starts and invocations: X-Ray's SDK would add half a second of CPU to each cold
    start, and every log line carries the request id.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        config: Environment,
        code: lambda_.Code,
        resources: Resources,
        values: Mapping[str, str],
        function_name: str | None = None,
    ) -> None:
        super().__init__(scope, id)
        self._config = config
        row, size = FUNCTIONS[id], config.functions.of(id)
        logs = log_group(self, "Logs", config)
        permissions = permissions_of(id, in_containers=config.websocket.in_containers)
        self.role = self._role(logs, statements(permissions, resources))
        self.function = lambda_.Function(
            self,
            "Function",
            function_name=function_name,
            code=code,
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=ARCHITECTURES[config.architecture],
            handler=row.handler,
            timeout=Duration.seconds(row.timeout),
            memory_size=size.memory,
            reserved_concurrent_executions=size.reserved_concurrency,
            environment=variables(id, config, values),
            log_group=logs,
            role=self.role,
            tracing=lambda_.Tracing.ACTIVE if config.tracing else None,
        )
        self.called = self._live() if row.versioned else self.function
        if row.event_source:
            self._read(row.event_source, resources)

    def _live(self) -> lambda_.IFunction:
        """Its alias, or itself where releases are not shifted."""
        shifting, size = self._config.releases.shifting, self._config.functions.of(self.node.id)
        if not shifting:
            return self.function
        alias = LiveAlias(
            self,
            "Live",
            function=self.function,
            shifting=shifting,
            provisioned_concurrency=size.provisioned_concurrency,
        )
        return alias.alias

    def _role(self, logs: LogGroup, granted: Iterable[iam.PolicyStatement]) -> iam.Role:
        role = role_that_logs(self, logs)
        for statement in (*granted, *reading_log_level(self, self._config)):
            role.add_to_policy(statement)
        return role

    def _read(self, source: EventSource, resources: Resources) -> None:
        """The permission to read is in PERMISSIONS, as all are."""
        settings = dict(source.settings)
        if source.filters:
            settings["filter_criteria"] = lambda_.CfnEventSourceMapping.FilterCriteriaProperty(
                filters=[
                    lambda_.CfnEventSourceMapping.FilterProperty(pattern=json.dumps(each))
                    for each in source.filters
                ]
            )
        if source.on_failure:
            (queue_arn,) = resources[source.on_failure].arns
            settings["destination_config"] = (
                lambda_.CfnEventSourceMapping.DestinationConfigProperty(
                    on_failure=lambda_.CfnEventSourceMapping.OnFailureProperty(
                        destination=queue_arn
                    )
                )
            )
        (source_arn,) = resources[source.resource].arns
        mapping = lambda_.CfnEventSourceMapping(
            self,
            source.id,
            function_name=self.called.function_arn,
            event_source_arn=source_arn,
            function_response_types=["ReportBatchItemFailures"],
            **settings,
        )
        mapping.node.add_dependency(self.role)  # Lambda checks the permission when it is created

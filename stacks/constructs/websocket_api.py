"""The WebSocket API: authorizer, routes and stage."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from aws_cdk import Aws, CfnOutput, RemovalPolicy
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_apigatewayv2 as apigatewayv2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_route53_targets as targets
from aws_cdk.aws_apigatewayv2_authorizers import WebSocketLambdaAuthorizer
from aws_cdk.aws_apigatewayv2_integrations import WebSocketLambdaIntegration
from constructs import Construct

from stacks.config.environments import Environment
from stacks.constructs.domain import Domain
from stacks.constructs.function import metrics_namespace
from stacks.constructs.grants import Resource, Resources, arn
from stacks.constructs.retention import log_group

# The only header that browsers can set on a WebSocket; it carries the ticket.
IDENTITY_SOURCE = "route.request.header.Sec-WebSocket-Protocol"
ONE_WAY = ("$connect", "$disconnect")
ACCESS_LOG = {
    "requestId": "$context.requestId",
    "connectionId": "$context.connectionId",
    "event": "$context.eventType",
    "route": "$context.routeKey",
    "status": "$context.status",
    "integrationStatus": "$context.integration.status",
    "integrationLatency": "$context.integrationLatency",
    "error": "$context.error.message",
    "authorizerError": "$context.authorizer.error",
}


@dataclass(frozen=True)
class SocketEndpoint:
    """The URL for clients, the one for posts, and the permission to post; of API Gateway, or of
    the tasks that hold the sockets."""

    url: str
    connections_url: str
    resources: Resources

    def variables(self) -> dict[str, str]:
        key = self.resources.get("connections_key")
        return {
            "CONNECTIONS_URL": self.connections_url,
            **({"CONNECTIONS_KEY": key.arns[0]} if key else {}),
        }


PINGS = "Pings"
PING_SECONDS = 270  # between two pings of an open connection, on average: both clients' settings


def count_pings(log: logs.LogGroup, config: Environment) -> None:
    """API Gateway has no metric of open connections, and `$disconnect` may be lost, so that what
    connects less what disconnects would drift. But each open connection pings."""
    logs.MetricFilter(
        log,
        PINGS,
        log_group=log,
        filter_pattern=logs.FilterPattern.literal('{ $.route = "ping" }'),
        metric_namespace=metrics_namespace(config),
        metric_name=PINGS,
        metric_value="1",
    )


class WebSocketApi(Construct):
    """Made in two steps, since the functions of its routes need its URLs."""

    def __init__(self, scope: Construct, id: str, *, config: Environment) -> None:
        super().__init__(scope, id)
        self._config = config
        self.api = apigatewayv2.WebSocketApi(
            self,
            "Api",
            api_name=f"{config.project}-{config.name}",
            route_selection_expression="$request.body.action",
        )
        stage = config.name
        address = f"{self.api.api_id}.execute-api.{Aws.REGION}.{Aws.URL_SUFFIX}/{stage}"
        # The stage of a domain name of ours is in its mapping. Posts use API Gateway's own name:
        # they are permitted by the API's id, and need not wait for a DNS record.
        self.endpoint = SocketEndpoint(
            f"wss://{config.websocket.domain_name or address}",
            f"https://{address}",
            {
                name: Resource(
                    (
                        arn(
                            self,
                            "execute-api",
                            f"{self.api.api_id}/{stage}/{method}/@connections/*",
                        ),
                    )
                )
                for name, method in (
                    ("post_to_connections", "POST"),
                    ("close_connections", "DELETE"),
                )
            },
        )

    def serve(
        self, *, authorizer: lambda_.IFunction, routes: Mapping[str, lambda_.IFunction]
    ) -> None:
        """`routes` maps a route key to its function. What a function returns is sent back to the
        client on all but $connect and $disconnect, where only its status counts."""
        check = WebSocketLambdaAuthorizer(
            "Authorizer", authorizer, identity_source=[IDENTITY_SOURCE]
        )
        stage = self._stage()
        for key, function in routes.items():
            route = self.api.add_route(
                key,
                integration=WebSocketLambdaIntegration(f"{key}-integration", function),
                authorizer=check if key == "$connect" else None,
                return_response=key not in ONE_WAY,
            )
            stage.node.add_dependency(route)  # so that the first deployment has every route
        self._map_domain(stage)

    def _map_domain(self, stage: apigatewayv2.WebSocketStage) -> None:
        settings = self._config.websocket
        domain = Domain(
            self,
            "Domain",
            name=settings.domain_name,
            certificate_arn=settings.certificate_arn,
            zone=self._config.zone,
        )
        if settings.domain_name is None or domain.certificate is None:
            return
        named = apigatewayv2.DomainName(
            self,
            "DomainName",
            domain_name=settings.domain_name,
            certificate=domain.certificate,
            security_policy=apigatewayv2.SecurityPolicy.TLS_1_2,
        )
        apigatewayv2.ApiMapping(self, "Mapping", api=self.api, domain_name=named, stage=stage)
        domain.lead_to(
            targets.ApiGatewayv2DomainProperties(
                named.regional_domain_name, named.regional_hosted_zone_id
            )
        )
        # the target of the record that is made where the zone is
        CfnOutput(self, "DnsName", value=named.regional_domain_name).override_logical_id(
            "WebSocketDnsName"
        )

    def _stage(self) -> apigatewayv2.WebSocketStage:
        limits = self._config.websocket
        stage = apigatewayv2.WebSocketStage(
            self,
            "Stage",
            web_socket_api=self.api,
            stage_name=self._config.name,
            auto_deploy=True,
            throttle=apigatewayv2.ThrottleSettings(
                rate_limit=limits.rate_limit, burst_limit=limits.burst_limit
            ),
            detailed_metrics_enabled=True,
        )
        if limits.access_logs:
            log = log_group(self, "AccessLog", self._config)
            count_pings(log, self._config)
            resource = stage.node.default_child
            assert isinstance(resource, apigatewayv2.CfnStage)  # noqa: S101 - for the type checker
            resource.access_log_settings = apigatewayv2.CfnStage.AccessLogSettingsProperty(
                destination_arn=log.log_group_arn,
                format=json.dumps(ACCESS_LOG),
            )
            if limits.account_log_role:
                stage.node.add_dependency(self._account_log_role())
        return stage

    def _account_log_role(self) -> apigateway.CfnAccount:
        """WebSocket APIs log with a role that is a setting of the account in a region.

        Both are retained when the stack is deleted or its creation is rolled back: CloudFormation
        does not reset the setting (https://github.com/aws/aws-cdk/issues/6194), and without the
        role no API of the account could log, also not those of other environments. Each new
        creation adds a role, unless account_log_role is false from the second on.
        """
        role = iam.Role(
            self,
            "AccountLogRole",
            assumed_by=iam.ServicePrincipal("apigateway.amazonaws.com"),
            managed_policies=[
                iam.ManagedPolicy.from_aws_managed_policy_name(
                    "service-role/AmazonAPIGatewayPushToCloudWatchLogs"
                )
            ],
        )
        account = apigateway.CfnAccount(self, "Account", cloud_watch_role_arn=role.role_arn)
        role.apply_removal_policy(RemovalPolicy.RETAIN)
        account.apply_removal_policy(RemovalPolicy.RETAIN)
        return account

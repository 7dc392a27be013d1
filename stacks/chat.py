"""The WebSocket API, the functions behind its routes, and the watch over delivery."""

import json
from collections.abc import Mapping
from typing import Any

from aws_cdk import CfnOutput, Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.config import Environment
from stacks.constructs.bundle import function_code
from stacks.constructs.function import Function
from stacks.constructs.grants import Resource, Resources
from stacks.constructs.websocket_api import WebSocketApi
from stacks.data import DataStack
from stacks.notifications import NotificationsStack
from stacks.packages import Platform
from stacks.settings import FunctionSize
from stacks.stack import EnvironmentStack

# New messages, messages that expired (not those that the watch purges itself), and watermarks that
# moved (a member's row).
WATCHED = (
    ({"eventName": ["INSERT"]}, "message#"),
    (
        {"eventName": ["REMOVE"], "userIdentity": {"principalId": ["dynamodb.amazonaws.com"]}},
        "message#",
    ),
    ({"eventName": ["MODIFY"]}, "member#"),
)


class ChatStack(EnvironmentStack):
    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        config: Environment,
        platform: Platform,
        data: DataStack,
        notifications: NotificationsStack,
    ) -> None:
        super().__init__(scope, id, config=config, description="WebSocket API and its functions")
        self._code = function_code(platform)
        self._data = data
        self._queue_url = notifications.queue.queue_url
        self.websocket = WebSocketApi(self, "WebSocket", config=config)
        self.stream_failures = sqs.Queue(
            self,
            "StreamFailures",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(14),
        )
        self._resources: Resources = {
            **data.resources,
            **notifications.resources,
            **self.websocket.resources,
            **self._streams(),
        }
        self.functions: dict[str, Function] = {}
        self._add_routes()
        self._add_delivery_watch()
        CfnOutput(self, "WebSocketUrl", value=self.websocket.url)

    def _streams(self) -> dict[str, Resource]:
        return {
            "chats_stream": Resource((self._stream,), self._data.key, "dynamodb"),
            # IAM knows no resource for listing streams
            "any_stream": Resource(("*",)),
            "stream_failures": Resource((self.stream_failures.queue_arn,)),
        }

    @property
    def _stream(self) -> str:
        stream = self._data.chats.table_stream_arn
        assert stream is not None  # noqa: S101 - for the type checker
        return stream

    def _add_routes(self) -> None:
        tables = {
            "CHATS_TABLE": self._data.chats.table_name,
            "USERS_TABLE": self._data.users.table_name,
            "CONNECTIONS_URL": self.websocket.connections_url,
        }
        users = {name: value for name, value in tables.items() if name != "CHATS_TABLE"}
        sizes = self.config.functions
        send = {
            **tables,
            "PUSH_QUEUE_URL": self._queue_url,
            "MESSAGE_TTL_DAYS": str(self.config.message_ttl_days),
        }
        tickets = {"TICKETS_TABLE": self._data.tickets.table_name}
        self._add("Authorize", "presence.authorize", sizes.authorize, tickets)
        self._add("Connection", "presence.connection", sizes.connection, users)
        self._add("Presence", "presence.presence", sizes.presence, users)
        self._add("Send", "messages.send", sizes.send, send)
        self._add("Sync", "messages.sync", sizes.sync, tables)
        self._add("Receipt", "delivery.receipt", sizes.receipt, tables)
        routes = {
            "$connect": "Connection",
            "$disconnect": "Connection",
            "$default": "Presence",
            "watch": "Presence",
            "ping": "Presence",
            "send": "Send",
            "sync": "Sync",
            "typing": "Sync",
            "receipt": "Receipt",
        }
        self.websocket.serve(
            authorizer=self.functions["Authorize"].function,
            routes={key: self.functions[name].function for key, name in routes.items()},
        )

    def _add_delivery_watch(self) -> None:
        watch = self._add(
            "DeliveryWatch",
            "delivery.delivery_watch",
            self.config.functions.delivery_watch,
            {
                "CHATS_TABLE": self._data.chats.table_name,
                "USERS_TABLE": self._data.users.table_name,
                "CONNECTIONS_URL": self.websocket.connections_url,
                "PUSH_QUEUE_URL": self._queue_url,
                "RETAIN_UNTIL_EXPIRY": str(self.config.retain_until_expiry).lower(),
            },
            timeout=60,
        )
        destinations = lambda_.CfnEventSourceMapping.DestinationConfigProperty(
            on_failure=lambda_.CfnEventSourceMapping.OnFailureProperty(
                destination=self.stream_failures.queue_arn
            )
        )
        watch.on_events(
            "ChatsStream",
            self._stream,
            starting_position="TRIM_HORIZON",
            batch_size=100,
            maximum_batching_window_in_seconds=5,
            bisect_batch_on_function_error=True,
            maximum_retry_attempts=5,
            maximum_record_age_in_seconds=3600,
            destination_config=destinations,
            filter_criteria=lambda_.CfnEventSourceMapping.FilterCriteriaProperty(
                filters=[_filter(event, prefix) for event, prefix in WATCHED]
            ),
        )

    def _add(
        self,
        id: str,
        module: str,
        size: FunctionSize,
        environment: Mapping[str, str],
        timeout: int = 6,  # seconds; the rule that closes holes in a chat's log depends on it
    ) -> Function:
        function = Function(
            self,
            id,
            config=self.config,
            code=self._code,
            handler=f"lambdas.{module}.handler",
            size=size,
            resources=self._resources,
            environment=environment,
            timeout=timeout,
        )
        self.functions[id] = function
        return function


def _filter(event: Mapping[str, Any], prefix: str) -> lambda_.CfnEventSourceMapping.FilterProperty:
    keys = {"item": {"S": [{"prefix": prefix}]}}
    pattern = json.dumps({**event, "dynamodb": {"Keys": keys}})
    return lambda_.CfnEventSourceMapping.FilterProperty(pattern=pattern)

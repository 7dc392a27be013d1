"""The chat stack: WebSocket API, the functions of its routes, and the delivery watch.

Where tasks of the web stack hold the sockets, the delivery watch alone.
"""

from aws_cdk import CfnOutput, Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.build.bundle import function_code
from stacks.build.packages import Platform
from stacks.config.environments import Environment
from stacks.config.functions import FUNCTIONS, readers
from stacks.constructs.function import Function
from stacks.constructs.grants import Resource
from stacks.constructs.websocket_api import SocketEndpoint, WebSocketApi
from stacks.data import DataStack
from stacks.notifications import NotificationsStack
from stacks.stack import EnvironmentStack


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
        endpoint: SocketEndpoint | None = None,
    ) -> None:
        """`endpoint` is where sockets are held, if not by API Gateway."""
        super().__init__(scope, id, config=config, description="WebSocket API and its functions")
        self._code = function_code(platform)
        self._data = data
        self._queue_url = notifications.queue.queue_url
        self.websocket: WebSocketApi | None = None
        if endpoint is None:
            self.websocket = WebSocketApi(self, "WebSocket", config=config)
            endpoint = self.websocket.endpoint
        self.endpoint = endpoint
        self.stream_failures = sqs.Queue(
            self,
            "StreamFailures",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(14),
        )
        sources = self._event_sources()
        self._resources = {
            **data.resources,
            **notifications.resources,
            **self.endpoint.resources,
            **sources,
        }
        self.functions: dict[str, Function] = {}
        if self.websocket:
            self._serve(self.websocket)
        for name in readers(sources):
            self._add(name)

    def _serve(self, websocket: WebSocketApi) -> None:
        authorizer = self._add("Authorize")
        serving = {name: self._add(name) for name, row in FUNCTIONS.items() if row.routes}
        routes = {route: serving[name] for name in serving for route in FUNCTIONS[name].routes}
        websocket.serve(authorizer=authorizer, routes=routes)
        CfnOutput(self, "WebSocketUrl", value=websocket.endpoint.url)

    def _event_sources(self) -> dict[str, Resource]:
        """Queues and streams of this stack that functions read, and the queues of what failed."""
        return {
            "chats_stream": Resource((self._stream,), self._data.key, "dynamodb"),
            # ListStreams supports no resource-level permissions
            "any_stream": Resource(("*",)),
            "stream_failures": Resource((self.stream_failures.queue_arn,)),
        }

    @property
    def _stream(self) -> str:
        stream = self._data.tables["Chats"].table_stream_arn
        assert stream is not None  # noqa: S101 - for the type checker
        return stream

    def _values(self) -> dict[str, str]:
        """Values of the environment variables that the rows of FUNCTIONS name."""
        return {
            **self._data.table_names(),
            **self.endpoint.variables(),
            "PUSH_QUEUE_URL": self._queue_url,
            "MESSAGE_TTL_DAYS": str(self.config.message_ttl_days),
            "RETAIN_UNTIL_EXPIRY": str(self.config.retain_until_expiry).lower(),
        }

    def _add(self, name: str) -> lambda_.IFunction:
        added = Function(
            self,
            name,
            config=self.config,
            code=self._code,
            resources=self._resources,
            values=self._values(),
        )
        self.functions[name] = added
        return added.called

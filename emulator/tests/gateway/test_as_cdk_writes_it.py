"""A WebSocket API with a stage, access logs and throttling, synthesized by the CDK, starts."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect

from emulator.gateway.provider import ApiGatewayProvider
from emulator.metrics.log_groups import LogGroupProvider
from emulator.providers import Created, InvokeResult, Resource
from emulator.runtime.registry import Registry
from emulator.template.assembly import Assembly, Stack
from emulator.template.ignored import missed
from emulator.template.place import Place
from emulator.template.stage import Stage


class Functions:
    """Makes functions and what belongs to them, of which this test needs the ARN."""

    types = ("AWS::IAM::Role", "AWS::Lambda::Function", "AWS::Lambda::Permission")

    async def create(self, resource: Resource, properties: dict[str, Any]) -> Created:
        arn = f"arn:aws:lambda:us-east-1:123456789012:function:{resource.logical_id}"
        return Created(resource.logical_id, {"Arn": arn})


def template() -> dict[str, Any]:
    cdk, jsii = pytest.importorskip("aws_cdk"), pytest.importorskip("jsii")
    gateway = pytest.importorskip("aws_cdk.aws_apigatewayv2")
    integrations = pytest.importorskip("aws_cdk.aws_apigatewayv2_integrations")
    aws_lambda = pytest.importorskip("aws_cdk.aws_lambda")
    aws_logs = pytest.importorskip("aws_cdk.aws_logs")

    app = cdk.App()
    stack = cdk.Stack(app, "chat")
    code = aws_lambda.Code.from_inline("def handler(event, context): pass")
    send = aws_lambda.Function(
        stack, "Send", runtime=aws_lambda.Runtime.PYTHON_3_13, handler="index.handler", code=code
    )
    api = gateway.WebSocketApi(
        stack, "Api", description="chats", ip_address_type=gateway.IpAddressType.DUAL_STACK
    )
    integration = integrations.WebSocketLambdaIntegration("Integration", send)
    api.add_route("send", integration=integration, return_response=True)

    @jsii.implements(gateway.IAccessLogSettings)
    class AccessLog:
        destination = property(lambda self: logs)
        format = None

    logs = gateway.LogGroupLogDestination(aws_logs.LogGroup(stack, "Log"))
    gateway.WebSocketStage(
        stack,
        "Stage",
        web_socket_api=api,
        stage_name="prod",
        auto_deploy=True,
        detailed_metrics_enabled=True,
        throttle=gateway.ThrottleSettings(rate_limit=10, burst_limit=20),
        access_log_settings=AccessLog(),
    )
    found: dict[str, Any] = app.synth().get_stack_by_name("chat").template
    return found


@pytest.mark.deep  # test_hello.py starts one as well
def test_an_api_as_the_cdk_writes_it_starts_and_logs(tmp_path: Path) -> None:
    async def respond(_function: str, _event: bytes) -> InvokeResult:
        return InvokeResult(b'{"statusCode": 200, "body": "sent"}', False)

    async def run() -> None:
        stage = Stage(Assembly((Stack("chat", template()),)), Place())
        groups = LogGroupProvider(tmp_path, lambda: (), "us-east-1", "123456789012")
        api = ApiGatewayProvider(
            respond,
            websocket_port=0,
            management_port=0,
            log_file=lambda group: tmp_path / f"{Path(group).name}.log",
        )
        await Registry([Functions(), groups, api]).create_all(stage)
        assert any("throttling" in line for line in missed(stage.resources()))
        await api.start()
        try:
            async with connect(api.websocket_url) as socket:
                await socket.send('{"action": "send"}')
                assert await socket.recv() == "sent"
        finally:
            await api.stop()

    asyncio.run(run())
    (log,) = tmp_path.glob("*.log")
    assert "send" in log.read_text()

"""A small CDK app: a function behind a load balancer and a WebSocket API, and the table it uses."""

from aws_cdk import App, Stack
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elb
from aws_cdk import aws_elasticloadbalancingv2_targets as targets
from aws_cdk import aws_lambda as functions
from constructs import Construct


class Hello(Stack):
    def __init__(self, scope: Construct, name: str) -> None:
        super().__init__(scope, name)
        key = dynamodb.Attribute(name="name", type=dynamodb.AttributeType.STRING)
        table = dynamodb.TableV2(self, "Greetings", partition_key=key)
        code = functions.Code.from_asset(".", exclude=["*", "!functions", "!functions/*.py"])
        greet = self._function("Greet", "functions.greet.handler", code)
        chat = self._function("Chat", "functions.chat.handler", code)
        for function in (greet, chat):
            table.grant_read_write_data(function)
            function.add_environment("TABLE", table.table_name)

        network = ec2.Vpc(self, "Network", max_azs=2, nat_gateways=0)
        balancer = elb.ApplicationLoadBalancer(self, "Balancer", vpc=network, internet_facing=True)
        listener = balancer.add_listener("Http", port=80)
        listener.add_targets("Functions", targets=[targets.LambdaTarget(greet)])

        integration = integrations.WebSocketLambdaIntegration("Integration", chat)
        sockets = apigateway.WebSocketApi(
            self,
            "Sockets",
            connect_route_options=apigateway.WebSocketRouteOptions(integration=integration),
            default_route_options=apigateway.WebSocketRouteOptions(integration=integration),
        )
        stage = apigateway.WebSocketStage(
            self, "Live", web_socket_api=sockets, stage_name="live", auto_deploy=True
        )
        stage.grant_management_api_access(chat)
        chat.add_environment("CALLBACK_URL", stage.callback_url)

    def _function(self, name: str, handler: str, code: functions.Code) -> functions.Function:
        runtime = functions.Runtime.PYTHON_3_13
        return functions.Function(self, name, runtime=runtime, handler=handler, code=code)


app = App()
Hello(app, "Hello")
app.synth()

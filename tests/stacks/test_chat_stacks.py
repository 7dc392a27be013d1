"""Tables, functions, the WebSocket API, the queue: what the templates say about them."""

import json
from dataclasses import replace
from typing import Any

import pytest

from stacks.config import DEV, Environment
from tests.stacks.synthesized import Resource, Synthesize, Synthesized

FUNCTIONS = {
    # name: handler, timeout in seconds, its own variables
    "Authorize": ("presence.authorize", 6, "TICKETS_TABLE"),
    "Connection": ("presence.connection", 6, "USERS_TABLE CONNECTIONS_URL"),
    "Presence": ("presence.presence", 6, "USERS_TABLE CONNECTIONS_URL"),
    "Send": (
        "messages.send",
        6,
        "CHATS_TABLE USERS_TABLE CONNECTIONS_URL PUSH_QUEUE_URL MESSAGE_TTL_DAYS",
    ),
    "Sync": ("messages.sync", 6, "CHATS_TABLE USERS_TABLE CONNECTIONS_URL"),
    "Receipt": ("delivery.receipt", 6, "CHATS_TABLE USERS_TABLE CONNECTIONS_URL"),
    "DeliveryWatch": (
        "delivery.delivery_watch",
        60,
        "CHATS_TABLE USERS_TABLE CONNECTIONS_URL PUSH_QUEUE_URL RETAIN_UNTIL_EXPIRY",
    ),
    "Push": ("notifications.push", 30, "USERS_TABLE"),
    "PlatformApplications": ("notifications.platform_applications", 240, ""),
    "Api": (
        "api.api",
        10,
        "CHATS_TABLE USERS_TABLE TICKETS_TABLE CONNECTIONS_URL WEBSOCKET_URL USER_POOL_ID "
        "USER_POOL_CLIENT_ID FCM_APPLICATION_ARN APNS_APPLICATION_ARN "
        "APNS_SANDBOX_APPLICATION_ARN POOL_NAME RECONNECT_WINDOW TOKEN_ISSUER",
    ),
}
APPLICATIONS = {
    "FCM_APPLICATION_ARN": "GCM/switchboard-dev-fcm",
    "APNS_APPLICATION_ARN": "APNS/switchboard-dev-apns",
    "APNS_SANDBOX_APPLICATION_ARN": "APNS_SANDBOX/switchboard-dev-apns-sandbox",
}
SHARED = "LOG_LEVEL POWERTOOLS_SERVICE_NAME POWERTOOLS_METRICS_NAMESPACE"
ROUTES = {
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


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_has_its_handler_its_timeout_and_its_variables(
    dev: Synthesized, name: str
) -> None:
    module, timeout, variables = FUNCTIONS[name]
    properties = dev.function(f"{name}Function").properties
    assert properties["Handler"] == f"lambdas.{module}.handler"
    assert properties["Timeout"] == timeout
    assert (properties["Runtime"], properties["Architectures"]) == ("python3.13", ["arm64"])
    environment = properties["Environment"]["Variables"]
    assert set(environment) == {*variables.split(), *SHARED.split()}
    assert environment["POWERTOOLS_SERVICE_NAME"] == module.split(".")[0]


def test_all_functions_share_one_asset(dev: Synthesized) -> None:
    assets = {str(each.properties["Code"]) for each in dev.all("AWS::Lambda::Function")}
    assert len(assets) == 1


def test_what_functions_are_told_points_at_what_was_made(dev: Synthesized) -> None:
    told = dev.function("ApiFunction").properties["Environment"]["Variables"]
    host = "<WebSocketApi>.execute-api.<AWS::Region>.<AWS::URLSuffix>/dev"
    assert dev.show(told["WEBSOCKET_URL"]) == f"wss://{host}"
    assert dev.show(told["CONNECTIONS_URL"]) == f"https://{host}"
    assert dev.show(told["CHATS_TABLE"]) == "<Chats>"
    assert dev.show(told["USER_POOL_CLIENT_ID"]) == "<UserPoolClient>"
    issuer = "https://cognito-idp.<AWS::Region>.<AWS::URLSuffix>/<UserPool>"
    assert dev.show(told["TOKEN_ISSUER"]) == issuer
    for variable, name in APPLICATIONS.items():
        assert dev.show(told[variable]) == (
            f"arn:<AWS::Partition>:sns:<AWS::Region>:<AWS::AccountId>:app/{name}"
        )
    watch = dev.function("DeliveryWatchFunction").properties["Environment"]["Variables"]
    assert dev.show(watch["PUSH_QUEUE_URL"]) == "<PushQueue>"
    assert watch["RETAIN_UNTIL_EXPIRY"] == "false"


def test_metrics_of_two_environments_stay_apart(dev: Synthesized, prod: Synthesized) -> None:
    namespaces = [
        environment.function("SendFunction").properties["Environment"]["Variables"][
            "POWERTOOLS_METRICS_NAMESPACE"
        ]
        for environment in (dev, prod)
    ]
    assert namespaces == ["Switchboard/dev", "Switchboard/prod"]


@pytest.mark.parametrize(
    ("name", "keys"), [("Chats", "chat item"), ("Users", "user item"), ("Tickets", "ticket")]
)
def test_a_table_has_its_keys_and_forgets_what_expires(
    dev: Synthesized, name: str, keys: str
) -> None:
    properties = dev.one("AWS::DynamoDB::Table", name).properties
    assert [key["AttributeName"] for key in properties["KeySchema"]] == keys.split()
    assert properties["TimeToLiveSpecification"] == {
        "AttributeName": "expires_at",
        "Enabled": True,
    }
    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert ("StreamSpecification" in properties) == (name == "Chats")


def test_the_delivery_watch_reads_messages_and_watermarks_and_gives_up_into_a_queue(
    dev: Synthesized,
) -> None:
    mapping = dev.one("AWS::Lambda::EventSourceMapping", "DeliveryWatch").properties
    patterns = [json.loads(each["Pattern"]) for each in mapping["FilterCriteria"]["Filters"]]
    assert patterns == [
        {
            "eventName": ["INSERT"],
            "dynamodb": {"Keys": {"item": {"S": [{"prefix": "message#"}]}}},
        },
        {
            "eventName": ["REMOVE"],
            "userIdentity": {"principalId": ["dynamodb.amazonaws.com"]},
            "dynamodb": {"Keys": {"item": {"S": [{"prefix": "message#"}]}}},
        },
        {"eventName": ["MODIFY"], "dynamodb": {"Keys": {"item": {"S": [{"prefix": "member#"}]}}}},
    ]
    assert dev.show(mapping["EventSourceArn"]) == "<Chats.StreamArn>"
    assert mapping["MaximumBatchingWindowInSeconds"] == 5
    assert mapping["BisectBatchOnFunctionError"] is True
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    on_failure = mapping["DestinationConfig"]["OnFailure"]["Destination"]
    assert dev.show(on_failure) == "<StreamFailures.Arn>"


def test_pushes_wait_in_order_per_user_and_are_given_up_after_five_tries(dev: Synthesized) -> None:
    queue = dev.one("AWS::SQS::Queue", "PushQueue").properties
    dead = dev.one("AWS::SQS::Queue", "PushDeadLetters")
    push = dev.function("PushFunction").properties
    assert queue["FifoQueue"] is dead.properties["FifoQueue"] is True
    assert queue["RedrivePolicy"]["maxReceiveCount"] == 5
    assert dev.show(queue["RedrivePolicy"]["deadLetterTargetArn"]) == f"<{dead.name}.Arn>"
    assert queue["VisibilityTimeout"] >= 6 * push["Timeout"]
    mapping = dev.one("AWS::Lambda::EventSourceMapping", "PushJobs").properties
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_every_queue_is_encrypted_and_refuses_plain_connections(dev: Synthesized) -> None:
    policies = {
        dev.show(queue): policy.properties["PolicyDocument"]["Statement"]
        for policy in dev.all("AWS::SQS::QueuePolicy")
        for queue in policy.properties["Queues"]
    }
    for queue in dev.all("AWS::SQS::Queue"):
        assert queue.properties["SqsManagedSseEnabled"] is True
        (statement,) = policies[f"<{queue.name}>"]
        assert statement["Effect"] == "Deny"
        assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_every_route_goes_to_its_function_and_all_but_two_answer(dev: Synthesized) -> None:
    routes = dev.all("AWS::ApiGatewayV2::Route")
    assert {route.properties["RouteKey"]: _function_of(dev, route) for route in routes} == ROUTES
    answering = {
        dev.show(response.properties["RouteId"])
        for response in dev.all("AWS::ApiGatewayV2::RouteResponse")
    }
    for route in routes:
        answers = f"<{route.name}>" in answering
        assert answers == (route.properties["RouteKey"] not in ("$connect", "$disconnect"))
        assert answers == ("RouteResponseSelectionExpression" in route.properties)


def test_only_connecting_is_authorized_by_the_ticket_in_the_subprotocol(dev: Synthesized) -> None:
    authorizer = dev.one("AWS::ApiGatewayV2::Authorizer").properties
    assert authorizer["AuthorizerType"] == "REQUEST"
    assert authorizer["IdentitySource"] == ["route.request.header.Sec-WebSocket-Protocol"]
    assert "<AuthorizeFunction.Arn>" in dev.show(authorizer["AuthorizerUri"])
    authorized = [
        route.properties["RouteKey"]
        for route in dev.all("AWS::ApiGatewayV2::Route")
        if route.properties["AuthorizationType"] != "NONE"
    ]
    assert authorized == ["$connect"]


def test_the_stage_throttles_logs_and_is_deployed_with_every_route(dev: Synthesized) -> None:
    stage = dev.one("AWS::ApiGatewayV2::Stage")
    settings = stage.properties["DefaultRouteSettings"]
    assert (settings["ThrottlingRateLimit"], settings["ThrottlingBurstLimit"]) == (200, 100)
    log = json.loads(stage.properties["AccessLogSettings"]["Format"])
    assert "$context.requestId" in log.values()
    assert not {"$context.identity.sourceIp", "$context.authorizer.user"} & set(log.values())
    needed = set(stage.body["DependsOn"])
    assert needed >= {route.logical_id for route in dev.all("AWS::ApiGatewayV2::Route")}
    assert dev.one("AWS::ApiGateway::Account").logical_id in needed


def test_secrets_are_empty_until_someone_fills_them(dev: Synthesized) -> None:
    secrets = dev.all("AWS::SecretsManager::Secret")
    assert len(secrets) == 3
    for secret in secrets:
        assert not {"SecretString", "GenerateSecretString"} & set(secret.properties)


def test_a_secret_that_exists_is_used_instead_of_an_empty_one(synthesize: Synthesize) -> None:
    arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:fcm-AbCdEf"
    config = _with_push(fcm_secret_arn=arn, credentials_version=2)
    environment = synthesize(config)
    resource = environment.one("Custom::PlatformApplications").properties
    assert (resource["FcmSecretArn"], resource["CredentialsVersion"]) == (arn, 2)
    assert len(environment.all("AWS::SecretsManager::Secret")) == 2
    role = environment.one("AWS::IAM::Role", "PlatformApplicationsRole").logical_id
    assert arn in environment.grants(role)


def test_platform_applications_are_made_by_our_function_without_a_framework(
    dev: Synthesized,
) -> None:
    resource = dev.one("Custom::PlatformApplications")
    assert dev.show(resource.properties["ServiceToken"]) == "<PlatformApplicationsFunction.Arn>"
    assert resource.properties["NamePrefix"] == "switchboard-dev"
    assert set(resource.properties) == {
        *("ServiceToken", "ServiceTimeout", "NamePrefix", "CredentialsVersion"),
        *("FcmSecretArn", "ApnsSecretArn", "ApnsSandboxSecretArn"),
    }
    # its permissions are there before it is called
    assert any("RoleDefaultPolicy" in each for each in resource.body["DependsOn"])


def test_users_sign_in_by_name_and_password_and_nothing_tells_who_exists(dev: Synthesized) -> None:
    pool = dev.one("AWS::Cognito::UserPool").properties
    client = dev.one("AWS::Cognito::UserPoolClient").properties
    assert pool["UsernameConfiguration"] == {"CaseSensitive": False}
    assert not {"UsernameAttributes", "AliasAttributes", "AutoVerifiedAttributes"} & set(pool)
    assert pool["AdminCreateUserConfig"] == {"AllowAdminCreateUserOnly": False}
    assert pool["Policies"]["PasswordPolicy"]["MinimumLength"] >= 8
    flows = {"ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"}
    assert set(client["ExplicitAuthFlows"]) == flows
    assert client["GenerateSecret"] is False
    assert client["PreventUserExistenceErrors"] == "ENABLED"
    assert client["AccessTokenValidity"] == 60
    assert client["TokenValidityUnits"]["AccessToken"] == "minutes"


def _with_push(**settings: Any) -> Environment:
    return replace(DEV, push=replace(DEV.push, **settings))


def _function_of(environment: Synthesized, route: Resource) -> str:
    target = environment.show(route.properties["Target"])
    for integration in environment.all("AWS::ApiGatewayV2::Integration"):
        if target == f"integrations/<{integration.name}>":
            uri = environment.show(integration.properties["IntegrationUri"])
            return uri.split("functions/<")[1].removesuffix("Function.Arn>/invocations")
    raise AssertionError(f"{route.logical_id} has no integration")

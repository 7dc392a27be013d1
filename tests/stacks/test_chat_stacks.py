"""Tables, functions, WebSocket API and queues in the templates."""

import json
from dataclasses import replace
from typing import Any

import pytest

from stacks.config.environments import DEV, Environment
from stacks.config.functions import FUNCTIONS
from stacks.config.tables import TABLES
from tests.stacks.shared_environments import CHANGED_DEV, OWN_SECRET
from tests.stacks.synthesized import Resource, Synthesize, Synthesized

APPLICATIONS = {
    "FCM_APPLICATION_ARN": "GCM/switchboard-dev-fcm",
    "APNS_APPLICATION_ARN": "APNS/switchboard-dev-apns",
    "APNS_SANDBOX_APPLICATION_ARN": "APNS_SANDBOX/switchboard-dev-apns-sandbox",
}


def test_all_functions_share_one_asset_but_the_one_that_serves_the_page(dev: Synthesized) -> None:
    functions = dev.all("AWS::Lambda::Function")
    shared = {str(each.properties["Code"]) for each in functions if each.name != "ApiFunction"}
    assert len(functions) > 2 and len(shared) == 1


def test_variables_of_functions_refer_to_the_resources(dev: Synthesized) -> None:
    variables = dev.function("ApiFunction").properties["Environment"]["Variables"]
    host = "<WebSocketApi>.execute-api.<AWS::Region>.<AWS::URLSuffix>/dev"
    assert dev.show(variables["WEBSOCKET_URL"]) == f"wss://{host}"
    assert dev.show(variables["CONNECTIONS_URL"]) == f"https://{host}"
    assert dev.show(variables["CHATS_TABLE"]) == "<Chats>"
    assert dev.show(variables["USER_POOL_CLIENT_ID"]) == "<UserPoolClient>"
    issuer = "https://cognito-idp.<AWS::Region>.<AWS::URLSuffix>/<UserPool>"
    assert dev.show(variables["TOKEN_ISSUER"]) == issuer
    for variable, name in APPLICATIONS.items():
        assert dev.show(variables[variable]) == (
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


@pytest.mark.parametrize("name", TABLES)
def test_a_table_has_its_keys_and_forgets_what_expires(dev: Synthesized, name: str) -> None:
    row, properties = TABLES[name], dev.one("AWS::DynamoDB::Table", name).properties
    assert tuple(key["AttributeName"] for key in properties["KeySchema"]) == row.keys
    assert properties["TimeToLiveSpecification"] == {
        "AttributeName": "expires_at",
        "Enabled": True,
    }
    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert ("StreamSpecification" in properties) == row.stream


def test_the_delivery_watch_reads_messages_and_watermarks_and_gives_up_into_a_queue(
    dev: Synthesized,
) -> None:
    mapping = dev.one("AWS::Lambda::EventSourceMapping", "DeliveryWatch").properties
    patterns = [json.loads(each["Pattern"]) for each in mapping["FilterCriteria"]["Filters"]]
    source = FUNCTIONS["DeliveryWatch"].event_source
    assert source is not None
    assert patterns == list(source.filters)
    assert dev.show(mapping["EventSourceArn"]) == "<Chats.StreamArn>"
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    on_failure = mapping["DestinationConfig"]["OnFailure"]["Destination"]
    assert dev.show(on_failure) == "<StreamFailures.Arn>"
    tries, window = mapping["MaximumRetryAttempts"] + 1, mapping["MaximumBatchingWindowInSeconds"]
    lasts = tries * (FUNCTIONS["DeliveryWatch"].timeout + window)
    assert mapping["MaximumRecordAgeInSeconds"] > lasts, "no record is given up before its last try"


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


def test_every_queue_is_encrypted_and_rejects_plain_connections(dev: Synthesized) -> None:
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


def test_what_was_given_up_is_kept_for_as_long_as_a_queue_keeps_anything(dev: Synthesized) -> None:
    """An operator reads it, or gives it back to its queue, days later."""
    for queue in ("PushDeadLetters", "StreamFailures"):
        days = dev.one("AWS::SQS::Queue", queue).properties["MessageRetentionPeriod"] / 86_400
        assert days == 14, "the most: docs.aws.amazon.com/AWSSimpleQueueService, SetQueueAttributes"


def test_every_route_goes_to_its_function_and_all_but_two_respond(dev: Synthesized) -> None:
    routes = dev.all("AWS::ApiGatewayV2::Route")
    found = {route.properties["RouteKey"]: _function_of(dev, route) for route in routes}
    assert found == {route: name for name, row in FUNCTIONS.items() for route in row.routes}
    responding = {
        dev.show(response.properties["RouteId"])
        for response in dev.all("AWS::ApiGatewayV2::RouteResponse")
    }
    for route in routes:
        responds = f"<{route.name}>" in responding
        assert responds == (route.properties["RouteKey"] not in ("$connect", "$disconnect"))
        assert responds == ("RouteResponseSelectionExpression" in route.properties)


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
    assert not [each for each in log.values() if "header" in each], "one of them has the ticket"
    needed = set(stage.body["DependsOn"])
    assert needed >= {route.logical_id for route in dev.all("AWS::ApiGatewayV2::Route")}
    assert dev.one("AWS::ApiGateway::Account").logical_id in needed


def test_secrets_are_empty_until_someone_fills_them(dev: Synthesized) -> None:
    secrets = dev.all("AWS::SecretsManager::Secret")
    assert len(secrets) == 3
    for secret in secrets:
        assert not {"SecretString", "GenerateSecretString"} & set(secret.properties)


def test_a_secret_that_exists_is_used_instead_of_an_empty_one(synthesize: Synthesize) -> None:
    environment = synthesize(CHANGED_DEV)
    resource = environment.one("Custom::PlatformApplications").properties
    assert (resource["FcmSecretArn"], resource["CredentialsVersion"]) == (OWN_SECRET, 2)
    assert len(environment.all("AWS::SecretsManager::Secret")) == 2
    role = environment.one("AWS::IAM::Role", "PlatformApplicationsRole").logical_id
    assert OWN_SECRET in environment.grants(role)


def test_platform_applications_are_made_by_our_function_without_a_framework(
    dev: Synthesized,
) -> None:
    resource = dev.one("Custom::PlatformApplications")
    assert dev.show(resource.properties["ServiceToken"]) == "<PlatformApplicationsFunction.Arn>"
    assert resource.properties["NamePrefix"] == "switchboard-dev"
    assert set(resource.properties) == {
        *("ServiceToken", "ServiceTimeout", "NamePrefix", "CredentialsVersion"),
        *("FcmSecretArn", "ApnsSecretArn", "ApnsSandboxSecretArn"),
        *("FeedbackRoleArn", "FeedbackPercent"),
    }
    # the function has the time to respond
    timeout = FUNCTIONS["PlatformApplications"].timeout
    assert int(resource.properties["ServiceTimeout"]) > timeout
    # its permissions are there before it is called
    assert any("RoleDefaultPolicy" in each for each in resource.body["DependsOn"])


def test_users_sign_in_by_name_and_password_and_nothing_reveals_who_exists(
    dev: Synthesized,
) -> None:
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
    # each token names its sign-in, which ends with it: lambdas/api/sign_ins.py
    assert client["EnableTokenRevocation"] is True
    assert client["AccessTokenValidity"] == 60
    assert client["TokenValidityUnits"]["AccessToken"] == "minutes"


def test_ended_sign_ins_are_kept_as_long_as_their_tokens_are_valid(synthesize: Synthesize) -> None:
    for config in (DEV, CHANGED_DEV):
        environment = synthesize(config)
        client = environment.one("AWS::Cognito::UserPoolClient").properties
        assert set(client["TokenValidityUnits"].values()) == {"minutes"}
        minutes = client["RefreshTokenValidity"] + client["AccessTokenValidity"]
        for name in ("ApiFunction", "OperatorFunction"):
            variables = environment.function(name).properties["Environment"]["Variables"]
            assert variables["SIGN_IN_SECONDS"] == str(60 * minutes)


def test_codes_are_mailed_only_where_the_environment_wants_it(synthesize: Synthesize) -> None:
    recovered, variables = [], []
    for config in (DEV, CHANGED_DEV):
        environment = synthesize(config)
        pool = environment.one("AWS::Cognito::UserPool")
        ways = pool.properties["AccountRecoverySetting"]["RecoveryMechanisms"]
        recovered.append((pool.name, [way["Name"] for way in ways]))
        api = environment.function("ApiFunction").properties["Environment"]["Variables"]
        variables.append(api["PASSWORD_RESET"])
    assert recovered == [("UserPool", ["admin_only"]), ("UserPool", ["verified_email"])]
    assert variables == ["false", "true"]
    assert pool.properties["AutoVerifiedAttributes"] == ["email"]
    kept = pool.properties["UserAttributeUpdateSettings"]
    assert kept == {"AttributesRequireVerificationBeforeUpdate": ["email"]}


def _with_push(**settings: Any) -> Environment:
    return replace(DEV, push=replace(DEV.push, **settings))


def _function_of(environment: Synthesized, route: Resource) -> str:
    target = environment.show(route.properties["Target"])
    for integration in environment.all("AWS::ApiGatewayV2::Integration"):
        if target == f"integrations/<{integration.name}>":
            uri = environment.show(integration.properties["IntegrationUri"])
            return uri.split("functions/<")[1].removesuffix("Function.Arn>/invocations")
    raise AssertionError(f"{route.logical_id} has no integration")

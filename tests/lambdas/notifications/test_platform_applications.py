"""The custom resource of the SNS platform applications, with events as CloudFormation sends them."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from lambdas.notifications import platform_applications
from lambdas.notifications.credentials import PLATFORMS, application_arn
from lambdas.settings import WHILE_DEPLOYING, Aws, Settings
from tests.support.lambdas.moto_aws import moto_aws
from tests.support.lambdas.platforms_scene import (
    APNS,
    FCM,
    PRIVATE,
    STACK,
    TIMEOUT,
    CloudFormation,
    Context,
    UnknownStack,
    applications,
    arn,
    change,
    listening,
    properties,
    request,
)
from tests.support.lambdas.rest import DUMMY, client, written_log


@pytest.fixture(scope="module")
def function() -> Aws:
    aws = Aws(Settings(DUMMY), WHILE_DEPLOYING)
    vars(aws).update(
        sns=client("sns"), secrets=client("secretsmanager"), cloudformation=UnknownStack()
    )
    return aws


@pytest.fixture
def cloudformation(function: Aws, monkeypatch: pytest.MonkeyPatch) -> Iterator[CloudFormation]:
    monkeypatch.setattr(
        "lambdas.notifications.platform_applications.time.sleep", lambda _seconds: None
    )
    with moto_aws(), listening() as cloudformation:
        monkeypatch.setattr(platform_applications, "deployment_aws", lambda: function)
        yield cloudformation


def send(
    cloudformation: CloudFormation, kind: str, given: dict[str, Any], physical_id: str = "never"
) -> dict[str, Any]:
    event = request(cloudformation.url, kind, given, physical_id)
    platform_applications.handler(event, Context())
    response = cloudformation.responses[-1]
    assert response["StackId"] == STACK
    assert response["RequestId"] == event["RequestId"]
    assert response["LogicalResourceId"] == "PlatformApplications"
    assert "Data" not in response
    assert cloudformation.content_types[-1] == ""
    assert len(json.dumps(response)) < 4096
    return response


def test_every_secret_with_a_credential_becomes_an_application(
    cloudformation: CloudFormation,
) -> None:
    response = send(cloudformation, "Create", properties(FCM, APNS, APNS))
    assert response["Status"] == "SUCCESS"
    made = applications()
    assert set(made) == {
        arn("GCM", "fcm"),
        arn("APNS", "apns"),
        arn("APNS_SANDBOX", "apns-sandbox"),
    }
    assert json.loads(made[arn("GCM", "fcm")]["PlatformCredential"]) == FCM
    apns = made[arn("APNS", "apns")]
    assert apns["PlatformPrincipal"] == "KEY"
    assert apns["PlatformCredential"] == PRIVATE
    assert apns["ApplePlatformTeamID"] == "TEAM"
    assert apns["ApplePlatformBundleID"] == "example.app"


@pytest.mark.parametrize("value", [None, "  \n", "{}"])
def test_an_empty_secret_makes_none_and_the_log_says_so(
    cloudformation: CloudFormation, value: Any
) -> None:
    with written_log() as log:
        response = send(cloudformation, "Create", properties(value, value, value))
    assert response["Status"] == "SUCCESS"
    assert applications() == {}
    assert log.getvalue().count("push is off") == 3


def test_one_platform_alone_is_fine(cloudformation: CloudFormation) -> None:
    send(cloudformation, "Create", properties(FCM))
    assert set(applications()) == {arn("GCM", "fcm")}
    given = {"NamePrefix": "other", "FcmSecretArn": ""}
    assert send(cloudformation, "Create", given)["Status"] == "SUCCESS"
    assert set(applications()) == {arn("GCM", "fcm")}


def test_an_update_brings_the_new_credential_and_keeps_the_resource(
    cloudformation: CloudFormation,
) -> None:
    given = properties(FCM, APNS)
    created = send(cloudformation, "Create", given)
    endpoint = client("sns").create_platform_endpoint(
        PlatformApplicationArn=arn("GCM", "fcm"), Token="token"
    )["EndpointArn"]
    change(given["FcmSecretArn"], {**FCM, "client_email": "new@switchboard.example"})
    change(given["ApnsSecretArn"], {})
    id = created["PhysicalResourceId"]
    updated = send(cloudformation, "Update", given, id)
    assert updated["PhysicalResourceId"] == id
    ((name, made),) = applications().items()
    assert name == arn("GCM", "fcm")
    assert "new@switchboard.example" in made["PlatformCredential"]
    # who was registered stays registered
    client("sns").get_endpoint_attributes(EndpointArn=endpoint)


def test_creating_twice_is_creating_once(cloudformation: CloudFormation) -> None:
    given = properties(FCM, APNS, APNS)
    responses = [send(cloudformation, "Create", given) for _ in range(2)]
    assert responses[0] == responses[1]
    assert len(applications()) == 3


def test_deleting_removes_all_and_may_be_repeated(cloudformation: CloudFormation) -> None:
    given = properties(FCM, APNS, APNS)
    id = send(cloudformation, "Create", given)["PhysicalResourceId"]
    for _ in range(2):
        response = send(cloudformation, "Delete", given, id)
        assert (response["Status"], response["PhysicalResourceId"]) == ("SUCCESS", id)
    assert applications() == {}


def test_deleting_what_was_never_created_succeeds(cloudformation: CloudFormation) -> None:
    # the id that CloudFormation makes up when a Create failed without one
    for given in (properties(), {}, {"NamePrefix": "never"}):
        id = "switchboard-dev-PlatformApplications-1ABC"
        response = send(cloudformation, "Delete", given, id)
        assert (response["Status"], response["PhysicalResourceId"]) == ("SUCCESS", id)


BAD = [
    ("s3cret", "is not JSON"),
    ('["s3cret"]', "is not a JSON object"),
    ('"s3cret"', "is not a JSON object"),
    (json.dumps({"project_id": "s3cret"}), "lacks client_email, private_key"),
    (json.dumps({**FCM, "private_key": ""}), "lacks private_key"),
    (json.dumps({**FCM, "project_id": 7}), "lacks project_id"),
]


@pytest.mark.parametrize(("value", "reason"), BAD)
def test_a_bad_secret_fails_the_deployment_with_a_reason_and_changes_nothing(
    cloudformation: CloudFormation, value: str, reason: str
) -> None:
    with written_log() as log:
        response = send(cloudformation, "Create", properties(value, APNS))
    assert response["Status"] == "FAILED"
    assert reason in response["Reason"]
    assert "s3cret" not in json.dumps(response) + log.getvalue()
    assert applications() == {}


def test_a_bad_apns_secret_names_what_it_lacks_and_changes_no_other_platform(
    cloudformation: CloudFormation,
) -> None:
    response = send(cloudformation, "Create", properties(FCM, {"key_id": "KEY"}))
    assert applications() == {}
    assert "ApnsSecretArn lacks signing_key, team_id, bundle_id" in response["Reason"]


def test_cloudformation_gets_a_response_for_any_other_error(
    cloudformation: CloudFormation,
) -> None:
    missing = {
        **properties(),
        "FcmSecretArn": "arn:aws:secretsmanager:us-east-1:123456789012:secret:x",
    }
    for kind, given in (("Create", missing), ("Create", {}), ("Upsert", properties_of(missing))):
        response = send(cloudformation, kind, given)
        assert response["Status"] == "FAILED"
        assert response["Reason"]
        assert response["PhysicalResourceId"]


def properties_of(given: dict[str, str]) -> dict[str, str]:
    return {"NamePrefix": given["NamePrefix"]}


def test_an_answer_that_is_rejected_is_sent_again(cloudformation: CloudFormation) -> None:
    cloudformation.failures_left = 2
    assert send(cloudformation, "Create", properties())["Status"] == "SUCCESS"
    assert cloudformation.failures_left == 0


def test_an_answer_that_nobody_takes_fails_the_invocation(cloudformation: CloudFormation) -> None:
    cloudformation.failures_left = 100
    with pytest.raises(OSError):
        send(cloudformation, "Create", properties())


def test_a_call_is_begun_only_if_its_end_leaves_time_for_the_answer(
    cloudformation: CloudFormation,
) -> None:
    enough = WHILE_DEPLOYING.longest + platform_applications.RESPONDING
    given = properties(FCM)
    for left, status in ((enough + 1, "SUCCESS"), (enough - 1, "FAILED")):
        event = request(cloudformation.url, "Create", given)
        platform_applications.handler(event, Context(TIMEOUT - left))
        assert cloudformation.responses[-1]["Status"] == status
    assert "no time left" in cloudformation.responses[-1]["Reason"]


def test_only_http_addresses_are_answered() -> None:
    with pytest.raises(ValueError, match="not an HTTP address"):
        platform_applications.respond("file:///etc/passwd", {})


def test_neither_credential_nor_response_url_is_ever_logged(
    cloudformation: CloudFormation,
) -> None:
    cloudformation.failures_left = 1
    with written_log() as log:
        given = properties(FCM, APNS, APNS)
        id = send(cloudformation, "Create", given)["PhysicalResourceId"]
        send(cloudformation, "Delete", given, id)
    assert log.getvalue()
    for hidden in ("MIGHAgEAMBMGByqGSM49", "push@switchboard.example", "s1gned"):
        assert hidden not in log.getvalue()


def test_of_an_unexpected_error_only_its_type_is_reported(
    cloudformation: CloudFormation, function: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(**given: Any) -> Any:
        raise ValueError(f"invalid: {given}")  # as botocore quotes parameters

    monkeypatch.setattr(function.sns, "create_platform_application", fails)
    with written_log() as log:
        response = send(cloudformation, "Create", properties(FCM))
    assert (response["Status"], response["Reason"]) == (
        "FAILED",
        "ValueError; the function's log shows where",
    )
    assert "MIGHAgEAMBMGByqGSM49" not in log.getvalue() and "fails" in log.getvalue()


def test_a_credential_that_sns_quotes_in_its_error_is_in_no_reason(
    cloudformation: CloudFormation, function: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rejects(**given: Any) -> Any:
        error: Any = {"Code": "InvalidParameter", "Message": f"Invalid parameter: {given}"}
        raise ClientError({"Error": error}, "CreatePlatformApplication")

    monkeypatch.setattr(function.sns, "create_platform_application", rejects)
    response = send(cloudformation, "Create", properties(FCM))
    reason = "SNS rejected the credential in FcmSecretArn: InvalidParameter"
    assert (response["Status"], response["Reason"]) == ("FAILED", reason)


def test_what_sns_has_made_before_its_response_was_lost_is_deleted_with_the_resource(
    cloudformation: CloudFormation, function: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = function.sns.create_platform_application

    def loses(**given: Any) -> Any:
        made(**given)
        raise ReadTimeoutError(endpoint_url="https://sns")

    monkeypatch.setattr(function.sns, "create_platform_application", loses)
    given = properties(FCM)
    response = send(cloudformation, "Create", given)
    assert response["Status"] == "FAILED" and applications()
    assert send(cloudformation, "Delete", given, response["PhysicalResourceId"])
    assert applications() == {}


def test_a_secret_that_may_not_be_read_turns_no_push_off(
    cloudformation: CloudFormation, function: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the message: only a secret without a value is empty."""
    given = properties(FCM)
    id = send(cloudformation, "Create", given)["PhysicalResourceId"]

    def denied(**_: Any) -> Any:
        error: Any = {"Code": "InvalidRequestException", "Message": "no secret value is given"}
        raise ClientError({"Error": error}, "GetSecretValue")

    monkeypatch.setattr(function.secrets, "get_secret_value", denied)
    assert send(cloudformation, "Update", given, id)["Status"] == "FAILED"
    assert set(applications()) == {arn("GCM", "fcm")}


def test_an_application_is_in_the_stacks_partition_region_and_account() -> None:
    stack = "arn:aws-cn:cloudformation:cn-north-1:210987654321:stack/name/51af3dc0"
    assert [application_arn(stack, each, "chat") for each in PLATFORMS] == [
        f"arn:aws-cn:sns:cn-north-1:210987654321:app/{kind}/chat-{name}"
        for kind, name in (
            ("GCM", "fcm"),
            ("APNS", "apns"),
            ("APNS_SANDBOX", "apns-sandbox"),
        )
    ]

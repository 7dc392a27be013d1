"""The custom resource of the SNS platform applications, with events as CloudFormation sends them."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from moto import mock_aws

from lambdas.notifications import platforms
from lambdas.settings import Aws, Settings
from tests.aws.rest_steps import DUMMY, client, written_log

PRIVATE = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49\n-----END PRIVATE KEY-----\n"
FCM = {
    "type": "service_account",
    "project_id": "switchboard",
    "client_email": "push@switchboard.example",
    "private_key": PRIVATE,
}
APNS = {"signing_key": PRIVATE, "key_id": "KEY", "team_id": "TEAM", "bundle_id": "example.app"}
STACK = "arn:aws:cloudformation:us-east-1:123456789012:stack/switchboard-dev-notifications/51af3dc0"
NONE = {"FcmApplicationArn": "", "ApnsApplicationArn": "", "ApnsSandboxApplicationArn": ""}


class CloudFormation:
    """The address that CloudFormation waits at; refuses as often as it is told."""

    def __init__(self) -> None:
        self.answers: list[dict[str, Any]] = []
        self.content_types: list[str | None] = []
        self.refusals = 0
        waiting = self

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if waiting.refusals:
                    waiting.refusals -= 1
                    self.send_response(503)
                else:
                    waiting.answers.append(json.loads(body))
                    waiting.content_types.append(self.headers["Content-Type"])
                    self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/answer?X-Amz-Signature=s1gned"


@contextmanager
def listening() -> Iterator[CloudFormation]:
    cloudformation = CloudFormation()
    thread = threading.Thread(target=cloudformation.server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield cloudformation
    finally:
        cloudformation.server.shutdown()
        cloudformation.server.server_close()
        thread.join()


@pytest.fixture(scope="module")
def function() -> Aws:
    aws = Aws(Settings(DUMMY))
    vars(aws).update(sns=client("sns"), secrets=client("secretsmanager"))
    return aws


@pytest.fixture
def cloudformation(function: Aws, monkeypatch: pytest.MonkeyPatch) -> Iterator[CloudFormation]:
    monkeypatch.setattr("lambdas.notifications.platforms.time.sleep", lambda _seconds: None)
    with mock_aws(), listening() as cloudformation:
        monkeypatch.setattr(platforms, "aws", lambda: function)
        yield cloudformation


def secret(name: str, value: Any = None) -> str:
    """The ARN of a secret; without a value it is as the stack makes it."""
    secrets = client("secretsmanager")
    arn = str(secrets.create_secret(Name=name)["ARN"])
    if value is not None:
        text = value if isinstance(value, str) else json.dumps(value)
        secrets.put_secret_value(SecretId=arn, SecretString=text)
    return arn


def change(arn: str, value: Any) -> None:
    secrets = client("secretsmanager")
    secrets.put_secret_value(SecretId=arn, SecretString=json.dumps(value))


def properties(fcm: Any = None, apns: Any = None, sandbox: Any = None) -> dict[str, str]:
    return {
        "ServiceToken": "arn:aws:lambda:us-east-1:123456789012:function:platforms",
        "FcmSecretArn": secret("fcm", fcm),
        "ApnsSecretArn": secret("apns", apns),
        "ApnsSandboxSecretArn": secret("apns-sandbox", sandbox),
        "NamePrefix": "switchboard-dev",
    }


def send(
    cloudformation: CloudFormation, kind: str, given: dict[str, Any], physical_id: str = ""
) -> dict[str, Any]:
    """docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requests.html"""
    event = {
        "RequestType": kind,
        "ResponseURL": cloudformation.url,
        "StackId": STACK,
        "RequestId": f"request-{len(cloudformation.answers)}",
        "ResourceType": "Custom::PlatformApplications",
        "LogicalResourceId": "PlatformApplications",
        "ResourceProperties": given,
        **({"PhysicalResourceId": physical_id} if physical_id else {}),
        **({"OldResourceProperties": given} if kind == "Update" else {}),
    }
    platforms.handler(event, None)
    answer = cloudformation.answers[-1]
    assert answer["StackId"] == STACK
    assert answer["RequestId"] == event["RequestId"]
    assert answer["LogicalResourceId"] == "PlatformApplications"
    assert cloudformation.content_types[-1] == ""
    assert len(json.dumps(answer)) < 4096
    return answer


def applications() -> dict[str, dict[str, str]]:
    sns = client("sns")
    listed = sns.list_platform_applications()["PlatformApplications"]
    return {each["PlatformApplicationArn"]: each["Attributes"] for each in listed}


def arn(platform: str, suffix: str, prefix: str = "switchboard-dev") -> str:
    return f"arn:aws:sns:us-east-1:123456789012:app/{platform}/{prefix}-{suffix}"


def test_every_secret_with_a_credential_becomes_an_application(
    cloudformation: CloudFormation,
) -> None:
    answer = send(cloudformation, "Create", properties(FCM, APNS, APNS))
    assert answer["Status"] == "SUCCESS"
    assert answer["Data"] == {
        "FcmApplicationArn": arn("GCM", "fcm"),
        "ApnsApplicationArn": arn("APNS", "apns"),
        "ApnsSandboxApplicationArn": arn("APNS_SANDBOX", "apns-sandbox"),
    }
    made = applications()
    assert set(made) == set(answer["Data"].values())
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
        answer = send(cloudformation, "Create", properties(value, value, value))
    assert (answer["Status"], answer["Data"]) == ("SUCCESS", NONE)
    assert applications() == {}
    assert log.getvalue().count("push is off") == 3


def test_one_platform_alone_is_fine(cloudformation: CloudFormation) -> None:
    answer = send(cloudformation, "Create", properties(FCM))
    assert answer["Data"] == {**NONE, "FcmApplicationArn": arn("GCM", "fcm")}
    given = {"NamePrefix": "other", "FcmSecretArn": ""}
    assert send(cloudformation, "Create", given)["Data"] == NONE


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
    assert updated["Data"] == {**NONE, "FcmApplicationArn": arn("GCM", "fcm")}
    (made,) = applications().values()
    assert "new@switchboard.example" in made["PlatformCredential"]
    # who was registered stays registered
    client("sns").get_endpoint_attributes(EndpointArn=endpoint)


def test_creating_twice_is_creating_once(cloudformation: CloudFormation) -> None:
    given = properties(FCM, APNS, APNS)
    assert (
        send(cloudformation, "Create", given)["Data"]
        == send(cloudformation, "Create", given)["Data"]
    )
    assert len(applications()) == 3


def test_another_prefix_is_another_resource_and_the_old_one_can_be_deleted(
    cloudformation: CloudFormation,
) -> None:
    given = properties(FCM)
    old = send(cloudformation, "Create", given)
    new = send(
        cloudformation, "Update", {**given, "NamePrefix": "renamed"}, old["PhysicalResourceId"]
    )
    assert new["PhysicalResourceId"] != old["PhysicalResourceId"]
    send(cloudformation, "Delete", given, old["PhysicalResourceId"])
    assert set(applications()) == {arn("GCM", "fcm", "renamed")}


def test_deleting_removes_all_and_may_be_repeated(cloudformation: CloudFormation) -> None:
    given = properties(FCM, APNS, APNS)
    id = send(cloudformation, "Create", given)["PhysicalResourceId"]
    for _ in range(2):
        answer = send(cloudformation, "Delete", given, id)
        assert (answer["Status"], answer["PhysicalResourceId"]) == ("SUCCESS", id)
    assert applications() == {}


def test_deleting_what_was_never_created_succeeds(cloudformation: CloudFormation) -> None:
    # the id that CloudFormation makes up when a Create failed without one
    for given in (properties(), {}, {"NamePrefix": "never"}):
        answer = send(cloudformation, "Delete", given, "switchboard-dev-PlatformApplications-1ABC")
        assert answer["Status"] == "SUCCESS"


BAD = [
    ("not JSON", "is not JSON"),
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
        answer = send(cloudformation, "Create", properties(value, APNS))
    assert answer["Status"] == "FAILED"
    assert reason in answer["Reason"]
    assert "s3cret" not in json.dumps(answer) + log.getvalue()
    assert applications() == {}


def test_a_bad_apns_secret_names_what_it_lacks(cloudformation: CloudFormation) -> None:
    answer = send(cloudformation, "Create", properties(None, {"key_id": "KEY"}))
    assert "ApnsSecretArn lacks signing_key, team_id, bundle_id" in answer["Reason"]


def test_whatever_else_goes_wrong_cloudformation_hears_of_it(
    cloudformation: CloudFormation,
) -> None:
    missing = {
        **properties(),
        "FcmSecretArn": "arn:aws:secretsmanager:us-east-1:123456789012:secret:x",
    }
    for kind, given in (("Create", missing), ("Create", {}), ("Upsert", properties_of(missing))):
        answer = send(cloudformation, kind, given)
        assert answer["Status"] == "FAILED"
        assert answer["Reason"]
        assert answer["PhysicalResourceId"]


def properties_of(given: dict[str, str]) -> dict[str, str]:
    return {"NamePrefix": given["NamePrefix"]}


def test_an_answer_that_is_refused_is_sent_again(cloudformation: CloudFormation) -> None:
    cloudformation.refusals = 2
    assert send(cloudformation, "Create", properties())["Status"] == "SUCCESS"
    assert cloudformation.refusals == 0


def test_an_answer_that_nobody_takes_fails_the_invocation(cloudformation: CloudFormation) -> None:
    cloudformation.refusals = 100
    with pytest.raises(OSError):
        send(cloudformation, "Create", properties())


def test_only_http_addresses_are_answered() -> None:
    with pytest.raises(ValueError, match="not an HTTP address"):
        platforms.respond("file:///etc/passwd", {})


def test_neither_credential_nor_response_url_is_ever_logged(
    cloudformation: CloudFormation,
) -> None:
    cloudformation.refusals = 1
    with written_log() as log:
        given = properties(FCM, APNS, APNS)
        id = send(cloudformation, "Create", given)["PhysicalResourceId"]
        send(cloudformation, "Delete", given, id)
    assert log.getvalue()
    for hidden in ("MIGHAgEAMBMGByqGSM49", "push@switchboard.example", "s1gned"):
        assert hidden not in log.getvalue()

"""The address that CloudFormation waits at, Lambda's context, and what platforms keep in secrets."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import HTTPServer
from typing import Any

from botocore.exceptions import ClientError

from tests.support.http_server import QuietHandler, serving
from tests.support.lambdas.rest import client

PRIVATE = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49\n-----END PRIVATE KEY-----\n"
FCM = {
    "type": "service_account",
    "project_id": "switchboard",
    "client_email": "push@switchboard.example",
    "private_key": PRIVATE,
}
APNS = {"signing_key": PRIVATE, "key_id": "KEY", "team_id": "TEAM", "bundle_id": "example.app"}
STACK = "arn:aws:cloudformation:us-east-1:123456789012:stack/switchboard-dev-notifications/51af3dc0"
TIMEOUT = 240  # seconds, the function's


class CloudFormation:
    """The address that CloudFormation waits at; refuses `failures_left` times."""

    def __init__(self) -> None:
        self.responses: list[dict[str, Any]] = []
        self.content_types: list[str | None] = []
        self.failures_left = 0
        waiting = self

        class Handler(QuietHandler):
            def do_PUT(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if waiting.failures_left:
                    waiting.failures_left -= 1
                    self.send_response(503)
                else:
                    waiting.responses.append(json.loads(body))
                    waiting.content_types.append(self.headers["Content-Type"])
                    self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/response?X-Amz-Signature=s1gned"


@contextmanager
def listening() -> Iterator[CloudFormation]:
    cloudformation = CloudFormation()
    with serving(cloudformation.server):
        yield cloudformation


class UnknownStack:
    """A client of CloudFormation that knows no stack; moto's imports every service for that."""

    def describe_stacks(self, StackName: str) -> Any:
        message = f"Stack with id {StackName} does not exist"
        raise ClientError({"Error": {"Code": "ValidationError", "Message": message}}, "x")


class Context:
    """Lambda's, as long as `elapsed` seconds of the function's timeout are over."""

    def __init__(self, elapsed: float = 0) -> None:
        self.elapsed = elapsed

    def get_remaining_time_in_millis(self) -> int:
        return int((TIMEOUT - self.elapsed) * 1000)


def secret(name: str, value: Any = None) -> str:
    """The ARN of a secret; without a value it is as the stack makes it."""
    arn = str(client("secretsmanager").create_secret(Name=name)["ARN"])
    if value is not None:
        change(arn, value)
    return arn


def change(arn: str, value: Any) -> None:
    text = value if isinstance(value, str) else json.dumps(value)
    client("secretsmanager").put_secret_value(SecretId=arn, SecretString=text)


def properties(fcm: Any = None, apns: Any = None, sandbox: Any = None) -> dict[str, str]:
    return {
        "ServiceToken": "arn:aws:lambda:us-east-1:123456789012:function:platforms",
        "FcmSecretArn": secret("fcm", fcm),
        "ApnsSecretArn": secret("apns", apns),
        "ApnsSandboxSecretArn": secret("apns-sandbox", sandbox),
        "NamePrefix": "switchboard-dev",
        "CredentialsVersion": "1",
    }


def request(
    url: str, kind: str, given: dict[str, Any], physical_id: str = "", old: Any = None
) -> dict[str, Any]:
    """docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requests.html"""
    return {
        "RequestType": kind,
        "ResponseURL": url,
        "StackId": STACK,
        "RequestId": f"request-of-{kind}",
        "ResourceType": "Custom::PlatformApplications",
        "LogicalResourceId": "PlatformApplications",
        "ResourceProperties": given,
        **({"PhysicalResourceId": physical_id} if physical_id else {}),
        **({"OldResourceProperties": old or given} if kind == "Update" else {}),
    }


def applications() -> dict[str, dict[str, str]]:
    """The attributes of each platform application that SNS has, by ARN."""
    sns = client("sns")
    listed = sns.list_platform_applications()["PlatformApplications"]
    return {each["PlatformApplicationArn"]: each["Attributes"] for each in listed}


def arn(platform: str, suffix: str, prefix: str = "switchboard-dev") -> str:
    return f"arn:aws:sns:us-east-1:123456789012:app/{platform}/{prefix}-{suffix}"

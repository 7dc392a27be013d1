"""Function PlatformApplications: custom resource that makes SNS platform applications from secrets.

Properties FcmSecretArn, ApnsSecretArn, ApnsSandboxSecretArn, NamePrefix, CredentialsVersion, and
FeedbackRoleArn and FeedbackPercent where SNS is to log the platforms' responses; no attributes,
because the applications' ARNs follow from their names. CloudFormation waits for a response at
ResponseURL until its ServiceTimeout, so one is sent in every case, before Lambda ends the function.

    Create, Update  Brings SNS up to date with the secrets; an invalid secret fails the request
                    and changes nothing. Logs that SNS rejects fail nothing.
    Update of a     Never fails: a second failure would leave the stack in UPDATE_ROLLBACK_FAILED,
    rollback        which an operator has to repair. Existing applications stay. The secret that
                    failed is not read again; one that the update had replaced is, if possible.
    Delete          Deletes the applications of the deleted id, whatever the properties are now.

The Update of a rollback has the old and new properties exchanged, like an Update that lowers the
version or names an earlier secret again. So the function reads the stack's status, which contains
ROLLBACK during a rollback. If that call fails, a lower CredentialsVersion counts as a rollback.

docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html
docs.aws.amazon.com/cdk/api/v2/docs/aws-cdk-lib.custom_resources-readme.html (Handling errors)
docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html (stack status codes)
"""

import json
import time
import traceback
import urllib.request
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from lambdas.notifications.applications import Applications
from lambdas.notifications.credentials import DeploymentError
from lambdas.settings import deployment_aws
from lambdas.telemetry import logger

REASON_LIMIT = 1000  # characters; the whole response may have 4 KB
ATTEMPTS = 4
RESPONSE_TIMEOUT = 5  # seconds for each attempt
# With the pauses between them: 1, 2 and 4 s.
RESPONDING = ATTEMPTS * RESPONSE_TIMEOUT + 2 ** (ATTEMPTS - 1) - 1

ID_ENDING = "-platform-applications"
# The id of a Create that failed before it made anything. CloudFormation deletes it anyway,
# and applications of that name may be an earlier stack's, retained with their endpoints.
NOTHING_MADE = "none-made"

Event = dict[str, Any]


def handler(event: Event, context: Any) -> None:
    response = {
        "Status": "SUCCESS",
        "Reason": "",
        "PhysicalResourceId": physical_id(event),
        **{name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")},
    }
    clients = deployment_aws()
    before_call = _before_call(context, clients.limits.longest)
    applications = Applications(clients.sns, clients.secrets, before_call, clients.sleep)
    try:
        act(event, applications)
    except DeploymentError as error:
        response |= {"Status": "FAILED", "Reason": str(error)[:REASON_LIMIT]}
        logger.warning("rejected", extra={"reason": str(error)})
    except Exception as error:
        # without SNS's message: it may quote parameters, and one of them is a credential
        response |= {
            "Status": "FAILED",
            "Reason": f"{_name(error)}; the function's log shows where",
        }
        where = traceback.format_tb(error.__traceback__)
        logger.error("failed", extra={"fault": _name(error), "where": where})
    failed = response["Status"] == "FAILED"
    if failed and event["RequestType"] == "Create" and not applications.changed:
        response["PhysicalResourceId"] = NOTHING_MADE
    respond(event["ResponseURL"], response)


def physical_id(event: Event) -> str:
    """From the prefix: with another prefix it is another resource, and the old one is deleted."""
    if event["RequestType"] == "Delete":
        return str(event["PhysicalResourceId"])
    return f"{_prefix(event)}{ID_ENDING}"


def act(event: Event, applications: Applications) -> None:
    """Raises DeploymentError, and the errors of SNS and Secrets Manager."""
    kind, stack = event["RequestType"], event["StackId"]
    properties = event.get("ResourceProperties", {})
    if kind == "Delete":
        prefix = _deleted_prefix(event)
        if prefix:
            applications.remove(stack, prefix)
        return
    if kind not in ("Create", "Update"):
        raise DeploymentError(f"unknown RequestType {kind}")
    if not _prefix(event):
        raise DeploymentError("the property NamePrefix is missing")
    if kind == "Update" and rolls_back(event):
        logger.warning("the stack rolls back: its applications stay")
        applications.restore(stack, _prefix(event), properties, event["OldResourceProperties"])
    else:
        applications.apply(stack, _prefix(event), properties)


def rolls_back(event: Event) -> bool:
    """Whether this Update belongs to the rollback of another one."""
    try:
        stacks = deployment_aws().cloudformation.describe_stacks(StackName=event["StackId"])
    except (ClientError, BotoCoreError) as error:
        logger.warning("could not read the status of the stack", extra={"fault": _name(error)})
        new, old = event["ResourceProperties"], event["OldResourceProperties"]
        return _version(new) < _version(old)
    return "ROLLBACK" in stacks["Stacks"][0]["StackStatus"]


def _version(properties: dict[str, Any]) -> int:
    version = str(properties.get("CredentialsVersion", ""))
    return int(version) if version.isdecimal() else 0


def _prefix(event: Event) -> str:
    return str(event.get("ResourceProperties", {}).get("NamePrefix", ""))


def _deleted_prefix(event: Event) -> str:
    """ "" if there is nothing to delete. An id that CloudFormation generated belongs to a Create
    without a response: then its properties show what it may have made."""
    id = str(event["PhysicalResourceId"])
    if id == NOTHING_MADE:
        return ""
    return id.removesuffix(ID_ENDING) if id.endswith(ID_ENDING) else _prefix(event)


def _before_call(context: Any, longest: float) -> Callable[[], None]:
    """Raises DeploymentError unless a call of `longest` seconds leaves time for the response."""

    def check() -> None:
        left = context.get_remaining_time_in_millis() / 1000
        if left < longest + RESPONDING:
            raise DeploymentError(
                "SNS and Secrets Manager were too slow: there is no time left. Try again"
            )

    return check


def respond(url: str, response: dict[str, Any]) -> None:
    """PUTs the response. The URL is signed and lets anybody respond, so it is never logged."""
    if urlsplit(url).scheme not in ("https", "http"):
        raise ValueError("ResponseURL is not an HTTP address")
    request = urllib.request.Request(  # noqa: S310 - the scheme was checked
        url,
        json.dumps(response).encode(),
        # the signature covers an empty content type, and urllib would set one by default
        {"Content-Type": ""},
        method="PUT",
    )
    for attempt in range(ATTEMPTS):
        try:
            with urllib.request.urlopen(request, timeout=RESPONSE_TIMEOUT):  # noqa: S310 - the scheme was checked
                return
        except OSError as error:
            if attempt == ATTEMPTS - 1:
                raise
            logger.warning("could not respond to CloudFormation", extra={"fault": _name(error)})
            time.sleep(2**attempt)


def _name(error: Exception) -> str:
    code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
    return " ".join(filter(None, [type(error).__name__, code]))

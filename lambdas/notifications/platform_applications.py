"""Custom resource Custom::PlatformApplications: SNS platform applications from secrets.

Properties FcmSecretArn, ApnsSecretArn, ApnsSandboxSecretArn, NamePrefix, CredentialsVersion; no
attributes, for the applications' ARNs follow from their names. CloudFormation waits for an answer
at ResponseURL until its ServiceTimeout, so there is one whatever happens, and before Lambda ends
the function.

    Create, Update  SNS holds what the secrets hold; a secret that can't be used fails the request
                    and changes nothing.
    Update of a     Nothing fails: a second failure would leave the stack in UPDATE_ROLLBACK_FAILED,
    rollback        for a person to free. The applications that exist stay. The secret that failed
                    is not read again; one that the update had replaced is, if it can be.
    Delete          The applications of the id that is deleted, whatever the properties say now.

A rollback's Update looks like any other, with old and new properties changed over; a version that
was lowered by hand, or a secret that was named again, looks the same. So CloudFormation is asked:
while it rolls back, the stack's status has ROLLBACK in it. Where it does not answer, a
CredentialsVersion that goes down stands for a rollback.

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
from lambdas.notifications.credentials import Refused
from lambdas.settings import deployment_aws
from lambdas.telemetry import logger

REASON_LIMIT = 1000  # characters; the whole answer may have 4 KB
ATTEMPTS = 4
ANSWER_TIMEOUT = 5  # seconds for each attempt
# With the pauses between them: 1, 2 and 4 s.
ANSWERING = ATTEMPTS * ANSWER_TIMEOUT + 2 ** (ATTEMPTS - 1) - 1

ID_ENDING = "-platform-applications"
# The id of a Create that failed before it made anything. CloudFormation sends its Delete all the
# same, and applications of that name may be an earlier stack's, kept with the phones they know.
NOTHING_MADE = "none-made"

Event = dict[str, Any]


def handler(event: Event, context: Any) -> None:
    answer = {
        "Status": "SUCCESS",
        "Reason": "",
        "PhysicalResourceId": physical_id(event),
        **{name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")},
    }
    clients = deployment_aws()
    before_call = _before_call(context, clients.limits.longest)
    applications = Applications(clients.sns, clients.secrets, before_call)
    try:
        act(event, applications)
    except Refused as refusal:
        answer |= {"Status": "FAILED", "Reason": str(refusal)[:REASON_LIMIT]}
        logger.warning("refused", extra={"reason": str(refusal)})
    except Exception as fault:
        # not the fault's own words: SNS quotes parameters in some, and one of them is a credential
        answer |= {"Status": "FAILED", "Reason": f"{_name(fault)}; the function's log says where"}
        where = traceback.format_tb(fault.__traceback__)
        logger.error("failed", extra={"fault": _name(fault), "where": where})
    failed = answer["Status"] == "FAILED"
    if failed and event["RequestType"] == "Create" and not applications.changed:
        answer["PhysicalResourceId"] = NOTHING_MADE
    respond(event["ResponseURL"], answer)


def physical_id(event: Event) -> str:
    """Follows the prefix: another prefix is another resource, and the old one gets its Delete."""
    if event["RequestType"] == "Delete":
        return str(event["PhysicalResourceId"])
    return f"{_prefix(event)}{ID_ENDING}"


def act(event: Event, applications: Applications) -> None:
    """Raises Refused, and whatever SNS and Secrets Manager raise."""
    kind, stack = event["RequestType"], event["StackId"]
    properties = event.get("ResourceProperties", {})
    if kind == "Delete":
        prefix = _deleted_prefix(event)
        if prefix:
            applications.remove(stack, prefix)
        return
    if kind not in ("Create", "Update"):
        raise Refused(f"unknown RequestType {kind}")
    if not _prefix(event):
        raise Refused("the property NamePrefix is missing")
    if kind == "Update" and rolls_back(event):
        logger.warning("the stack rolls back: its applications stay")
        applications.restore(stack, _prefix(event), properties, event["OldResourceProperties"])
    else:
        applications.apply(stack, _prefix(event), properties)


def rolls_back(event: Event) -> bool:
    """Whether this Update belongs to the rollback of another one."""
    try:
        stacks = deployment_aws().cloudformation.describe_stacks(StackName=event["StackId"])
    except (ClientError, BotoCoreError) as fault:
        logger.warning("CloudFormation does not say what it does", extra={"fault": _name(fault)})
        new, old = event["ResourceProperties"], event["OldResourceProperties"]
        return _version(new) < _version(old)
    return "ROLLBACK" in stacks["Stacks"][0]["StackStatus"]


def _version(properties: dict[str, Any]) -> int:
    version = str(properties.get("CredentialsVersion", ""))
    return int(version) if version.isdecimal() else 0


def _prefix(event: Event) -> str:
    return str(event.get("ResourceProperties", {}).get("NamePrefix", ""))


def _deleted_prefix(event: Event) -> str:
    """ "" if there is nothing to delete. An id of CloudFormation's own making belongs to a Create
    that was never answered: only its properties say what it may have made."""
    id = str(event["PhysicalResourceId"])
    if id == NOTHING_MADE:
        return ""
    return id.removesuffix(ID_ENDING) if id.endswith(ID_ENDING) else _prefix(event)


def _before_call(context: Any, longest: float) -> Callable[[], None]:
    """Raises Refused unless a call of `longest` seconds leaves time for the answer."""

    def check() -> None:
        left = context.get_remaining_time_in_millis() / 1000
        if left < longest + ANSWERING:
            raise Refused("SNS and Secrets Manager were too slow: there is no time left. Try again")

    return check


def respond(url: str, answer: dict[str, Any]) -> None:
    """PUTs the answer. The URL is signed, so whoever reads it could answer: it is never logged."""
    if urlsplit(url).scheme not in ("https", "http"):
        raise ValueError("ResponseURL is not an HTTP address")
    request = urllib.request.Request(  # noqa: S310 - the scheme was checked
        url,
        json.dumps(answer).encode(),
        # the signature covers an empty content type, and urllib would put one of its own
        {"Content-Type": ""},
        method="PUT",
    )
    for attempt in range(ATTEMPTS):
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_TIMEOUT):  # noqa: S310 - the scheme was checked
                return
        except OSError as fault:
            if attempt == ATTEMPTS - 1:
                raise
            logger.warning("could not answer CloudFormation", extra={"fault": _name(fault)})
            time.sleep(2**attempt)


def _name(fault: Exception) -> str:
    code = fault.response["Error"]["Code"] if isinstance(fault, ClientError) else ""
    return " ".join(filter(None, [type(fault).__name__, code]))

"""Custom resource Custom::PlatformApplications: SNS platform applications from secrets.

Properties FcmSecretArn, ApnsSecretArn, ApnsSandboxSecretArn, NamePrefix; attributes
FcmApplicationArn, ApnsApplicationArn, ApnsSandboxApplicationArn. CloudFormation waits an hour for
an answer at ResponseURL, so there is one whatever happens.
docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html
"""

import json
import time
import traceback
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from lambdas.notifications.applications import Applications
from lambdas.notifications.credentials import Refused
from lambdas.settings import aws
from lambdas.telemetry import logger

ATTEMPTS = 4
REASON_LIMIT = 1000  # characters; the whole answer may have 4 KB

Event = dict[str, Any]


def handler(event: Event, _context: Any) -> None:
    answer = {
        "Status": "SUCCESS",
        "Reason": "",
        "PhysicalResourceId": physical_id(event),
        **{name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")},
    }
    try:
        answer["Data"] = act(event)
    except Refused as refusal:
        answer |= {"Status": "FAILED", "Reason": str(refusal)[:REASON_LIMIT]}
        logger.warning("refused", extra={"reason": str(refusal)})
    except Exception as fault:
        # not the fault's own words: SNS quotes parameters in some, and one of them is a credential
        answer |= {"Status": "FAILED", "Reason": f"{_name(fault)}; the function's log says where"}
        where = traceback.format_tb(fault.__traceback__)
        logger.error("failed", extra={"fault": _name(fault), "where": where})
    respond(event["ResponseURL"], answer)


def physical_id(event: Event) -> str:
    """Follows the prefix: another prefix is another resource, and the old one gets its Delete."""
    if event["RequestType"] == "Delete":
        return str(event["PhysicalResourceId"])
    prefix = event.get("ResourceProperties", {}).get("NamePrefix", "")
    return f"{prefix}-platform-applications"


def act(event: Event) -> dict[str, str]:
    """The resource's attributes. Raises Refused, and whatever SNS and Secrets Manager raise."""
    properties = event.get("ResourceProperties", {})
    prefix = properties.get("NamePrefix", "")
    applications = Applications(aws().sns, aws().secrets)
    match event["RequestType"]:
        case "Delete":
            if prefix:  # without one its Create was refused, and there is nothing to delete
                applications.remove(event["StackId"], prefix)
            return {}
        case "Create" | "Update":
            if not prefix:
                raise Refused("the property NamePrefix is missing")
            return applications.apply(event["StackId"], prefix, properties)
        case other:
            raise Refused(f"unknown RequestType {other}")


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
            with urllib.request.urlopen(request, timeout=5):  # noqa: S310 - the scheme was checked
                return
        except OSError as fault:
            if attempt == ATTEMPTS - 1:
                raise
            logger.warning("could not answer CloudFormation", extra={"fault": _name(fault)})
            time.sleep(2**attempt)


def _name(fault: Exception) -> str:
    code = fault.response["Error"]["Code"] if isinstance(fault, ClientError) else ""
    return " ".join(filter(None, [type(fault).__name__, code]))

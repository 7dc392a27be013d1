"""Owners of phones, read from the project's own items, which the emulator does not know.

An app stores of each device the ARN of its SNS endpoint, or its subscription. The setting
`phone_owner` names the attribute that says whose it is, of the item in which that stands.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from emulator.console.items import plain


def owners(
    tokens: Iterable[str], attribute: str, dynamodb: Any, sns: Any, tables: Sequence[str]
) -> dict[str, str]:
    """The owners by device token, where an item names one. Blocks."""
    if not attribute:
        return {}
    items = [text for table in tables for text in _with_owner(dynamodb, table, attribute)]
    endpoints = _endpoints(sns)
    found = {}
    for token in tokens:
        names = [token, *endpoints.get(token, ())]
        owner = next((who for text, who in items if any(name in text for name in names)), None)
        if owner is not None:
            found[token] = owner
    return found


def _with_owner(dynamodb: Any, table: str, attribute: str) -> Iterable[tuple[str, str]]:
    """`(the item as JSON, whose it is)`."""
    pages = dynamodb.get_paginator("scan").paginate(
        TableName=table,
        FilterExpression="attribute_exists(#owner)",
        ExpressionAttributeNames={"#owner": attribute},
    )
    for page in pages:
        for item in page["Items"]:
            owner: Mapping[str, Any] = item[attribute]
            yield json.dumps(plain(item)), str(next(iter(owner.values()), ""))


def _endpoints(sns: Any) -> dict[str, list[str]]:
    """The ARNs by device token: the same token has one in each platform application."""
    found: dict[str, list[str]] = {}
    for page in sns.get_paginator("list_platform_applications").paginate():
        for application in page["PlatformApplications"]:
            arn = application["PlatformApplicationArn"]
            listed = sns.get_paginator("list_endpoints_by_platform_application")
            for endpoints in listed.paginate(PlatformApplicationArn=arn):
                for each in endpoints["Endpoints"]:
                    found.setdefault(each["Attributes"]["Token"], []).append(each["EndpointArn"])
    return found

"""Pages of what is listed, with the parameters and fields that botocore's paginators name."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.describe import pages
from emulator.describe.errors import CallError

LISTED: dict[str, tuple[str, str, str, str, str]] = {
    "ListFunctions": ("lambda", "MaxItems", "Marker", "NextMarker", "Functions"),
    "DescribeRules": ("elbv2", "PageSize", "Marker", "NextMarker", "Rules"),
    "ListServices": ("ecs", "maxResults", "nextToken", "nextToken", "serviceArns"),
    "GetApis": ("apigatewayv2", "MaxResults", "NextToken", "NextToken", "Items"),
    "DescribeLogGroups": ("logs", "limit", "nextToken", "nextToken", "logGroups"),
}


@pytest.mark.parametrize("operation", LISTED)
def test_a_page_has_as_many_as_were_asked_for_and_leads_to_the_next(operation: str) -> None:
    service, limit, token, next_token, key = LISTED[operation]
    whole = {key: list(range(5))}
    given: dict[str, Any] = {limit: "2"}
    found = []
    for _ in range(3):
        page = pages.cut(service, operation, given, whole)
        found.append(page[key])
        given[token] = page.get(next_token)
    assert found == [[0, 1], [2, 3], [4]]
    assert given[token] is None
    assert pages.cut(service, operation, {}, whole) == whole


def test_kinds_of_one_response_share_its_limit() -> None:
    whole = {"MetricAlarms": [1, 2], "CompositeAlarms": [3]}
    page = pages.cut("cloudwatch", "DescribeAlarms", {"MaxRecords": 1}, whole)
    assert (page["MetricAlarms"], page["CompositeAlarms"]) == ([1], [])
    rest = pages.cut("cloudwatch", "DescribeAlarms", {"NextToken": page["NextToken"]}, whole)
    assert (rest["MetricAlarms"], rest["CompositeAlarms"]) == ([2], [3])


@pytest.mark.parametrize(
    ("operation", "key", "default"),
    [("FilterLogEvents", "events", 10_000), ("DescribeLogGroups", "logGroups", 50)],
)
def test_events_and_groups_of_logs_come_in_pages_without_a_limit(
    operation: str, key: str, default: int
) -> None:
    """FilterLogEvents and DescribeLogGroups, API reference."""
    whole = {key: list(range(default + 1))}
    page = pages.cut("logs", operation, {}, whole)
    assert page[key] == whole[key][:default]
    rest = pages.cut("logs", operation, {"nextToken": page["nextToken"]}, whole)
    assert rest[key] == [default]


def test_a_token_that_no_page_had_is_an_error() -> None:
    with pytest.raises(CallError, match="not valid"):
        pages.cut("lambda", "ListFunctions", {"Marker": "x"}, {"Functions": []})
    # as LocalStack has recorded it of CloudWatch Logs
    with pytest.raises(CallError, match="The specified nextToken is invalid") as invalid:
        pages.cut("logs", "FilterLogEvents", {"nextToken": "x"}, {"events": []})
    assert invalid.value.code == "InvalidParameterException"


@pytest.mark.parametrize(
    ("service", "operation", "limit", "code"),
    [
        ("logs", "FilterLogEvents", {"limit": 10_001}, "InvalidParameterException"),
        ("logs", "DescribeLogGroups", {"limit": 51}, "InvalidParameterException"),
        ("logs", "DescribeLogGroups", {"limit": 0}, "InvalidParameterException"),
        ("lambda", "ListFunctions", {"MaxItems": "0"}, "ValidationException"),
        ("lambda", "ListFunctions", {"MaxItems": "x"}, "ValidationException"),
        ("elbv2", "DescribeRules", {"PageSize": "401"}, "ValidationError"),
        ("elbv2", "DescribeTargetGroups", {"PageSize": "-1"}, "ValidationError"),
        ("ecs", "ListServices", {"maxResults": 0}, "InvalidParameterException"),
        ("apigatewayv2", "GetApis", {"MaxResults": "x"}, "BadRequestException"),
        ("cloudwatch", "DescribeAlarms", {"MaxRecords": 101}, "ValidationError"),
    ],
)
def test_a_page_has_a_least_and_a_most(
    service: str, operation: str, limit: dict[str, Any], code: str
) -> None:
    """The services' models; docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/
    API_FilterLogEvents.html and the like. CloudWatch's code: github.com/boto/boto3/issues/3475."""
    with pytest.raises(CallError, match=r"at '.*' failed to satisfy constraint") as found:
        pages.cut(service, operation, limit, {})
    assert found.value.code == code
    name = next(iter(limit))
    pages.cut(service, operation, {name: 50}, {})

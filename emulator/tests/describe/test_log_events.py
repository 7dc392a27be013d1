"""FilterLogEvents: which lines of a log are events, and of when.

Source: FilterLogEvents, CloudWatch Logs API reference.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from emulator.describe.errors import CallError, Unsupported
from emulator.describe.logs import LogsView
from emulator.metrics.log_groups import LogGroupProvider
from emulator.providers import Resource

GROUP = "/chat/access"
LINES = """a line in front of all times
{"timestamp": "1970-01-01 00:00:10,500+0000", "message": "one"}
Traceback of one
{"timestamp": "1970-01-01T00:00:20.000Z", "message": "two"}
{"timestamp": "1970-01-01 00:00:30,000+0000", "message": "three"}
"""


def view(logs: Path, text: str) -> LogsView:
    groups = LogGroupProvider(logs, list, "us-east-1", "123456789012")
    resource = Resource("s", "L", "AWS::Logs::LogGroup", {})
    asyncio.run(groups.create(resource, {"LogGroupName": GROUP}))
    file = groups.file(GROUP)
    file.parent.mkdir(parents=True)
    file.write_text(text)
    os.utime(file, (40, 40))
    return LogsView(groups)


def events(logs: Path, text: str, **given: Any) -> list[tuple[int, str]]:
    found = view(logs, text).operations()["FilterLogEvents"]({"logGroupName": GROUP, **given})
    return [(each["timestamp"], each["message"][:4]) for each in found["events"]]


ALL = [(10_500, "a li"), (10_500, '{"ti'), (10_500, "Trac"), (20_000, '{"ti'), (30_000, '{"ti')]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, ALL),
        ({"startTime": 0, "endTime": 99_000}, ALL),
        ({"startTime": 10_501}, ALL[3:]),
        ({"startTime": 20_000, "endTime": 20_000}, ALL[3:4]),
        ({"endTime": 10_500}, ALL[:3]),
        ({"endTime": 10_499}, []),
        ({"endTime": 0}, []),
        ({"startTime": 30_001}, []),
        ({"startTime": 5_000, "endTime": 25_000, "filterPattern": "two"}, ALL[3:4]),
    ],
)
def test_events_are_those_whose_own_time_is_in_the_range(
    tmp_path: Path, given: dict[str, Any], expected: list[tuple[int, str]]
) -> None:
    assert events(tmp_path, LINES, **given) == expected


def test_lines_without_times_have_that_of_the_file_and_no_range(tmp_path: Path) -> None:
    assert events(tmp_path / "1", "plain\n") == [(40_000, "plai")]
    assert events(tmp_path / "2", "", startTime=1) == []
    with pytest.raises(Unsupported, match=f"startTime and endTime for {GROUP}"):
        events(tmp_path / "3", "plain\n", startTime=1)


@pytest.mark.parametrize(
    ("pattern", "line", "expected"),
    [
        ("", "anything", True),
        ("ERROR", "an ERROR", True),
        ("ERROR", "an error", False),
        ("ERROR late", "late ERROR", True),
        ("ERROR late", "ERROR", False),
        ('"ERROR late"', "late ERROR", False),
        ('"id-5"', "of id-5", True),
        ("?ERROR ?WARN", "WARN", True),
        ("?ERROR ?WARN", "INFO", False),
        ("ERROR -Exiting", "ERROR: Exiting", False),
        ("ERROR -Exiting", "ERROR: not yet", True),
        ('{ $.level = "ERROR" }', '{"level": "ERROR"}', True),
        ('{ $.level = "ERROR" }', '{"level": "INFO"}', False),
        ('{ $.level = "ERROR" }', "ERROR", False),
        ('{ $.user-id = "a" && $.a.b-c[0] = 1 }', '{"user-id": "a", "a": {"b-c": [1]}}', True),
    ],
)
def test_a_filter_pattern_is_read_as_cloudwatch_logs_reads_it(
    tmp_path: Path, pattern: str, line: str, expected: bool
) -> None:
    """ "Filter pattern syntax", CloudWatch Logs user guide."""
    assert bool(events(tmp_path, line + "\n", filterPattern=pattern)) is expected


@pytest.mark.parametrize(
    ("pattern", "error", "text"),
    [
        ("id-5", CallError, "Invalid character"),
        ("x" * 1025, CallError, "less than or equal to 1024"),
        ("[ip, user]", Unsupported, "are known here"),
        ("%ERR.*%", Unsupported, "are known here"),
        ("?ERROR late", Unsupported, "together with other terms"),
    ],
    ids=lambda each: str(each)[:20],
)
def test_a_filter_pattern_that_is_not_known_is_named(
    tmp_path: Path, pattern: str, error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        events(tmp_path, "line\n", filterPattern=pattern)


def test_an_event_has_an_id_of_its_own_and_a_time_of_ingestion(tmp_path: Path) -> None:
    """FilteredLogEvent, API reference: `aws logs tail` knows by them what it has printed."""
    found = view(tmp_path, LINES).operations()["FilterLogEvents"]({"logGroupName": GROUP})["events"]
    assert len({each["eventId"] for each in found}) == len(ALL)
    assert [each["ingestionTime"] for each in found] == [at for at, _ in ALL]


def test_a_call_names_its_group(tmp_path: Path) -> None:
    """docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html: "You
    must include either logGroupIdentifier or logGroupName"."""
    with pytest.raises(CallError, match="Either logGroupName or") as found:
        events(tmp_path, LINES, logGroupName=None)
    assert found.value.code == "InvalidParameterException"


def test_a_log_group_is_found_by_its_arn_as_well(tmp_path: Path) -> None:
    arn = f"arn:aws:logs:us-east-1:123456789012:log-group:{GROUP}"
    for logs, name in ((tmp_path / "1", arn), (tmp_path / "2", f"{arn}:*")):
        assert len(events(logs, LINES, logGroupName=None, logGroupIdentifier=name)) == len(ALL)


def test_all_groups_are_listed_with_their_retention(tmp_path: Path) -> None:
    """docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_LogGroup.html"""
    groups = LogGroupProvider(tmp_path, list, "us-east-1", "123456789012")
    resource = Resource("s", "L", "AWS::Logs::LogGroup", {})
    for given in ({"LogGroupName": "/b"}, {"LogGroupName": "/a", "RetentionInDays": "7"}):
        asyncio.run(groups.create(resource, given))  # nothing has been logged into them
    found = LogsView(groups).operations()["DescribeLogGroups"]({})["logGroups"]
    assert found == [{"logGroupName": "/a", "retentionInDays": 7}, {"logGroupName": "/b"}]

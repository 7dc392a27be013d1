"""`python -m tools.trace ID --env prod`: what functions and tasks of an environment logged about an
id.

ID is a message's id, or any other text that logs have: a chat, a user, a request id. CloudWatch
Logs Insights searches the log groups of the environment's stacks, with your AWS credentials, and
charges for what it scans: aws.amazon.com/cloudwatch/pricing. On this machine `make trace` without
an env shows more: each call, post and push.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

STACKS = ("chat", "notifications", "web")
HOURS = 24.0
MOST = 1_000  # lines
MOST_GROUPS = 50  # of one query: API reference, StartQuery
PAUSE = 1.0  # seconds between two looks at a query
SAFE = re.compile(r"[\w.:#@=/+-]+")
BESIDE = ("timestamp", "level", "location", "message", "service", "cold_start", "xray_trace_id")
RUNNING = ("Scheduled", "Running")


class TraceError(Exception):
    """Why nothing can be shown, in one sentence."""


def main(arguments: Sequence[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    try:
        groups = log_groups(boto3.client("cloudformation"), given.project, given.env)
        lines = search(boto3.client("logs"), groups, given.id, given.hours, time.time())
    except (TraceError, BotoCoreError, ClientError) as error:
        print(f"trace: {error}", file=sys.stderr)
        return 1
    print("\n".join(lines))
    return 0


def log_groups(cloudformation: Any, project: str, env: str) -> list[str]:
    """The names of those of the environment's stacks."""
    pages = cloudformation.get_paginator("list_stack_resources")
    return [
        each["PhysicalResourceId"]
        for stack in STACKS
        for page in pages.paginate(StackName=f"{project}-{env}-{stack}")
        for each in page["StackResourceSummaries"]
        if each["ResourceType"] == "AWS::Logs::LogGroup"
    ]


def search(
    logs: Any,
    groups: Sequence[str],
    text: str,
    hours: float,
    now: float,
    sleep: Callable[[float], None] = time.sleep,
) -> list[str]:
    """What was logged with the text in it, a line each, the oldest first. Raises TraceError."""
    if not SAFE.fullmatch(text):
        raise TraceError(f"{text!r} is no id: letters, digits and . : # @ = / + - are known")
    if len(groups) > MOST_GROUPS:
        raise TraceError(f"{len(groups)} log groups; Logs Insights searches {MOST_GROUPS} at once")
    query = logs.start_query(
        logGroupNames=list(groups),
        startTime=int(now - hours * 3600),
        endTime=int(now),
        queryString=(
            f'fields @timestamp, @log, @message | filter @message like "{text}" '
            f"| sort @timestamp asc | limit {MOST}"
        ),
    )["queryId"]
    found = logs.get_query_results(queryId=query)
    while found["status"] in RUNNING:
        sleep(PAUSE)
        found = logs.get_query_results(queryId=query)
    if found["status"] != "Complete":
        raise TraceError(f"the query ended as {found['status']}")
    lines = list(_lines(found["results"]))
    if not lines:
        raise TraceError(f"{text} is in no log of the last {hours:g} hours")
    return lines


def _lines(rows: Iterable[Sequence[dict[str, str]]]) -> Iterator[str]:
    for row in rows:
        fields = {each["field"]: each["value"] for each in row}
        group = fields["@log"].rpartition(":")[2].rpartition("/")[2]
        yield f"{fields['@timestamp']}  {group}  {_in_words(fields['@message'])}"


def _in_words(message: str) -> str:
    """A log line as text: for lines of this project the message and its own fields, for others the
    whole line.
    """
    try:
        document = json.loads(message)
    except ValueError:
        document = None
    if not isinstance(document, dict) or "message" not in document:
        return message.strip()
    own = {
        name: value
        for name, value in document.items()
        if name not in BESIDE and not name.startswith("function_")
    }
    level = "" if document.get("level") in ("INFO", None) else f"{document['level']} "
    return " ".join([f"{level}{document['message']}", *(f"{n}={v}" for n, v in own.items())])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.trace", description=__doc__)
    parser.add_argument("id", metavar="ID", help="a message's id, or any text that logs have")
    parser.add_argument("--env", required=True, help="an environment on AWS")
    parser.add_argument("--hours", type=float, default=HOURS, help=f"default: {HOURS:g}")
    parser.add_argument("--project", default="switchboard", help="if the setting `project` differs")
    return parser


if __name__ == "__main__":
    sys.exit(main())

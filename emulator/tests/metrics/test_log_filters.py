"""Metric filters: what of a log becomes a metric."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest
from tests.rows import rows

from emulator.functions.model import Function
from emulator.metrics import emf, json_conditions
from emulator.metrics.expressions import Unsupported
from emulator.metrics.log_groups import LogGroupProvider
from emulator.metrics.store import Metric
from emulator.providers import EmulatorError, Resource

LINE = {
    "status": "FAILURE",
    "delivery": {"statusCode": 404, "attempts": 1, "gone": None},
    "a": True,
    "path": "/chat?x=[1]",
    "list": [{"n": 7}, [8]],
}


@rows(
    ("pattern", "matches"),
    [
        ("", True),
        ('{ $.status = "FAILURE" }', True),
        ("{ $.status = FAILURE }", True),
        ('{ $.status = "FAIL*" }', True),
        ('{ $.status != "FAILURE" }', False),
        ('{ $.status = "SUCCESS" }', False),
        ("{ $.delivery.statusCode = 404 }", True),
        ("{ $.delivery.statusCode != 404 }", False),
        ("{ $.delivery.statusCode >= 400 && $.delivery.statusCode < 500 }", True),
        ("{ $.delivery.statusCode = 4* }", True),
        ("{ $.delivery.statusCode = * }", True),
        ("{ $.delivery.nothing = * }", False),
        ("{ $.delivery.nothing != 404 }", False),
        ("{ $.delivery.nothing NOT EXISTS }", True),
        ("{ $.delivery.statusCode NOT EXISTS }", False),
        ("{ $.delivery.gone IS NULL }", True),
        ("{ $.a IS TRUE }", True),
        ("{ $.a IS FALSE }", False),
        ("{ $.status = SUCCESS || $.a IS TRUE && $.delivery.statusCode = 404 }", True),
        # an asterisk is the only wildcard: "Filter pattern syntax"
        ('{ $.path = "/chat?x=[1]" }', True),
        ('{ $.path = "/chat?x=1" }', False),
        ('{ $.path = "/chat?x=*" }', True),
        ('{ $.path = "/chat.x=*" }', False),
        ('{ $.status = "FAILUR?" }', False),
        ('{ $.status != "FAILUR?" }', True),
        ("{ $.list[0].n = 7 }", True),
        ("{ $.list[1][0] = 8 }", True),
        ("{ $.list[2].n = 7 }", False),
        ("{ $.list[2] NOT EXISTS }", True),
        ("{ $.list.n = 7 }", False),
        ("{ ($.status = SUCCESS || $.a IS TRUE) && $.delivery.statusCode = 1 }", False),
    ],
)
def test_a_pattern_of_json_matches_as_its_conditions_say(pattern: str, matches: bool) -> None:
    assert json_conditions.read(pattern)(LINE) is matches


@pytest.mark.parametrize(
    "pattern",
    [
        "ERROR",
        "[ip, user]",
        "{ $.a }",
        "{ $.a = 1",
        "{ $.a > x }",
        "{ $.a = 1 && }",
        "{ ($.a = 1 }",
    ],
)
def test_a_pattern_of_another_form_is_named(pattern: str) -> None:
    with pytest.raises(Unsupported, match=r"pattern|comparison"):
        json_conditions.read(pattern)


def provider(logs: Path, *functions: Function) -> LogGroupProvider:
    return LogGroupProvider(logs, lambda: functions, "us-east-1", "123456789012")


def make(made: LogGroupProvider, kind: str, properties: dict[str, Any]) -> str:
    resource = Resource("stack", "Id", f"AWS::Logs::{kind}", {})
    return asyncio.run(made.create(resource, properties)).ref


def count_codes(group: str, pattern: str = "{ $.status = * }") -> dict[str, Any]:
    transformation = {
        "MetricNamespace": "Chat",
        "MetricName": "Results",
        "MetricValue": "10",
        "Dimensions": [{"Key": "status", "Value": "$.delivery.statusCode"}],
    }
    return {
        "LogGroupName": group,
        "FilterPattern": pattern,
        "MetricTransformations": [transformation],
    }


def test_lines_of_a_group_become_a_metric_with_dimensions_from_their_fields(
    tmp_path: Path,
) -> None:
    groups = provider(tmp_path)
    name = make(groups, "LogGroup", {"LogGroupName": "sns/x/app/GCM/chat"})
    make(groups, "MetricFilter", count_codes(name))
    logs = emf.Logs(tmp_path, groups.filters)
    file = groups.file(name)
    file.parent.mkdir(parents=True)
    lines = [LINE, {"status": "FAILURE"}, {"other": 1}]
    file.write_text("".join(f"{json.dumps(each)}\n" for each in lines) + "no json\n")
    (tmp_path / "another.log").write_text(f"{json.dumps(LINE)}\n")
    status = frozenset({("status", "404")})
    found = [(metric, value) for _, metric, value in logs.new()]
    assert found == [(Metric("Chat", "Results", status), 10.0)]
    assert list(logs.new()) == []


def test_a_filter_on_a_function_s_group_looks_at_what_the_function_prints(tmp_path: Path) -> None:
    log = tmp_path / "Send.log"
    send = Function("send", "arn", "Send", "a.b", tmp_path, log, log_group="stack-Logs")
    groups = provider(tmp_path, send)
    make(groups, "MetricFilter", count_codes("stack-Logs"))
    assert list(groups.filters()) == [log]
    assert groups.names() == ["stack-Logs"] and groups.knows("/aws/lambda/send")


@pytest.mark.parametrize(
    ("pattern", "made", "named"),
    [
        ("[ip, user]", {}, r"\[ip, user\]"),
        ("%a+%", {}, "%a"),
        ("", {"DefaultValue": 0}, "DefaultValue"),
    ],
)
def test_a_filter_that_is_not_supported_stops_the_start(
    tmp_path: Path, pattern: str, made: dict[str, Any], named: str
) -> None:
    given = count_codes("group", pattern)
    given["MetricTransformations"][0] |= made
    with pytest.raises(EmulatorError, match=f"not supported: .*{named}"):
        make(provider(tmp_path), "MetricFilter", given)


@pytest.mark.parametrize(
    ("pattern", "lines"),
    [("", 4), ("ERROR", 2), ("ERROR -late", 1), ("?ERROR ?INFO", 3), ('{ $.level = "ERROR" }', 1)],
)
def test_a_metric_filter_counts_lines_of_any_form(tmp_path: Path, pattern: str, lines: int) -> None:
    """ "Filter pattern syntax": one without terms matches all of a group's lines."""
    groups = provider(tmp_path)
    given = count_codes("group", pattern)
    given["MetricTransformations"][0].pop("Dimensions")
    make(groups, "MetricFilter", given)
    logs = emf.Logs(tmp_path, groups.filters)
    groups.file("group").write_text('INFO\n{"level": "ERROR"}\nERROR: late\nother\n')
    assert len(list(logs.new())) == lines


# PutMetricFilter, API reference; "Member must have length less than or equal to 1" is recorded by
# LocalStack of MetricTransformations.
@pytest.mark.parametrize(
    ("change", "made"),
    [
        ({"FilterName": "a:b"}, {}),
        ({"FilterName": "x" * 513}, {}),
        ({"FilterPattern": "x" * 1025}, {}),
        ({}, {"MetricValue": "one"}),
        ({}, {"MetricValue": "delivery.statusCode"}),
        ({}, {"MetricName": "a*"}),
        ({}, {"MetricNamespace": "a:b"}),
        ({}, {"MetricNamespace": "x" * 256}),
        ({}, {"Dimensions": [{"Key": str(each), "Value": "$.a"} for each in range(4)]}),
    ],
    ids=lambda each: str(each)[:40],
)
def test_a_filter_that_cloudwatch_rejects_stops_the_start(
    tmp_path: Path, change: dict[str, Any], made: dict[str, Any]
) -> None:
    given = count_codes("group") | change
    given["MetricTransformations"][0] |= made
    (named,) = {**change, **made}
    with pytest.raises(EmulatorError, match=f"stack: .*{named}") as rejected:
        make(provider(tmp_path), "MetricFilter", given)
    assert not re.search("not supported|validation error", str(rejected.value))


def test_a_filter_makes_one_metric(tmp_path: Path) -> None:
    given = count_codes("group")
    given["MetricTransformations"] *= 2
    with pytest.raises(EmulatorError, match="one of MetricTransformations"):
        make(provider(tmp_path), "MetricFilter", given)


@pytest.mark.parametrize(
    "line",
    [
        b'{"status": "FAILURE", "n": "x"}',
        b'{"status": "FAILURE", "n": {}}',
        b'{"status": "FAILURE", "n": [1]}',
        b'{"status": "FAILURE", "n": NaN}',
        b'{"status": "FAILURE", "n": 1' + b"0" * 400 + b"}",
        b"[" * 200_000,
        b"7",
        b"\xff",
    ],
    ids=["text", "object", "list", "no number", "too large", "too deep", "other", "no text"],
)
def test_a_line_without_a_number_to_measure_leaves_the_others(tmp_path: Path, line: bytes) -> None:
    groups = provider(tmp_path)
    properties = count_codes("group")
    properties["MetricTransformations"] = [
        {"MetricNamespace": "Chat", "MetricName": "N", "MetricValue": "$.n"}
    ]
    make(groups, "MetricFilter", properties)
    logs = emf.Logs(tmp_path, groups.filters)
    good = b'{"status": "FAILURE", "n": 2}'
    groups.file("group").write_bytes(b"\n".join([good, line, good, b""]))
    assert [value for _, _, value in logs.new()] == [2.0, 2.0]


@pytest.mark.parametrize(
    "group", ["/aws/apigateway/access", "aws/apigateway/access", "//a", "a..b"]
)
def test_the_file_of_a_group_is_below_the_logs(tmp_path: Path, group: str) -> None:
    logs = tmp_path / "logs"
    assert provider(logs).file(group) == logs / f"{group.lstrip('/')}.log"


@pytest.mark.parametrize("group", ["", "/", "..", "../a", "a/../../b", "/./a"])
@pytest.mark.parametrize("kind", ["LogGroup", "MetricFilter"])
def test_a_group_whose_name_leads_out_of_the_logs_stops_the_start(
    tmp_path: Path, group: str, kind: str
) -> None:
    if (group, kind) == ("", "LogGroup"):
        return  # a name is made for it
    with pytest.raises(EmulatorError, match="not supported"):
        make(provider(tmp_path), kind, count_codes(group))

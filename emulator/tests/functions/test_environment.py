"""The environment of a worker."""

import re
from pathlib import Path
from typing import Any

import pytest
from tests.functions.hosts import function
from tests.rows import rows

from emulator.functions import limits
from emulator.functions.environment import variables
from emulator.functions.limits import RESERVED
from emulator.providers import EmulatorError


def test_every_worker_has_a_log_stream_of_its_own_as_execution_environments_have(
    tmp_path: Path,
) -> None:
    echo = function(tmp_path, "")
    streams = {
        variables(echo, tmp_path, "127.0.0.1:9001", "us-east-1")["AWS_LAMBDA_LOG_STREAM_NAME"]
        for _ in range(3)
    }
    assert len(streams) == 3
    assert all(re.search(r"\[\$LATEST\][0-9a-f]{32}$", stream) for stream in streams)


# Lambda developer guide, "Defined runtime environment variables"; AWS_SESSION_TOKEN and the keys come
# with the function's role, _X_AMZN_TRACE_ID with each event.
DEFINED = {
    "_HANDLER",
    "AWS_DEFAULT_REGION",
    "AWS_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_XRAY_CONTEXT_MISSING",
    "AWS_XRAY_DAEMON_ADDRESS",
    "LAMBDA_TASK_ROOT",
    "LAMBDA_RUNTIME_DIR",
    "LANG",
    "LD_LIBRARY_PATH",
    "PATH",
    "PYTHONPATH",
    "TZ",
}


def test_a_worker_has_every_variable_that_lambda_defines(tmp_path: Path) -> None:
    found = variables(function(tmp_path, ""), tmp_path, "127.0.0.1:9001", "us-east-1")
    assert found.keys() >= DEFINED
    assert all(found[name] for name in DEFINED)
    assert found["AWS_XRAY_CONTEXT_MISSING"] == "LOG_ERROR"
    assert str(tmp_path) in found["LD_LIBRARY_PATH"].split(":")


@rows(
    ("properties", "variables", "sentence"),
    [
        *(({}, {name: "x"}, f"reserves the variables {name}") for name in sorted(RESERVED)),
        ({}, {"1A": "x"}, "'1A' is no name"),
        ({}, {"A": "x"}, "'A' is no name"),
        ({}, {"A-B": "x"}, "'A-B' is no name"),
        ({}, {"AB": "x" * 4095}, "variables of 4097 bytes"),
        ({"Timeout": 0}, {}, "Timeout 0 is not from 1 to 900"),
        ({"Timeout": 901}, {}, "Timeout 901"),
        ({"MemorySize": 127}, {}, "MemorySize 127 is not from 128 to 10240"),
        ({"MemorySize": "10241"}, {}, "MemorySize 10241"),
        ({"Timeout": "soon"}, {}, "Timeout 'soon' is no whole number"),
        ({"Timeout": 3.5}, {}, "Timeout 3.5 is no whole number"),
        ({"Timeout": True}, {}, "Timeout True is no whole number"),
        ({"ReservedConcurrentExecutions": -1}, {}, "ReservedConcurrentExecutions -1 is below 0"),
        ({"EphemeralStorage": {"Size": 511}}, {}, "EphemeralStorage 511 is not from 512"),
        ({"FunctionName": "a.b"}, {}, "FunctionName 'a.b' is not"),
        ({"FunctionName": "x" * 65}, {}, "FunctionName 'xxx"),
        ({"Handler": "a b"}, {}, "Handler 'a b' is not"),
        ({}, {"AB": {"a": 1}}, "the variable AB is no text"),
        ({}, {"AB": None}, "the variable AB is no text"),
    ],
)
def test_a_function_that_lambda_rejects_stops_the_start(
    properties: dict[str, Any], variables: dict[str, str], sentence: str
) -> None:
    with pytest.raises(EmulatorError, match=sentence):
        limits.check("S/F", properties, variables)
    limits.check(
        "S/F",
        {"Timeout": 900, "MemorySize": 128, "ReservedConcurrentExecutions": "0"},
        {
            "AB": "x" * 4094,
        },
    )


def test_the_template_can_not_move_the_runtime_api(tmp_path: Path) -> None:
    moved = function(tmp_path, "", environment={"AWS_LAMBDA_RUNTIME_API": "elsewhere", "TZ": "UTC"})
    found = variables(moved, tmp_path, "127.0.0.1:9001", "us-east-1")
    assert found["AWS_LAMBDA_RUNTIME_API"] == "127.0.0.1:9001"
    assert found["TZ"] == "UTC"

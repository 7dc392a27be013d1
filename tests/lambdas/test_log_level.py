"""The log level that an operator changes while all runs."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from lambdas.log_level import READ_INTERVAL_SECONDS, LogLevel
from lambdas.settings import Aws, Settings
from lambdas.telemetry import logger

NAME = "/switchboard/dev/log-level"
BEGIN = 1_000.0


class Parameters:
    """SSM with one parameter: a value, or what is raised for it."""

    def __init__(self, value: str | Exception) -> None:
        self.value = value
        self.read = 0

    def get_parameter(self, Name: str) -> dict[str, Any]:
        assert Name == NAME
        self.read += 1
        if isinstance(self.value, Exception):
            raise self.value
        return {"Parameter": {"Value": self.value}}


def failed(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "GetParameter")


@pytest.fixture(autouse=True)
def level() -> Iterator[None]:
    before = logger.log_level
    logger.setLevel("INFO")
    yield
    logger.setLevel(before)


def after_a_minute(parameters: Parameters) -> str:
    looking = LogLevel(NAME, "INFO", lambda: parameters)
    looking.look(BEGIN)
    looking.look(BEGIN + READ_INTERVAL_SECONDS)
    return logging.getLevelName(logger.log_level)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("DEBUG", "DEBUG"),
        ("error\n", "ERROR"),
        ("LOUD", "INFO"),
        (failed("ParameterNotFound"), "INFO"),
        (failed("ThrottlingException"), "INFO"),
        (failed("AccessDeniedException"), "INFO"),
        (EndpointConnectionError(endpoint_url="https://ssm"), "INFO"),
    ],
)
def test_the_level_is_the_parameter_s_and_what_is_none_changes_nothing(
    value: str | Exception, expected: str
) -> None:
    assert after_a_minute(Parameters(value)) == expected


def test_without_the_parameter_the_template_s_level_is_back_and_in_trouble_it_stays() -> None:
    parameters = Parameters("DEBUG")
    looking = LogLevel(NAME, "WARNING", lambda: parameters)
    seen = []
    values = ("never", "DEBUG", failed("ThrottlingException"), failed("ParameterNotFound"))
    for minute, value in enumerate[str | Exception](values):
        parameters.value = value
        looking.look(BEGIN + minute * READ_INTERVAL_SECONDS)
        seen.append(logging.getLevelName(logger.log_level))
    assert seen == ["INFO", "DEBUG", "DEBUG", "WARNING"]


def test_a_process_looks_once_a_minute_and_not_when_it_starts() -> None:
    parameters = Parameters("INFO")
    looking = LogLevel(NAME, "INFO", lambda: parameters)
    reads = []
    for second in (0, 59, 60, 61, 119, 120, 500, 501):
        looking.look(BEGIN + second)
        reads.append(parameters.read)
    assert reads == [0, 0, 1, 1, 1, 2, 3, 3]


def test_without_a_name_nobody_looks() -> None:
    aws = Aws(Settings({"AWS_REGION": "us-east-1"}))
    for second in (0, 60, 120):
        aws.log_level.look(BEGIN + second)
    assert "_ssm" not in vars(aws)

"""Faults of AWS as a client sees them; the name of the target that responds; busy keys."""

import re
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.retries.standard import ThrottledRetryableChecker

from lambdas import throttling
from lambdas.api.app import error_of, respond_error
from lambdas.api.health import served_by
from lambdas.errors import ChatError
from lambdas.settings import Settings
from tests.support.rows import rows

# beside what botocore knows: of SNS's Publish, and of Cognito
OF_SERVICES = {
    *("KMSThrottling", "KMSThrottlingException", "Throttled"),
    "TooManyFailedAttemptsException",
}


def client_error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "says so"}}, "UpdateItem")


@rows("code", sorted(throttling.CODES | OF_SERVICES))
def test_throttling_by_aws_is_rate_limited(code: str) -> None:
    assert error_of(client_error(code)).code == "rate_limited"


def test_what_botocore_knows_as_throttling_is_so_here() -> None:
    codes: Any = vars(ThrottledRetryableChecker)["_THROTTLED_ERROR_CODES"]
    assert set(codes) <= throttling.CODES


@pytest.mark.parametrize("fault", [client_error("ValidationException"), KeyError("x"), OSError()])
def test_any_other_fault_is_internal_and_says_nothing(fault: Exception) -> None:
    assert error_of(fault).code == "internal"
    assert "says so" not in error_of(fault).message


def test_an_error_is_passed_on_as_it_is() -> None:
    rejected = ChatError("conflict", "taken")
    assert error_of(rejected) is rejected


@pytest.mark.parametrize(
    ("seconds", "header"), [(0.2, "1"), (1.0, "1"), (29.5, "30"), (30.0, "30")]
)
def test_who_waits_as_long_as_the_header_says_has_waited_long_enough(
    seconds: float, header: str
) -> None:
    response = respond_error(ChatError("rate_limited", "too many", retry_after=seconds))
    assert response.headers.get("retry-after") == header


STREAM = "2026/11/23/[$LATEST]0123456789abcdef0123456789abcdef"
CONTAINER = "http://169.254.170.2/v4/0123456789abcdef-1234567890"


@pytest.mark.parametrize(
    ("environment", "name"),
    [
        ({"AWS_LAMBDA_LOG_STREAM_NAME": STREAM}, "456789abcdef"),
        ({"ECS_CONTAINER_METADATA_URI_V4": CONTAINER}, "0123456789ab"),
        ({"ECS_CONTAINER_METADATA_URI_V4": "http://x/v4/a\r\nb: c"}, "abc"),
        ({"HOSTNAME": "switchboard-prod-pods-5d4f8c7b9d-x2k4q"}, "8c7b9d-x2k4q"),
        ({"HOSTNAME": "ip-10-0-0-1", "ECS_CONTAINER_METADATA_URI_V4": CONTAINER}, "0123456789ab"),
        ({}, "[0-9a-f]{12}"),
        ({"AWS_LAMBDA_LOG_STREAM_NAME": "$$$"}, "[0-9a-f]{12}"),
    ],
)
def test_a_target_has_a_name_that_fits_a_header(environment: dict[str, str], name: str) -> None:
    assert re.fullmatch(f"large/{name}", served_by(Settings({"POOL_NAME": "large", **environment})))

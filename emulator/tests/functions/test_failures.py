"""The texts of Lambda's own errors, as its users report them."""

from __future__ import annotations

import json

import pytest

from emulator.functions import failures


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (0, "Runtime exited without providing a reason"),
        (1, "Runtime exited with error: exit status 1"),
        (-9, "Runtime exited with error: signal: killed"),
        (-11, "Runtime exited with error: signal: segmentation fault"),
        (-15, "Runtime exited with error: signal: terminated"),
        (-35, "Runtime exited with error: signal: signal 35"),  # Python has no name for it
    ],
)
def test_a_process_that_ends_is_reported_in_lambdas_words(status: int, text: str) -> None:
    document = json.loads(failures.exited("id", status).payload)
    assert document == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: id Error: {text}",
    }
    at_start = json.loads(failures.exited_at_start(status).payload)
    assert at_start["errorMessage"] == f"Error: {text}"


def test_a_response_may_be_100_bytes_longer_than_an_event() -> None:
    assert failures.MAX_RESPONSE - failures.MAX_PAYLOAD == 100
    document = json.loads(failures.response_too_large(6_291_557).payload)
    assert (
        "(6291557 bytes) exceeded maximum allowed payload size (6291556 bytes)"
        in (document["errorMessage"])
    )

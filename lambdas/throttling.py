"""Throttling errors: AWS was asked too much at once, and a client may try again in a moment."""

from collections.abc import Collection

# botocore/retries/standard.py has all but the last lines.
CODES = frozenset(
    {
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
        # of SNS (docs.aws.amazon.com/sns/latest/api/API_Publish.html)
        "KMSThrottling",
        "KMSThrottlingException",
        "Throttled",
        # of Cognito (docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference)
        "TooManyFailedAttemptsException",
    }
)
# Of an action of a transaction that was cancelled:
# docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
REASONS = frozenset({"ProvisionedThroughputExceeded", "ThrottlingError"})


class TooBusy(TimeoutError):
    """AWS was too busy for a request and for each of its repetitions."""


def is_throttled(error: Exception) -> bool:
    """Whether AWS rejected a request only because there were too many."""
    if isinstance(error, TooBusy):
        return True
    response = getattr(error, "response", None)  # of botocore's ClientError
    return isinstance(response, dict) and response.get("Error", {}).get("Code") in CODES


def was_throttled(reasons: Collection[str]) -> bool:
    """Whether that cancelled a transaction; `reasons` has a code for each action."""
    return not REASONS.isdisjoint(reasons)

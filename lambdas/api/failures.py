"""Every fault of a request as the one refusal its client sees."""

from botocore.exceptions import ClientError

from lambdas.errors import ChatError, internal
from lambdas.telemetry import logger

# what AWS says when there is more of it than was provisioned or allowed
THROTTLED = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "Throttled",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)


def refusal(fault: Exception) -> ChatError:
    """A ChatError as it is; AWS's throttling as rate_limited; the rest is ours, and is logged."""
    if isinstance(fault, ChatError):
        return fault
    if isinstance(fault, ClientError) and fault.response["Error"]["Code"] in THROTTLED:
        logger.warning("throttled", extra={"operation": fault.operation_name})
        return ChatError("rate_limited", "too many requests at once; try again in a moment")
    logger.error("failed on a request", exc_info=fault)
    return internal()

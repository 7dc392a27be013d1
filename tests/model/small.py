"""The setup of the functions' code for a model: small limits, no pauses, and no silent errors."""

import logging
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from botocore.exceptions import BotoCoreError, ClientError

from lambdas import tables
from lambdas.delivery.receipt import receipt_limit
from lambdas.errors import ChatError
from lambdas.limits import sampled
from lambdas.messages import sync_plan
from lambdas.tables import ConditionFailed, TransactionCancelled
from lambdas.telemetry import logger, metrics

# What the world makes happen. Anything else that a handler catches is a fault of its own.
EXPECTED = (
    BotoCoreError,
    ChatError,
    ConditionFailed,
    TransactionCancelled,
    TimeoutError,
    ConnectionError,
)


@contextmanager
def small() -> Iterator[list[BaseException]]:
    """So that two chats and a few messages need pages, posts and more than one sync.

    The list gets the errors that handlers have logged and that nothing outside explains.
    """
    unexpected: list[BaseException] = []

    def see(*_: Any, **__: Any) -> None:
        error = sys.exc_info()[1]
        if error is not None and not _is_expected(error):
            unexpected.append(error)

    logging.disable(logging.CRITICAL)
    with ExitStack() as stack:
        for owner, name, value in (
            (sync_plan, "CHATS", 1),
            (sync_plan, "MESSAGES", 5),
            (sync_plan, "POST_BYTES", 600),
            (tables, "time", SimpleNamespace(sleep=lambda _: None)),
            (logger, "exception", see),
            (metrics.provider, "namespace", "Switchboard/model"),  # of the template
        ):
            stack.enter_context(patch.object(owner, name, value))
        yield unexpected
    logging.disable(logging.NOTSET)
    metrics.clear_metrics()


def new_environment() -> None:
    """What an execution environment keeps would change the steps of the next schedule."""
    sampled.cache_clear()
    receipt_limit.cache_clear()
    metrics.clear_metrics()


def _is_expected(error: BaseException) -> bool:
    if isinstance(error, ClientError):
        return error.response["Error"]["Code"] != "ValidationException"
    return isinstance(error, EXPECTED)

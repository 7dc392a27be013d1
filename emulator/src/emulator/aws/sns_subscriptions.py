"""Subscriptions and attributes of topics that SNS rejects, and moto makes or fails for.

Source: docs.aws.amazon.com/sns/latest/api/API_Subscribe.html and API_SetTopicAttributes.html.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from moto.sns.exceptions import SNSInvalidParameter
from moto.sns.responses import SNSResponse

from emulator.aws.hooks import replace

_PROTOCOLS = frozenset(
    {"application", "email", "email-json", "firehose", "http", "https", "lambda", "sms", "sqs"}
)


def install() -> None:
    """Change moto's SNS as this module's docstring describes."""
    replace(SNSResponse, "subscribe", _parsed(_whole(SNSResponse.subscribe)))
    for name in ("set_subscription_attributes", "set_topic_attributes"):
        replace(SNSResponse, name, _parsed(getattr(SNSResponse, name)))


def _parsed(original: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """An attribute that is a document, such as a policy, is JSON."""

    def operation(self: Any) -> Any:
        try:
            return original(self)
        except json.JSONDecodeError as error:
            raise SNSInvalidParameter(f"Invalid parameter: failed to parse JSON: {error}") from None

    return operation


def _whole(original: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """moto has made a subscription by the time it rejects an attribute of it."""

    def subscribe(self: Any) -> Any:
        protocol, endpoint = self._get_param("Protocol"), self._get_param("Endpoint") or ""
        if protocol not in _PROTOCOLS:
            why = f"Amazon SNS does not support this protocol string: {protocol}"
            raise SNSInvalidParameter(f"Invalid parameter: {why}")
        if not endpoint.startswith(f"{protocol}://" if protocol.startswith("http") else ""):
            why = "Endpoint must match the specified protocol"
            raise SNSInvalidParameter(f"Invalid parameter: {why}")
        if not endpoint:
            raise SNSInvalidParameter(
                "Invalid parameter: Endpoint Reason: no value for required parameter"
            )
        known = set(self.backend.subscriptions)
        try:
            return original(self)
        except Exception:
            for made in self.backend.subscriptions.keys() - known:
                del self.backend.subscriptions[made]
            raise

    return subscribe

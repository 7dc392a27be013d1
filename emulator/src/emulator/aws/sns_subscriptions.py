"""Subscriptions and attributes of topics that SNS rejects, and moto makes, changes or fails for.

Source: docs.aws.amazon.com/sns/latest/api/API_Subscribe.html, API_SetSubscriptionAttributes.html
and API_SetTopicAttributes.html; of what is there with other attributes, what LocalStack has
recorded of SNS (github.com/localstack/localstack, tests/aws/services/sns).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from moto.core.utils import camelcase_to_underscores
from moto.sns.exceptions import SNSInvalidParameter
from moto.sns.models import SNSBackend
from moto.sns.responses import SNSResponse

from emulator.aws.checks.sqs_queues import same
from emulator.aws.hooks import replace

_PROTOCOLS = frozenset(
    {"application", "email", "email-json", "firehose", "http", "https", "lambda", "sms", "sqs"}
)
# Of subscriptions and new topics by SNS's names, of topics that are there by moto's.
_DOCUMENTS = frozenset(
    {"DeliveryPolicy", "FilterPolicy", "Policy", "RedrivePolicy", "delivery_policy", "policy"}
)


_OTHER = "Invalid parameter: Attributes Reason: {} already exists with different attributes"
_DEFAULTS = {"FilterPolicyScope": "MessageAttributes"}


def install() -> None:
    """Change moto's SNS as this module's docstring describes."""
    replace(SNSResponse, "subscribe", _whole(SNSResponse.subscribe))
    for name in ("set_subscription_attributes", "set_topic_attribute"):
        replace(SNSBackend, name, _parsed(getattr(SNSBackend, name)))
    create = SNSBackend.create_topic

    def create_topic(self: Any, name: str, attributes: dict[str, str], tags: Any = None) -> Any:
        for attribute, value in (attributes or {}).items():
            _check_document(attribute, value)
        known = self.topics.copy()
        topic = create(self, name, attributes, tags)
        if topic.arn in known:
            _check_equal(topic, attributes or {}, tags or {})
        return topic

    replace(SNSBackend, "create_topic", create_topic)


def _check_equal(topic: Any, attributes: dict[str, str], tags: dict[str, str]) -> None:
    """A topic that is there has each attribute and tag that is given; it may have others."""
    for name, value in attributes.items():
        if not same(getattr(topic, camelcase_to_underscores(name), None), value):
            raise SNSInvalidParameter(_OTHER.format("Topic"))
    if not tags.items() <= topic._tags.items():
        raise SNSInvalidParameter(
            "Invalid parameter: Tags Reason: Topic already exists with different tags"
        )


def _check_document(name: str, value: Any) -> None:
    """An attribute that is a document, such as a policy, is an object of JSON."""
    if name not in _DOCUMENTS or not value:
        return
    try:
        document = json.loads(value)
    except ValueError as error:
        why = f"failed to parse JSON: {error}"
        raise SNSInvalidParameter(f"Invalid parameter: {why}") from None
    if not isinstance(document, dict):
        raise SNSInvalidParameter(f"Invalid parameter: {name} must be an object")


def _parsed(original: Callable[..., None]) -> Callable[..., None]:
    def set_attribute(self: Any, arn: str, name: str, value: Any) -> None:
        _check_document(name, value)
        try:
            original(self, arn, name, value)
        except (AttributeError, IndexError, TypeError):  # of a filter policy in another form
            raise SNSInvalidParameter(f"Invalid parameter: {name}: malformed") from None

    return set_attribute


def _whole(original: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """moto has made a subscription, or changed the one that is there, by the time it rejects an
    attribute."""

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
        asked = (self._get_param("TopicArn"), endpoint, protocol)
        there = self.backend._find_subscription(*asked)
        before = there and {**vars(there), "attributes": dict(there.attributes)}
        given = dict(self._get_attributes())
        try:
            result = original(self)
            if there is not None:
                has = _DEFAULTS | before["attributes"]
                if not all(same(has.get(name), value) for name, value in given.items()):
                    raise SNSInvalidParameter(_OTHER.format("Subscription"))
            return result
        except Exception:
            made = self.backend._find_subscription(*asked)
            if there is not None:
                vars(there).update(before)
            elif made is not None:
                del self.backend.subscriptions[made.arn]
            raise

    return subscribe

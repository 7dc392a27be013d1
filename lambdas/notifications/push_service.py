"""The sender of pushes to a browser's push service, over HTTPS."""

import http.client
import os
import ssl
from collections.abc import Callable
from enum import Enum
from functools import lru_cache
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec

from lambdas.notifications import web_push
from lambdas.notifications.message import Push
from lambdas.notifications.vapid import VapidKey
from lambdas.notifications.web_push import Subscription
from lambdas.settings import Aws
from lambdas.telemetry import logger

# The function has 30 s for ten jobs.
TIMEOUT_SECONDS = 3.0
# For this long a push service that has not responded is not called again: other jobs would wait for
# it.
SILENT_SECONDS = 60.0
DELIVERED = frozenset({200, 201, 202, 204})
GONE = frozenset({404, 410})  # RFC 8030, 7.3: the subscription has expired, or was ended
AGAIN = frozenset({408, 425, 429})
READ_BYTES = 500  # of a push service's reason, for the log


class Outcome(Enum):
    DELIVERED = "delivered"  # to the push service
    GONE = "gone"
    REJECTED = "rejected"  # another try would be rejected too


class PushServiceError(Exception):
    """The push service is busy or can't be reached: the job is tried again."""


class PushService:
    """All push services: the subscription's endpoint names it. `now` gives epoch seconds."""

    def __init__(self, key: VapidKey, now: Callable[[], float]) -> None:
        self._key = key
        self._now = now
        self._silent: dict[str, float] = {}  # by origin, until when

    def send(self, subscription: Subscription, push: Push) -> Outcome:
        """Raises PushServiceError where the same request may succeed later."""
        if not web_push.is_sent(subscription, push):
            return Outcome.DELIVERED
        if self._now() < self._silent.get(subscription.origin, 0):
            raise PushServiceError(f"{subscription.origin} has not responded lately")
        private = ec.generate_private_key(ec.SECP256R1())
        made = web_push.request(subscription, push, key=private, salt=os.urandom(16))
        headers = {**made.headers, "authorization": self._key.authorization(subscription.origin)}
        try:
            status, reason = _post(subscription.endpoint, headers, made.body)
        except PushServiceError:
            self._silent[subscription.origin] = self._now() + SILENT_SECONDS
            raise
        if status in DELIVERED:
            return Outcome.DELIVERED
        if status in GONE:
            return Outcome.GONE
        # without the endpoint's path, which is a secret
        details = {"push_service": subscription.origin, "status": status, "reason": reason}
        if status in AGAIN or status >= 500:
            logger.warning("a push service is busy", extra=details)
            raise PushServiceError(f"{subscription.origin} responded with {status}")
        logger.error("a push service rejected a push", extra=details)
        return Outcome.REJECTED


def _post(endpoint: str, headers: dict[str, str], body: bytes) -> tuple[int, str]:
    """The status, and the start of the body. A redirect is not followed: it could lead anywhere."""
    url = urlsplit(endpoint)
    if url.scheme == "https":
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            url.netloc, timeout=TIMEOUT_SECONDS, context=_tls()
        )
    else:  # an emulator's: no other endpoint was accepted
        connection = http.client.HTTPConnection(url.netloc, timeout=TIMEOUT_SECONDS)
    path = f"{url.path or '/'}{f'?{url.query}' if url.query else ''}"
    try:
        connection.request("POST", path, body, headers)
        response = connection.getresponse()
        return response.status, response.read(READ_BYTES).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        raise PushServiceError(f"{url.netloc}: {type(error).__name__}") from error
    finally:
        connection.close()


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


@lru_cache(maxsize=1)
def vapid_key(aws: Aws) -> VapidKey:
    settings = aws.settings
    return VapidKey(aws.kms, settings["VAPID_KEY"], settings.get("WEB_PUSH_CONTACT"), aws.now)


@lru_cache(maxsize=1)
def push_service(aws: Aws) -> PushService:
    return PushService(vapid_key(aws), aws.now)

"""The poster of frames to open connections, through API Gateway's @connections API.

Signed by hand over kept-alive connections: for 99 posts on 32 threads that costs 0.4 ms of CPU a
recipient, where boto3's post_to_connection costs 2.5 (bench/fan_out.py compares them). A test holds
the signature against botocore's.
"""

import hashlib
import http.client
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from enum import Enum
from functools import cached_property, lru_cache
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from lambdas import frames
from lambdas.frames import Frame
from lambdas.signing import ALGORITHM, Credentials, scope, signature_of_request, stamp
from lambdas.telemetry import logger

THREADS = 32
WITHIN_SECONDS = 2.5  # of the 6 s timeout of a function that posts
TIMEOUT_SECONDS = 2.0
ATTEMPTS = 3
RETRY_WITHIN_SECONDS = 1.0
RETRIED = frozenset({429, 500, 502, 503, 504})

SERVICE = "execute-api"
# http.client sends none, and a web ACL with AWSManagedRulesCommonRuleSet blocks requests without
# one, by its rule NoUserAgent_HEADER:
# https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-baseline.html
USER_AGENT = "switchboard"


class Outcome(Enum):
    DELIVERED = "delivered"
    GONE = "gone"  # the connection is closed
    FAILED = "failed"  # the delivery watch nudges later


class Post(NamedTuple):
    connection_id: str
    frame: Frame | str  # str: already encoded


class Connections:
    """The open connections of one WebSocket API.

    `url` is https://<api>.execute-api.<region>.amazonaws.com/<stage>; `credentials` is called at
    each signature, and `renew` when one was rejected: the post is tried again if the credentials
    have changed. Threads and their HTTP connections are reused by later invocations.
    """

    def __init__(
        self,
        url: str,
        region: str,
        credentials: Callable[[], Credentials],
        clock: Callable[[], float] = time.time,
        renew: Callable[[], None] = lambda: None,
    ) -> None:
        self._url = urlsplit(url)
        self._region = region
        self._credentials = credentials
        self._clock = clock
        self._renew = renew
        self._local = threading.local()

    @cached_property
    def _threads(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(THREADS, thread_name_prefix="post")

    def post(self, post: Post) -> Outcome:
        """Sends one frame. Raises nothing: a post that fails is FAILED, and logged."""
        text = post.frame if isinstance(post.frame, str) else frames.encode(post.frame)
        return self._request("POST", post.connection_id, text.encode())

    def post_all(self, posts: Sequence[Post], within: float = WITHIN_SECONDS) -> list[Outcome]:
        """Sends all, many at a time; one failure never stops another. Outcomes in order.

        A post without a response after `within` seconds is FAILED, though it may still arrive.
        """
        sent = [self._threads.submit(self.post, post) for post in posts]
        wait(sent, timeout=max(within, 0))
        outcomes = [each.result() if each.done() else Outcome.FAILED for each in sent]
        if late := sum(each.cancel() or not each.done() for each in sent):
            logger.warning("posts without a response in time", extra={"posts": late})
        return outcomes

    def close(self, connection_id: str) -> Outcome:
        """Closes a connection from our side; GONE if it was closed already."""
        return self._request("DELETE", connection_id, b"")

    def _request(self, method: str, connection_id: str, body: bytes) -> Outcome:
        path = f"{self._url.path}/@connections/{quote(connection_id, safe='')}"
        status = 0
        started = time.monotonic()
        for attempt in range(ATTEMPTS):
            if attempt and time.monotonic() - started > RETRY_WITHIN_SECONDS:
                break
            time.sleep(0.05 * attempt)
            credentials = self._credentials()
            try:
                status = self._send(method, path, body, credentials, started + WITHIN_SECONDS)
            except (OSError, http.client.HTTPException) as error:
                self._forget()  # the other side may have closed a kept-alive connection
                logger.debug("a post met a broken HTTP connection", extra={"fault": str(error)})
                continue
            if status == 403 and self._has_others(credentials):
                continue
            if status not in RETRIED:
                break
        if status in (200, 204):
            return Outcome.DELIVERED
        if status == 410:
            return Outcome.GONE
        logger.warning("could not reach a connection", extra={"status": status, "method": method})
        return Outcome.FAILED

    def _has_others(self, rejected: Credentials) -> bool:
        self._renew()
        return self._credentials() != rejected

    def _send(
        self, method: str, path: str, body: bytes, credentials: Credentials, deadline: float
    ) -> int:
        connection = self._http(deadline)
        headers = sign(
            method=method,
            host=self._url.netloc,
            path=path,
            body=body,
            region=self._region,
            credentials=credentials,
            now=self._clock(),
        )
        connection.request(method, path, body, {**headers, "user-agent": USER_AGENT})
        connection.sock.settimeout(_left(deadline))
        response = connection.getresponse()
        response.read()  # to the end, or the connection cannot be used again
        return response.status

    def _http(self, deadline: float) -> http.client.HTTPConnection:
        """This thread's connection, open."""
        connection: http.client.HTTPConnection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._connect(_left(deadline))
            self._local.connection = connection
        if connection.sock is None:  # new, or closed after a response
            connection.timeout = _left(deadline)
            connection.connect()
        return connection

    def _connect(self, timeout: float) -> http.client.HTTPConnection:
        host = self._url.netloc
        if self._url.scheme == "http":
            return http.client.HTTPConnection(host, timeout=timeout)
        return http.client.HTTPSConnection(host, timeout=timeout, context=_tls())

    def _forget(self) -> None:
        connection: http.client.HTTPConnection | None = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()
            self._local.connection = None


def _left(deadline: float) -> float:
    """Timeout of one socket operation in seconds; 0 would make the socket non-blocking."""
    return min(TIMEOUT_SECONDS, max(deadline - time.monotonic(), 0.001))


def sign(
    *,
    method: str,
    host: str,
    path: str,
    body: bytes,
    region: str,
    credentials: Credentials,
    now: float,
) -> dict[str, str]:
    """The headers of AWS Signature Version 4 for service execute-api; `now` in epoch seconds.

    `path` is as it goes on the wire, already percent-encoded; the canonical request encodes it once
    more (docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html).
    """
    access_key, secret_key, token = credentials
    at = stamp(now)
    signed = {"host": host, "x-amz-date": at}
    if token:
        signed["x-amz-security-token"] = token
    names = ";".join(signed)
    lines = "".join(f"{name}:{value}\n" for name, value in signed.items())
    digest = hashlib.sha256(body).hexdigest()
    canonical = f"{method}\n{quote(path, safe='/')}\n\n{lines}\n{names}\n{digest}"
    signature = signature_of_request(canonical, secret_key, at, region, SERVICE)
    return {
        **signed,
        "authorization": f"{ALGORITHM} Credential={access_key}/{scope(at[:8], region, SERVICE)}, "
        f"SignedHeaders={names}, Signature={signature}",
    }


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()

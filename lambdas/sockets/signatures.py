"""The check of who posts: AWS Signature Version 4 by the key that posters and tasks share.

Only functions and tasks whose permissions include the key's secret can sign. So a client of
@connections is the same for API Gateway and for tasks, and only its credentials differ.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import calendar
import hashlib
import hmac
import re
import time
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote

from lambdas.signing import ALGORITHM, signature_of_request

SERVICE = "execute-api"
# As AWS: "A request must reach AWS within five minutes of the time stamp in the request"
WITHIN_SECONDS = 300
REQUIRED = frozenset({"host", "x-amz-date"})
_AUTHORIZATION = re.compile(
    rf"{ALGORITHM} Credential=([^/,\s]+)/(\d{{8}})/([\w-]+)/{SERVICE}/aws4_request,\s*"
    r"SignedHeaders=([a-z0-9;-]+),\s*Signature=([0-9a-f]{64})"
)


def may_be_signed(headers: Mapping[str, str], region: str, now: float) -> bool:
    """Whether the headers have the form of a signature of now. It proves nothing, but needs no
    body: whatever fails here is rejected before the body is read."""
    found = _AUTHORIZATION.fullmatch(headers.get("authorization", ""))
    if found is None:
        return False
    _, day, signed_region, listed, _ = found.groups()
    at = headers.get("x-amz-date", "")
    if signed_region != region or not set(listed.split(";")) >= REQUIRED or not at.startswith(day):
        return False
    try:
        signed_at = calendar.timegm(time.strptime(at, "%Y%m%dT%H%M%SZ"))
    except ValueError:
        return False
    return abs(now - signed_at) <= WITHIN_SECONDS


class Posted(NamedTuple):
    """A request. Names of headers are in lower case; `path` is as received, without a query."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


def is_signed(given: Posted, secret: str, region: str, now: float) -> bool:
    """Whether the request is signed with `secret`, now."""
    method, path, headers, body = given
    found = _AUTHORIZATION.fullmatch(headers.get("authorization", ""))
    if found is None or not may_be_signed(headers, region, now):
        return False
    _, _, _, listed, signature = found.groups()
    names, at = listed.split(";"), headers["x-amz-date"]
    lines = "".join(f"{name}:{' '.join(headers.get(name, '').split())}\n" for name in names)
    digest = hashlib.sha256(body).hexdigest()
    canonical = f"{method}\n{quote(path, safe='/')}\n\n{lines}\n{listed}\n{digest}"
    expected = signature_of_request(canonical, secret, at, region, SERVICE)
    return hmac.compare_digest(expected, signature)

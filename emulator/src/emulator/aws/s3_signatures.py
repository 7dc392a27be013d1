"""The check of presigned requests of S3: signature, expiry, and the policy of a form.

moto checks none of it. The rules, and the codes of errors, are those of
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html,
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html and
https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html. There is no I/O here.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import time
from calendar import timegm
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from emulator.credentials import ACCESS_KEY, SECRET_KEY, WORKER

ALGORITHM = "AWS4-HMAC-SHA256"
LONGEST = 604_800  # seconds: "The maximum expiration time is seven days"
SKEW = 900.0  # seconds that the clock of who signs may be ahead
_QUERY = ("Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature")
_NEED_NO_SIGNATURE = {"x-amz-content-sha256"}  # of a request's x-amz- headers
_LONGEST_FIELDS = 20_480  # bytes before a form's file
_UNSIGNED_FIELDS = {"x-amz-signature", "file", "policy"}  # need no condition in the policy


class S3Error(Exception):
    """`code` is S3's."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


def check_query(
    method: str,
    path: str,
    query: Sequence[tuple[str, str]],
    headers: Mapping[str, str],
    now: float,
) -> None:
    """Raises S3Error if the request of a presigned URL is not to be served.

    `path` is as it came on the wire, the names of `headers` are in lower case, `now` is in epoch
    seconds.
    """
    values = {name.lower(): value for name, value in query}
    wanted = [f"X-Amz-{name}" for name in _QUERY]
    if missing := [name for name in wanted if name.lower() not in values]:
        raise _bad_query(f"Query-string authentication version 4 requires {', '.join(missing)}")
    if values["x-amz-algorithm"] != ALGORITHM:
        raise _bad_query(f"X-Amz-Algorithm only supports {ALGORITHM!r}")
    expires = values["x-amz-expires"]
    if not (expires.isascii() and expires.isdigit() and int(expires) <= LONGEST):
        raise _bad_query(f"X-Amz-Expires must be a number of seconds, at most {LONGEST}")
    names = values["x-amz-signedheaders"].split(";")
    if "host" not in names:
        raise _bad_query("X-Amz-SignedHeaders must have host")
    unsigned = [each for each in headers if each.startswith("x-amz-") and each not in names]
    if unsigned := sorted(set(unsigned) - _NEED_NO_SIGNATURE):
        message = "There were headers present in the request which were not signed"
        raise S3Error(403, "AccessDenied", f"{message}: {', '.join(unsigned)}")
    at = values["x-amz-date"]
    canonical = _canonical(method, path, query, headers, names)
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    credential = values["x-amz-credential"]
    scope = credential.partition("/")[2]
    _check_signature(
        credential, f"{ALGORITHM}\n{at}\n{scope}\n{digest}", values["x-amz-signature"], at
    )
    begins = _time(at)
    if begins - now > SKEW:
        raise S3Error(403, "AccessDenied", "Request is not yet valid")
    if now > begins + int(expires):
        raise S3Error(403, "AccessDenied", "Request has expired")


def _canonical(
    method: str,
    path: str,
    query: Sequence[tuple[str, str]],
    headers: Mapping[str, str],
    names: Sequence[str],
) -> str:
    """The canonical request, of whose headers those with `names` are signed."""
    text = "&".join(
        f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}"
        for name, value in sorted(query)
        if name.lower() != "x-amz-signature"
    )
    lines = "".join(f"{name}:{' '.join(headers.get(name, '').split())}\n" for name in names)
    hashed = headers.get("x-amz-content-sha256", "UNSIGNED-PAYLOAD")
    return f"{method}\n{path}\n{text}\n{lines}\n{';'.join(names)}\n{hashed}"


def check_form(bucket: str, fields: Mapping[str, str], size: int, now: float) -> None:
    """Raises S3Error if the form, with a file of `size` bytes, is not to be taken.

    `fields` are those before the file, as they came.
    """
    found = {name.lower(): value for name, value in fields.items()}
    if "key" not in found:
        raise S3Error(400, "InvalidArgument", "Bucket POST must contain a field named 'key'.")
    if not found["key"]:
        raise S3Error(400, "InvalidArgument", "User key must have a length greater than 0.")
    if sum(len(each.encode()) for field in fields.items() for each in field) > _LONGEST_FIELDS:
        message = "Your POST request fields preceding the upload file were too large."
        raise S3Error(400, "MaxPostPreDataLengthExceededError", message)
    signed = ("policy", "x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-signature")
    if missing := [name for name in signed if name not in found]:
        raise S3Error(403, "AccessDenied", f"Access Denied: the form has no {', '.join(missing)}")
    if found["x-amz-algorithm"] != ALGORITHM:
        raise S3Error(400, "InvalidArgument", f"X-Amz-Algorithm only supports {ALGORITHM!r}")
    _time(found["x-amz-date"])
    _check_signature(
        found["x-amz-credential"], found["policy"], found["x-amz-signature"], found["x-amz-date"]
    )
    policy = _policy(found["policy"])
    if now > _end(policy["expiration"]):
        raise _unmet("Policy expired.")
    _check_conditions(policy["conditions"], {**found, "bucket": bucket}, found, size)


def _check_conditions(
    conditions: Sequence[Any], values: Mapping[str, str], fields: Mapping[str, str], size: int
) -> None:
    named = set()
    for condition in conditions:
        if isinstance(condition, dict):
            parts = [("eq", name, value) for name, value in condition.items()]
        elif isinstance(condition, list) and len(condition) == 3:
            parts = [(str(condition[0]).lower(), condition[1], condition[2])]
        else:
            raise _bad_policy("a condition is an object, or a list of three")
        for match, name, value in parts:
            if match == "content-length-range":
                _check_size(size, _bytes(name), _bytes(value))
                continue
            field = str(name).removeprefix("$").lower()
            named.add(field)
            if match not in ("eq", "starts-with"):
                raise _bad_policy(f"there is no condition {match}")
            given = values.get(field)
            if match == "starts-with" and field == "content-type":
                # "values for a starts-with condition that include commas are interpreted as lists"
                met = given is not None and all(
                    _meets(match, each.strip(), str(value)) for each in given.split(",")
                )
            else:
                met = _meets(match, given, str(value))
            if not met:
                raise _unmet(f"Policy Condition failed: {json.dumps(condition)}")
    extra = {
        name
        for name in fields
        if name not in named | _UNSIGNED_FIELDS and not name.startswith("x-ignore-")
    }
    if extra:
        raise _unmet(f"Extra input fields: {', '.join(sorted(extra))}")


def _meets(match: str, found: str | None, wanted: str) -> bool:
    if found is None:
        return False
    return found == wanted if match == "eq" else found.startswith(wanted)


def _bytes(limit: Any) -> int:
    try:
        return int(limit)
    except (TypeError, ValueError):
        raise _bad_policy("content-length-range has two numbers") from None


def _check_size(size: int, least: int, most: int) -> None:
    if size > most:
        message = "Your proposed upload exceeds the maximum allowed size"
        raise S3Error(400, "EntityTooLarge", message)
    if size < least:
        message = "Your proposed upload is smaller than the minimum allowed size"
        raise S3Error(400, "EntityTooSmall", message)


def _check_signature(credential: str, text: str, signature: str, at: str) -> None:
    parts = credential.split("/")
    if len(parts) != 5 or parts[3:] != ["s3", "aws4_request"] or at[:8] != parts[1]:
        raise _bad_query("Error parsing the X-Amz-Credential parameter")
    access_key, day, region = parts[:3]
    if access_key != ACCESS_KEY and not WORKER.fullmatch(access_key):
        message = f"The emulator knows the secret of the access key {ACCESS_KEY!r} only."
        raise S3Error(403, "InvalidAccessKeyId", message)
    key = b"AWS4" + SECRET_KEY.encode()
    for part in (day, region, "s3", "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    expected = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected.encode(), signature.encode()):
        message = "The request signature we calculated does not match the signature you provided."
        raise S3Error(403, "SignatureDoesNotMatch", message)


def _policy(text: str) -> dict[str, Any]:
    try:
        policy = json.loads(base64.b64decode(text))
    except ValueError:
        raise _bad_policy("it is no JSON in base64") from None
    if not isinstance(policy, dict) or not {"expiration", "conditions"} <= policy.keys():
        raise _bad_policy("it has no expiration or no conditions")
    if not isinstance(policy["conditions"], list):
        raise _bad_policy("its conditions are no list")
    return policy


def _end(expiration: Any) -> float:
    """The time at which a policy expires, in ISO 8601 and GMT, as 2026-12-01T12:00:00.000Z: "POST
    policy", S3 API reference."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", str(expiration)):
        raise _bad_policy(f"expiration {expiration} is no time in GMT")
    try:
        return datetime.fromisoformat(str(expiration)).timestamp()
    except ValueError:
        raise _bad_policy(f"expiration {expiration} is no time in GMT") from None


def _time(text: str) -> float:
    try:
        return timegm(time.strptime(text, "%Y%m%dT%H%M%SZ"))
    except ValueError:
        raise _bad_query("X-Amz-Date must be in the format yyyyMMdd'T'HHmmss'Z'") from None


def _bad_query(message: str) -> S3Error:
    return S3Error(400, "AuthorizationQueryParametersError", message)


def _bad_policy(message: str) -> S3Error:
    return S3Error(400, "InvalidPolicyDocument", f"Invalid Policy: {message}.")


def _unmet(message: str) -> S3Error:
    return S3Error(403, "AccessDenied", f"Invalid according to Policy: {message}")

"""AWS Signature Version 4: the parts that every signature of it is made of, without I/O.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hashlib
import hmac
import time
from functools import lru_cache

ALGORITHM = "AWS4-HMAC-SHA256"

Credentials = tuple[str, str, str | None]  # access key, secret key, session token


def stamp(now: float) -> str:
    """A time (epoch seconds) as signatures have it; its first eight characters are the day."""
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))


def scope(day: str, region: str, service: str) -> str:
    return f"{day}/{region}/{service}/aws4_request"


def signature_of_request(
    canonical: str, secret_key: str, at: str, region: str, service: str
) -> str:
    """The signature of a canonical request; `at` is its `stamp`."""
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    text = f"{ALGORITHM}\n{at}\n{scope(at[:8], region, service)}\n{hashed}"
    return signature(text, secret_key, at[:8], region, service)


def signature(text: str, secret_key: str, day: str, region: str, service: str) -> str:
    key = _signing_key(secret_key, day, region, service)
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


@lru_cache(maxsize=8)
def _signing_key(secret_key: str, day: str, region: str, service: str) -> bytes:
    key = b"AWS4" + secret_key.encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key

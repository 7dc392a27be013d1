"""Presigned requests, with which clients put files into the bucket and get them out of it.

Signed by our own code, since making a client of botocore takes 0.4 s of CPU; a test compares the
signatures with botocore's. Nothing here calls S3. Why a form (POST) and not PUT:
docs/decisions/0046-files-in-s3.md.
"""

import base64
import json
import time
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import quote, urlencode, urlsplit

from lambdas.signing import (
    ALGORITHM,
    Credentials,
    scope,
    signature,
    signature_of_request,
    stamp,
)

SERVICE = "s3"
PREFIX = "files/"  # all that the roles may put and get (stacks/config/permissions.py)
CONTENT_TYPE = "application/octet-stream"  # ciphertext: no browser shows it as a page
# S3 looks at the time when a request arrives: one that has begun is finished. A URL ends sooner
# where the credentials that it is signed with end sooner:
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-presigned-url.html
UPLOAD_SECONDS = 900
DOWNLOAD_SECONDS = 300


class Upload(NamedTuple):
    """A form for `url`: its `fields`, and after them the file as the field `file`."""

    url: str
    fields: dict[str, str]


class Files:
    """The bucket of files.

    `url` is its address, https://<bucket>.s3.<region>.amazonaws.com or with the bucket in the path;
    `credentials` is called at each signature, because those of a container are replaced while it
    runs. Keys have only characters that a URL needs not escape.
    """

    def __init__(
        self,
        url: str,
        bucket: str,
        region: str,
        credentials: Callable[[], Credentials],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._url = url
        self._bucket = bucket
        self._region = region
        self._credentials = credentials
        self._clock = clock

    def upload(self, key: str, size: int) -> Upload:
        """A form that takes exactly `size` bytes, under this key and no other.

        https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
        """
        access_key, secret_key, token = self._credentials()
        now = self._clock()
        at = stamp(now)
        fields = {
            "key": key,
            "Content-Type": CONTENT_TYPE,
            "x-amz-algorithm": ALGORITHM,
            "x-amz-credential": f"{access_key}/{scope(at[:8], self._region, SERVICE)}",
            "x-amz-date": at,
            **({"x-amz-security-token": token} if token else {}),
        }
        ends = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now + UPLOAD_SECONDS))
        conditions: list[object] = [{"bucket": self._bucket}, ["content-length-range", size, size]]
        conditions += [{name: value} for name, value in fields.items()]
        document = json.dumps({"expiration": ends, "conditions": conditions})
        policy = base64.b64encode(document.encode()).decode()
        signed = signature(policy, secret_key, at[:8], self._region, SERVICE)
        return Upload(self._url, {**fields, "policy": policy, "x-amz-signature": signed})

    def download(self, key: str) -> str:
        """A URL that GET works with.

        https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
        """
        access_key, secret_key, token = self._credentials()
        at = stamp(self._clock())
        url = urlsplit(f"{self._url}/{key}")
        query = {
            "X-Amz-Algorithm": ALGORITHM,
            "X-Amz-Credential": f"{access_key}/{scope(at[:8], self._region, SERVICE)}",
            "X-Amz-Date": at,
            "X-Amz-Expires": str(DOWNLOAD_SECONDS),
            **({"X-Amz-Security-Token": token} if token else {}),
            "X-Amz-SignedHeaders": "host",
        }
        text = urlencode(query, quote_via=quote, safe="")
        # no body is signed, and the path is not escaped twice, unlike in other services
        canonical = f"GET\n{url.path}\n{text}\nhost:{url.netloc}\n\nhost\nUNSIGNED-PAYLOAD"
        signed = signature_of_request(canonical, secret_key, at, self._region, SERVICE)
        return f"{url.geturl()}?{text}&X-Amz-Signature={signed}"

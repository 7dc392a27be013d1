"""S3 for browsers and other clients that send requests without credentials of their own.

Presigned URLs, presigned forms and preflight requests. moto serves them without a look at their
signature, and forms of any size. What is signed in its headers goes to moto as all other calls do,
and nobody checks its signature. Buckets are named in the path; names as hosts are not supported.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from email.parser import BytesHeaderParser
from email.policy import HTTP
from typing import Any, NamedTuple
from urllib.parse import quote
from xml.sax.saxutils import escape

from aiohttp import web
from moto.core.request import Request as MotoRequest
from moto.s3.utils import metadata_from_headers

from emulator.aws import data_objects, s3_cors, s3_uploads
from emulator.aws.checks import s3 as checks
from emulator.aws.checks import s3_chunks
from emulator.aws.hooks import replace
from emulator.aws.permissions import Permissions
from emulator.aws.s3_signatures import S3Error, check_form, check_query
from emulator.template.place import url_suffix_of

FORM = "multipart/form-data"
DENIED = S3Error(403, "AccessDenied", "Access Denied")
_SIGNED_TWICE = S3Error(400, "InvalidArgument", "Only one auth mechanism allowed")
# What a bucket of the template may have and moto does not know, or is not given: "none" would be
# wrong. The template's policies are known to what checks calls: emulator.iam.
_NOT_SERVED = {
    "abac": "attribute-based access control",
    "analytics": "analytics configurations",
    "intelligent-tiering": "Intelligent-Tiering configurations",
    "inventory": "inventory configurations",
    "logging": "server access logs",
    "metadataConfiguration": "metadata tables",
    "metadataTable": "metadata tables",
    "metrics": "metrics configurations",
    "policy": "policies",
    "policyStatus": "policies",
}

Pass = Callable[[], web.Response]


class Part(NamedTuple):
    """A field of a form."""

    name: str
    content_type: str
    body: bytes


def install() -> None:
    """moto reads the bytes of an object whose Content-Type is a form's as that form, and stores
    nothing. Only what is posted is a form."""
    parsed = property(lambda self: self.method == "POST" and bool(self.environ.get("CONTENT_TYPE")))
    replace(MotoRequest, "want_form_data_parsed", parsed)


def respond(
    request: web.Request, body: bytes, to_moto: Pass, permissions: Permissions
) -> web.Response | None:
    """The response to a request without credentials for a bucket, and to one that puts what S3
    rejects; None to any other request."""
    name, _, key = request.path.lstrip("/").partition("/")
    bucket = data_objects.backend_of(name).buckets.get(name)
    if bucket is None or "X-Amz-Target" in request.headers:
        return None
    for asked in request.query.keys() & _NOT_SERVED.keys() if not key else ():
        what = f"the emulator does not serve {_NOT_SERVED[asked]} of s3"
        return error(S3Error(400, "NotServedByTheEmulator", what))
    if "Authorization" in request.headers:
        signed_twice = any(each.lower() == "x-amz-algorithm" for each in request.query)
        return error(_SIGNED_TWICE) if signed_twice else _rejected(request, bucket, key, body)
    cors = s3_cors.allowed(bucket.cors, request.headers, request.method)
    try:
        response = _response(request, bucket, body, to_moto, cors, permissions)
    except S3Error as found:
        response = error(found)
    if "Origin" in request.headers and cors:
        response.headers.update(cors)
    return response


def _rejected(request: web.Request, bucket: Any, key: str, body: bytes) -> web.Response | None:
    headers = {name.lower(): value for name, value in request.headers.items()}
    try:
        if request.method == "POST" and "delete" in request.query:
            checks.check_deletions(body)
        if key:
            s3_uploads.check(bucket, key, request.method, request.query, headers, body)
        if key and request.method == "PUT":
            s3_chunks.check_length(headers)
            checks.check_put(key, headers, body)
    except S3Error as found:
        return error(found)
    return None


def _response(
    request: web.Request,
    bucket: Any,
    body: bytes,
    to_moto: Pass,
    cors: dict[str, str] | None,
    permissions: Permissions,
) -> web.Response:
    now = time.time()
    if request.method == "OPTIONS":
        if cors is None:
            message = "CORSResponse: This CORS request is not allowed."
            raise S3Error(403, "AccessForbidden", message)
        return web.Response()
    if request.method == "POST" and request.content_type == FORM:
        return _take_form(request, bucket.name, body, now, permissions)
    if not any(name.lower() == "x-amz-signature" for name in request.query):
        raise DENIED
    headers = {name.lower(): value for name, value in request.headers.items()}
    path = request.raw_path.partition("?")[0]
    check_query(request.method, path, list(request.query.items()), headers, now)
    if denied := _rejected(request, bucket, request.path.lstrip("/").partition("/")[2], body):
        return denied
    return to_moto()


def _take_form(
    request: web.Request, bucket: str, body: bytes, now: float, permissions: Permissions
) -> web.Response:
    """Stores the file of a form. Fields after the file are ignored, as S3 does."""
    fields: dict[str, str] = {}
    for part in _parts(request.headers["Content-Type"], body):
        if part.name == "file":
            check_form(bucket, fields, len(part.body), now)
            found = {name.lower(): value for name, value in fields.items()}
            if denied := permissions.form_error(found, bucket):
                return web.Response(status=denied.status, headers=denied.headers, body=denied.body)
            return _store(bucket, fields, part.body)
        fields[part.name] = part.body.decode(errors="replace")
    raise S3Error(400, "InvalidArgument", "POST requires exactly one file upload per request.")


def _store(bucket: str, fields: dict[str, str], body: bytes) -> web.Response:
    found = {name.lower(): value for name, value in fields.items()}
    for name in ("success_action_redirect", "redirect", "acl", "tagging"):
        if name in found:
            raise S3Error(501, "NotImplemented", f"The emulator does not support the field {name}.")
    if "${filename}" in found["key"]:
        raise S3Error(501, "NotImplemented", "The emulator does not support ${filename}.")
    checks.check_put(found["key"], found, body)
    backend = data_objects.backend_of(bucket)
    key = backend.put_object(bucket, found["key"], body)
    metadata = metadata_from_headers(found)
    metadata.setdefault("Content-Type", "binary/octet-stream")
    key.set_metadata(metadata)
    status = found.get("success_action_status")
    if status == "201":
        region = backend.buckets[bucket].region_name
        return _created(bucket, found["key"], key.etag, url_suffix_of(region))
    return web.Response(status=200 if status == "200" else 204, headers={"ETag": key.etag})


def _created(bucket: str, key: str, etag: str, suffix: str) -> web.Response:
    """The document of a form whose success_action_status is 201: POST Object, API reference."""
    location = f"https://{bucket}.s3.{suffix}/{quote(key, safe='')}"
    parts = {"Location": location, "Bucket": bucket, "Key": key, "ETag": etag}
    inner = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in parts.items())
    return web.Response(
        status=201,
        text=f'<?xml version="1.0" encoding="UTF-8"?>\n<PostResponse>{inner}</PostResponse>',
        content_type="application/xml",
        headers={"ETag": etag, "Location": location},
    )


def _parts(content_type: str, body: bytes) -> list[Part]:
    """The fields of a form, RFC 7578: aiohttp's reader wants a stream, and this is all here."""
    parser = BytesHeaderParser(policy=HTTP)
    boundary = parser.parsebytes(f"Content-Type: {content_type}\r\n\r\n".encode()).get_boundary()
    if not boundary:
        raise S3Error(400, "MalformedPOSTRequest", "The form has no boundary.")
    found: list[Part] = []
    for piece in (b"\r\n" + body).split(f"\r\n--{boundary}".encode())[1:]:
        if piece.startswith(b"--"):
            return found
        head, _, content = piece.partition(b"\r\n\r\n")
        headers = parser.parsebytes(head.lstrip(b"\r\n") + b"\r\n\r\n")
        name = headers.get_param("name", "", "Content-Disposition")
        found.append(Part(str(name), headers.get_content_type(), content))
    raise S3Error(400, "MalformedPOSTRequest", "The form is not complete.")


def error(error: S3Error) -> web.Response:
    text = f"<Error><Code>{error.code}</Code><Message>{escape(error.message)}</Message></Error>"
    return web.Response(
        status=error.status,
        text=f'<?xml version="1.0" encoding="UTF-8"?>\n{text}',
        content_type="application/xml",
    )

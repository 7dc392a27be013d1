"""Calls of S3, whose operations are known by method, path and query.

Source: docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html, and
docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import unquote
from xml.etree import ElementTree

from emulator.iam.authority import Need
from emulator.iam.calls.call import Call

_OF_BUCKETS = {
    "accelerate": "AccelerateConfiguration",
    "acl": "BucketAcl",
    "cors": "BucketCORS",
    "encryption": "EncryptionConfiguration",
    "lifecycle": "LifecycleConfiguration",
    "location": "BucketLocation",
    "logging": "BucketLogging",
    "notification": "BucketNotification",
    "object-lock": "BucketObjectLockConfiguration",
    "ownershipControls": "BucketOwnershipControls",
    "policy": "BucketPolicy",
    "policyStatus": "BucketPolicyStatus",
    "publicAccessBlock": "BucketPublicAccessBlock",
    "replication": "ReplicationConfiguration",
    "requestPayment": "BucketRequestPayment",
    "tagging": "BucketTagging",
    "versioning": "BucketVersioning",
    "website": "BucketWebsite",
}
_DELETES = {"policy": "DeleteBucketPolicy", "website": "DeleteBucketWebsite"}  # the others put
_OF_OBJECTS = {
    "acl": "ObjectAcl",
    "legal-hold": "ObjectLegalHold",
    "retention": "ObjectRetention",
    "tagging": "ObjectTagging",
}
_OF_PUTS = {
    "x-amz-acl": "PutObjectAcl",
    "x-amz-grant-full-control": "PutObjectAcl",
    "x-amz-grant-read": "PutObjectAcl",
    "x-amz-grant-read-acp": "PutObjectAcl",
    "x-amz-grant-write-acp": "PutObjectAcl",
    "x-amz-object-lock-legal-hold": "PutObjectLegalHold",
    "x-amz-object-lock-mode": "PutObjectRetention",
    "x-amz-tagging": "PutObjectTagging",
}
"""What a put needs besides, by a header: "Permissions" in
docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html"""
_NEEDS_NOTHING = ("x-amz-acl", "bucket-owner-full-control")
"""The bucket policy that CloudTrail's user guide has for trails gives PutObject alone, on condition
of this header."""
_MOST_DELETED = 2 * 1024 * 1024
"""Bytes of XML that are read: its 1,000 keys of at most 1,024 bytes, and room for the elements.
docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html"""


def needs(call: Call, partition: str, body: bytes) -> list[Need]:
    bucket, _, key = call.path.lstrip("/").partition("/")
    if not bucket:
        return [Need("s3:ListAllMyBuckets", ("*",))]
    arn = f"arn:{partition}:s3:::{bucket}"
    if not key:
        return _of_bucket(call, arn, body)
    actions = [_action_on_object(call)]
    if call.method == "GET" and "attributes" in call.query:
        actions.append(actions[0] + "Attributes")
    if actions == ["PutObject"]:
        actions += dict.fromkeys(
            action
            for name, action in _OF_PUTS.items()
            if (value := call.headers.get(name)) and (name, value) != _NEEDS_NOTHING
        )
    found = [Need(f"s3:{each}", (f"{arn}/{key}",), lambda: _context(call)) for each in actions]
    if source := call.headers.get("x-amz-copy-source"):
        path, _, version = unquote(source).lstrip("/").partition("?versionId=")
        action = "s3:GetObjectVersion" if version else "s3:GetObject"
        found.append(Need(action, (f"arn:{partition}:s3:::{path}",), lambda: _context(call)))
    return found


def form_needs(partition: str, bucket: str, key: str) -> list[Need]:
    """The permissions of a presigned form, which puts one object."""
    return [Need("s3:PutObject", (f"arn:{partition}:s3:::{bucket}/{key}",))]


def list_need(partition: str, bucket: str) -> Need:
    """The permission without which a caller gets 403 for an object that does not exist, instead of
    404: docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html."""
    return Need("s3:ListBucket", (f"arn:{partition}:s3:::{bucket}",))


def _of_bucket(call: Call, arn: str, body: bytes) -> list[Need]:
    def one(action: str) -> list[Need]:
        return [Need(f"s3:{action}", (arn,), lambda: _context(call))]

    if "delete" in call.query and call.method == "POST":
        return [
            Need(f"s3:{action}", (f"{arn}/{key}",), lambda: _context(call))
            for action, key in _deleted(body)
        ]
    for name, action in _OF_BUCKETS.items():
        if name in call.query:
            if call.method == "DELETE" and name in _DELETES:
                return one(_DELETES[name])
            return one(("Get" if call.method == "GET" else "Put") + action)
    if "uploads" in call.query:
        return one("ListBucketMultipartUploads")
    if "versions" in call.query:
        return one("ListBucketVersions")
    return one({"PUT": "CreateBucket", "DELETE": "DeleteBucket"}.get(call.method, "ListBucket"))


def _deleted(body: bytes) -> list[tuple[str, str]]:
    """Actions and keys; what can't be read needs every object."""
    every = [("DeleteObject", "*"), ("DeleteObjectVersion", "*")]
    if len(body) > _MOST_DELETED:
        return every
    try:
        root = ElementTree.fromstring(body)  # noqa: S314  it is bounded; expat limits entities
    except ElementTree.ParseError:
        return every
    found = []
    for each in root.iterfind("{*}Object"):
        key, version = each.findtext("{*}Key"), each.findtext("{*}VersionId")
        if not key:
            return every
        found.append(("DeleteObjectVersion" if version else "DeleteObject", key))
    return found or every


def _action_on_object(call: Call) -> str:
    version = "Version" if "versionId" in call.query else ""
    verb = {"GET": "Get", "HEAD": "Get", "DELETE": "Delete"}.get(call.method, "Put")
    for name, action in _OF_OBJECTS.items():
        if name in call.query:
            return verb + action.replace("Object", f"Object{version}", 1)
    if "uploadId" in call.query and verb in ("Get", "Delete"):
        return "ListMultipartUploadParts" if verb == "Get" else "AbortMultipartUpload"
    if "restore" in call.query:
        return "RestoreObject"
    return f"{verb}Object{version if verb != 'Put' else ''}"


def _context(call: Call) -> Mapping[str, Sequence[str]]:
    found: dict[str, Sequence[str]] = {
        "s3:authtype": ["REST-QUERY-STRING" if call.presigned else "REST-HEADER"],
        "s3:signatureversion": ["AWS4-HMAC-SHA256"],
    }
    for name in ("prefix", "delimiter", "max-keys"):
        if name in call.query:
            found[f"s3:{name}"] = [call.query[name]]
    if acl := call.headers.get("x-amz-acl"):
        found["s3:x-amz-acl"] = [acl]
    return found

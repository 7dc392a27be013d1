"""S3 buckets, with their CORS and lifecycle rules."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from typing import Any

from emulator.providers import Created, EmulatorError, Resource
from emulator.resources.clients import Clients, accepted, physical_name
from emulator.template.place import partition_of, url_suffix_of

# docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
_LONGEST_NAME = 63
_NAME = re.compile(r"[a-z0-9](?!.*\.\.)[a-z0-9.-]{1,61}[a-z0-9]")
_ADDRESS = re.compile(r"\d+(\.\d+){3}")
_RESERVED_BEGINS = ("xn--", "sthree-", "amzn-s3-demo-")
_BLOCKS = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
_RESERVED_ENDS = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")
_OWNED = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}  # of new buckets


class BucketProvider:
    types = ("AWS::S3::Bucket",)

    def __init__(
        self,
        clients: Clients,
        region: str,
        origins: Callable[[str], list[str]] = lambda origin: [origin],
    ) -> None:
        """`origins` gives what stands on this machine for an origin that a CORS rule allows."""
        self._clients = clients
        self._origins = origins
        self._region = region

    async def create(self, resource: Resource, properties: dict[str, Any]) -> Created:
        """Raises EmulatorError for a name that S3 does not take."""
        return await asyncio.to_thread(self._create, resource, properties)

    def _create(self, resource: Resource, properties: dict[str, Any]) -> Created:
        client = self._clients("s3")
        name = properties.get("BucketName") or physical_name(resource, _LONGEST_NAME).lower()
        if not is_name(str(name)):
            raise EmulatorError(f"{resource}: S3 takes no bucket's name such as {name!r}")
        elsewhere = self._region != "us-east-1"  # which may not be named
        location = {"CreateBucketConfiguration": {"LocationConstraint": self._region}}
        client.create_bucket(Bucket=name, **(location if elsewhere else {}))
        if rules := [_lifecycle_rule(rule) for rule in _lifecycle(properties)]:
            client.put_bucket_lifecycle_configuration(
                Bucket=name, LifecycleConfiguration={"Rules": rules}
            )
        if rules := [self._cors_rule(rule) for rule in _cors(properties)]:
            client.put_bucket_cors(Bucket=name, CORSConfiguration={"CORSRules": rules})
        self._describe(client, name, properties)
        suffix = url_suffix_of(self._region)
        return Created(
            name,
            {
                "Arn": f"arn:{partition_of(self._region)}:s3:::{name}",
                "DomainName": f"{name}.s3.{suffix}",
                "RegionalDomainName": f"{name}.s3.{self._region}.{suffix}",
            },
        )

    def _describe(self, client: Any, name: str, properties: Mapping[str, Any]) -> None:
        """Sets what only describing calls show, with the defaults of new buckets:
        docs.aws.amazon.com/AmazonS3/latest/userguide/default-encryption-faq.html,
        .../access-control-block-public-access.html and .../about-object-ownership.html."""
        encryption = properties.get("BucketEncryption", {}).get("ServerSideEncryptionConfiguration")
        by_default = "ServerSideEncryptionByDefault"
        rules = [
            {"BucketKeyEnabled": rule.get("BucketKeyEnabled", False), f"Apply{by_default}": default}
            for rule in encryption or [{by_default: {"SSEAlgorithm": "AES256"}}]
            if (default := rule.get(by_default))
        ]
        given = {"ServerSideEncryptionConfiguration": {"Rules": rules}}
        if rules:
            client.put_bucket_encryption(
                Bucket=name, **accepted(client, "PutBucketEncryption", given)
            )
        blocks = dict.fromkeys(_BLOCKS, True)
        blocks |= properties.get("PublicAccessBlockConfiguration", {})
        blocked = {"PublicAccessBlockConfiguration": blocks}
        client.put_public_access_block(
            Bucket=name, **accepted(client, "PutPublicAccessBlock", blocked)
        )
        owned = properties.get("OwnershipControls") or _OWNED
        client.put_bucket_ownership_controls(Bucket=name, OwnershipControls=owned)
        if tags := properties.get("Tags"):
            tagging = accepted(client, "PutBucketTagging", {"Tagging": {"TagSet": tags}})
            client.put_bucket_tagging(Bucket=name, **tagging)

    def _cors_rule(self, rule: Mapping[str, Any]) -> dict[str, Any]:
        names = {"ExposedHeaders": "ExposeHeaders", "Id": "ID", "MaxAge": "MaxAgeSeconds"}
        made = {names.get(name, name): value for name, value in rule.items()}
        made["AllowedOrigins"] = [
            here for origin in rule["AllowedOrigins"] for here in self._origins(origin)
        ]
        if "MaxAgeSeconds" in made:
            made["MaxAgeSeconds"] = int(made["MaxAgeSeconds"])
        return made


def is_name(name: str) -> bool:
    """Whether a bucket may have it."""
    reserved = name.startswith(_RESERVED_BEGINS) or name.endswith(_RESERVED_ENDS)
    return bool(_NAME.fullmatch(name)) and not _ADDRESS.fullmatch(name) and not reserved


def _lifecycle(properties: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The lifecycle rules without those that only change the storage class, which only changes the
    price."""
    rules = properties.get("LifecycleConfiguration", {}).get("Rules", ())
    acts = {"AbortIncompleteMultipartUpload", "ExpirationInDays"}
    moves = {"Transition", "Transitions"}
    return [rule for rule in rules if acts & rule.keys() or not moves & rule.keys()]


def _cors(properties: Mapping[str, Any]) -> list[dict[str, Any]]:
    return list(properties.get("CorsConfiguration", {}).get("CorsRules", ()))


def _lifecycle_rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    """A lifecycle rule as the API has it. Uploads in parts are not swept: they end with the
    emulator."""
    made: dict[str, Any] = {
        "Status": rule["Status"],
        "Filter": {"Prefix": rule.get("Prefix", "")},
    }
    if "Id" in rule:
        made["ID"] = rule["Id"]
    if "ExpirationInDays" in rule:
        made["Expiration"] = {"Days": int(rule["ExpirationInDays"])}
    if "AbortIncompleteMultipartUpload" in rule:
        days = int(rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"])
        made["AbortIncompleteMultipartUpload"] = {"DaysAfterInitiation": days}
    return made

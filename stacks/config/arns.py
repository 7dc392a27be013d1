"""ARNs in a configuration: their form, region and account.

An ARN is arn:<partition>:<service>:<region>:<account>:<resource>
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from stacks.config.errors import require
from stacks.config.regions import partitions

ACCOUNT = r"[0-9]{12}"
_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_START = r"arn:(?P<partition>aws[a-z-]*):{service}:(?P<region>[a-z0-9-]+):(?P<account>{account}):"


@dataclass(frozen=True)
class Kind:
    """A kind of resource; `form` is its ARN as error messages show it."""

    pattern: re.Pattern[str]
    form: str


def _kind(service: str, resource: str, form: str) -> Kind:
    start = _START.format(service=service, account=ACCOUNT)
    return Kind(re.compile(f"{start}{resource}"), f"arn:aws:{service}:<region>:<account>:{form}")


# https://docs.aws.amazon.com/acm/latest/APIReference/API_DescribeCertificate.html
CERTIFICATE = _kind("acm", rf"certificate/{_UUID}", "certificate/<UUID>")
# A name has letters, digits and /_+=.@-, and Secrets Manager adds a hyphen and six characters.
# https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html
SECRET = _kind(
    "secretsmanager", r"secret:[A-Za-z0-9/_+=.@-]{1,512}-[A-Za-z0-9]{6}", "secret:<name>-<six>"
)
# Permissions name a key, not an alias; the id of a multi-Region key starts with mrk-.
# https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#key-id
KEY = _kind("kms", rf"key/(?:{_UUID}|mrk-[0-9a-f]{{32}})", "key/<key id>")
# The label of a stream is the time at which it was made.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
STREAM = _kind(
    "dynamodb",
    r"table/[A-Za-z0-9_.-]{3,255}/stream/[0-9T:.-]{10,40}",
    "table/<name>/stream/<time>",
)


@dataclass(frozen=True)
class NamedArn:
    """The ARN in the setting `field`, or None. `own_account`: the resource must belong to the
    environment's account."""

    field: str
    arn: str | None
    kind: Kind
    own_account: bool = True


def is_arn_of(kind: Kind, arn: str) -> bool:
    """Whether it has the form, with a region that is one of its partition's."""
    found = kind.pattern.fullmatch(arn)
    return found is not None and partitions().get(found["region"]) == found["partition"]


def check_region_and_account(
    named: Iterable[NamedArn], region: str | None, account: str | None
) -> None:
    """All ARNs are of the environment's region and account, or, where these are not set, of those
    of the first ARN."""
    where_region, where_account = "region", "account"
    for each in named:
        if each.arn is None:
            continue
        found = each.kind.pattern.fullmatch(each.arn)
        assert found is not None  # noqa: S101 - for the type checker: its own class checked it
        region, where_region = region or found["region"], where_region if region else each.field
        require(
            found["region"] == region,
            each.field,
            each.arn,
            f"it has to be of the environment's own region, which is {region} ({where_region})",
            f"Set {each.field} to the ARN of one there, or change {where_region}",
        )
        if not each.own_account:
            continue
        if account is None:
            account, where_account = found["account"], each.field
        require(
            found["account"] == account,
            each.field,
            each.arn,
            f"it has to be of the environment's own account, which is {account} ({where_account})",
            f"Set {each.field} to the ARN of one there, or change {where_account}",
        )

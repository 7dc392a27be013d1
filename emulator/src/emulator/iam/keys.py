"""The condition keys that requests have here, and those of them that never change for a role.

Source: docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html, and for
those of a service its page of docs.aws.amazon.com/service-authorization/latest/reference/.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable

from emulator.iam.documents import Policy, Statement

CONSTANT = {
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalisawsservice",
    "aws:principaltype",
    "aws:requestedregion",
    "aws:resourceaccount",
    "aws:securetransport",
    "aws:userid",
    "aws:viaawsservice",
}
"""Of a session; so are the tags of its role."""

ABSENT = {
    "aws:calledvia",
    "aws:calledviafirst",
    "aws:calledvialast",
    "aws:federatedprovider",
    "aws:multifactorauthage",
    "aws:multifactorauthpresent",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:principalservicename",
    "aws:principalservicenameslist",
    "aws:referer",
    "aws:sourceidentity",
    "aws:sourceorgid",
    "aws:sourceorgpaths",
    "aws:sourcevpc",
    "aws:sourcevpcarn",
    "aws:sourcevpce",
    "aws:username",
    "aws:vpcsourceip",
    "kms:viaservice",
}
"""Keys that a request of a role's session has in none of the cases that exist here."""

OF_REQUESTS = {
    "aws:currenttime",
    "aws:epochtime",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceip",
    "aws:useragent",
    "dynamodb:attributes",
    "dynamodb:enclosingoperation",
    "dynamodb:leadingkeys",
    "dynamodb:returnconsumedcapacity",
    "dynamodb:returnvalues",
    "dynamodb:select",
    "kms:messagetype",
    "kms:signingalgorithm",
    "s3:authtype",
    "s3:delimiter",
    "s3:max-keys",
    "s3:prefix",
    "s3:signatureversion",
    "s3:x-amz-acl",
    "secretsmanager:secretid",
    "secretsmanager:versionstage",
}

CHECKED = frozenset(
    (
        "cognito-idp",
        "dynamodb",
        "execute-api",
        "kms",
        "lambda",
        "s3",
        "secretsmanager",
        "sns",
        "sqs",
    )
)
"""The services whose calls are made here; what a policy says of others is never asked."""


def unsupported(policy: Policy) -> set[str]:
    """The condition keys by which the emulator could not decide a call that can be made here."""
    return {
        key
        for statement in policy
        if any(_about(statement, service) for service in CHECKED)
        for key in statement.keys
        if key not in CONSTANT | ABSENT | OF_REQUESTS and not key.startswith("aws:principaltag/")
    }


def constant(policies: Iterable[Policy]) -> bool:
    """Whether they decide every request for one action and resource in the same way."""
    known = CONSTANT | ABSENT
    return all(
        key in known or key.startswith("aws:principaltag/")
        for policy in policies
        for statement in policy
        for key in statement.keys
    )


def _about(statement: Statement, service: str) -> bool:
    named = [each.lower().partition(":")[0] for each in statement.actions]
    return statement.all_but_actions or any(fnmatch.fnmatchcase(service, each) for each in named)

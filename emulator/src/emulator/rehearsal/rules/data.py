"""Stateful resources that are replaced or dropped: what they hold goes, or nothing finds it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from emulator.rehearsal.changes import Act, Change, Deployment, StackUpdate
from emulator.rehearsal.findings import Finding, Kind

SECRET, GENERATED = "AWS::SecretsManager::Secret", "GenerateSecretString"
STATEFUL: Mapping[str, str] = {
    "AWS::Backup::BackupVault": "its copies",
    "AWS::Cognito::UserPool": "its users",
    "AWS::DynamoDB::GlobalTable": "its items",
    "AWS::DynamoDB::Table": "its items",
    "AWS::KMS::Key": "what it encrypts",
    "AWS::S3::Bucket": "its objects",
    "AWS::SQS::Queue": "its messages",
    SECRET: "its value",
}


def findings(deployment: Deployment) -> Iterator[Finding]:
    for update, change in deployment.changes(Act.CHANGED):
        if change.resource.type == SECRET and GENERATED in change.properties:
            yield from _generated(update, change)
    for update, change in deployment.changes(Act.REPLACED, Act.DELETED, Act.RETAINED):
        if change.resource.type in STATEFUL:
            yield _finding(update, change)
    for stack in deployment.left:
        for live in stack.resources.values():
            if live.type in STATEFUL:
                yield Finding(
                    Kind.DATA,
                    stack.name,
                    live.name,
                    f"its stack is no longer part of the app: it stays where it is with "
                    f"{STATEFUL[live.type]}, and nothing uses it",
                    "Keep the stack's name, account and region",
                )


def _generated(update: StackUpdate, change: Change) -> Iterator[Finding]:
    """https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/2210"""
    if change.after and change.after.properties.get(GENERATED) is not None:
        yield Finding(
            Kind.DATA,
            update.name,
            change.resource.name,
            f"a change of its {GENERATED} generates another value; who has the old one can't use "
            "it any more",
            "If that is meant, accept it by its name: --accept NAME",
        )


def _finding(update: StackUpdate, change: Change) -> Finding:
    live = change.resource
    holds = STATEFUL[live.type]
    if change.act is Act.REPLACED:
        retained = live.retained_when_replaced
        fate = (
            "stays in the account, and nothing uses it" if retained else f"is deleted with {holds}"
        )
        sentence = (
            f"it is replaced by a new, empty one, since {', '.join(change.because)} can't be "
            f"changed; the old one {fate}"
        )
    elif change.act is Act.RETAINED:
        sentence = (
            f"it leaves the stack and stays in the account with {holds}; a later deployment would "
            "make a new, empty one beside it"
        )
    else:
        sentence = f"it is deleted with {holds}"
    advice = "If that is meant, accept it by its name: --accept NAME"
    return Finding(Kind.DATA, update.name, live.name, sentence, advice)

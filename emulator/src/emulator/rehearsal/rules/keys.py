"""Tables whose users are rejected for a while, because they may not use the table's key.

DynamoDB uses a customer managed key in the name of who calls it, and asks KMS again once a table's
key was not used for five minutes. The table gets its key with its own stack, and a user gets the
permission for that key with the user's stack: in between, calls fail.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
https://repost.aws/knowledge-center/dynamodb-access-denied-exception
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from emulator.rehearsal.account import Account, DeployedStack, Live
from emulator.rehearsal.changes import Deployment
from emulator.rehearsal.findings import Finding, Kind

POLICIES = ("AWS::IAM::ManagedPolicy", "AWS::IAM::Policy", "AWS::IAM::Role")


def findings(deployment: Deployment) -> Iterator[Finding]:
    for update in deployment.updates:
        before = set(_denied(update.account))
        after = dict.fromkeys(_denied({**update.account, update.name: update.after}))
        new = [each for each in after if each not in before]
        for owner, table in dict.fromkeys((owner, table) for owner, table, _ in new):
            users = " and ".join(user for *place, user in new if place == [owner, table])
            change = f"{owner} is deployed" if users == update.name else "they are deployed, too"
            yield Finding(
                Kind.FELT,
                update.name,
                table,
                f"DynamoDB rejects the calls of {users}, without permission for its key, until "
                f"{change}",
            )


def _denied(account: Account) -> Iterator[tuple[str, str, str]]:
    """The table's stack, its name, and the stack of a user without permission for its key."""
    for owner in account.values():
        for table in owner.resources.values():
            key = _key(table)
            if key:
                for user in account.values():
                    if _lacks(user, table.ref, key):
                        yield owner.name, table.name, user.name


def _key(table: Live) -> str:
    encryption = table.properties.get("SSESpecification")
    if table.type != "AWS::DynamoDB::Table" or not isinstance(encryption, Mapping):
        return ""
    return str(encryption.get("KMSMasterKeyId", ""))


def _lacks(user: DeployedStack, table: str, key: str) -> bool:
    """Whether a policy of the stack names the table, and not the key."""
    policies = (live for live in user.resources.values() if live.type in POLICIES)
    return any(table in each.written and key not in each.written for each in policies)

"""Restored tables, and backups of those that serve."""

from dataclasses import replace

from tests.stacks.changes import BASE, RESTORED
from tests.stacks.shared_environments import CONTAINERS_ONLY
from tests.stacks.synthesized import Synthesize, Synthesized

SERVING = replace(BASE, restored=RESTORED, backup_days=90)


def _variables(made: Synthesized) -> dict[str, set[str]]:
    """The names of tables in all functions, by variable."""
    found: dict[str, set[str]] = {}
    for function in made.all("AWS::Lambda::Function"):
        for name, value in function.properties["Environment"]["Variables"].items():
            if name.endswith("_TABLE"):
                found.setdefault(name, set()).add(made.show(value))
    return found


def test_all_that_uses_a_table_uses_the_restored_one(synthesize: Synthesize) -> None:
    made = synthesize(SERVING)
    assert _variables(made) == {
        "CHATS_TABLE": {"chats-restored"},
        "USERS_TABLE": {"users-restored"},
        "TICKETS_TABLE": {"<Tickets>"},
    }
    mapping = made.one("AWS::Lambda::EventSourceMapping", "DeliveryWatch").properties
    assert mapping["EventSourceArn"] == RESTORED.chats_stream
    old = {"<Chats.Arn>", "<Chats.StreamArn>", "<Users.Arn>"}
    for policy in made.all("AWS::IAM::Policy"):
        for statement in policy.properties["PolicyDocument"]["Statement"]:
            listed = statement["Resource"]
            shown = {made.show(each) for each in (listed if isinstance(listed, list) else [listed])}
            assert not shown & old, policy.logical_id


def test_the_old_tables_stay_with_their_data_and_their_exports(synthesize: Synthesize) -> None:
    before, after = synthesize(BASE), synthesize(SERVING)
    assert before.all("AWS::DynamoDB::Table") == after.all("AWS::DynamoDB::Table")
    held = [
        {name for name, output in made.stacks["Data"]["Outputs"].items() if "Export" in output}
        for made in (before, after)
    ]
    assert held[0] <= held[1]


def test_backups_are_of_the_tables_that_serve_and_end(
    synthesize: Synthesize, prod: Synthesized
) -> None:
    made = synthesize(SERVING)
    (selection,) = made.all("AWS::Backup::BackupSelection")
    listed = selection.properties["BackupSelection"]["Resources"]
    assert [made.show(each).rpartition("/")[2] for each in listed] == [
        "chats-restored",
        "users-restored",
    ]
    (rule,) = made.one("AWS::Backup::BackupPlan").properties["BackupPlan"]["BackupPlanRule"]
    assert rule["Lifecycle"] == {"DeleteAfterDays": 90}
    vault = made.one("AWS::Backup::BackupVault")
    assert vault.body["DeletionPolicy"] == "RetainExceptOnCreate"
    assert made.show(vault.properties["EncryptionKeyArn"]) == "<Key.Arn>"
    assert vault.properties["BackupVaultName"] == "switchboard-prod-own-key"
    assert not prod.all("AWS::Backup::BackupVault")


def test_a_vault_with_aws_s_key_has_another_name(synthesize: Synthesize) -> None:
    vault = synthesize(CONTAINERS_ONLY).one("AWS::Backup::BackupVault").properties
    assert vault["BackupVaultName"] == "switchboard-dev-aws-key"

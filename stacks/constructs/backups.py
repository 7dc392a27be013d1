"""Daily backups of the tables in a vault of AWS Backup."""

from collections.abc import Iterable

from aws_cdk import Duration
from aws_cdk import aws_backup as backup
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_kms as kms
from constructs import Construct

from stacks.config.environments import Environment
from stacks.constructs.retention import removal_policy

HOUR = "3"  # UTC


class Backups(Construct):
    """In addition to point-in-time recovery, which goes back 35 days and ends with its table: a
    vault is retained without the tables, and its copies for `backup_days`.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        config: Environment,
        days: int,
        tables: Iterable[dynamodb.ITable],
        key: kms.IKey | None,
    ) -> None:
        super().__init__(scope, id)
        # The name that CDK would make up is the same for two projects. Another key is another
        # vault, and the old one's name is taken as long as it has copies.
        vault = backup.BackupVault(
            self,
            "Vault",
            backup_vault_name=f"{config.project}-{config.name}-{'own' if key else 'aws'}-key",
            encryption_key=key,
            removal_policy=removal_policy(config),
        )
        plan = backup.BackupPlan(
            self,
            "Plan",
            backup_plan_name=f"{config.project}-{config.name}",
            backup_vault=vault,
            backup_plan_rules=[
                backup.BackupPlanRule(
                    rule_name="daily",
                    schedule_expression=events.Schedule.cron(hour=HOUR, minute="0"),
                    start_window=Duration.hours(1),
                    completion_window=Duration.hours(8),
                    delete_after=Duration.days(days),
                )
            ],
        )
        plan.add_selection(
            "Tables",
            resources=[backup.BackupResource.from_dynamo_db_table(each) for each in tables],
        )

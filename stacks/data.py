"""The data stack: tables, keys, the bucket of files, and the user pool."""

from aws_cdk import Aws, CfnOutput, Duration
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from constructs import Construct

from stacks.config.environments import Environment
from stacks.config.restored import RESTORABLE
from stacks.config.tables import TABLES, TableRow, table_variable
from stacks.constructs.backups import Backups
from stacks.constructs.file_bucket import FileBucket
from stacks.constructs.grants import Resource
from stacks.constructs.retention import removal_policy
from stacks.stack import EnvironmentStack


class DataStack(EnvironmentStack):
    """The ids of what holds data never change: a new id would be a new, empty resource."""

    def __init__(self, scope: Construct, id: str, *, config: Environment) -> None:
        super().__init__(scope, id, config=config, description="Tables, keys, files, users")
        self._removal = removal_policy(config)
        self.key = self._key() if config.customer_managed_key else None
        self.web_push_key = self._web_push_key()
        made = {id: self._table(id, row) for id, row in TABLES.items()}
        self.tables = {id: self._serving(id, table) for id, table in made.items()}
        if config.backup_days is not None:
            Backups(
                self,
                "Backups",
                config=config,
                days=config.backup_days,
                tables=[self.tables[id] for id in RESTORABLE],
                key=self.key,
            )
        self.files = FileBucket(self, "Files", config=config)
        self.user_pool = self._user_pool()
        self.client = self._client()
        # the `iss` claim: docs.aws.amazon.com/cognito/latest/developerguide/
        # amazon-cognito-user-pools-using-the-access-token.html
        pool = self.user_pool.user_pool_id
        self.token_issuer = f"https://cognito-idp.{self.region}.{Aws.URL_SUFFIX}/{pool}"
        self.resources = {
            "files": self.files.resource,
            "user_pool": Resource((self.user_pool.user_pool_arn,)),
            "web_push_key": Resource((self.web_push_key.key_arn,)),
            **{
                id.lower(): Resource((table.table_arn,), self.key, "dynamodb")
                for id, table in self.tables.items()
            },
        }
        CfnOutput(self, "UserPoolId", value=self.user_pool.user_pool_id)

    def table_names(self) -> dict[str, str]:
        """The name of each table by the environment variable that has it."""
        return {table_variable(id): table.table_name for id, table in self.tables.items()}

    def _key(self) -> kms.Key:
        return kms.Key(
            self,
            "Key",
            alias=f"{self.config.project}-{self.config.name}",
            description=f"Tables and secrets of {self.config.project} {self.config.name}",
            enable_key_rotation=True,
            removal_policy=self._removal,
        )

    def _web_push_key(self) -> kms.Key:
        """Browsers subscribe with its public half: with another key, each has to subscribe anew.
        It is made in KMS, so nobody has ever seen the private one (VAPID, RFC 8292)."""
        return kms.Key(
            self,
            "WebPushKey",
            description=f"Web Push of {self.config.project} {self.config.name}",
            key_spec=kms.KeySpec.ECC_NIST_P256,
            key_usage=kms.KeyUsage.SIGN_VERIFY,
            removal_policy=self._removal,
        )

    def _table(self, id: str, row: TableRow) -> dynamodb.Table:
        """On demand: a chat's traffic can't be predicted, and idle environments cost nothing."""
        return dynamodb.Table(
            self,
            id,
            partition_key=_text(row.partition_key),
            sort_key=_text(row.sort_key) if row.sort_key else None,
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            time_to_live_attribute="expires_at",
            stream=dynamodb.StreamViewType.NEW_AND_OLD_IMAGES if row.stream else None,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=self.config.point_in_time_recovery
            ),
            encryption=(
                dynamodb.TableEncryption.CUSTOMER_MANAGED
                if self.key
                else dynamodb.TableEncryption.DEFAULT
            ),
            encryption_key=self.key,
            deletion_protection=self.config.deletion_protection,
            removal_policy=self._removal,
        )

    def _serving(self, id: str, table: dynamodb.Table) -> dynamodb.ITable:
        """The table, or the one that was restored in its place.

        The old table stays in the stack, and so do its exports: other stacks import them until they
        are deployed too.
        """
        name = self.config.restored.of(id)
        if name is None:
            return table
        for value in (table.table_name, table.table_arn, table.table_stream_arn):
            if value is not None:
                self.export_value(value)
        return dynamodb.Table.from_table_attributes(
            self,
            f"Restored{id}",
            table_name=name,
            table_stream_arn=self.config.restored.chats_stream if TABLES[id].stream else None,
            encryption_key=self.key,
        )

    def _user_pool(self) -> cognito.UserPool:
        """User names, and with `password_reset` an optional e-mail address. An address is used once
        it is confirmed, a changed one too: a mistyped one locks nobody out.
        """
        by_mail = self.config.password_reset
        return cognito.UserPool(
            self,
            "UserPool",
            sign_in_aliases=cognito.SignInAliases(username=True),
            sign_in_case_sensitive=False,
            self_sign_up_enabled=True,
            account_recovery=(
                cognito.AccountRecovery.EMAIL_ONLY if by_mail else cognito.AccountRecovery.NONE
            ),
            auto_verify=cognito.AutoVerifiedAttrs(email=True) if by_mail else None,
            keep_original=cognito.KeepOriginalAttrs(email=True) if by_mail else None,
            password_policy=cognito.PasswordPolicy(
                min_length=10,
                require_lowercase=True,
                require_uppercase=True,
                require_digits=True,
                require_symbols=True,
            ),
            feature_plan=cognito.FeaturePlan.LITE,
            deletion_protection=self.config.deletion_protection,
            removal_policy=self._removal,
        )

    def _client(self) -> cognito.UserPoolClient:
        """The API signs users in over TLS with their password, hence USER_PASSWORD_AUTH."""
        tokens = self.config.tokens
        return self.user_pool.add_client(
            "Client",
            auth_flows=cognito.AuthFlow(user_password=True),
            generate_secret=False,
            prevent_user_existence_errors=True,
            enable_token_revocation=True,
            access_token_validity=Duration.minutes(tokens.access_minutes),
            id_token_validity=Duration.minutes(tokens.access_minutes),
            refresh_token_validity=Duration.days(tokens.refresh_days),
            disable_o_auth=True,
        )


def _text(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)

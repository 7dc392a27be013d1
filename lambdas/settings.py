"""The only module that reads the environment and makes AWS clients.

Nothing happens at import: a handler calls `aws()` in its first invocation, and the execution
environment keeps the result.
"""

import os
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient

    from lambdas.connections import Connections
    from lambdas.files import Files
    from lambdas.log_level import LogLevel
    from lambdas.post_key import PostKey
    from lambdas.tables import Table


@dataclass(frozen=True)
class Settings:
    """The environment variables of a function. A missing one raises LookupError when it is read."""

    environment: Mapping[str, str]

    def __getitem__(self, name: str) -> str:
        try:
            return self.environment[name]
        except KeyError:
            raise LookupError(f"this function was deployed without {name}") from None

    def get(self, name: str, default: str = "") -> str:
        return self.environment.get(name, default)

    @property
    def region(self) -> str:
        return self["AWS_REGION"]

    @property
    def message_ttl_seconds(self) -> int:
        return int(self["MESSAGE_TTL_DAYS"]) * 86_400

    @property
    def sign_in_seconds(self) -> int:
        """How long tokens of a sign-in are valid: a refresh token, and the last access token that
        is made with it."""
        return int(self["SIGN_IN_SECONDS"])

    @property
    def retain_until_expiry(self) -> bool:
        """True keeps delivered messages until they expire instead of purging them."""
        return self["RETAIN_UNTIL_EXPIRY"] == "true"

    @property
    def password_reset(self) -> bool:
        """Whether users may reset a forgotten password by mail."""
        return self["PASSWORD_RESET"] == str(True).lower()

    @property
    def behind_cloudfront(self) -> bool:
        """Whether clients call CloudFront, and nobody else calls the load balancer."""
        return self.get("BEHIND_CLOUDFRONT") == str(True).lower()

    @property
    def direct_clients(self) -> bool:
        """Whether clients also reach this task past the Application Load Balancer, by a Network
        Load Balancer, which adds no header."""
        return self.get("DIRECT_CLIENTS") == str(True).lower()

    @property
    def file_mib(self) -> int:
        """The size of an encrypted file, at most."""
        return int(self["FILE_MIB"])

    @property
    def files_per_day(self) -> int:
        """How many files a user sends, and how much together, in MiB."""
        return int(self["FILES_PER_DAY"])

    @property
    def file_mib_per_day(self) -> int:
        return int(self["FILE_MIB_PER_DAY"])

    @property
    def jwks_url(self) -> str:
        """The address of the user pool's public keys, at Cognito or at an emulator."""
        emulator = self.get("AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER")
        pool = f"{emulator}/{self['USER_POOL_ID']}" if emulator else self.token_issuer
        return f"{pool}/.well-known/jwks.json"

    @property
    def token_issuer(self) -> str:
        """The issuer in Cognito's tokens, also in those of an emulator. The template sets it,
        because its domain depends on the partition."""
        return self["TOKEN_ISSUER"]


class CallLimits(NamedTuple):
    """How long a call to AWS may take: seconds for each try, and the number of tries."""

    connect: float
    read: float
    tries: int

    @property
    def longest(self) -> float:
        """Seconds that a call takes at most. The pauses are those of botocore's standard retry
        mode: up to 1, 2, 4 ... 20 s, and 5 s more where the service asks for them
        (docs.aws.amazon.com/boto3/latest/guide/retries.html, botocore/retries/standard.py)."""
        pauses = sum(min(2.0**number, 20.0) + 5 for number in range(self.tries - 1))
        return self.tries * (self.connect + self.read) + pauses


# A function that sends has a timeout of 6 s: the rule for holes in a chat's log depends on it.
WHILE_SOMEBODY_WAITS = CallLimits(connect=1, read=2, tries=2)
# Once a minute an invocation waits for this call before its own work; if the call fails, the level
# stays.
FOR_THE_LOG_LEVEL = CallLimits(connect=0.3, read=0.5, tries=1)
# SNS may check a credential with Google or Apple before it responds, and no client is waiting.
WHILE_DEPLOYING = CallLimits(connect=2, read=20, tries=3)


class Aws:
    """The AWS clients, tables and connections of a function, created when first used."""

    def __init__(self, settings: Settings, limits: CallLimits = WHILE_SOMEBODY_WAITS) -> None:
        self.settings = settings
        self.limits = limits

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def random(self, length: int) -> str:
        """Text of `length` random bytes that nobody can guess, for ids and tickets."""
        return secrets.token_urlsafe(length)

    @cached_property
    def background(self) -> "Executor":
        """For a call that runs beside another one.

        Never for writing a message: Lambda freezes a thread that outlives its invocation, and it
        would write during a later one.
        """
        from concurrent.futures import ThreadPoolExecutor

        return ThreadPoolExecutor(2, thread_name_prefix="beside")

    @cached_property
    def looked_at(self) -> dict[tuple[str, str], int]:
        """See `push_jobs.wake`: (user, chat) -> ms, as this execution environment has read it."""
        return {}

    @cached_property
    def _session(self) -> Any:
        # imported late: it takes 0.2 s of CPU, which a function without a client saves; boto3 would
        # add a fifth, for resources and transfers that are not used here
        from botocore.session import Session

        return Session()

    def _client(self, service: str, limits: CallLimits | None = None) -> Any:
        from botocore.config import Config

        limits = limits or self.limits
        # Without a name botocore builds the User-Agent twice for each call, of 28 parts; and it
        # compares each value of a request with the model, which AWS does again. Together they
        # take a sixth of a call's CPU.
        config = Config(
            user_agent="switchboard",
            parameter_validation=False,
            connect_timeout=limits.connect,
            read_timeout=limits.read,
            retries={"mode": "standard", "total_max_attempts": limits.tries},
            max_pool_connections=40,  # as many as a container has request threads
        )
        return self._session.create_client(service, self.settings.region, config=config)

    @cached_property
    def dynamodb(self) -> "DynamoDBClient":
        client: DynamoDBClient = self._client("dynamodb")
        return client

    @cached_property
    def sqs(self) -> "SQSClient":
        client: SQSClient = self._client("sqs")
        return client

    @cached_property
    def sns(self) -> "SNSClient":
        client: SNSClient = self._client("sns")
        return client

    @cached_property
    def cognito(self) -> "CognitoIdentityProviderClient":
        client: CognitoIdentityProviderClient = self._client("cognito-idp")
        return client

    @cached_property
    def secrets(self) -> "SecretsManagerClient":
        client: SecretsManagerClient = self._client("secretsmanager")
        return client

    @cached_property
    def kms(self) -> Any:
        return self._client("kms")

    @cached_property
    def cloudformation(self) -> Any:
        return self._client("cloudformation")

    @cached_property
    def load_balancing(self) -> Any:
        return self._client("elbv2")

    @cached_property
    def chats(self) -> "Table":
        return self._table("CHATS_TABLE")

    @cached_property
    def users(self) -> "Table":
        return self._table("USERS_TABLE")

    @cached_property
    def tickets(self) -> "Table":
        return self._table("TICKETS_TABLE")

    def _table(self, name: str) -> "Table":
        from lambdas.tables import Table

        return Table(self.dynamodb, self.settings[name])

    @cached_property
    def connections(self) -> "Connections":
        from lambdas.connections import Connections

        settings = self.settings
        url, region = settings["CONNECTIONS_URL"], settings.region
        if not settings.get("CONNECTIONS_KEY"):
            return Connections(url, region, self._credentials)
        key = self.post_key
        _ = key.values  # before there are threads: creating a client is not thread-safe
        return Connections(url, region, key.credentials, renew=key.renew)

    @cached_property
    def post_key(self) -> "PostKey":
        """Where tasks hold the sockets."""
        from lambdas.post_key import PostKey

        return PostKey(self._post_key)

    def _post_key(self, stage: str) -> str | None:
        secret = self.settings["CONNECTIONS_KEY"]
        try:
            found = self.secrets.get_secret_value(SecretId=secret, VersionStage=stage)
        except self.secrets.exceptions.ResourceNotFoundException:
            return None
        return found["SecretString"]

    @cached_property
    def files(self) -> "Files":
        from lambdas.files import Files

        settings = self.settings
        return Files(
            settings["FILES_URL"], settings["FILES_BUCKET"], settings.region, self._credentials
        )

    @cached_property
    def log_level(self) -> "LogLevel":
        from lambdas.log_level import LogLevel

        settings = self.settings
        parameter, level = settings.get("LOG_LEVEL_PARAMETER"), settings.get("LOG_LEVEL", "INFO")
        return LogLevel(parameter, level, lambda: self._ssm)

    @cached_property
    def _ssm(self) -> Any:
        return self._client("ssm", FOR_THE_LOG_LEVEL)

    def prepare(self) -> None:
        """Makes the clients of the tables and the queue that the function has."""
        if any(self.settings.get(name) for name in ("CHATS_TABLE", "USERS_TABLE", "TICKETS_TABLE")):
            _ = self.dynamodb
        if self.settings.get("PUSH_QUEUE_URL"):
            _ = self.sqs

    def _credentials(self) -> tuple[str, str, str | None]:
        # read at each signature, because a container's credentials are replaced while it runs
        frozen = self._session.get_credentials().get_frozen_credentials()
        return frozen.access_key, frozen.secret_key, frozen.token


@lru_cache(maxsize=1)
def aws() -> Aws:
    """This execution environment's clients and settings; tests clear the cache between theirs."""
    return Aws(Settings(os.environ))


def invoked() -> Aws:
    """`aws()` at the beginning of an invocation, with the log level read again if that is due."""
    found = aws()
    if found.settings.get("LOG_LEVEL_PARAMETER"):
        found.log_level.look(found.now())
    return found


def prepare() -> None:
    """Called where a handler is made: in Lambda's init phase, which has a time of its own, that of
    the first event does not count for it ("Initialize SDK clients outside of the function handler":
    docs.aws.amazon.com/lambda/latest/dg/best-practices.html). Elsewhere nothing is made.
    """
    if "AWS_LAMBDA_RUNTIME_API" in os.environ:
        aws().prepare()


@lru_cache(maxsize=1)
def deployment_aws() -> Aws:
    """The same for a function that only deployments call, with clients that wait longer."""
    return Aws(Settings(os.environ), WHILE_DEPLOYING)

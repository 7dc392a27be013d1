"""The only module that reads the environment and makes AWS clients.

Nothing happens at import: a handler asks for `aws()` inside its first invocation, and keeps what
it got for as long as the execution environment lives.
"""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient

    from lambdas.connections import Connections
    from lambdas.delivery.push_queue import PushQueue
    from lambdas.tables import Table


@dataclass(frozen=True)
class Settings:
    """What the template tells a function. A name it was not given raises when it is asked for."""

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
    def retain_until_expiry(self) -> bool:
        """True keeps delivered messages until they expire instead of purging them."""
        return self["RETAIN_UNTIL_EXPIRY"] == "true"

    @property
    def jwks_url(self) -> str:
        """The user pool's public keys, from Cognito or from what stands in for it."""
        default = f"https://cognito-idp.{self.region}.amazonaws.com"
        base = self.get("AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER", default)
        return f"{base}/{self['USER_POOL_ID']}/.well-known/jwks.json"

    @property
    def token_issuer(self) -> str:
        """Cognito's, also in the tokens of an emulator."""
        return f"https://cognito-idp.{self.region}.amazonaws.com/{self['USER_POOL_ID']}"


class Aws:
    """Everything of AWS that a function may use, made when it is first needed.

    A function that sends lives at most 6 s (the rule that closes holes in a chat's log depends on
    it), so no call may wait longer than that: 1 s to connect, 2 s to read, two tries.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    @cached_property
    def background(self) -> "Executor":
        """For a call that may run beside another one.

        Never for writing a message: a thread that outlives its invocation is frozen with it, and
        would write in a later one.
        """
        from concurrent.futures import ThreadPoolExecutor

        return ThreadPoolExecutor(2, thread_name_prefix="beside")

    @cached_property
    def _session(self) -> Any:
        # 0.2 s of CPU that a function without a client need not pay; boto3 would add a fifth to it
        # for resources and transfers that nobody here uses
        from botocore.session import Session

        return Session()

    def _client(self, service: str) -> Any:
        from botocore.config import Config

        config = Config(
            connect_timeout=1,
            read_timeout=2,
            retries={"mode": "standard", "total_max_attempts": 2},
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

        return Connections(
            self.settings["CONNECTIONS_URL"], self.settings.region, self._credentials
        )

    @cached_property
    def push_queue(self) -> "PushQueue":
        from lambdas.delivery.push_queue import PushQueue

        return PushQueue(self.sqs, self.settings["PUSH_QUEUE_URL"])

    def _credentials(self) -> tuple[str, str, str | None]:
        # asked for at each signature, for a container's credentials are replaced while it lives
        frozen = self._session.get_credentials().get_frozen_credentials()
        return frozen.access_key, frozen.secret_key, frozen.token


@lru_cache(maxsize=1)
def aws() -> Aws:
    """This execution environment's clients and settings; tests clear the cache between theirs."""
    return Aws(Settings(os.environ))

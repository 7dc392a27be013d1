"""The world of the REST tests: moto's AWS, people with devices, requests as the ALB sends them."""

import asyncio
import io
import json
import logging
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache, lru_cache
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple, cast

import boto3
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from moto.cognitoidp.models import cognitoidp_backends
from moto.core.models import DEFAULT_ACCOUNT_ID

from emulator.aws import cognito
from lambdas import frames
from lambdas.api import app
from lambdas.api.api import serve
from lambdas.api.app import create_app
from lambdas.keys import signatures
from lambdas.people.contacts import Contacts
from lambdas.presence.devices import Devices
from lambdas.settings import Aws, Settings
from lambdas.tables import Table
from lambdas.telemetry import logger
from stacks.config.tables import TABLES, table_variable
from tests.support.lambdas import documented
from tests.support.lambdas.connection_api import patient_posts
from tests.support.lambdas.events import http_request
from tests.support.lambdas.http_gateway import Gateway
from tests.support.lambdas.moto_aws import moto_aws

REGION = "us-east-1"
DUMMY = {
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_REGION": REGION,
    "AWS_DEFAULT_REGION": REGION,
    "AWS_EC2_METADATA_DISABLED": "true",
}

PASSWORD = "correct horse 7 Battery!"
NO_PAGE = Path(__file__).parent  # whether one was built makes no difference to the API's tests
CLIENTS = {"dynamodb": "dynamodb", "cognito": "cognito-idp", "sns": "sns", "kms": "kms"}


@cache
def session() -> Any:
    return boto3.Session("local", "local", region_name=REGION)


@cache
def client(service: str) -> Any:
    """Made once: making clients takes longer than most tests do with them."""
    return session().client(service)


@contextmanager
def mocked_aws(**settings: str) -> Iterator[Aws]:
    """Moto with the three tables, a user pool and platform applications, and an Aws over it."""
    cognito.install()
    with moto_aws():
        aws = Aws(Settings({**DUMMY, **create_resources(), **settings}))
        for name, service in CLIENTS.items():
            vars(aws)[name] = client(service)
        yield aws


def create_resources() -> dict[str, str]:
    """Makes what the stacks make; the environment that the template would give the Api."""
    dynamodb = client("dynamodb")
    for name, row in TABLES.items():
        create_table(dynamodb, name, row.keys)
    cognito = client("cognito-idp")
    pool = cognito.create_user_pool(
        PoolName="users",
        Policies={"PasswordPolicy": {"MinimumLength": 10}},
        AutoVerifiedAttributes=["email"],
        UserAttributeUpdateSettings={"AttributesRequireVerificationBeforeUpdate": ["email"]},
        AccountRecoverySetting={"RecoveryMechanisms": [{"Priority": 1, "Name": "verified_email"}]},
    )["UserPool"]["Id"]
    app_client = cognito.create_user_pool_client(
        UserPoolId=pool,
        ClientName="api",
        ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    )["UserPoolClient"]["ClientId"]
    return {
        **{table_variable(name): name for name in TABLES},
        "CONNECTIONS_URL": "http://127.0.0.1:9/dev",
        "WEBSOCKET_URL": "wss://api.example/dev",
        "USER_POOL_ID": pool,
        "USER_POOL_CLIENT_ID": app_client,
        "TOKEN_ISSUER": f"https://cognito-idp.{REGION}.amazonaws.com/{pool}",
        "FCM_APPLICATION_ARN": create_application("GCM"),
        "APNS_APPLICATION_ARN": create_application("APNS"),
        # a platform without a credential
        "APNS_SANDBOX_APPLICATION_ARN": f"arn:aws:sns:{REGION}:123456789012:app/APNS_SANDBOX/none",
        "VAPID_KEY": web_push_key(),
        "WEB_PUSH_CONTACT": "mailto:ops@example.com",
        "MESSAGE_TTL_DAYS": "30",
        "SIGN_IN_SECONDS": "2595600",
        "PASSWORD_RESET": "true",
        "FILES_BUCKET": "files",
        "FILES_URL": f"https://files.s3.{REGION}.amazonaws.com",
        "FILE_MIB": "64",
        "FILES_PER_DAY": "200",
        "FILE_MIB_PER_DAY": "512",
        "POOL_NAME": "lambda",
    }


def create_table(dynamodb: Any, name: str, keys: Sequence[str]) -> None:
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        KeySchema=[
            {"AttributeName": key, "KeyType": kind}
            for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)
        ],
    )


def web_push_key() -> str:
    made = client("kms").create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    return str(made["KeyMetadata"]["Arn"])


def create_application(platform: str) -> str:
    sns = client("sns")
    made = sns.create_platform_application(
        Name=f"test-{platform.lower()}", Platform=platform, Attributes={"PlatformCredential": "x"}
    )
    return str(made["PlatformApplicationArn"])


class OneAtATime:
    """A client whose calls do not overlap: moto's conditional writes are not atomic in threads."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._lock = threading.Lock()
        self.exceptions = client.exceptions

    def __getattr__(self, name: str) -> Callable[..., Any]:
        call = getattr(self._client, name)

        def locked(**request: Any) -> Any:
            with self._lock:
                return call(**request)

        return locked


def one_at_a_time(table: Table) -> Table:
    return Table(cast(Any, OneAtATime(table._client)), table.name)


class Phone:
    """A device's keys, and what it signs with them."""

    def __init__(self, user: str, device: str = "phone") -> None:
        self.user = user
        self.device = device
        self.private = Ed25519PrivateKey.generate()
        self.ed25519 = signatures.encode(self.private.public_key().public_bytes_raw())
        self.curve25519 = key(1)

    @property
    def address(self) -> str:
        return f"{self.user}/{self.device}"

    def sign(self, document: dict[str, Any]) -> str:
        return signatures.encode(self.private.sign(signatures.canonical(document)))

    def registration(self, **push: Any) -> dict[str, Any]:
        document = signatures.device_document(self.user, self.device, self.curve25519, self.ed25519)
        keys = {"curve25519": self.curve25519, "ed25519": self.ed25519}
        return {"keys": keys, "signature": self.sign(document), **push}

    def one_time_key(self, id: str, number: int) -> dict[str, str]:
        document = signatures.key_document(self.user, self.device, id, key(number), fallback=False)
        return {"key": key(number), "signature": self.sign(document)}

    def fallback_key(self, id: str, number: int) -> dict[str, str]:
        document = signatures.key_document(self.user, self.device, id, key(number), fallback=True)
        return {"id": id, "key": key(number), "signature": self.sign(document)}

    def one_time_keys(self, numbers: range) -> dict[str, dict[str, str]]:
        return {f"id{number}": self.one_time_key(f"id{number}", number) for number in numbers}


@lru_cache(maxsize=100)
def _signed(claims: str, key: rsa.RSAPrivateKey) -> str:
    """The token, which a user's next requests carry as well: to sign it takes a millisecond."""
    return jwt.encode(json.loads(claims), key, "RS256", {"kid": "own"})


class Reply(NamedTuple):
    status: int
    body: Any
    headers: dict[str, str]


class Rest:
    """The HTTP application behind a load balancer's Lambda target."""

    def __init__(self, aws: Aws, gateway: Gateway) -> None:
        self.aws = aws
        self.gateway = gateway
        self.app = create_app(aws, page=NO_PAGE)

    def deployed_with(self, **settings: str) -> "Rest":
        """The same application as another template would have configured it."""
        aws = Aws(Settings({**self.aws.settings.environment, **settings}))
        vars(aws).update({name: vars(self.aws)[name] for name in CLIENTS})
        return Rest(aws, self.gateway)

    def token(self, user: str, key: Any = None, **changes: Any) -> str:
        """An access token as the pool would make it."""
        settings = self.aws.settings
        claims = {
            "iss": settings.token_issuer,
            "client_id": settings["USER_POOL_CLIENT_ID"],
            "token_use": "access",
            "username": user,
            "exp": int(time.time()) + 600,
            **changes,
        }
        return _signed(json.dumps(claims), key or self.gateway.key)

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        user: str | None = None,
        raw: bytes | None = None,
        query: Mapping[str, str] = {},
        headers: Mapping[str, str] = {},
    ) -> Reply:
        """What the client behind the load balancer sees; checked against the schemas."""
        sent = dict(headers)
        if user is not None:
            sent["authorization"] = f"Bearer {self.token(user)}"
        data = raw if raw is not None else b"" if body is None else text_of(body).encode()
        response = serve(self.app, http_request(method, path, data, sent, query), None)
        assert "headers" not in response  # the target group has multi value headers
        got = {name: values[-1] for name, values in response["multiValueHeaders"].items()}
        assert not response["isBase64Encoded"]
        reply = Reply(
            response["statusCode"], json.loads(response["body"]) if response["body"] else None, got
        )
        check(method, path, reply)
        return reply

    def sign_up(self, *names: str) -> list[str]:
        """Users of one test's own, without the way through Cognito, who know each other."""
        users = self.strangers(*names)
        for user in users:
            for other in set(users) - {user}:
                Contacts(self.aws.users).add(user, other)
        return users

    def strangers(self, *names: str) -> list[str]:
        """Users as sign-up leaves them: nobody's contacts."""
        users = [new_name(name) for name in names]
        pool = self.aws.settings["USER_POOL_ID"]
        cognito = cognitoidp_backends[DEFAULT_ACCOUNT_ID][REGION]  # past moto's API, which is slow
        for user in users:
            cognito.admin_create_user(pool, user, "", PASSWORD, [])
            cognito.admin_set_user_password(pool, user, PASSWORD, permanent=True)
            Devices(self.aws.users).create_user(user)
        return users

    def phone(self, user: str, device: str = "phone", **push: Any) -> Phone:
        """A registered device."""
        phone = Phone(user, device)
        path = f"/api/devices/{device}"
        assert self.request("PUT", path, phone.registration(**push), user=user).status == 200
        return phone

    def connect(self, phone: Phone) -> list[dict[str, Any]]:
        """Opens a connection of the device; the frames it receives."""
        connection = f"connection-of-{phone.user}-{phone.device}"
        frames = self.gateway.received.setdefault(connection, [])
        Devices(self.aws.users).connect(
            phone.user, phone.device, connection, int(time.time() * 1000)
        )
        return frames


@cache
def responses() -> list[tuple[str, re.Pattern[str], str]]:
    """Method, path and schema of each route's response, by the title of the schema."""
    found = []
    for file in sorted((frames.SCHEMAS / "rest").glob("*.response.json")):
        method, _, path = json.loads(file.read_text())["title"].partition(" ")
        pattern = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path.partition("?")[0]))
        found.append((method, re.compile(pattern), f"rest/{file.stem}"))
    return found


def check(method: str, path: str, reply: Reply) -> None:
    """Holds every reply against the protocol's schema, and against what all of them have."""
    assert reply.headers["x-served-by"].startswith("lambda/")
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    if reply.status == 204:
        assert reply.body is None
        return
    assert reply.headers["content-type"] == "application/json"
    if reply.status >= 400:
        documented.require("rest/error.response", reply.body)
        wait = {"retry_after"} if reply.status == 429 else set()
        assert set(reply.body["error"]) == {"code", "message"} | wait
        return
    (name,) = (
        name
        for its_method, pattern, name in responses()
        if its_method == method and pattern.fullmatch(path)
    )
    documented.require(name, reply.body)


async def _at_once(act: Callable[..., Any], *given: Any) -> Any:
    """Each request has an event loop of its own, and would start a thread in it for one call.

    A test may make a request in the midst of another one, as one that comes from elsewhere."""
    loop = asyncio.get_running_loop()
    asyncio._set_running_loop(None)
    asyncio.set_event_loop(None)  # then Mangum makes one
    try:
        return act(*given)
    finally:
        with suppress(RuntimeError):  # none was made
            asyncio.get_event_loop().close()
        asyncio.set_event_loop(loop)
        asyncio._set_running_loop(loop)


@contextmanager
def rest(**settings: str) -> Iterator[Rest]:
    """The REST application over moto; `settings` are variables of its environment."""
    gateway = Gateway()
    try:
        services = mocked_aws(
            CONNECTIONS_URL=f"{gateway.url}/dev",
            AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER=gateway.url,
            **settings,
        )
        with patient_posts(), services as aws, pytest.MonkeyPatch.context() as patch:
            patch.setattr(app, "run_in_threadpool", _at_once)
            yield Rest(aws, gateway)
    finally:
        gateway.stop()


@contextmanager
def written_log() -> Iterator[io.StringIO]:
    """What the code under test logs meanwhile, as it would stand in CloudWatch."""
    handler = cast(logging.StreamHandler[Any], logger.registered_handler)
    log = io.StringIO()
    before = handler.setStream(log)
    try:
        yield log
    finally:
        handler.setStream(before or sys.stdout)


_numbers = count(1)


def new_name(name: str) -> str:
    """A user of one test's own, in tables that the tests of a file share."""
    return f"{name}_{next(_numbers)}"


def key(number: int) -> str:
    """32 bytes that stand for a public key."""
    return signatures.encode(number.to_bytes(32, "big"))


def text_of(document: Any) -> str:
    return json.dumps(document, ensure_ascii=False)

from typing import Any

import pytest

from lambdas import settings
from lambdas.settings import (
    FOR_THE_LOG_LEVEL,
    WHILE_DEPLOYING,
    WHILE_SOMEBODY_WAITS,
    Aws,
    CallLimits,
    Settings,
)
from tests.support.lambdas.rest import DUMMY

ISSUER = "https://cognito-idp.cn-north-1.amazonaws.com.cn/cn-north-1_pool"
POOL = {"USER_POOL_ID": "cn-north-1_pool", "TOKEN_ISSUER": ISSUER}
EMULATOR = "http://127.0.0.1:5000"


@pytest.mark.parametrize(
    ("more", "keys"),
    [
        ({}, f"{ISSUER}/.well-known/jwks.json"),
        (
            {"AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER": EMULATOR},
            f"{EMULATOR}/cn-north-1_pool/.well-known/jwks.json",
        ),
    ],
)
def test_tokens_are_cognito_s_and_their_keys_come_from_whatever_stands_for_it(
    more: dict[str, str], keys: str
) -> None:
    settings = Settings({**POOL, **more})
    assert settings.token_issuer == ISSUER
    assert settings.jwks_url == keys


@pytest.mark.parametrize(
    ("aws", "limits"),
    [
        (Aws(Settings(DUMMY)), (1, 2, 2)),
        (Aws(Settings(DUMMY), WHILE_DEPLOYING), (2, 20, 3)),
    ],
    ids=["while somebody waits", "while deploying"],
)
def test_a_client_waits_as_long_as_its_caller_can(
    aws: Aws, limits: tuple[float, float, int]
) -> None:
    config: Any = aws.sns.meta.config
    tries = config.retries["total_max_attempts"]
    assert (config.connect_timeout, config.read_timeout, tries) == limits


@pytest.mark.parametrize("limits", [WHILE_SOMEBODY_WAITS, WHILE_DEPLOYING])
def test_an_ssm_that_does_not_respond_takes_less_than_a_second_of_an_invocation(
    limits: CallLimits,
) -> None:
    assert FOR_THE_LOG_LEVEL.longest < 1
    config: Any = Aws(Settings(DUMMY), limits)._ssm.meta.config
    tries = config.retries["total_max_attempts"]
    assert (config.connect_timeout, config.read_timeout, tries) == FOR_THE_LOG_LEVEL


def test_the_longest_call_is_all_tries_and_all_pauses() -> None:
    assert CallLimits(connect=1, read=2, tries=1).longest == 3
    assert WHILE_SOMEBODY_WAITS.longest == 2 * 3 + (1 + 5)
    assert WHILE_DEPLOYING.longest == 3 * 22 + (1 + 5) + (2 + 5)


def test_in_lambda_the_clients_of_a_function_are_made_before_its_first_event(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[str] = []
    monkeypatch.setattr(Aws, "_client", lambda _self, service: made.append(service))
    monkeypatch.setenv("USERS_TABLE", "Users")
    settings.aws.cache_clear()
    settings.prepare()
    assert made == []
    monkeypatch.setenv("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001")
    settings.prepare()
    assert made == ["dynamodb"]
    monkeypatch.setenv("PUSH_QUEUE_URL", "https://queue.example")
    settings.aws.cache_clear()
    settings.prepare()
    assert made == ["dynamodb", "dynamodb", "sqs"]
    settings.aws.cache_clear()
